import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "../../api";
import { type Day, monthStart, weekStart } from "../../days";
import type { Calendar } from "../../preferences";
import type { Seats } from "./seats.worker";

export type { Seats };

export const STEPS = ["day", "week", "month"] as const;
export type Step = (typeof STEPS)[number];

export interface Progress {
  bytes: number;
  isReceived: boolean;
}

/** The seats of a term; how far they have come is told several times a second. */
export function useSeats(term: number | undefined) {
  const [progress, setProgress] = useState<Progress>({ bytes: 0, isReceived: false });
  const query = useQuery({
    queryKey: ["seats", term],
    enabled: term !== undefined,
    queryFn: ({ signal }) => load(term ?? 0, signal, setProgress),
    staleTime: 60_000,
    // Numbers by the hundred thousand: they are not compared one by one.
    structuralSharing: false,
  });
  return { query, progress };
}

const TOLD_EVERY_MS = 150;

async function load(
  term: number,
  signal: AbortSignal,
  tell: (progress: Progress) => void,
): Promise<Seats> {
  const params = { query: { term: `${term}` } };
  // It starts while the answer is on its way.
  const worker = new Worker(new URL("./seats.worker.ts", import.meta.url), { type: "module" });
  try {
    const body: ReadableStream<Uint8Array> | null = await take(
      api.heatmap.GET("/api/rooms/capacity-heatmap/", { params, signal, parseAs: "stream" }),
    );
    if (body === null) throw new Error("the heatmap is empty");
    const answer = new Promise<Seats>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<Seats>) => resolve(data);
      worker.onerror = (event) => reject(new Error(event.message));
      signal.addEventListener("abort", () => reject(signal.reason));
    });
    // Whoever awaits the bytes first is told of it there.
    answer.catch(() => undefined);
    let bytes = 0;
    let told = 0;
    const reader = body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      bytes += value.byteLength;
      const whole = value.slice().buffer;
      worker.postMessage(whole, [whole]);
      if (performance.now() - told > TOLD_EVERY_MS) {
        told = performance.now();
        tell({ bytes, isReceived: false });
      }
    }
    tell({ bytes, isReceived: true });
    worker.postMessage(undefined);
    return await answer;
  } finally {
    worker.terminate();
  }
}

/** Days that are shown as one: the first and the one after the last, by their place. */
export interface Column {
  first: Day;
  last: Day;
  from: number;
  until: number;
}

/** Weeks of the Persian calendar begin on Saturday, of the Gregorian one on Monday. */
export function columnsOf(days: Day[], step: Step, calendar: Calendar): Column[] {
  const startOf = {
    day: (day: Day) => day,
    week: (day: Day) => weekStart(day, calendar === "persian" ? "fa" : "en"),
    month: (day: Day) => monthStart(day, calendar),
  }[step];
  const columns: Column[] = [];
  let start = "";
  days.forEach((day, at) => {
    const last = columns.at(-1);
    if (last === undefined || startOf(day) !== start) {
      start = startOf(day);
      columns.push({ first: day, last: day, from: at, until: at + 1 });
    } else {
      last.last = day;
      last.until = at + 1;
    }
  });
  return columns;
}

export interface Value {
  peak: number;
  count: number;
}

/** The fullest of a column's days, and the allocations of all of them. */
export function seatsOf(seats: Seats, room: number, { from, until }: Column): Value {
  const start = room * seats.days.length;
  let [peak, count] = [0, 0];
  for (let at = start + from; at < start + until; at++) {
    peak = Math.max(peak, seats.peaks[at] ?? 0);
    count += seats.counts[at] ?? 0;
  }
  return { peak, count };
}
