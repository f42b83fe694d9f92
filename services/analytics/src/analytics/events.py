"""What the service does with the events that it takes."""

from collections.abc import Sequence
from typing import Any, Final
from zoneinfo import available_timezones

from analytics.repository.facts import Facts
from common.consumer import Refused, Subscription
from common.copies import LARGEST, is_datable, sort_out, wrong_booking
from common.db import AsyncSession
from common.events import BOOKINGS, ROOMS, USERS, BookingV1, CloudEvent, RoomV1, UserV1

_BOOKED: Final = frozenset({"confirmed", "completed", "no_show"})


async def on_rooms(
    session: AsyncSession, events: Sequence[CloudEvent[RoomV1]]
) -> list[Refused[RoomV1]]:
    """Keep rooms as they are now."""
    good, refused = sort_out(events, _wrong_room)
    if good:
        await Facts(session).take_rooms([_room(room) for room in good])
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


# The version of what is told is its claim: it is taken once, however often it comes.
SUBSCRIPTIONS: Final[Sequence[Subscription[Any]]] = [
    Subscription(USERS, on_users, claims=False),
    Subscription(BOOKINGS, on_bookings, claims=False),
    Subscription(ROOMS, on_rooms, claims=False),
]
