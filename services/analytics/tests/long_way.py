"""Facts from bookings, walked through minute by minute: what Postgres does in one statement."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from common.events import BookingV1, RoomV1, UserV1

MINUTE: Final = timedelta(minutes=1)
Facts = Mapping[tuple[int, date], Mapping[str, int]]


def facts_of(
    bookings: Iterable[BookingV1], rooms: Mapping[int, RoomV1], users: Mapping[str, UserV1]
) -> Facts:
    """Add bookings up, by room and local day; without what is zero.

    Args:
        bookings: as they are in the end; they begin and end on whole minutes.
    """
    facts: dict[tuple[int, date], Counter[str]] = {}
    for booking in bookings:
        room = rooms.get(booking.room_id)
        is_booked = booking.status in {"confirmed", "completed", "no_show"}
        if room is None or not is_booked or booking.overridden_by is not None:
            continue
        user = users.get(booking.organizer.id)
        role = user.role.lower() if user else "unknown"
        until = booking.ends_at
        if booking.status == "no_show" and booking.checkin_until is not None:
            until = min(until, booking.checkin_until)
        zone = ZoneInfo(room.building.timezone)
        first = booking.starts_at.astimezone(zone)
        of_first = facts.setdefault((room.id, first.date()), Counter())
        people = len({booking.organizer.id, *booking.attendee_ids})
        of_first["bookings"] += 1
        of_first[f"{role}_bookings"] += 1
        of_first[f"starts_{first.hour:02}"] += 1
        of_first["attendees"] += people
        of_first["oversized"] += people < room.capacity / 2
        of_first["undersized"] += people > room.capacity
        if booking.status == "no_show":
            of_first["no_shows"] += 1
            of_first["wasted_s"] += int((until - booking.starts_at).total_seconds())
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
