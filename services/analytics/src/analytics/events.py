"""What the service does with the events that it takes."""

import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from msgspec.structs import asdict

from analytics.repository.doors import Doors
from analytics.repository.facts import Facts
from analytics.repository.measuring import Measuring
from analytics.repository.seats import Seats
from analytics.service.measuring import take_cameras
from common.consumer import Batch, Refused, Subscription
from common.copies import LARGEST, is_datable, sort_out, wrong_booking
from common.db import AsyncSession
from common.errors import BrokenEvent
from common.events import (
    ALLOCATIONS,
    BOOKINGS,
    CAMERAS,
    CROSSINGS,
    LEVELS,
    ROOMS,
    TERMS,
    USERS,
    AllocationV1,
    BookingV1,
    CameraV1,
    CloudEvent,
    CrossingV1,
    LevelV1,
    RoomV1,
    TermV1,
    UserV1,
)
from common.fields import known_zones

QUARTER_S: Final = 900
_LATEST_S: Final = timedelta(days=90).total_seconds()
_AHEAD_S: Final = 60.0
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
        ids = {room.id for room in good}
        await Seats(session).follow_rooms(ids)
        await Doors(session).follow_rooms(ids)
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
    columns, refused = _bookings(events)
    if columns:
        await Facts(session).take_bookings(columns)
    return refused


async def on_bookings_in_bulk(
    session: AsyncSession, events: Sequence[CloudEvent[BookingV1]]
) -> list[Refused[BookingV1]]:
    """Keep bookings as they are now, to be counted when all of them are there."""
    columns, refused = _bookings(events)
    if columns:
        await Facts(session).keep_bookings(columns)
    return refused


def _bookings(
    events: Sequence[CloudEvent[BookingV1]],
) -> tuple[list[tuple[Any, ...]], list[Refused[BookingV1]]]:
    """Return the newest of each booking as columns of its table; and what can't be stored."""
    good, refused = sort_out(events, wrong_booking)
    newest: dict[str, BookingV1] = {}
    for booking in good:
        known = newest.setdefault(booking.id, booking)
        if known.version < booking.version:
            newest[booking.id] = booking
    return list(zip(*map(_booking, newest.values()), strict=True)), refused


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


async def on_levels(
    session: AsyncSession, events: Sequence[CloudEvent[LevelV1]]
) -> list[Refused[LevelV1]]:
    """Keep how many people are in rooms, and measure what it is of."""
    columns, refused = _levels(events)
    if columns:
        await Measuring(session).take_levels(columns)
    return refused


async def on_levels_in_bulk(
    session: AsyncSession, events: Sequence[CloudEvent[LevelV1]]
) -> list[Refused[LevelV1]]:
    """Keep how many people are in rooms, to be measured by when all of it is there."""
    columns, refused = _levels(events)
    if columns:
        await Measuring(session).keep_levels(columns)
    return refused


def _levels(
    events: Sequence[CloudEvent[LevelV1]],
) -> tuple[list[tuple[Any, ...]], list[Refused[LevelV1]]]:
    """Return levels as columns of their table; and what can't be stored."""
    good, refused = sort_out(events, _wrong_level)
    rows = [(one.room_id, one.measured_at, one.version, one.occupancy) for one in good]
    return list(zip(*rows, strict=True)), refused


async def on_cameras(
    session: AsyncSession, events: Sequence[CloudEvent[CameraV1]]
) -> list[Refused[CameraV1]]:
    """Keep cameras as they are now."""
    wrong = [event for event in events if not _is_kept(event)]
    told = [(_camera(event.data), event.time) for event in events if _is_kept(event)]
    if told:
        await take_cameras(session, told)
    return [Refused(event, BrokenEvent("a number or a moment is too large")) for event in wrong]


def _is_kept(event: CloudEvent[CameraV1]) -> bool:
    return event.data.version <= LARGEST and is_datable(event.time)


def _camera(camera: CameraV1) -> dict[str, Any]:
    return {
        "id": camera.id,
        "version": camera.version,
        "code": camera.camera_id,
        "name": camera.camera_name,
        "type": camera.camera_type,
        "room_id": camera.room_id,
        "is_active": camera.is_active,
    }


async def on_crossings(
    session: AsyncSession, events: Batch[CrossingV1]
) -> list[Refused[CrossingV1]]:
    """Count who went by which camera; also by one that is not known yet."""
    told = [event.data for event in events]
    await Doors(session).take_crossings(
        [
            [one.camera_id for one in told],
            [one.edge_id for one in told],
            [one.sequence for one in told],
            [one.direction == "entry" for one in told],
            _quarters([one.crossed_at for one in told], events.arrived_ms),
        ]
    )
    return []


def _quarters(crossed_at: Sequence[datetime], arrived_ms: Sequence[int]) -> list[int]:
    """Return in which quarters of an hour crossings were, as far as their edges can be believed.

    As occupancy does: what is said to have been longer than 90 days before it arrived, or later
    than it, was then. A topic that was made before its broker stamped records has any time.
    """
    now_s = time.time()
    quarters = []
    for crossed, arrived in zip(crossed_at, arrived_ms, strict=True):
        told_s, came_s = crossed.timestamp(), arrived / 1000
        if not 0 < came_s <= now_s + _AHEAD_S:
            came_s = now_s
        is_believed = came_s - _LATEST_S <= told_s <= came_s + _AHEAD_S
        quarters.append(int((told_s if is_believed else came_s) // QUARTER_S))
    return quarters


def _wrong_level(level: LevelV1) -> str | None:
    if level.occupancy >= 2**31 or level.version >= LARGEST:
        return "a number is too large"
    return None if is_datable(level.measured_at) else "a moment is too far away"


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
        _array(at.starts_at for at in times),
        _array(at.ends_at for at in times),
    )


def _array(moments: Iterable[datetime]) -> str:
    """Write moments as Postgres reads an array: lists of several lengths are no column."""
    return f"{{{','.join(moment.isoformat() for moment in moments)}}}"


def _wrong_room(room: RoomV1) -> str | None:
    if room.building.timezone not in known_zones():
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


# The version of what is told is its claim: it is taken once, however often it comes; a crossing's
# is its edge's number for it.
SUBSCRIPTIONS: Final[Sequence[Subscription[Any]]] = [
    Subscription(USERS, on_users, claims=False),
    Subscription(BOOKINGS, on_bookings, claims=False),
    Subscription(ROOMS, on_rooms, claims=False),
    Subscription(LEVELS, on_levels, claims=False),
    Subscription(CAMERAS, on_cameras, claims=False),
    Subscription(CROSSINGS, on_crossings, claims=False),
    Subscription(TERMS, on_terms, claims=False),
    Subscription(ALLOCATIONS, on_allocations, claims=False),
]
