"""What the service does with the events that it takes: it keeps copies of bookings and levels."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from common.consumer import Refused, Subscription
from common.copies import sort_out, wrong_booking, wrong_level, wrong_span
from common.db import AsyncSession
from common.events import BOOKINGS, LEVELS, BookingV1, CloudEvent, LevelV1
from rooms.service import copies


async def on_bookings(
    session: AsyncSession, events: Sequence[CloudEvent[BookingV1]]
) -> list[Refused[BookingV1]]:
    """Keep bookings as they are now."""
    good, refused = sort_out(events, _wrong_booking)
    if good:
        await copies.take_bookings(session, good, now=datetime.now(UTC))
    return refused


async def on_levels(
    session: AsyncSession, events: Sequence[CloudEvent[LevelV1]]
) -> list[Refused[LevelV1]]:
    """Keep levels as they are now."""
    good, refused = sort_out(events, wrong_level)
    if good:
        await copies.take_levels(session, good)
    return refused


def _wrong_booking(booking: BookingV1) -> str | None:
    return wrong_booking(booking) or wrong_span(booking.held_from, booking.held_until)


SUBSCRIPTIONS: Final[Sequence[Subscription[Any]]] = [
    Subscription(BOOKINGS, on_bookings),
    Subscription(LEVELS, on_levels),
]
