"""What the service does with the events that it takes: it keeps copies of bookings and levels."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from common.consumer import Refused, Subscription
from common.copies import sort_out
from common.db import AsyncSession
from common.events import BOOKINGS, LEVELS, BookingV1, CloudEvent, LevelV1
from rooms.service import copies

LARGEST: Final = 2**63 - 1


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
    good, refused = sort_out(events, _wrong_level)
    if good:
        await copies.take_levels(session, good)
    return refused


def _wrong_booking(booking: BookingV1) -> str | None:
    if not 1 <= len(booking.id) <= 200 or "\0" in booking.id:
        return "a booking's id has 1 to 200 characters and no NUL"
    if booking.version > LARGEST:
        return "the version is too large"
    spans = (booking.starts_at, booking.ends_at), (booking.held_from, booking.held_until)
    for begins, ends in spans:
        if not 1900 <= begins.year <= ends.year <= 9000 or begins >= ends:
            return f"from {begins} to {ends} is no time"
    return None


def _wrong_level(level: LevelV1) -> str | None:
    return "a number is too large" if max(level.version, level.occupancy) > LARGEST else None


SUBSCRIPTIONS: Final[Sequence[Subscription[Any]]] = [
    Subscription(BOOKINGS, on_bookings),
    Subscription(LEVELS, on_levels),
]
