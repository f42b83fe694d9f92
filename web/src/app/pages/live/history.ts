import { useQuery } from "@tanstack/react-query";
import { api, take } from "../../api";
import { addDays, type Day, daysBetween, monthStart } from "../../days";
import type { Calendar } from "../../preferences";
import { lengthOf, type Period, today } from "../understand/period";
import type { Camera, Room } from "./data";
import { buildingOf } from "./places";

export const STEPS = ["hour", "day", "month"] as const;
export type Step = (typeof STEPS)[number];

export interface Row extends Told {
  /** An autumn night has an hour twice. */
  key: string;
}

/** What was counted in an hour, a day or a month, by the clock at the door. */
interface Told {
  /** `2026-11-22 09:00`, or the first day. */
  at: string;
  entries: number;
  exits: number;
  /** How many people were there; null: nobody can say. */
  average: number | null;
  most: number | null;
  /** Distinct ones; null: nobody can say. */
  persons: number | null;
}

/** Of whom there is a history. */
export interface Place {
  /** As the address has it, and `places.ts`. */
  key: string;
  kind: "building" | "room" | "camera";
  name: string;
  cameras: readonly Camera[];
}

const MOST_HOURS_OF_DAYS = 31;
const HOURS_UP_TO_DAYS = 7;
const DAYS_UP_TO_DAYS = 92;
/** How many the API tells back from now. */
const REACH = { hour: 366, day: 1100, month: 120 } as const;
const MONTH_DAYS = 30;
const AGAIN_MS = 60_000;

/** Whether so many days can be shown by a step: of more, hours are too narrow to see. */
export const canBeBy = (step: Step, period: Period) =>
  step !== "hour" || lengthOf(period) <= MOST_HOURS_OF_DAYS;

/** The step that was asked for, or the one that suits the length of a period. */
export function stepOf(asked: string | undefined, period: Period): Step {
  const found = STEPS.find((step) => step === asked);
  if (found !== undefined && canBeBy(found, period)) return found;
  const days = lengthOf(period);
  return days <= HOURS_UP_TO_DAYS ? "hour" : days <= DAYS_UP_TO_DAYS ? "day" : "month";
}

/** Since when there may be figures by a step. */
export function reachOf(step: Step, calendar: Calendar): Day {
  const isOfDays = step !== "month" || calendar === "persian";
  const days = isOfDays ? REACH[step === "hour" ? "hour" : "day"] : REACH.month * MONTH_DAYS;
  return addDays(today(), 1 - days);
}

/** Every camera, and the rooms and buildings that more than one looks at; each kind by name. */
export function placesOf(
  cameras: readonly Camera[],
  rooms: ReadonlyMap<number, Room>,
): readonly Place[] {
  const shared = (kind: "building" | "room", keyOf: (camera: Camera) => string) =>
    [...Map.groupBy(cameras, keyOf)]
      .filter(([name, doors]) => name !== "" && doors.length > 1)
      .map(([name, doors]) => ({ kind, key: `${kind}-${name}`, name, cameras: doors }));
  const roomOf = ({ room_id: id }: Camera) => (id === null ? undefined : rooms.get(id));
  const found: Place[] = [
    ...shared("building", (camera) => buildingOf(camera, roomOf(camera))),
    ...shared("room", ({ room_id: id }) => (id === null ? "" : `${id}`)).map((place) => ({
      ...place,
      name: rooms.get(Number(place.name))?.name ?? `#${place.name}`,
    })),
    ...cameras.map((camera) => ({
      kind: "camera" as const,
      key: `camera-${camera.id}`,
      name: camera.camera_name,
      cameras: [camera],
    })),
  ];
  return found.toSorted((one, other) =>
    one.name.localeCompare(other.name, undefined, { numeric: true }),
  );
}

/** What there is to show; the step stays with its rows while others are asked for. */
export interface History {
  step: Step;
  rows: readonly Row[];
}

