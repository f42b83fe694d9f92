import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import type { components } from "../../../shared/contracts/circle_time";
import { api, take } from "../../api";
import { type Change, useChangesUnderway } from "./save";

type Schemas = components["schemas"];
export type Room = Schemas["TimelineRoom"];
export type TimelineView = Schemas["TimelineView"];

/** A booking of the timeline, its times in milliseconds since 1970. */
export interface Booking
  extends Omit<Schemas["TimelineBooking"], "startTime" | "endTime" | "heldFrom" | "heldUntil"> {
  start: number;
  end: number;
  heldFrom: number;
  heldUntil: number;
}

export interface Blackout {
  roomId: string | null;
  start: number;
  end: number;
  reason: string;
}

/** What is known of a stretch of time, in all rooms. */
export interface Times {
  byRoom: ReadonlyMap<string, readonly Booking[]>;
  byId: ReadonlyMap<string, Booking>;
  blackouts: readonly Blackout[];
  /** Names of holidays, by day. */
  holidays: ReadonlyMap<string, string>;
}

const LOOK_EVERY_MS = 5000;
const ROOMS_EVERY_MS = 60_000;
const NOTHING: Times = {
  byRoom: new Map(),
  byId: new Map(),
  blackouts: [],
  holidays: new Map(),
};

/** Every room that is in use, with its rules. */
export function useRooms() {
  return useQuery({
    queryKey: ["timeline", "rooms"],
    queryFn: async ({ signal }) =>
      (await take(api.circleTime.GET("/api/timeline/rooms", { signal }))).data,
    staleTime: ROOMS_EVERY_MS,
    refetchInterval: ROOMS_EVERY_MS,
  });
}

/**
 * What is booked between two moments, looked for anew every few seconds. What somebody moves is where
 * they put it from then on: it does not go back while that is on its way.
 */
export function useTimes(from: number, to: number) {
  const query = useQuery({
    queryKey: ["timeline", "bookings", from, to],
    queryFn: async ({ signal }) => {
      const params = {
        query: { from: new Date(from).toISOString(), to: new Date(to).toISOString() },
      };
      return (await take(api.circleTime.GET("/api/timeline", { params, signal }))).data;
    },
    refetchInterval: LOOK_EVERY_MS,
    placeholderData: keepPreviousData,
  });
  const told = query.data ? timesOf(query.data) : NOTHING;
  const changes = useChangesUnderway();
  const times = useMemo(() => changed(told, changes), [told, changes]);
  return { query, times, isKnown: query.data !== undefined && !query.isPlaceholderData };
}

function changed(times: Times, changes: readonly Change[]): Times {
  if (changes.length === 0) return times;
  const byRoom = new Map(times.byRoom);
  const byId = new Map(times.byId);
  for (const { id, ...change } of changes) {
    const before = byId.get(id);
    if (before === undefined) continue;
    const after = { ...before, ...change };
    after.heldFrom += after.start - before.start;
    after.heldUntil += after.end - before.end;
    byId.set(id, after);
    const others = byRoom.get(before.roomId)?.filter((one) => one.id !== id) ?? [];
    byRoom.set(before.roomId, others);
    byRoom.set(after.roomId, [...(byRoom.get(after.roomId) ?? []), after]);
  }
  return { ...times, byRoom, byId };
}

/** What was read is kept as long as the answer: there are thousands, gone to and come back to. */
const read = new WeakMap<TimelineView, Times>();

function timesOf(view: TimelineView): Times {
  let times = read.get(view);
  if (times === undefined) {
    times = readTimes(view);
    read.set(view, times);
  }
  return times;
}

function readTimes(view: TimelineView): Times {
  const byRoom = new Map<string, Booking[]>();
  const byId = new Map<string, Booking>();
  for (const { startTime, endTime, heldFrom, heldUntil, ...more } of view.bookings) {
    const booking = {
      ...more,
      start: Date.parse(startTime),
      end: Date.parse(endTime),
      heldFrom: Date.parse(heldFrom),
      heldUntil: Date.parse(heldUntil),
    };
    byId.set(booking.id, booking);
    const others = byRoom.get(booking.roomId);
    if (others) others.push(booking);
    else byRoom.set(booking.roomId, [booking]);
  }
  return {
    byRoom,
    byId,
    blackouts: view.blackouts.map(({ roomId, startTime, endTime, reason }) => ({
      roomId,
      start: Date.parse(startTime),
      end: Date.parse(endTime),
      reason,
    })),
    holidays: new Map(view.holidays.map(({ date, name }) => [date, name])),
  };
}
