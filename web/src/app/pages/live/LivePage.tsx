import { Button, SegmentedControl } from "@mantine/core";
import { useMemo } from "react";
import { Link, useSearchParams } from "wouter";
import { HERE, useFormats } from "../../formats";
import { Icon } from "../../ui/icons";
import { PageHeader } from "../../ui/PageHeader";
import { Loaded, Message } from "../../ui/states";
import { useAge, useSeconds } from "./age";
import { type Camera, type Room, useAlerts, useCameras, useRooms } from "./data";
import { gradeOf } from "./health";
import styles from "./live.module.css";
import { Doubt, Fill, Health, InOut, LinkState, People } from "./parts";
import { KINDS, type Kind, type Place, type Places, placesOf, sumOf } from "./places";
import { type Live, useLive } from "./stream";
import { useLiveText } from "./texts";
import { Wall } from "./Wall";

const NO_ROOMS: ReadonlyMap<number, Room> = new Map();

export default function LivePage() {
  const t = useLiveText();
  const live = useLive();
  const cameras = useCameras();
  const rooms = useRooms();
  const [search, setSearch] = useSearchParams();
  const asked = search.get("by");
  const kind = KINDS.find((one) => one === asked) ?? "room";
  const show = (by: string, wall: boolean) =>
    setSearch({ by, ...(wall && { wall: "1" }) }, { replace: true });
  return (
    <>
      <PageHeader title={t("live.title")} description={t("live.description")}>
        <Button
          component={Link}
          href="/history"
          variant="default"
          leftSection={<Icon name="history" size={18} />}
        >
          {t("history.title")}
        </Button>
        <Button
          variant="default"
          leftSection={<Icon name="device" size={18} />}
          onClick={() => show(kind, true)}
        >
          {t("live.wall")}
        </Button>
      </PageHeader>
      <Loaded query={cameras}>
        {(found) => (
          <Board
            equipment={found}
            rooms={rooms.data ?? NO_ROOMS}
            live={live}
            kind={kind}
            show={(by) => show(by, false)}
            leaveWall={search.has("wall") ? () => show(kind, false) : undefined}
          />
        )}
      </Loaded>
    </>
  );
}

interface BoardProps {
  equipment: readonly Camera[];
  rooms: ReadonlyMap<number, Room>;
  live: Live;
  kind: Kind;
  show: (kind: Kind) => void;
  leaveWall: (() => void) | undefined;
}

function Board({ equipment, rooms, live, kind, show, leaveWall }: BoardProps) {
  const t = useLiveText();
  const places = useMemo(() => placesOf(equipment, rooms, live), [equipment, rooms, live]);
  const isOld = live.link === "cut";
  if (places.camera.length === 0) {
    return (
      <Message icon="camera" title={t("live.none")}>
        <p>{t("live.noneText")}</p>
        <Button component={Link} href="/cameras">
          {t("cameras.title")}
        </Button>
      </Message>
    );
  }
  return (
    <>
      <LinkState live={live} />
      <Summary live={live} places={places} />
      <div className={styles.by}>
        <SegmentedControl
          aria-label={t("live.by")}
          value={kind}
          onChange={(value) => show(value as Kind)}
          data={KINDS.map((value) => ({ value, label: t(`live.${value}`) }))}
        />
      </div>
      <ul className={styles.tiles}>
        {places[kind].map((place) => (
          <Tile key={place.key} place={place} isOld={isOld} />
        ))}
      </ul>
      {leaveWall && <Wall places={places[kind]} live={live} leave={leaveWall} />}
    </>
  );
}

function Summary({ live, places }: { live: Live; places: Places }) {
  const t = useLiveText();
  const alerts = useAlerts();
  const { facility } = live;
  const open = alerts.data?.length;
  const troubles = places.camera.filter((one) => gradeOf(one.condition) !== "good").length;
  const counts = places.building.flatMap(({ count }) => count ?? []);
  const count = facility && { ...sumOf(counts), people: facility.facility_occupancy };
  return (
    <section className={styles.summary} aria-label={t("live.inside")}>
      <div className={styles.total}>
        <h2>{t("live.inside")}</h2>
        <People count={count} isOld={live.link === "cut"} />
      </div>
      <InOut
        entries={facility?.total_entries_all_cameras ?? 0}
        exits={facility?.total_exits_all_cameras ?? 0}
      />
      <Link href="/cameras" className={styles.note} data-grade={troubles > 0 ? "warn" : "good"}>
        <Icon name={troubles > 0 ? "camera" : "check"} />
        {troubles > 0 ? t("live.troubles", { count: troubles }) : t("live.noTroubles")}
      </Link>
      {open !== undefined && (
        <Link href="/alerts" className={styles.note} data-grade={open > 0 ? "bad" : "good"}>
          <Icon name={open > 0 ? "alert" : "check"} />
          {open > 0 ? t("live.alerts", { count: open }) : t("live.noAlerts")}
        </Link>
      )}
    </section>
  );
}

function Tile({ place, isOld }: { place: Place; isOld: boolean }) {
  const t = useLiveText();
  const { number } = useFormats();
  const { count, limit, cameras, condition } = place;
  const grade = gradeOf(condition);
  const name = place.name || t("live.noPlace");
  const [camera] = cameras;
  // Without its camera a count is what was last known.
  const isUnsure = isOld || grade === "bad";
  return (
    <li className={styles.tile} data-grade={grade}>
      <div className={styles.tileHead}>
        <h3>
          {camera && cameras.length === 1 ? (
            <Link href={`/cameras/${camera.id}`}>{name}</Link>
          ) : (
            name
          )}
        </h3>
        <p>
          <bdi>{place.where}</bdi>
          {cameras.length > 1 && (
            <>
              {place.where && " · "}
              <bdi>{t("live.cameras", { count: cameras.length })}</bdi>
            </>
          )}
        </p>
      </div>
      <div className={styles.tileCount}>
        <People count={count} isOld={isUnsure} />
        {limit !== undefined && (
          <span className={styles.of}>{t("live.limit", { limit: number(limit) })}</span>
        )}
      </div>
      {limit !== undefined && <Fill people={count?.people ?? 0} limit={limit} />}
      <InOut entries={place.entries} exits={place.exits} />
      <p className={styles.tileFoot}>
        <Health condition={condition} />
        {count && <Doubt count={count} />}
        {count && <Changed at={count.changedAt} />}
      </p>
    </li>
  );
}

function Changed({ at }: { at: number }) {
  const t = useLiveText();
  const formats = useFormats();
  const age = useAge();
  const now = useSeconds();
  return (
    <time dateTime={new Date(at).toISOString()} title={formats.dateTime(at, HERE)}>
      {t("live.changed", { age: age(at, now) })}
    </time>
  );
}
