"""Facts from bookings, walked through minute by minute: what Postgres does in one statement."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from common.events import BookingV1, LevelV1, RoomV1, UserV1

MINUTE: Final = timedelta(minutes=1)
HOLDS: Final = timedelta(days=3)
# By booking: the most people at once, and for how many seconds there were none.
Seen = Mapping[str, tuple[int, int]]
Facts = Mapping[tuple[int, date], Mapping[str, int]]


def facts_of(
    bookings: Iterable[BookingV1],
    rooms: Mapping[int, RoomV1],
    users: Mapping[str, UserV1],
    seen: Seen | None = None,
) -> Facts:
    """Add bookings up, by room and local day; without what is zero.

    Args:
        bookings: as they are in the end; they begin and end on whole minutes.
    """
    facts: dict[tuple[int, date], Counter[str]] = {}
    for booking in bookings:
        room = rooms.get(booking.room_id)
        if room is None or not counts(booking):
            continue
        user = users.get(booking.organizer.id)
        role = user.role.lower() if user else "unknown"
        until = had_until(booking)
        zone = ZoneInfo(room.building.timezone)
        first = booking.starts_at.astimezone(zone)
        of_first = facts.setdefault((room.id, first.date()), Counter())
        people = len({booking.organizer.id, *booking.attendee_ids})
        wasted_s = int((until - booking.starts_at).total_seconds())
        people, wasted_s = (seen or {}).get(booking.id, (people, wasted_s))
        of_first["bookings"] += 1
        of_first[f"{role}_bookings"] += 1
        of_first[f"starts_{first.hour:02}"] += 1
        of_first["attendees"] += people
        of_first["oversized"] += people < room.capacity / 2
        of_first["undersized"] += people > room.capacity
        if booking.status == "no_show":
            of_first["no_shows"] += 1
            of_first["wasted_s"] += wasted_s
        touched = set()
        minute = booking.starts_at
        while minute < until:
            local = minute.astimezone(zone)
            of_day = facts.setdefault((room.id, local.date()), Counter())
            of_day["booked_s"] += 60
            of_day[f"{role}_booked_s"] += 60
            touched.add((local.date(), local.hour))
            minute += MINUTE
        for day, hour in touched:
            facts[room.id, day][f"touches_{hour:02}"] += 1
    return {
        key: {name: count for name, count in counted.items() if count}
        for key, counted in facts.items()
        if any(counted.values())
    }


def parties_of(
    bookings: Iterable[BookingV1], rooms: Mapping[int, RoomV1], seen: Seen
) -> Mapping[tuple[int, date, int], Sequence[int]]:
    """Count bookings by room, the local day on which they begin, and how large their party was.

    Returns:
        of each: the measured ones, those of them to which nobody came, seconds that were empty, and
        the others.
    """
    found: dict[tuple[int, date, int], list[int]] = {}
    for booking in bookings:
        room = rooms.get(booking.room_id)
        if room is None or not counts(booking):
            continue
        is_no_show = booking.status == "no_show"
        told = 0 if is_no_show else len({booking.organizer.id, *booking.attendee_ids})
        size, empty_s = seen.get(booking.id, (told, 0))
        is_seen = booking.id in seen
        day = booking.starts_at.astimezone(ZoneInfo(room.building.timezone)).date()
        of_size = found.setdefault((room.id, day, size), [0, 0, 0, 0])
        for index, more in enumerate((is_seen, is_seen and is_no_show, empty_s, not is_seen)):
            of_size[index] += int(more)
    return {key: tuple(counted) for key, counted in found.items()}


def counts(booking: BookingV1) -> bool:
    is_booked = booking.status in {"confirmed", "completed", "no_show"}
    return is_booked and booking.overridden_by is None


def had_until(booking: BookingV1) -> datetime:
    if booking.status == "no_show" and booking.checkin_until is not None:
        return min(booking.ends_at, booking.checkin_until)
    return booking.ends_at


def seen_in(bookings: Iterable[BookingV1], levels: Sequence[LevelV1], now: datetime) -> Seen:
    """Look at each minute of bookings that are over, how many people were there."""
    found = {}
    for booking in bookings:
        until = had_until(booking)
        if not counts(booking) or until > now:
            continue
        told = _of_room(levels, booking.room_id)
        people = [_held(told, minute) for minute in _minutes(booking.starts_at, until)]
        known = [one.occupancy for one in people if one is not None]
        if len(known) == len(people) > 0:
            found[booking.id] = max(known), 60 * known.count(0)
    return found


def presence_of(
    bookings: Iterable[BookingV1], rooms: Iterable[RoomV1], levels: Sequence[LevelV1]
) -> Mapping[tuple[int, date], tuple[int, int]]:
    """Add up by room and local day: somebody was there, and outside any booking; in seconds."""
    spans = [(one.room_id, one.starts_at, had_until(one)) for one in bookings if counts(one)]
    found: dict[tuple[int, date], tuple[int, int]] = {}
    for room in rooms:
        zone = ZoneInfo(room.building.timezone)
        told = _of_room(levels, room.id)
        if not told:
            continue
        held = [(since, until) for room_id, since, until in spans if room_id == room.id]
        for minute in _minutes(told[0].measured_at, told[-1].measured_at):
            level = _held(told, minute)
            if level is not None and level.occupancy:
                key = room.id, minute.astimezone(zone).date()
                occupied_s, unbooked_s = found.get(key, (0, 0))
                free = not any(since <= minute < until for since, until in held)
                found[key] = occupied_s + 60, unbooked_s + 60 * free
    return found


def _of_room(levels: Iterable[LevelV1], room_id: int) -> list[LevelV1]:
    told = [one for one in levels if one.room_id == room_id]
    return sorted(told, key=lambda one: (one.measured_at, one.version))


def _held(told: Sequence[LevelV1], minute: datetime) -> LevelV1 | None:
    before = [one for one in told if one.measured_at <= minute]
    return before[-1] if before and minute < before[-1].measured_at + HOLDS else None


def _minutes(since: datetime, until: datetime) -> Iterable[datetime]:
    while since < until:
        yield since
        since += MINUTE


def by_month(facts: Facts) -> Facts:
    """Add the days of months up."""
    months: dict[tuple[int, date], Counter[str]] = {}
    for (room_id, day), counted in facts.items():
        months.setdefault((room_id, day.replace(day=1)), Counter()).update(counted)
    return months


def by_week(facts: Facts) -> Facts:
    """Add up for how long rooms were booked in weeks, from Monday on."""
    weeks: dict[tuple[int, date], Counter[str]] = {}
    for (room_id, day), counted in facts.items():
        if counted.get("booked_s"):
            monday = day - timedelta(days=day.weekday())
            week = weeks.setdefault((room_id, monday), Counter())
            week["booked_s"] += counted["booked_s"]
    return weeks
