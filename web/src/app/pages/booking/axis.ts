import { addDays, type Day, minutesOf, momentOf } from "../../days";
import { MINUTE_MS } from "./fit";

const DAY_MS = 24 * 60 * MINUTE_MS;

/**
 * The days of a timeline side by side, each from when it opens until it closes, and where a moment
 * stands on them, in pixels from the side on which reading begins.
 */
export interface Axis {
  days: readonly Day[];
  zone: string;
  /** Minutes since midnight. */
  opens: number;
  closes: number;
  perMinute: number;
  width: number;
  dayWidth: number;
  /** The midnights between which the days lie, one more than there are days. */
  midnights: readonly number[];
}

export function axisOf(
  days: readonly Day[],
  zone: string,
  opens: number,
  closes: number,
  width: number,
): Axis {
  const perMinute = width / (days.length * (closes - opens));
  const last = days.at(-1);
  const midnights = [...days, ...(last ? [addDays(last, 1)] : [])].map((day) =>
    momentOf(day, 0, zone),
  );
  return { days, zone, opens, closes, perMinute, width, dayWidth: width / days.length, midnights };
}

/** Where a moment stands; what is outside of the shown hours stands at their edge. */
export function xOf({ midnights, zone, opens, closes, perMinute }: Axis, moment: number): number {
  let index = 0;
  while (index < midnights.length - 2 && (midnights[index + 1] ?? 0) <= moment) index++;
  const midnight = midnights[index] ?? 0;
  const next = midnights[index + 1] ?? 0;
  let minutes = (moment - midnight) / MINUTE_MS;
  // On days on which the clocks change, what they show is asked.
  if (next - midnight !== DAY_MS && moment >= midnight && moment < next) {
    minutes = minutesOf(moment, zone);
  }
  const shown = Math.min(Math.max(minutes, opens), closes) - opens;
  return (index * (closes - opens) + shown) * perMinute;
}

/** The moment at a place, at the step before it. */
export function momentAt(axis: Axis, x: number, stepMinutes: number): number {
  const { days, zone, opens, closes, dayWidth, perMinute } = axis;
  const index = Math.min(Math.max(Math.floor(x / dayWidth), 0), days.length - 1);
  const exact = opens + (x - index * dayWidth) / perMinute;
  const minutes = Math.floor(exact / stepMinutes + 1e-6) * stepMinutes;
  return momentOf(days[index] ?? "", Math.min(Math.max(minutes, opens), closes), zone);
}

/** The shown moment a step later or earlier, over the nights that are not shown. */
export function stepped(axis: Axis, moment: number, minutes: number): number {
  const { days, zone, opens, closes, midnights } = axis;
  const next = moment + minutes * MINUTE_MS;
  const index = Math.max(
    midnights.findLastIndex((midnight) => midnight <= moment),
    0,
  );
  const day = days[Math.min(index, days.length - 1)] ?? "";
  const [from, until] = [momentOf(day, opens, zone), momentOf(day, closes, zone)];
  if (next >= until) {
    const later = days[index + 1];
    return later === undefined ? moment : momentOf(later, opens, zone);
  }
  if (next < from) {
    const earlier = days[index - 1];
    return earlier === undefined ? from : momentOf(earlier, closes, zone) + minutes * MINUTE_MS;
  }
  return next;
}
