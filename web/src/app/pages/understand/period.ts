import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { useSearchParams } from "wouter";
import { allParts, api, take } from "../../api";
import {
  addDays,
  addMonths,
  type Day,
  dayOf,
  daysBetween,
  monthStart,
  weekStart,
} from "../../days";
import { HERE, useFormats } from "../../formats";
import type { Calendar } from "../../preferences";
import { useLanguage } from "../../text";

export const KINDS = ["week", "month", "term", "custom"] as const;
export type Kind = (typeof KINDS)[number];

/** Whole days, the first and the last included. `kind` says how it was chosen, and so what is next. */
export interface Period {
  kind: Kind;
  from: Day;
  to: Day;
  term?: number;
}

/** As many as analytics answers at once. */
export const MOST_DAYS = 3 * 366;

/** Chosen last: whoever goes from page to page compares the same days. */
let chosen: Period | undefined;

export function today(): Day {
  return dayOf(Date.now(), HERE);
}

export const lengthOf = ({ from, to }: Period) => daysBetween(from, to) + 1;

export function monthOf(day: Day, calendar: Calendar): Period {
  const from = monthStart(day, calendar);
  const next = monthStart(addMonths(from, 1, calendar), calendar);
  return { kind: "month", from, to: addDays(next, -1) };
}

function isDay(text: string | null): text is Day {
  if (text === null || !/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const moment = Date.parse(text);
  return !Number.isNaN(moment) && new Date(moment).toISOString().startsWith(text);
}

function read(params: URLSearchParams): Period | undefined {
  const [from, to] = [params.get("from"), params.get("to")];
  if (!isDay(from) || !isDay(to) || to < from || daysBetween(from, to) >= MOST_DAYS)
    return undefined;
  const kind = KINDS.find((one) => one === params.get("by")) ?? "custom";
  const term = Number(params.get("term"));
  return { kind, from, to, ...(term > 0 && { term }) };
}

/** The period that a page is of, as its address has it, so that it can be kept and sent. */
export function usePeriod() {
  const [params, setParams] = useSearchParams();
  const { calendar } = useFormats();
  const language = useLanguage();
  const written = read(params);
  const period = written ?? chosen ?? monthOf(today(), calendar);

  const choose = (next: Period, replace = false) => {
    chosen = next;
    setParams(
      (before) => {
        const { kind, from, to, term } = next;
        before.set("by", kind);
        before.set("from", from);
        before.set("to", to);
        if (term === undefined) before.delete("term");
        else before.set("term", `${term}`);
        return before;
      },
      { replace },
    );
  };

  const isWritten = written !== undefined;
  // biome-ignore lint/correctness/useExhaustiveDependencies: only an address without one is completed
  useEffect(() => {
    if (isWritten) chosen = written;
    else choose(period, true);
  }, [isWritten, period.from, period.to]);

  /** The one of the same kind so many after it, or before. */
  const moved = (count: number): Period => {
    const { kind, from, to } = period;
    if (kind === "month") return monthOf(addMonths(from, count, calendar), calendar);
    if (kind === "week") return weekOf(addDays(from, 7 * count));
    const length = lengthOf(period);
    return { kind: "custom", from: addDays(from, length * count), to: addDays(to, length * count) };
  };
  const weekOf = (day: Day): Period => {
    const from = weekStart(day, language);
    return { kind: "week", from, to: addDays(from, 6) };
  };
  return { period, choose, moved, weekOf };
}

/** A word of the address beside its period. */
export function useChoice(name: string): [string | undefined, (value: string | undefined) => void] {
  const [params, setParams] = useSearchParams();
  const set = (value: string | undefined) =>
    setParams((before) => {
      if (value === undefined) before.delete(name);
      else before.set(name, value);
      return before;
    });
  return [params.get(name) ?? undefined, set];
}

/** Terms that may be seen, the newest first. */
export function useTerms() {
  return useQuery({
    queryKey: ["terms", "all"],
    queryFn: async ({ signal }) => {
      const found = await allParts((query) =>
        take(api.directory.GET("/api/terms/", { params: { query }, signal })),
      );
      return found.sort((one, other) => other.start_date.localeCompare(one.start_date));
    },
    staleTime: 60_000,
  });
}
