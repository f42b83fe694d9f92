"""Copies of what others own: bookings, and how many people are in rooms."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from common.copies import take_newest
from common.opening import Span
from rooms.tables import room_bookings, room_levels


class Copies:
    """Bookings and levels as their topics have told of them."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def take_bookings(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Keep bookings as they are in the highest version that has come."""
        await take_newest(self._session, room_bookings, rows)

    async def take_levels(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Keep levels as they are in the highest version that has come."""
        await take_newest(self._session, room_levels, rows)

    async def forget(self, ended_before: datetime) -> None:
        """Delete the bookings that had ended by then."""
        columns = room_bookings.c
        over = and_(columns.held_until < ended_before, columns.ends_at < ended_before)
        # Another consumer may be deleting them as well.
        doomed = select(columns.id).where(over).with_for_update(skip_locked=True)
        await self._session.execute(delete(room_bookings).where(columns.id.in_(doomed)))

    async def held(
        self, room_ids: Collection[int], start: datetime, end: datetime
    ) -> dict[int, list[Span]]:
        """Return when rooms are held by bookings in some time, by their starts."""
        columns = room_bookings.c
        found = (
            select(columns.room_id, columns.held_from, columns.held_until)
            .where(
                columns.room_id.in_(room_ids),
                columns.holds,
                columns.held_until > start,
                columns.held_from < end,
            )
            .order_by(columns.room_id, columns.held_from)
        )
        held: dict[int, list[Span]] = {room_id: [] for room_id in room_ids}
        for room_id, held_from, held_until in await self._session.execute(found):
            held[room_id].append((held_from, held_until))
        return held
