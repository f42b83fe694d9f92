"""What the service does with the events that it takes: it keeps copies."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from common.consumer import Refused, Subscription
from common.copies import LARGEST, sort_out, wrong_booking, wrong_level
from common.db import AsyncSession
from common.events import BOOKINGS, LEVELS, ROOMS, BookingV1, CloudEvent, LevelV1, RoomV1
from common.fields import known_zones
from panel.repository import KEEP, Copies

_SHOWN: Final = frozenset({"confirmed", "completed"})


async def on_rooms(
    session: AsyncSession, events: Sequence[CloudEvent[RoomV1]]
) -> list[Refused[RoomV1]]:
    """Keep rooms as they are now."""
    good, refused = sort_out(events, _wrong_room)
    if good:
        await Copies(session).take_rooms(
            [
                {
                    "id": room.id,
                    "cuid": room.cuid,
                    "version": room.version,
                    "name": room.name,
                    "building": room.building.name,
                    "timezone": room.building.timezone,
                    "floor": room.floor or 0,
                    "capacity": room.capacity,
                    "is_bookable": room.is_active and not room.is_locked,
                }
                for room in good
            ]
        )
    return refused


async def on_bookings(
    session: AsyncSession, events: Sequence[CloudEvent[BookingV1]]
) -> list[Refused[BookingV1]]:
    """Keep bookings as they are now; those that ended days ago are forgotten."""
    good, refused = sort_out(events, wrong_booking)
    if good:
        copies = Copies(session)
        await copies.take_meetings(
            [
                {
                    "id": booking.id,
                    "version": booking.version,
                    "room_id": booking.room_id,
                    "title": booking.title,
                    "organizer": booking.organizer.name,
                    "organizer_email": booking.organizer.email,
                    "starts_at": booking.starts_at,
                    "ends_at": booking.ends_at,
                    "attendee_count": len({booking.organizer.id, *booking.attendee_ids}),
                    "checked_in_at": booking.checked_in_at,
                    "checkin_until": booking.checkin_until,
                    "is_held": booking.status in _SHOWN and booking.overridden_by is None,
                }
                for booking in good
            ]
        )
        await copies.forget(datetime.now(UTC) - KEEP)
    return refused


async def on_levels(
    session: AsyncSession, events: Sequence[CloudEvent[LevelV1]]
) -> list[Refused[LevelV1]]:
    """Keep how many people are in rooms."""
    good, refused = sort_out(events, wrong_level)
    if good:
        await Copies(session).take_levels(
            [
                {"room_id": level.room_id, "version": level.version, "occupancy": level.occupancy}
                for level in good
            ]
        )
    return refused


def _wrong_room(room: RoomV1) -> str | None:
    if room.building.timezone not in known_zones():
        return "the time zone is unknown"
    is_small = max(room.capacity, abs(room.floor or 0)) < 2**31 and room.version <= LARGEST
    return None if is_small else "a number is too large"


SUBSCRIPTIONS: Final[Sequence[Subscription[Any]]] = [
    Subscription(ROOMS, on_rooms),
    Subscription(BOOKINGS, on_bookings),
    Subscription(LEVELS, on_levels),
]
