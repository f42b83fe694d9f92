import { addDays, type Day, dayOf, minutesOf, momentOf, weekdayOf } from "../../../days";
import { minutesIn, timeIn } from "../parts/fields";
import type { Room } from "./data";

/** By `weekdayOf`. */
export const WEEKDAYS = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"] as const;
export type Weekday = (typeof WEEKDAYS)[number];
export const KINDS = ["building", "weekly", "once", "rule"] as const;
export type Kind = (typeof KINDS)[number];

/** When a room is open, as people say it. */
export interface Windows {
  kind: Kind;
  weekdays: Weekday[];
  firstDay: Day;
  /** "": it does not end. */
  lastDay: Day | "";
  /** `07:00`. */
  opens: string;
  closes: string;
  /** As it is sent, when `kind` is `rule`. */
  rule: string;
}

const WORKDAYS: Weekday[] = ["SA", "SU", "MO", "TU", "WE", "TH", "FR"];

export function windowsOf(room: Room | undefined, zone: string): Windows {
  const today = dayOf(Date.now(), zone);
  const usual = {
    weekdays: WORKDAYS,
    firstDay: today,
    lastDay: "" as const,
    opens: "07:00",
    closes: "19:00",
    rule: "",
  };
  if (!room?.start_datetime || !room.end_datetime) return { ...usual, kind: "building" };
  const [start, end] = [Date.parse(room.start_datetime), Date.parse(room.end_datetime)];
  const known = {
    ...usual,
    firstDay: dayOf(start, zone),
    opens: timeIn(minutesOf(start, zone)),
    closes: timeIn(minutesOf(end, zone)),
    rule: room.recurrence_rule ?? "",
  };
  if (!room.recurrence_rule) {
    const isOneDay = dayOf(end - 1, zone) === known.firstDay;
    return { ...known, kind: "once", lastDay: isOneDay ? "" : dayOf(end, zone) };
  }
  const weekly =
    /^FREQ=(?:WEEKLY;BYDAY=([A-Z,]+)|DAILY)(?:;UNTIL=(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z)?$/.exec(
      room.recurrence_rule,
    );
  const days = weekly?.[1]?.split(",") ?? [...WEEKDAYS];
  if (!weekly || !days.every((day) => WEEKDAYS.includes(day as Weekday)) || end - start > DAY_MS) {
    return { ...known, kind: "rule" };
  }
  const [, , year, month, day, hours, minutes, seconds] = weekly;
  const until = year && Date.parse(`${year}-${month}-${day}T${hours}:${minutes}:${seconds}Z`);
  return {
    ...known,
    kind: "weekly",
    weekdays: days as Weekday[],
    lastDay: until ? dayOf(until, zone) : "",
  };
}

const DAY_MS = 86_400_000;

/** What is sent of them; undefined if they cannot be. */
export function windowsToSend(windows: Windows, zone: string) {
  const [opens, closes] = [minutesIn(windows.opens), minutesIn(windows.closes)];
  if (opens === undefined || closes === undefined) return undefined;
  let first = windows.firstDay;
  if (windows.kind === "weekly") {
    // The first one is always a window, whatever its day.
    const isOpen = (day: Day) => windows.weekdays.includes(WEEKDAYS[weekdayOf(day)] ?? "SU");
    for (let days = 0; days < 7 && !isOpen(first); days++) first = addDays(first, 1);
  }
  const last = windows.kind === "once" && windows.lastDay ? windows.lastDay : first;
  const start = momentOf(first, opens, zone);
  // Until midnight or beyond it.
  const isNextDay = closes <= opens && last === first;
  const end = momentOf(isNextDay ? addDays(first, 1) : last, closes, zone);
  return {
    start_datetime: new Date(start).toISOString(),
    end_datetime: new Date(end).toISOString(),
    recurrence_rule: ruleOf(windows, zone),
  };
}

function ruleOf({ kind, weekdays, lastDay, rule }: Windows, zone: string): string | null {
  if (kind === "rule") return rule.trim();
  if (kind !== "weekly") return null;
  const days = WEEKDAYS.filter((day) => weekdays.includes(day)).join(",");
  if (!lastDay) return `FREQ=WEEKLY;BYDAY=${days}`;
  const until = new Date(momentOf(lastDay, 24 * 60 - 1, zone)).toISOString();
  return `FREQ=WEEKLY;BYDAY=${days};UNTIL=${until.slice(0, 19).replace(/[-:]/g, "")}Z`;
}
