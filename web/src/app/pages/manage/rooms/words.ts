import { addDays, type Day, weekdayOf, weekStart } from "../../../days";
import { useFormats } from "../../../formats";
import { minutesIn } from "../parts/fields";
import type { Building, Room } from "./data";
import { useRoomsText } from "./texts";
import { WEEKDAYS, type Weekday, windowsOf } from "./windows";

const ANY_DAY: Day = "2026-01-01";

/** The days of a week in the order of the language, each with its names. */
export function useWeek(): { weekday: Weekday; name: string; short: string }[] {
  const formats = useFormats();
  const first = weekStart(ANY_DAY, formats.language);
  return Array.from({ length: 7 }, (_, index) => {
    const day = addDays(first, index);
    return {
      weekday: WEEKDAYS[weekdayOf(day)] ?? "SU",
      name: formats.day(day, "weekdayLong"),
      short: formats.day(day, formats.language === "fa" ? "weekdayLong" : "weekday"),
    };
  });
}

/** Says in a line when a room is open. */
export function useWindowWords() {
  const t = useRoomsText();
  const formats = useFormats();
  const week = useWeek();
  const clock = (time: string) => formats.clock(minutesIn(time) ?? 0);
  return (room: Room, zone: string, building: Building | undefined): string => {
    const windows = windowsOf(room, zone);
    if (windows.kind === "building") {
      return building
        ? t("byBuilding", { from: clock(building.opens_at), to: clock(building.closes_at) })
        : "–";
    }
    const hours = { from: clock(windows.opens), to: clock(windows.closes) };
    if (windows.kind === "rule") return t("ruleOn", hours);
    if (windows.kind === "once") {
      return t("onceOn", { ...hours, day: formats.day(windows.firstDay, "short") });
    }
    const shown = week.filter(({ weekday }) => windows.weekdays.includes(weekday));
    const days = shown.length === 7 ? t("everyDay") : formats.list(shown.map(({ short }) => short));
    return t("weeklyOn", { ...hours, days });
  };
}
