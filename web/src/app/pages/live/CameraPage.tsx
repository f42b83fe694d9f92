import { Button } from "@mantine/core";
import { useState } from "react";
import { Link, useParams } from "wouter";
import { useErrorWords } from "../../errors";
import { useFormats } from "../../formats";
import { useAppText } from "../../texts";
import { Icon } from "../../ui/icons";
import { Modal } from "../../ui/Modal";
import { PageHeader } from "../../ui/PageHeader";
import { Loaded, Message } from "../../ui/states";
import { toast } from "../../ui/toast";
import { useAge, useSeconds } from "./age";
import { CameraForm } from "./CameraForm";
import { type Camera, useCameras, useRooms, useSaveCamera } from "./data";
import { Headcount } from "./Headcount";
import { conditionOf, reportOf } from "./health";
import { Lines } from "./Lines";
import styles from "./live.module.css";
import { Doubt, Fill, Health, InOut, LinkState, People, useMendWords } from "./parts";
import { type DoorCount, useLive } from "./stream";
import { useLiveText } from "./texts";

export default function CameraPage() {
  const t = useLiveText();
  const { id } = useParams();
  const query = useCameras();
  return (
    <Loaded query={query}>
      {(cameras) => {
        const camera = cameras.find((one) => String(one.id) === id);
        return camera ? (
          <Shown key={camera.id} camera={camera} />
        ) : (
          <>
            <PageHeader title={t("camera.gone")} />
            <Message icon="camera" title={t("camera.gone")}>
              <Button component={Link} href="/cameras">
                {t("camera.all")}
              </Button>
            </Message>
          </>
        );
      }}
    </Loaded>
  );
}

type Dialog = "edit" | "headcount" | "off";

function Shown({ camera }: { camera: Camera }) {
  const t = useLiveText();
  const live = useLive();
  const rooms = useRooms();
  const save = useSaveCamera();
  const errorWords = useErrorWords();
  const [dialog, setDialog] = useState<Dialog>();
  const [before, setBefore] = useState<DoorCount>();
  const count = live.cameras.get(camera.id);
  const room = camera.room_id === null ? undefined : rooms.data?.get(camera.room_id);
  const close = () => setDialog(undefined);
  const use = async (is_active: boolean) => {
    try {
      await save.mutateAsync({ id: camera.id, body: { is_active } });
      toast("good", is_active ? t("camera.onDone") : t("camera.offDone"), camera.camera_name);
      close();
    } catch (error) {
      toast("bad", errorWords(error), camera.camera_name);
    }
  };
  return (
    <>
      <Link href="/cameras" className={styles.up}>
        <Icon name="back" size={16} />
        {t("camera.all")}
      </Link>
      <PageHeader
        title={camera.camera_name}
        description={room ? `${room.name} · ${room.building}` : camera.location}
      >
        <Button
          component={Link}
          href={`/history?of=camera-${camera.id}`}
          variant="default"
          leftSection={<Icon name="history" size={18} />}
        >
          {t("history.title")}
        </Button>
        {camera.is_active ? (
          <>
            <Button variant="default" onClick={() => setDialog("headcount")}>
              {t("camera.headcount")}
            </Button>
            <Button variant="default" onClick={() => setDialog("off")}>
              {t("camera.off")}
            </Button>
          </>
        ) : (
          <Button variant="default" loading={save.isPending} onClick={() => void use(true)}>
            {t("camera.on")}
          </Button>
        )}
        <Button
          variant="default"
          leftSection={<Icon name="edit" size={18} />}
          onClick={() => setDialog("edit")}
        >
          {t("camera.edit")}
        </Button>
      </PageHeader>
      <div className={styles.camera}>
        <Lines camera={camera} onSaved={() => setBefore(count)} />
        <div className={styles.aside}>
          <section className={styles.panel}>
            <h2>{t("camera.counts")}</h2>
            <LinkState live={live} />
            <div className={styles.tileCount}>
              <People count={count} isOld={live.link === "cut" || !camera.is_active} />
            </div>
            {camera.max_occupancy !== null && (
              <Fill people={count?.people ?? 0} limit={camera.max_occupancy} />
            )}
            <InOut entries={count?.entries ?? 0} exits={count?.exits ?? 0} />
            {count && <Doubt count={count} />}
            {before && count && <SinceSaved before={before} count={count} />}
          </section>
          <HealthPanel camera={camera} />
          <SetUp camera={camera} />
        </div>
      </div>
      {dialog === "edit" && <CameraForm camera={camera} onClose={close} />}
      {dialog === "headcount" && (
        <Headcount camera={camera} people={count?.people ?? 0} onClose={close} />
      )}
      {dialog === "off" && (
        <TakeOut camera={camera} isBusy={save.isPending} onClose={close} sure={() => use(false)} />
      )}
    </>
  );
}

