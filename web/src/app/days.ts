import * as gregorian from "date-fns";
import * as persian from "date-fns-jalali";
import type { Language } from "../shared/language";
import type { Calendar } from "./preferences";

/**
 * Days are written `2026-11-22`, whatever calendar they are shown in, and times of day are minutes
 * since midnight. Moments are milliseconds since 1970.
 */
export type Day = string;

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const formats = new Map<string, Intl.DateTimeFormat>();

/** A day and time of day as the clocks of a zone show it, as if they were those of UTC. */
function wallClock(moment: number, zone: string): number {
  let format = formats.get(zone);
  if (format === undefined) {
    const number = "numeric";
    format = new Intl.DateTimeFormat("en-US-u-ca-gregory-nu-latn", {
      timeZone: zone,
      hourCycle: "h23",
      year: number,
      month: number,
      day: number,
      hour: number,
      minute: number,
      second: number,
    });
    formats.set(zone, format);
  }
  const part: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(moment)) part[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

export function dayOf(moment: number, zone: string): Day {
  return new Date(wallClock(moment, zone)).toISOString().slice(0, 10);
}

export function minutesOf(moment: number, zone: string): number {
  const clock = wallClock(moment, zone);
  return Math.floor((clock - Math.floor(clock / DAY_MS) * DAY_MS) / MINUTE_MS);
}

/**
 * The moment at which the clocks of a zone show a time; one that they skip is as far into the hour
 * after it, of one that they show twice it is the first.
 */
export function momentOf(day: Day, minutes: number, zone: string): number {
  const clock = Date.parse(`${day}T00:00:00Z`) + minutes * MINUTE_MS;
  const offset = (moment: number) => wallClock(moment, zone) - Math.floor(moment / 1000) * 1000;
  const before = clock - offset(clock - DAY_MS);
  const after = clock - offset(clock + DAY_MS);
  return wallClock(before, zone) === clock
    ? before
    : wallClock(after, zone) === clock
      ? after
      : before;
}

export function addDays(day: Day, count: number): Day {
  return new Date(Date.parse(day) + count * DAY_MS).toISOString().slice(0, 10);
}

export function daysBetween(first: Day, last: Day): number {
  return Math.round((Date.parse(last) - Date.parse(first)) / DAY_MS);
}

/** 0 for Sunday. */
export function weekdayOf(day: Day): number {
  return new Date(day).getUTCDay();
}

/** Weeks begin on Saturday in Persian, on Monday in English. */
export function weekStart(day: Day, language: Language): Day {
  const first = language === "fa" ? 6 : 1;
  return addDays(day, -((weekdayOf(day) - first + 7) % 7));
}

// What follows reckons with the parts of local dates: noon keeps clear of changes of the clocks.
const local = (day: Day) => new Date(`${day}T12:00:00`);
const written = (date: Date) => {
  const two = (number: number) => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
};
const reckoning = (calendar: Calendar) => (calendar === "persian" ? persian : gregorian);

export function addMonths(day: Day, count: number, calendar: Calendar): Day {
  return written(reckoning(calendar).addMonths(local(day), count));
}

export function monthStart(day: Day, calendar: Calendar): Day {
  return written(reckoning(calendar).setDate(local(day), 1));
}

export function isSameMonth(one: Day, other: Day, calendar: Calendar): boolean {
  return monthStart(one, calendar) === monthStart(other, calendar);
}

/** The weeks that a month touches, each of seven days. */
export function weeksOf(month: Day, calendar: Calendar, language: Language): Day[][] {
  const first = monthStart(month, calendar);
  const next = monthStart(addMonths(first, 1, calendar), calendar);
  const weeks: Day[][] = [];
  for (let week = weekStart(first, language); week < next; week = addDays(week, 7)) {
    weeks.push(Array.from({ length: 7 }, (_, index) => addDays(week, index)));
  }
  return weeks;
}
