import { addDays, dayOf } from "../../days";
import type { Booking, Room, Times } from "./data";

/**
 * What can be booked, worked out from what the API has told, so that it is shown while somebody
 * drags. The server decides: what is free here may be taken a moment later.
 */
export const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** Times are offered in steps of so many minutes. */
export const STEP_MINUTES = 15;

/** Why a room cannot be had at a time. */
export type Obstacle =
  | { is: "locked" | "role" | "past" | "empty" }
  | { is: "taken" | "buffer"; booking: Booking }
  | { is: "blackout"; reason: string }
  | { is: "holiday"; name: string }
  | { is: "tooShort" | "tooLong" | "tooFar"; limit: number };

export interface Wish {
  start: number;
  end: number;
  /** A booking that is to be moved: it does not stand in its own way. */
  except?: string | undefined;
}

export function obstacleOf(
  room: Room,
  { start, end, except }: Wish,
  times: Times,
  now: number,
): Obstacle | undefined {
  const { rules } = room;
  const minutes = (end - start) / MINUTE_MS;
  if (room.isLocked) return { is: "locked" };
  if (!room.mayBook) return { is: "role" };
  if (minutes <= 0) return { is: "empty" };
  if (start < now - (rules.checkInCloses ?? 0) * MINUTE_MS) return { is: "past" };
  if (rules.minMinutes !== null && minutes < rules.minMinutes) {
    return { is: "tooShort", limit: rules.minMinutes };
  }
  if (rules.maxMinutes !== null && minutes > rules.maxMinutes) {
    return { is: "tooLong", limit: rules.maxMinutes };
  }
  if (rules.horizonDays !== null && start > now + rules.horizonDays * DAY_MS) {
    return { is: "tooFar", limit: rules.horizonDays };
  }
  const from = start - rules.bufferBefore * MINUTE_MS;
  const until = end + rules.bufferAfter * MINUTE_MS;
  let near: Booking | undefined;
  for (const booking of times.byRoom.get(room.id) ?? []) {
    if (!booking.holds || booking.id === except) continue;
    if (booking.start < end && start < booking.end) return { is: "taken", booking };
    if (booking.heldFrom < until && from < booking.heldUntil) near = booking;
  }
  if (near) return { is: "buffer", booking: near };
  for (const { roomId, start: begin, end: over, reason } of times.blackouts) {
    if ((roomId === null || roomId === room.id) && begin < end && start < over) {
      return { is: "blackout", reason };
    }
  }
  if (times.holidays.size > 0) {
    const last = dayOf(end - 1, room.timezone);
    for (let day = dayOf(start, room.timezone); day <= last; day = addDays(day, 1)) {
      const name = times.holidays.get(day);
      if (name !== undefined) return { is: "holiday", name };
    }
  }
  return undefined;
}

/** Other times of the same room, nearest first, within what is known. */
export function otherTimes(
  room: Room,
  wish: Wish,
  times: Times,
  now: number,
  known: { from: number; to: number },
  count: number,
): number[] {
  const step = STEP_MINUTES * MINUTE_MS;
  const length = wish.end - wish.start;
  const found: number[] = [];
  for (let away = 1; found.length < count && away * step < DAY_MS; away++) {
    for (const start of [wish.start + away * step, wish.start - away * step]) {
      if (start < known.from || start + length > known.to || start < now) continue;
      // Two times that overlap are one choice.
      if (found.some((one) => Math.abs(one - start) < length)) continue;
      const moved = { ...wish, start, end: start + length };
      if (obstacleOf(room, moved, times, now) === undefined) found.push(start);
    }
  }
  return found.slice(0, count);
}

/** Other rooms that are free then: of the same building first, and nearest in size. */
export function otherRooms(
  room: Room,
  rooms: readonly Room[],
  wish: Wish,
  times: Times,
  now: number,
  count: number,
): Room[] {
  const distance = (other: Room) =>
    (other.building === room.building ? 0 : 10_000) +
    (other.capacity < room.capacity ? 1000 : 0) +
    Math.abs(other.capacity - room.capacity) +
    room.amenities.filter((amenity) => !other.amenities.includes(amenity)).length * 5;
  return rooms
    .filter((other) => other.id !== room.id)
    .filter((other) => obstacleOf(other, wish, times, now) === undefined)
    .map((other) => ({ other, far: distance(other) }))
    .sort((one, two) => one.far - two.far)
    .slice(0, count)
    .map(({ other }) => other);
}

export interface Filter {
  search: string;
  building: string | null;
  people: number;
  amenities: readonly string[];
}

export function matches(room: Room, { search, building, people, amenities }: Filter): boolean {
  return (
    room.capacity >= people &&
    (building === null || room.building === building) &&
    amenities.every((amenity) => room.amenities.includes(amenity)) &&
    (search === "" || room.name.toLocaleLowerCase().includes(search.toLocaleLowerCase()))
  );
}
