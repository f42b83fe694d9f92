import { ApiError } from "../../api";
import { useErrorWords } from "../../errors";
import { useFormats } from "../../formats";
import { isolated } from "../../text";
import { useAppText } from "../../texts";
import type { Room } from "./data";
import type { Obstacle } from "./fit";
import { useBookingText } from "./texts";

const KNOWN = {
  "Room is already booked for the requested time slot.": "taken",
  "Room is already booked for this time period": "taken",
  "Room is under maintenance.": "locked",
  "Room is currently locked": "locked",
  "Room is not active": "gone",
  "Room not found": "gone",
  "You do not have permission to book this room": "role",
  "Booking is already cancelled or completed.": "over",
  "Only a booking that has not ended can be changed.": "over",
  "Only pending requests can be cancelled": "decided",
  "A booking that somebody has checked in to cannot be moved.": "checkedIn",
  "Already checked in": "already",
  "Check-in window has expired": "late",
  "Check-in has not opened yet": "early",
  "Booking is not currently active": "notRunning",
  "Start time must be in the future": "past",
  "End time must be after start time": "empty",
} as const;

/** A rule's sentence, as `rules.py` words it, and which of our texts says the same. */
const RULES = [
  [/^A booking of this room lasts (\d+) minutes or more/, "tooShort", "count"],
  [/^A booking of this room lasts (\d+) minutes at most/, "tooLong", "count"],
  [/^This room can be booked at most (\d+) days ahead/, "tooFar", "count"],
  [/^The room cannot be booked then: (.*)\. \(rule/, "blackout", "reason"],
  [/ is a holiday: (.*)\. \(rule/, "holiday", "name"],
  [/^You may have (\d+) bookings .*\(rule: quota \w+ (\w+)\)/, "quotaBookings", "count"],
  [/^You may book (\d+) minutes .*\(rule: quota \w+ (\w+)\)/, "quotaMinutes", "count"],
] as const;

/** Says a refusal of the bookings service, or the reason of a skipped date, in the page's language. */
export function useRefusalWords(): (refusal: unknown) => string {
  const t = useBookingText();
  const words = useErrorWords();
  return (refusal) => {
    const said = refusal instanceof ApiError ? refusal.message : refusal;
    if (typeof said !== "string") return words(refusal);
    for (const [message, key] of Object.entries(KNOWN)) {
      if (said.includes(message)) return t(`refusal.${key}`);
    }
    for (const [pattern, key, name] of RULES) {
      const [, value, per] = pattern.exec(said) ?? [];
      if (value === undefined) continue;
      const period = per && t(`refusal.per.${per}` as "refusal.per.day");
      return t(`refusal.${key}`, { [name]: name === "count" ? Number(value) : value, period });
    }
    return refusal instanceof ApiError ? words(refusal) : said;
  };
}

/** Says why a room cannot be had, and what would mend it. */
export function useObstacleWords(): (obstacle: Obstacle, room: Room) => string {
  const t = useBookingText();
  const app = useAppText();
  const formats = useFormats();
  return (obstacle, room) => {
    switch (obstacle.is) {
      case "role": {
        const roles = (room.restrictedRoles ?? []).map((role) => app(`roles.${role}`));
        return t("obstacle.role", { roles: formats.list(roles) });
      }
      case "taken":
      case "buffer": {
        const { booking } = obstacle;
        const { bufferBefore, bufferAfter } = room.rules;
        return t(`obstacle.${obstacle.is}`, {
          time: formats.range(booking.start, booking.end, room.timezone),
          who: isolated(booking.organizer ?? t("timeline.somebody")),
          title: isolated(booking.title ?? t("timeline.waiting")),
          count: Math.max(bufferBefore, bufferAfter),
        });
      }
      case "blackout":
        return t("refusal.blackout", { reason: obstacle.reason });
      case "holiday":
        return t("refusal.holiday", { name: obstacle.name });
      case "tooShort":
      case "tooLong":
      case "tooFar":
        return t(`refusal.${obstacle.is}`, { count: obstacle.limit });
      default:
        return t(`refusal.${obstacle.is}`);
    }
  };
}
