import { ApiError } from "../../../api";
import { useFormats } from "../../../formats";
import { isolated } from "../../../text";
import type { Difference } from "./data";
import { useTermsText } from "./texts";

type Why = Difference["conflicts"][number]["code"];
type Values = Record<string, string | number>;

/** Says in the page's language why an allocation cannot be. */
export function useWhyWords(): (why: Why, values: Values, said: string, zone: string) => string {
  const t = useTermsText();
  const formats = useFormats();
  return (why, { day, at, ...others }, said, zone) => {
    const texts = Object.entries(others).map(([name, value]) => [
      name,
      typeof value === "string" ? isolated(value) : value,
    ]);
    return t(`why.${why}`, {
      ...Object.fromEntries(texts),
      ...(day !== undefined && { day: formats.day(String(day)) }),
      ...(at !== undefined && { at: formats.dateTime(Date.parse(String(at)), zone) }),
      said,
    });
  };
}

/** How the server writes why a single allocation cannot be: it has no place for a code beside it. */
const WRITTEN: readonly (readonly [RegExp, Why])[] = [
  [/^The room is not active\.$/, "room_inactive"],
  [/^No occurrence is left\.$/, "nothing_left"],
  [/^The term begins on (?<day>[\d-]+)\.$/, "before_term"],
  [/^The term ends on (?<day>[\d-]+)\.$/, "after_term"],
  [/^It cannot .* (?<day>[\d-]+)\. The room is closed then: (?<reason>.*)\.$/s, "blackout"],
  [/^It cannot .*\. (?<day>[\d-]+) is a holiday: (?<name>.*)\.$/s, "holiday"],
  [
    /^(?<room>.*) has (?<capacity>\d+) seats; (?<seats>\d+) would be allocated at (?<at>\S+)\.$/s,
    "too_few_seats",
  ],
];
const COUNTS: ReadonlySet<string> = new Set(["capacity", "seats"]);

/** Turns a refusal of an allocation into one in the page's language, as far as it is known. */
export function useAllocationRefusal(): (error: unknown, zone: string) => unknown {
  const words = useWhyWords();
  const { language } = useFormats();
  return (error, zone) => {
    if (!(error instanceof ApiError) || language === "en") return error;
    const inWords = (field: string, said: string): string => {
      if (field === "recurrence_rule" && !/^The term/.test(said)) {
        return words("wrong_rule", {}, said, zone);
      }
      for (const [pattern, why] of WRITTEN) {
        const found = pattern.exec(said);
        if (found) return words(why, valuesOf(found.groups ?? {}), said, zone);
      }
      return said;
    };
    const fields = Object.entries(error.fields).map(([name, said]) => [name, inWords(name, said)]);
    return new ApiError(
      error.status,
      error.message,
      Object.fromEntries(fields),
      error.retryAfterSeconds,
    );
  };
}

function valuesOf(groups: Record<string, string>): Values {
  return Object.fromEntries(
    Object.entries(groups).map(([name, text]) => [name, COUNTS.has(name) ? Number(text) : text]),
  );
}
