import { type Day, weekdayOf } from "../../days";

export const PATTERNS = ["once", "daily", "workdays", "weekly", "fortnightly", "monthly"] as const;
export type Pattern = (typeof PATTERNS)[number];

const WEEKDAYS = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"];
// Of the building's country: Saturday to Wednesday in Iran.
const WORKDAYS: Record<"persian" | "gregory", string> = {
  persian: "SA,SU,MO,TU,WE",
  gregory: "MO,TU,WE,TH,FR",
};

/** Writes the rule of a series as RFC 5545 has it; undefined for what happens once. */
export function ruleOf(
  pattern: Pattern,
  count: number,
  day: Day,
  week: "persian" | "gregory",
): string | undefined {
  const weekday = WEEKDAYS[weekdayOf(day)];
  switch (pattern) {
    case "once":
      return undefined;
    case "daily":
      return `FREQ=DAILY;COUNT=${count}`;
    case "workdays":
      return `FREQ=WEEKLY;BYDAY=${WORKDAYS[week]};COUNT=${count}`;
    case "weekly":
      return `FREQ=WEEKLY;BYDAY=${weekday};COUNT=${count}`;
    case "fortnightly":
      return `FREQ=WEEKLY;INTERVAL=2;BYDAY=${weekday};COUNT=${count}`;
    case "monthly":
      return `FREQ=MONTHLY;COUNT=${count}`;
  }
}

/** Whether a series of this pattern can begin on a day. */
export function canBegin(pattern: Pattern, day: Day, week: "persian" | "gregory"): boolean {
  const weekday = WEEKDAYS[weekdayOf(day)] ?? "";
  return pattern !== "workdays" || WORKDAYS[week].split(",").includes(weekday);
}
