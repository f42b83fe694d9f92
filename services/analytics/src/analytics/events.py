"""What the service does with the events that it takes."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final
from zoneinfo import available_timezones

from msgspec.structs import asdict

from analytics.repository.facts import Facts
from analytics.repository.seats import Seats
from common.consumer import Refused, Subscription
from common.copies import LARGEST, is_datable, sort_out, wrong_booking
from common.db import AsyncSession
from common.events import (
    ALLOCATIONS,
    BOOKINGS,
    ROOMS,
    TERMS,
    USERS,
    AllocationV1,
    BookingV1,
    CloudEvent,
    RoomV1,
    TermV1,
    UserV1,
)

# Of one allocation; a thousand of them at a time are still a number.
MOST_SEATS: Final = 1_000_000
# What is shown day by day lasts so long at most; their owner lets nothing last longer.
LONGEST: Final = timedelta(days=6 * 366)
_BOOKED: Final = frozenset({"confirmed", "completed", "no_show"})


async def on_rooms(
    session: AsyncSession, events: Sequence[CloudEvent[RoomV1]]
) -> list[Refused[RoomV1]]:
    """Keep rooms as they are now."""
    good, refused = sort_out(events, _wrong_room)
    if good:
        await Facts(session).take_rooms([_room(room) for room in good])
        await Seats(session).follow_rooms({room.id for room in good})
    return refused


def _room(room: RoomV1) -> dict[str, Any]:
    return {
        "id": room.id,
        "cuid": room.cuid,
        "version": room.version,
        "name": room.name,
        "building_id": room.building.id,
        "building": room.building.name,
        "timezone": room.building.timezone,
        "capacity": room.capacity,
        "is_active": room.is_active,
        "opens_at": room.building.opens_at,
        "closes_at": room.building.closes_at,
        "opens_from": room.opens_from,
        "opens_until": room.opens_until,
        "recurrence_rule": room.recurrence_rule,
        "created_at": room.created_at,
    }


async def on_users(
    session: AsyncSession, events: Sequence[CloudEvent[UserV1]]
) -> list[Refused[UserV1]]:
    """Keep people as they are now."""
    good, refused = sort_out(events, _wrong_user)
    if good:
        await Facts(session).take_users([_user(user) for user in good])
    return refused


def _user(user: UserV1) -> dict[str, Any]:
    return {
        "id": user.id,
        "version": user.version,
        "name": user.name,
        "email": user.email,
        "role": user.role,
        "department": user.department,
    }


async def on_bookings(
    session: AsyncSession, events: Sequence[CloudEvent[BookingV1]]
) -> list[Refused[BookingV1]]:
    """Keep bookings as they are now, and correct the facts by what has changed."""
    good, refused = sort_out(events, wrong_booking)
    newest: dict[str, BookingV1] = {}
    for booking in good:
        known = newest.setdefault(booking.id, booking)
        if known.version < booking.version:
            newest[booking.id] = booking
    if newest:
        rows = [_booking(booking) for booking in newest.values()]
        await Facts(session).take_bookings(list(zip(*rows, strict=True)))
    return refused


def _booking(booking: BookingV1) -> tuple[Any, ...]:
    is_booked = booking.status in _BOOKED
    is_no_show = booking.status == "no_show"
    until = booking.ends_at
    if is_no_show and booking.checkin_until is not None:
        until = max(booking.starts_at, min(until, booking.checkin_until))
    return (
        booking.id,
        booking.version,
        booking.room_id,
        booking.organizer.id,
        booking.organizer.name,
        booking.organizer.email,
        booking.title,
        len({booking.organizer.id, *booking.attendee_ids}),
        booking.starts_at,
        booking.ends_at,
        until,
        is_booked,
        is_booked and booking.overridden_by is None,
        is_no_show,
        booking.is_override,
        booking.created_at,
    )


async def on_terms(
    session: AsyncSession, events: Sequence[CloudEvent[TermV1]]
) -> list[Refused[TermV1]]:
    """Keep terms as they are now."""
    good, refused = sort_out(events, _wrong_term)
    if good:
        await Seats(session).take_terms([asdict(term) for term in good])
    return refused


async def on_allocations(
    session: AsyncSession, events: Sequence[CloudEvent[AllocationV1]]
) -> list[Refused[AllocationV1]]:
    """Keep allocations as they are now, and sweep the rooms anew that they come to or leave."""
    good, refused = sort_out(events, _wrong_allocation)
    newest: dict[int, AllocationV1] = {}
    for one in good:
        if one.id not in newest or newest[one.id].version < one.version:
            newest[one.id] = one
    if newest:
        rows = [_allocation(newest[name]) for name in sorted(newest)]
        await Seats(session).take_allocations(list(zip(*rows, strict=True)))
    return refused


def _allocation(one: AllocationV1) -> tuple[Any, ...]:
    times = [] if one.is_deleted else one.occurrences
    return (
        one.id,
        one.version,
        one.term_id,
        one.room_id,
        one.title,
        one.allocated_seats,
        _array(time.starts_at for time in times),
        _array(time.ends_at for time in times),
    )


def _array(moments: Iterable[datetime]) -> str:
    """Write moments as Postgres reads an array: lists of several lengths are no column."""
    return f"{{{','.join(moment.isoformat() for moment in moments)}}}"


def _wrong_room(room: RoomV1) -> str | None:
    if room.building.timezone not in available_timezones():
        return "the time zone is unknown"
    if max(room.capacity, room.building.id) >= 2**31 or room.version > LARGEST:
        return "a number is too large"
    moments = (room.opens_from, room.opens_until, room.created_at)
    if not all(is_datable(moment) for moment in moments if moment is not None):
        return "a moment is too far away"
    return None


def _wrong_user(user: UserV1) -> str | None:
    return "the version is too large" if user.version > LARGEST else None


def _wrong_term(term: TermV1) -> str | None:
    if term.version > LARGEST:
        return "the version is too large"
    first, last = term.start_date, term.end_date
    if not (first.year >= 1900 and last.year <= 9000 and first <= last <= first + LONGEST):
        return f"from {first} to {last} is no term"
    return None


def _wrong_allocation(one: AllocationV1) -> str | None:
    if one.version > LARGEST or one.allocated_seats > MOST_SEATS:
        return "a number is too large"
    times = one.occurrences
    if any(time.starts_at >= time.ends_at for time in times):
        return "an occurrence ends before it starts"
    if any(time.ends_at > after.starts_at for time, after in pairwise(times)):
        return "occurrences overlap, or are in no order"
    if times:
        first, last = times[0].starts_at, times[-1].ends_at
        if not (is_datable(first) and is_datable(last)) or last - first > LONGEST:
            return f"from {first} to {last} is too long"
    return None


# The version of what is told is its claim: it is taken once, however often it comes.
SUBSCRIPTIONS: Final[Sequence[Subscription[Any]]] = [
    Subscription(USERS, on_users, claims=False),
    Subscription(BOOKINGS, on_bookings, claims=False),
    Subscription(ROOMS, on_rooms, claims=False),
    Subscription(TERMS, on_terms, claims=False),
    Subscription(ALLOCATIONS, on_allocations, claims=False),
]
