import { useMemo } from "react";
import type { Language } from "../shared/language";
import type { Day } from "./days";
import { type Calendar, useCalendar } from "./preferences";
import { isolated, useLanguage } from "./text";

const LOCALE = { en: "en-GB", fa: "fa-IR" } as const;
const DIGITS = { en: "latn", fa: "arabext" } as const;

/** The zone of whoever looks. */
export const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone;

const DATES = {
  /** Sun 22 November 2026 */
  long: { weekday: "long", day: "numeric", month: "long", year: "numeric" },
  /** 22 November 2026 */
  date: { day: "numeric", month: "long", year: "numeric" },
  /** Sun 22 Nov */
  short: { weekday: "short", day: "numeric", month: "short" },
  day: { day: "numeric" },
  weekday: { weekday: "short" },
  weekdayLong: { weekday: "long" },
  dayMonth: { day: "numeric", month: "long" },
  month: { month: "long", year: "numeric" },
  monthName: { month: "short" },
  /** 2026/11/22 */
  digits: { day: "2-digit", month: "2-digit", year: "numeric" },
} as const satisfies Record<string, Intl.DateTimeFormatOptions>;
export type DateStyle = keyof typeof DATES;

/** Persian is read day first whatever `Intl` thinks, and needs no era. */
const ORDER = ["weekday", "day", "month", "year"] as const;

function formatsOf(language: Language, calendar: Calendar) {
  const tag = `${LOCALE[language]}-u-ca-${calendar}-nu-${DIGITS[language]}`;
  const made = new Map<string, Intl.DateTimeFormat>();
  const format = (timeZone: string, options: Intl.DateTimeFormatOptions, name: string) => {
    const key = `${timeZone} ${name}`;
    let found = made.get(key);
    if (found === undefined) {
      found = new Intl.DateTimeFormat(tag, { timeZone, ...options });
      made.set(key, found);
    }
    return found;
  };
  const dateIn = (zone: string, moment: number, style: DateStyle): string => {
    const options: Intl.DateTimeFormatOptions = DATES[style];
    const dates = format(zone, options, style);
    const isPersian = calendar === "persian";
    if (style === "digits" || (!isPersian && language === "en")) return dates.format(moment);
    const parts = new Map(dates.formatToParts(moment).map(({ type, value }) => [type, value]));
    return ORDER.map((type) => parts.get(type))
      .filter((part) => part !== undefined)
      .join(" ");
  };
  const numbers = new Intl.NumberFormat(tag, { maximumFractionDigits: 1 });
  const percents = new Intl.NumberFormat(tag, { style: "percent", maximumFractionDigits: 1 });
  const hours = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
  const time = (moment: number, zone: string) => format(zone, hours, "time").format(moment);
  const date = (moment: number, zone: string, style: DateStyle = "date") =>
    dateIn(zone, moment, style);
  return {
    language,
    calendar,
    number: (value: number) => numbers.format(value),
    /** @param share 0.5 for 50 %. */
    percent: (share: number) => percents.format(share),
    /** A day that is written `2026-11-22`. */
    day: (day: Day, style: DateStyle = "date") => dateIn("UTC", Date.parse(day), style),
    /** The day of a moment in a zone. */
    date,
    /** The time of day of a moment in a zone. */
    time,
    /** A time of day in minutes since midnight. */
    clock: (minutes: number) => time(minutes * 60_000, "UTC"),
    range: (start: number, end: number, zone: string) =>
      `${time(start, zone)} – ${time(end, zone)}`,
    dateTime: (moment: number, zone: string) =>
      `${date(moment, zone, "short")}${language === "fa" ? "،" : ","} ${time(moment, zone)}`,
    list: (items: string[]) =>
      new Intl.ListFormat(LOCALE[language], { type: "conjunction" }).format(items.map(isolated)),
  };
}

export type Formats = ReturnType<typeof formatsOf>;

const known = new Map<string, Formats>();

/** Writes numbers, dates and times in the language, the digits and the calendar that are chosen. */
export function useFormats(): Formats {
  const language = useLanguage();
  const calendar = useCalendar();
  return useMemo(() => {
    const key = `${language} ${calendar}`;
    const formats = known.get(key) ?? formatsOf(language, calendar);
    known.set(key, formats);
    return formats;
  }, [language, calendar]);
}

/** Writes the digits of a text as the language does. */
export function useDigits(): (text: string) => string {
  const { number } = useFormats();
  return (text) => text.replace(/\d/g, (digit) => number(Number(digit)));
}

/** Persian and Arabic digits are typed where others type ours. */
export function latin(text: string): string {
  return text.replace(/[۰-۹٠-٩]/g, (digit) => String((digit.codePointAt(0) ?? 0) & 0xf));
}
