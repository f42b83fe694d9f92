import type { Camera, Report } from "./data";
import type { Count } from "./stream";

/** What is wrong with a camera, the worst first; `good` if nothing is. */
export const CONDITIONS = [
  "off",
  "unheard",
  "silent",
  "noLine",
  "none",
  "frozen",
  "dark",
  "moved",
  "lagging",
  "waiting",
  "good",
] as const;
export type Condition = (typeof CONDITIONS)[number];
export type Grade = "good" | "warn" | "bad" | "off";

/** People are counted late when the pictures that are looked at are so old, in seconds. */
const LAGGING_S = 5;
/** Crossings that wait on the edge: more than come in the time between two sendings. */
const WAITING = 20;
/** A count is doubtful when it may be off by so many, and by so much of it. */
const DOUBTFUL = 5;
const DOUBTFUL_SHARE = 0.2;

const GRADES: Partial<Record<Condition, Grade>> = {
  good: "good",
  off: "off",
  noLine: "warn",
  moved: "warn",
  lagging: "warn",
  waiting: "warn",
};

/** The report that counts: of the edge that the camera is given to, else the latest. */
export function reportOf(camera: Camera): Report | undefined {
  const byTime = camera.reports.toSorted((one, other) =>
    other.heard_at.localeCompare(one.heard_at),
  );
  return byTime.find((report) => report.edge_id === camera.edge_id) ?? byTime[0];
}

export function conditionOf(camera: Camera): Condition {
  if (!camera.is_active) return "off";
  const report = reportOf(camera);
  if (report === undefined) return "unheard";
  if (report.is_silent) return "silent";
  const { picture } = report;
  // Before there is a line an edge may not look at its pictures.
  if (!camera.lines.some((line) => line.is_active)) return "noLine";
  if (picture !== "good") return picture;
  if (report.lag_s > LAGGING_S) return "lagging";
  return report.spool_depth > WAITING ? "waiting" : "good";
}

export function gradeOf(condition: Condition): Grade {
  return GRADES[condition] ?? "bad";
}

export function worstOf(conditions: readonly Condition[]): Condition {
  return CONDITIONS.find((one) => conditions.includes(one)) ?? "good";
}

/** How far a count may be off. */
export function errorOf({ people, low, high }: Count): number {
  return Math.max(high - people, people - low);
}

/** Whether a count is so uncertain that somebody had better count heads. */
export function isDoubtful(count: Count): boolean {
  const error = errorOf(count);
  return error >= DOUBTFUL && error > DOUBTFUL_SHARE * count.people;
}
