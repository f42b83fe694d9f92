import { Tooltip } from "@mantine/core";
import { HERE, useFormats } from "../../formats";
import { isolated } from "../../text";
import { Icon, type IconName } from "../../ui/icons";
import { useAge, useSeconds } from "./age";
import type { Alert, Camera, Report } from "./data";
import { type Condition, conditionOf, errorOf, gradeOf, isDoubtful, reportOf } from "./health";
import styles from "./live.module.css";
import type { Count, Live } from "./stream";
import { useLiveText } from "./texts";

const ICONS: Record<ReturnType<typeof gradeOf>, IconName> = {
  good: "check",
  warn: "alert",
  bad: "alert",
  off: "minus",
};

/** How a camera is: in words, with an icon and a colour. */
export function Health({ condition }: { condition: Condition }) {
  const t = useLiveText();
  const grade = gradeOf(condition);
  return (
    <span className={styles.health} data-grade={grade}>
      <Icon name={ICONS[grade]} size={14} />
      {t(`health.${condition}`)}
    </span>
  );
}

/** Says what is to be done for a camera, as it is. */
export function useMendWords(): (camera: Camera) => string {
  const words = useReportWords();
  return (camera) => words(conditionOf(camera), reportOf(camera));
}

function useReportWords(): (what: Condition | "slow" | "clock", report?: Report) => string {
  const t = useLiveText();
  const formats = useFormats();
  return (what, report) =>
    t(`mend.${what}`, {
      time: report ? formats.dateTime(Date.parse(report.heard_at), HERE) : "",
      lag: formats.number(report?.lag_s ?? 0),
      count: report?.spool_depth ?? 0,
    });
}

/** What an edge may see wrong, as the server names it. */
const SEEN = ["silent", "none", "frozen", "dark", "moved", "slow", "clock", "waiting"] as const;

/** Says what an alert is about; nothing where the server's own sentence, in English, says more. */
export function useCauseWords(): (alert: Alert, camera: Camera | undefined) => string[] {
  const t = useLiveText();
  const words = useReportWords();
  const { language } = useFormats();
  return (alert, camera) => {
    if (language === "en") return [];
    const said = alert.causes.map((cause) => {
      if (cause === "crowd" || cause === "quiet") return t(`alerts.${cause}`);
      const [edge, named] = cause.split(" ");
      const what = SEEN.find((one) => one === named);
      const report = camera?.reports.find(({ edge_id }) => edge_id === edge);
      return what && `${isolated(edge ?? "")}: ${words(what, report)}`;
    });
    // Of one that we have no words for, the server's are better than none.
    return said.every((sentence) => sentence !== undefined) ? said : [];
  };
}

/** Whether what is shown is of now, and if not, since when. */
export function LinkState({ live }: { live: Live }) {
  const t = useLiveText();
  const formats = useFormats();
  return (
    <p className={styles.link} data-link={live.link} role="status">
      <span className={styles.dot} aria-hidden="true" />
      {live.link === "cut" ? (
        <CutSince heardAt={live.heardAt} time={formats.time(live.heardAt, HERE)} />
      ) : (
        t(`link.${live.link}`)
      )}
    </p>
  );
}

function CutSince({ heardAt, time }: { heardAt: number; time: string }) {
  const t = useLiveText();
  const age = useAge();
  const now = useSeconds();
  return t("link.cut", { time, age: age(heardAt, now) });
}

/** A count, large, and under it between which numbers it is. */
export function People({ count, isOld }: { count: Count | undefined; isOld: boolean }) {
  const t = useLiveText();
  const formats = useFormats();
  if (count === undefined) {
    return (
      <p className={styles.people} data-old>
        <span aria-hidden="true">–</span>
        <span className="unseen">{t("live.unknown")}</span>
      </p>
    );
  }
  return (
    <p className={styles.people} data-old={isOld || undefined}>
      {/* Another number is another element, which shows itself. */}
      <strong key={count.people} data-people={count.people}>
        {formats.number(count.people)}
      </strong>
      <Range count={count} />
    </p>
  );
}

function Range({ count }: { count: Count }) {
  const t = useLiveText();
  const { number } = useFormats();
  const { low, high } = count;
  if (low === high) return null;
  const said = { low: number(low), high: number(high) };
  return (
    <Tooltip label={t("live.rangeWhy", said)} multiline w={240}>
      <span className={styles.range} data-doubtful={isDoubtful(count) || undefined}>
        {t("live.range", said)}
        <span className="unseen">{t("live.rangeWhy", said)}</span>
      </span>
    </Tooltip>
  );
}

export function Doubt({ count }: { count: Count }) {
  const t = useLiveText();
  const { number } = useFormats();
  if (!isDoubtful(count)) return null;
  return (
    <span className={styles.health} data-grade="warn">
      <Icon name="info" size={14} />
      {t("live.doubtful", { error: number(errorOf(count)) })}
    </span>
  );
}

/** How much of a limit is used. */
export function Fill({ people, limit }: { people: number; limit: number }) {
  const t = useLiveText();
  const { percent } = useFormats();
  const share = people / limit;
  return (
    <div
      className={styles.fill}
      data-full={share > 1 ? "over" : share > 0.8 ? "nearly" : undefined}
    >
      <div style={{ inlineSize: `${Math.min(share, 1) * 100}%` }} />
      <span className="unseen">{t("live.limitName", { share: percent(share) })}</span>
    </div>
  );
}

/** What was counted in and out. */
export function InOut({ entries, exits }: { entries: number; exits: number }) {
  const t = useLiveText();
  const { number } = useFormats();
  return (
    <dl className={styles.inOut}>
      <div>
        <dt>{t("live.entries")}</dt>
        <dd data-count="in">{number(entries)}</dd>
      </div>
      <div>
        <dt>{t("live.exits")}</dt>
        <dd data-count="out">{number(exits)}</dd>
      </div>
    </dl>
  );
}
