import { Button, Checkbox, TextInput } from "@mantine/core";
import { useState } from "react";
import { Link } from "wouter";
import { useFormats } from "../../formats";
import { Icon } from "../../ui/icons";
import { PageHeader } from "../../ui/PageHeader";
import { Loaded, Message } from "../../ui/states";
import { CameraForm } from "./CameraForm";
import { type Camera, type Room, useCameras, useRooms } from "./data";
import { conditionOf, gradeOf } from "./health";
import styles from "./live.module.css";
import { Health } from "./parts";
import { type Live, useLive } from "./stream";
import { useLiveText } from "./texts";

const GRADES = ["bad", "warn", "good", "off"];

export default function CamerasPage() {
  const t = useLiveText();
  const query = useCameras();
  const rooms = useRooms();
  const live = useLive();
  const [words, setWords] = useState("");
  const [isAll, setAll] = useState(false);
  const [isMaking, setMaking] = useState(false);
  const make = (
    <Button leftSection={<Icon name="plus" size={18} />} onClick={() => setMaking(true)}>
      {t("cameras.new")}
    </Button>
  );
  const wanted = words.trim().toLocaleLowerCase();
  const isWanted = (camera: Camera) => {
    const room = camera.room_id === null ? undefined : rooms.data?.get(camera.room_id);
    const said = [
      camera.camera_name,
      camera.camera_id,
      camera.location,
      camera.edge_id,
      room?.name,
      room?.building,
    ];
    return (isAll || camera.is_active) && said.join(" ").toLocaleLowerCase().includes(wanted);
  };
  return (
    <>
      <PageHeader title={t("cameras.title")} description={t("cameras.description")}>
        {make}
      </PageHeader>
      <Loaded query={query}>
        {(cameras) => {
          if (cameras.length === 0) {
            return (
              <Message icon="camera" title={t("cameras.none")}>
                <p>{t("cameras.noneText")}</p>
              </Message>
            );
          }
          // What needs somebody comes first.
          const shown = cameras
            .filter(isWanted)
            .toSorted(
              (one, other) =>
                GRADES.indexOf(gradeOf(conditionOf(one))) -
                  GRADES.indexOf(gradeOf(conditionOf(other))) ||
                one.camera_name.localeCompare(other.camera_name, undefined, { numeric: true }),
            );
          return (
            <>
              <div className={styles.filters}>
                <TextInput
                  label={t("cameras.search")}
                  placeholder={t("cameras.searchHint")}
                  leftSection={<Icon name="search" size={18} />}
                  value={words}
                  onChange={(event) => setWords(event.currentTarget.value)}
                />
                <Checkbox
                  label={t("cameras.inactive")}
                  checked={isAll}
                  onChange={(event) => setAll(event.currentTarget.checked)}
                />
              </div>
              {shown.length === 0 ? (
                <Message icon="search" title={t("cameras.notFound")} />
              ) : (
                <ul className={styles.rows}>
                  {shown.map((camera) => (
                    <Row
                      key={camera.id}
                      camera={camera}
                      room={camera.room_id === null ? undefined : rooms.data?.get(camera.room_id)}
                      live={live}
                    />
                  ))}
                </ul>
              )}
            </>
          );
        }}
      </Loaded>
      {isMaking && <CameraForm camera={undefined} onClose={() => setMaking(false)} />}
    </>
  );
}

interface RowProps {
  camera: Camera;
  room: Room | undefined;
  live: Live;
}

function Row({ camera, room, live }: RowProps) {
  const t = useLiveText();
  const { number } = useFormats();
  const condition = conditionOf(camera);
  const count = live.cameras.get(camera.id);
  const where = room ? `${room.name} · ${room.building}` : camera.location;
  return (
    <li className={styles.row} data-grade={gradeOf(condition)}>
      <div className={styles.rowName}>
        <h2>
          <Link href={`/cameras/${camera.id}`}>{camera.camera_name}</Link>
        </h2>
        <p>
          <bdi>{camera.camera_id}</bdi>
          {where && (
            <>
              {" · "}
              <bdi>{where}</bdi>
            </>
          )}
        </p>
      </div>
      <p className={styles.rowFacts}>
        <span>{t("cameras.lines", { count: camera.lines.length })}</span>
        <span>
          {camera.edge_id ? t("cameras.edge", { edge: camera.edge_id }) : t("cameras.noEdge")}
        </span>
      </p>
      <Health condition={condition} />
      <p className={styles.rowCount}>
        <span>{t("cameras.now")}</span>
        <strong>{count && camera.is_active ? number(count.people) : "–"}</strong>
      </p>
    </li>
  );
}
