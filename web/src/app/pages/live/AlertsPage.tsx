import { Button, SegmentedControl } from "@mantine/core";
import { useState } from "react";
import { Link } from "wouter";
import { useErrorWords } from "../../errors";
import { HERE, useFormats } from "../../formats";
import { Icon, type IconName } from "../../ui/icons";
import { PageHeader } from "../../ui/PageHeader";
import { Loaded, Message } from "../../ui/states";
import { toast } from "../../ui/toast";
import { useAge, useSeconds } from "./age";
import { CameraForm } from "./CameraForm";
import { type Alert, type Camera, useAcknowledge, useAlerts, useCameras } from "./data";
import styles from "./live.module.css";
import { useCauseWords } from "./parts";
import { useLiveText } from "./texts";

const TYPES = [
  "capacity_exceeded",
  "capacity_warning",
  "equipment_failure",
  "negative_count",
  "anomaly_detected",
] as const;
const ICONS: Record<Alert["alert_type"], IconName> = {
  capacity_exceeded: "people",
  capacity_warning: "people",
  equipment_failure: "camera",
  negative_count: "minus",
  anomaly_detected: "chart",
};
const SEVERE: ReadonlySet<string> = new Set(["capacity_exceeded", "equipment_failure"]);
/** Of these the message says what our words do not. */
const TOLD: ReadonlySet<string> = new Set(["equipment_failure", "anomaly_detected"]);
const WARNS_AT = 0.8;

export default function AlertsPage() {
  const t = useLiveText();
  const alerts = useAlerts();
  const cameras = useCameras();
  const [type, setType] = useState<string>("all");
  return (
    <>
      <PageHeader title={t("alerts.title")} description={t("alerts.description")} />
      <Loaded query={alerts}>
        {(open) => {
          const kinds = TYPES.filter((one) => open.some(({ alert_type }) => alert_type === one));
          const chosen = kinds.find((one) => one === type) ?? "all";
          const shown = open.filter(({ alert_type }) => chosen === "all" || alert_type === chosen);
          return (
            <section aria-label={t("alerts.open")}>
              {kinds.length > 1 && (
                <div className={styles.by}>
                  <SegmentedControl
                    aria-label={t("alerts.filter")}
                    value={chosen}
                    onChange={setType}
                    data={[
                      { value: "all", label: t("alerts.all") },
                      ...kinds.map((value) => ({ value, label: t(`alerts.${value}`) })),
                    ]}
                  />
                </div>
              )}
              {open.length === 0 && (
                <Message icon="check" title={t("alerts.none")}>
                  <p>{t("alerts.noneText")}</p>
                </Message>
              )}
              <ul className={styles.rows}>
                {shown.map((alert) => (
                  <Entry
                    key={alert.id}
                    alert={alert}
                    camera={cameras.data?.find(({ id }) => id === alert.camera_id)}
                  />
                ))}
              </ul>
            </section>
          );
        }}
      </Loaded>
      <Rules cameras={cameras.data ?? []} />
    </>
  );
}

function Entry({ alert, camera }: { alert: Alert; camera: Camera | undefined }) {
  const t = useLiveText();
  const formats = useFormats();
  const age = useAge();
  const now = useSeconds();
  const acknowledge = useAcknowledge();
  const errorWords = useErrorWords();
  const at = Date.parse(alert.timestamp);
  const kind = alert.alert_type;
  const causeWords = useCauseWords();
  const said = causeWords(alert, camera);
  const name = camera?.camera_name ?? formats.number(alert.camera_id);
  const send = async () => {
    try {
      await acknowledge.mutateAsync(alert.id);
      toast("good", t("alerts.acknowledged"), `${t(`alerts.${kind}`)} · ${name}`);
    } catch (error) {
      toast("bad", errorWords(error), name);
    }
  };
  return (
    <li className={styles.alert} data-grade={SEVERE.has(kind) ? "bad" : "warn"}>
      <span className={styles.alertIcon}>
        <Icon name={ICONS[kind]} />
      </span>
      <div>
        <h2>
          {t(`alerts.${kind}`)}
          {" · "}
          <Link href={`/cameras/${alert.camera_id}`}>
            <bdi>{name}</bdi>
          </Link>
        </h2>
        <p>{t(`alerts.do_${kind}`)}</p>
        {said.map((sentence) => (
          <p key={sentence} className={styles.quiet}>
            {sentence}
          </p>
        ))}
        {TOLD.has(kind) && said.length === 0 && (
          <p className={styles.quiet} lang="en" dir="auto">
            {alert.message}
          </p>
        )}
        <p className={styles.quiet}>
          <time dateTime={alert.timestamp} title={formats.dateTime(at, HERE)}>
            {age(at, now)}
          </time>
          {" · "}
          {t("alerts.people", { count: alert.current_occupancy })}
        </p>
      </div>
      <Button
        variant="light"
        loading={acknowledge.isPending}
        aria-label={`${t("alerts.acknowledge")}: ${t(`alerts.${kind}`)}, ${name}`}
        onClick={() => void send()}
      >
        {t("alerts.acknowledge")}
      </Button>
    </li>
  );
}

function Rules({ cameras }: { cameras: readonly Camera[] }) {
  const t = useLiveText();
  const { number } = useFormats();
  const [edited, setEdited] = useState<Camera>();
  const active = cameras.filter(({ is_active }) => is_active);
  return (
    <div className={styles.rules}>
      <section className={styles.panel}>
        <h2>{t("alerts.rules")}</h2>
        <p className={styles.quiet}>{t("alerts.rulesText")}</p>
        <dl className={styles.ruleList}>
          {TYPES.map((one) => (
            <div key={one}>
              <dt>{t(`alerts.${one}`)}</dt>
              <dd>{t(`alerts.rule_${one}`)}</dd>
            </div>
          ))}
        </dl>
      </section>
      <section className={styles.panel}>
        <h2>{t("alerts.limits")}</h2>
        <p className={styles.quiet}>{t("alerts.limitsText")}</p>
        <ul className={styles.limits}>
          {active.map((camera) => {
            const limit = camera.max_occupancy;
            return (
              <li key={camera.id}>
                <span>
                  {camera.camera_name}
                  <small>
                    {limit === null
                      ? t("alerts.noLimit")
                      : t("alerts.warnsAt", {
                          warn: number(Math.floor(limit * WARNS_AT)),
                          limit: number(limit),
                        })}
                  </small>
                </span>
                <Button
                  size="xs"
                  variant="subtle"
                  aria-label={`${t("alerts.setLimit")}: ${camera.camera_name}`}
                  onClick={() => setEdited(camera)}
                >
                  {t("alerts.setLimit")}
                </Button>
              </li>
            );
          })}
        </ul>
      </section>
      {edited && <CameraForm camera={edited} onClose={() => setEdited(undefined)} />}
    </div>
  );
}