function SinceSaved({ before, count }: { before: DoorCount; count: DoorCount }) {
  const t = useLiveText();
  const entries = count.entries - before.entries;
  const exits = count.exits - before.exits;
  return (
    <div className={styles.since}>
      <h3>{t("camera.saved")}</h3>
      <InOut entries={entries} exits={exits} />
      {entries + exits === 0 && <p>{t("camera.savedWait")}</p>}
    </div>
  );
}

function HealthPanel({ camera }: { camera: Camera }) {
  const t = useLiveText();
  const formats = useFormats();
  const age = useAge();
  const now = useSeconds();
  const mendWords = useMendWords();
  const condition = conditionOf(camera);
  const report = reportOf(camera);
  const heardAt = report && Date.parse(report.heard_at);
  return (
    <section className={styles.panel}>
      <h2>{t("camera.health")}</h2>
      <p>
        <Health condition={condition} />
      </p>
      <p className={styles.quiet}>{mendWords(camera)}</p>
      {report && heardAt !== undefined && (
        <dl className={styles.facts}>
          <dt>{t("camera.edge")}</dt>
          <dd>
            <bdi>{report.edge_id}</bdi>
          </dd>
          <dt>{t("camera.heard")}</dt>
          <dd>{age(heardAt, now)}</dd>
          <dt>{t("camera.pictures")}</dt>
          <dd>{t("camera.perSecond", { value: formats.number(report.pictures_per_s) })}</dd>
          <dt>{t("camera.processed")}</dt>
          <dd>{t("camera.perSecond", { value: formats.number(report.processed_per_s) })}</dd>
          <dt>{t("camera.lag")}</dt>
          <dd>{t("camera.seconds", { value: formats.number(report.lag_s) })}</dd>
          <dt>{t("camera.waiting")}</dt>
          <dd>{formats.number(report.spool_depth)}</dd>
          {report.reason && (
            <>
              <dt>{t("camera.reason")}</dt>
              <dd>
                <bdi>{report.reason}</bdi>
              </dd>
            </>
          )}
        </dl>
      )}
    </section>
  );
}

function SetUp({ camera }: { camera: Camera }) {
  const t = useLiveText();
  const { number } = useFormats();
  const { max_occupancy: limit, resolution_width: width, resolution_height: height } = camera;
  return (
    <section className={styles.panel}>
      <h2>{t("camera.setup")}</h2>
      <dl className={styles.facts}>
        <dt>{t("camera.code")}</dt>
        <dd>
          <bdi>{camera.camera_id}</bdi>
        </dd>
        <dt>{t("camera.type")}</dt>
        <dd>{t(`types.${camera.camera_type}`)}</dd>
        <dt>{t("camera.limit")}</dt>
        <dd>{limit === null ? t("camera.noLimit") : number(limit)}</dd>
        <dt>{t("camera.edge")}</dt>
        <dd>{camera.edge_id ? <bdi>{camera.edge_id}</bdi> : t("camera.none")}</dd>
        <dt>{t("camera.stream")}</dt>
        <dd>{camera.has_stream_url ? t("camera.streamKnown") : t("camera.streamUnknown")}</dd>
        {width !== null && height !== null && (
          <>
            <dt>{t("camera.size")}</dt>
            <dd>
              <bdi dir="ltr">
                {number(width)} × {number(height)}
              </bdi>
            </dd>
          </>
        )}
      </dl>
    </section>
  );
}

interface TakeOutProps {
  camera: Camera;
  isBusy: boolean;
  onClose: () => void;
  sure: () => Promise<void>;
}

function TakeOut({ camera, isBusy, onClose, sure }: TakeOutProps) {
  const t = useLiveText();
  const app = useAppText();
  return (
    <Modal
      opened
      onClose={onClose}
      title={t("camera.offSure", { name: camera.camera_name })}
      closeButtonProps={{ "aria-label": app("close") }}
    >
      <div className={styles.stack}>
        <p>{t("camera.offWhy")}</p>
        <div className={styles.buttons}>
          <Button variant="default" onClick={onClose} data-autofocus>
            {app("cancel")}
          </Button>
          <Button color="red" loading={isBusy} onClick={() => void sure()}>
            {t("camera.off")}
          </Button>
        </div>
      </div>
    </Modal>
  );
}
