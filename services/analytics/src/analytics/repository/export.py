"""Reads bookings for export, some at a time, so that no reader holds a connection."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from analytics.tables import bookings, rooms, users

AT_ONCE: Final = 1000
# Before every id.
BEGINNING: Final = ""

_EXPORTED: Final = (
    select(
        bookings.c.id,
        bookings.c.starts_at,
        bookings.c.ends_at,
        bookings.c.title,
        bookings.c.is_override,
        bookings.c.created_at,
        bookings.c.organizer_name,
        bookings.c.organizer_email,
        rooms.c.name.label("room"),
        rooms.c.building,
        users.c.name.label("user"),
        users.c.email,
        users.c.role,
        users.c.department,
    )
    .outerjoin(rooms, rooms.c.id == bookings.c.room_id)
    .outerjoin(users, users.c.id == bookings.c.organizer_id)
    .where(bookings.c.is_booked)
    .order_by(bookings.c.starts_at, bookings.c.id)
)


async def read_bookings(
    session: AsyncSession, after: tuple[datetime, str], until: datetime
) -> Sequence[Any]:
    """Return the next bookings by start, at most 1000.

    Args:
        after: start and id of the last one that was read.
        until: they start before this.
    """
    place = tuple_(bookings.c.starts_at, bookings.c.id)
    wanted = _EXPORTED.where(place > tuple_(*after), bookings.c.starts_at < until)
    return (await session.execute(wanted.limit(AT_ONCE))).all()
