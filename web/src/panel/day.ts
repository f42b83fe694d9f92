import type { Meeting, RoomState } from "./device";

export const SOON_MS = 15 * 60_000;
const BOOK_MINUTES = [15, 30, 60];
const EXTEND_MINUTES = [15, 30];
const SHORTEST_MS = 5 * 60_000;

export type Status = RoomState["status"];

/** What is shown of a room's day. */
export interface Day {
  status: Status;
  current: Meeting | undefined;
  /** By start; the next meeting is the first. */
  later: Meeting[];
}

/** A length that can be booked or added, and when that ends, in milliseconds since 1970. */
export interface Offer {
  minutes: number;
  until: number;
}

/**
 * Tells what is shown at a moment. While the panel is linked, the server says it; cut off, it
 * follows from the meetings that were known, as the server would have it.
 *
 * @param now by the server's clock, in milliseconds since 1970.
 */
export function dayAt(state: RoomState, now: number, isLinked: boolean): Day {
  const meetings = [state.currentMeeting, ...state.upcomingMeetings].filter((one) => one !== null);
  if (isLinked) {
    const current = state.currentMeeting ?? undefined;
    return { status: state.status, current, later: state.upcomingMeetings };
  }
  const current = meetings.find((one) => startOf(one) <= now && now < endOf(one));
  const later = meetings.filter((one) => now < startOf(one));
  const isSoon = later.some((one) => startOf(one) - SOON_MS <= now);
  const status = current ? "occupied" : isSoon ? "upcoming" : "available";
  return { status: state.status === "offline" ? "offline" : status, current, later };
}

/** The meeting that whoever comes to the door now comes for, if nobody has yet. */
export function toCheckIn(
  day: Day,
  now: number,
  keptCheckIns: ReadonlySet<string>,
): Meeting | undefined {
  const isOpen = (one: Meeting | undefined) =>
    one !== undefined &&
    !one.checkedIn &&
    !keptCheckIns.has(one.id) &&
    startOf(one) - SOON_MS <= now &&
    (one.checkInUntil === null || now < Date.parse(one.checkInUntil));
  return [day.current, day.later[0]].find(isOpen);
}

/** For how long the room can be booked from now on; each ends with the next meeting at the latest. */
export function bookingOffers(day: Day, now: number): Offer[] {
  if (day.current || day.status === "offline") return [];
  return offers(BOOK_MINUTES, now, day.later[0]);
}

/** By how much the meeting that runs can be made longer. */
export function extensionOffers(day: Day): Offer[] {
  return day.current ? offers(EXTEND_MINUTES, endOf(day.current), day.later[0]) : [];
}

function offers(lengths: number[], from: number, next: Meeting | undefined): Offer[] {
  const free = next ? startOf(next) - from : Number.POSITIVE_INFINITY;
  if (free < SHORTEST_MS) return [];
  const fitting = lengths.filter((minutes) => minutes * 60_000 < free);
  const made = fitting.map((minutes) => ({ minutes, until: from + minutes * 60_000 }));
  if (fitting.length < lengths.length) {
    made.push({ minutes: Math.ceil(free / 60_000), until: from + free });
  }
  return made;
}

export function startOf(meeting: Meeting): number {
  return Date.parse(meeting.startTime);
}

export function endOf(meeting: Meeting): number {
  return Date.parse(meeting.endTime);
}