/** The history of cameras in a period, each step that the period touches; ascending. */
export function useHistory(
  cameras: readonly Camera[],
  period: Period,
  step: Step,
  calendar: Calendar,
) {
  const ids = cameras.map(({ id }) => id);
  const { from, to } = period;
  return useQuery({
    queryKey: ["occupancy-history", ids, step, calendar, from, to],
    queryFn: async ({ signal }): Promise<History> => {
      const first = firstOf(from, step, calendar);
      const found = await Promise.all(ids.map((id) => ask(id, step, calendar, first, signal)));
      const rows = together(found).filter(({ at }) => at >= first && at.slice(0, 10) <= to);
      return { step, rows };
    },
    staleTime: AGAIN_MS,
    refetchInterval: to >= today() && AGAIN_MS,
    // Another period's stay until these are there; another place's would be told under its name.
    placeholderData: (before, query) => (`${query?.queryKey[1]}` === `${ids}` ? before : undefined),
  });
}

const firstOf = (day: Day, step: Step, calendar: Calendar) =>
  step === "month" ? monthStart(day, calendar) : day;

async function ask(
  id: number,
  step: Step,
  calendar: Calendar,
  first: Day,
  signal: AbortSignal,
): Promise<Told[]> {
  // A day more: at the door it may be another one than here.
  const back = Math.max(0, daysBetween(first, today())) + 2;
  const path = { camera_id: id };
  if (step === "hour") {
    const params = { path, query: { days: Math.min(back, REACH.hour) } };
    const found = await take(
      api.occupancy.GET("/api/occupancy/cameras/{camera_id}/hourly", { params, signal }),
    );
    return found.map((one) => ({ at: one.hour, ...rowOf(one), average: one.avg_occupancy }));
  }
  if (step === "month" && calendar === "gregory") {
    const months = Math.min(Math.ceil(back / 28) + 1, REACH.month);
    const params = { path, query: { months } };
    const found = await take(
      api.occupancy.GET("/api/occupancy/cameras/{camera_id}/monthly", { params, signal }),
    );
    return found.reverse().map((one) => ({
      at: `${one.period}-01`,
      ...rowOf(one),
      average: one.avg_daily_occupancy,
    }));
  }
  const params = { path, query: { days: Math.min(back, REACH.day) } };
  const found = await take(
    api.occupancy.GET("/api/occupancy/cameras/{camera_id}/daily", { params, signal }),
  );
  const days = found
    .reverse()
    .map((one) => ({ at: one.date, ...rowOf(one), average: one.avg_occupancy }));
  return step === "day" ? days : monthsOf(days, calendar);
}

type Counted = Record<"entries" | "exits" | "peak_occupancy" | "unique_persons", number>;

const rowOf = ({ entries, exits, peak_occupancy, unique_persons }: Counted) => ({
  entries,
  exits,
  most: peak_occupancy,
  persons: unique_persons,
});

const sum = (rows: readonly Told[], what: "entries" | "exits") =>
  rows.reduce((total, row) => total + row[what], 0);

/** Months of another calendar than the API's, from their days. */
function monthsOf(days: readonly Told[], calendar: Calendar): Told[] {
  return [...Map.groupBy(days, ({ at }) => monthStart(at, calendar))].map(([at, of]) => ({
    at,
    entries: sum(of, "entries"),
    exits: sum(of, "exits"),
    average: of.reduce((total, { average }) => total + (average ?? 0), 0) / of.length,
    most: Math.max(...of.map(({ most }) => most ?? 0)),
    persons: null,
  }));
}

/** Adds up what cameras have counted; how many people are there, and who, cannot be added. */
function together(histories: readonly (readonly Told[])[]): readonly Row[] {
  const byKey = new Map<string, Told[]>();
  for (const rows of histories) {
    for (const [index, row] of rows.entries()) {
      const key = row.at === rows[index - 1]?.at ? `${row.at} again` : row.at;
      byKey.set(key, [...(byKey.get(key) ?? []), row]);
    }
  }
  const unknown = histories.length > 1 && { average: null, most: null, persons: null };
  return [...byKey]
    .toSorted(([one], [other]) => one.localeCompare(other))
    .flatMap(([key, rows]) =>
      rows.slice(0, 1).map((row) => ({
        ...row,
        key,
        entries: sum(rows, "entries"),
        exits: sum(rows, "exits"),
        ...unknown,
      })),
    );
}
