"""Copies of bookings and levels, kept from their topics."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from common.db import AsyncSession
from common.events import BookingV1, LevelV1
from rooms.repository.copies import Copies

KEEP: Final = timedelta(days=1)


async def take_bookings(
    session: AsyncSession, bookings: Sequence[BookingV1], *, now: datetime
) -> None:
    """Keep what bookings say of rooms; those that ended more than a day ago are forgotten."""
    copies = Copies(session)
    await copies.take_bookings(
        [
            {
                "id": booking.id,
                "version": booking.version,
                "room_id": booking.room_id,
                "is_confirmed": booking.status == "confirmed",
                "is_checked_in": booking.checked_in_at is not None,
                "holds": booking.holds,
                "starts_at": booking.starts_at,
                "ends_at": booking.ends_at,
                "held_from": booking.held_from,
                "held_until": booking.held_until,
            }
            for booking in bookings
        ]
    )
    await copies.forget(now - KEEP)


async def take_levels(session: AsyncSession, levels: Sequence[LevelV1]) -> None:
    """Keep how many people are in rooms."""
    await Copies(session).take_levels(
        [
            {"room_id": level.room_id, "version": level.version, "occupancy": level.occupancy}
            for level in levels
        ]
    )
