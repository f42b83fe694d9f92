"""Keeps which seats of rooms are allocated, and adds them up."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from analytics.domain import Days
from analytics.tables import allocations
from common.copies import take_newest

_SEAT_SECONDS: Final = text("""
    SELECT room_id, floor(sum(
        seats * date_part('epoch', least(ends, until) - greatest(starts, since))))::bigint
    FROM (
        SELECT room_id, seats, unnest(starts) AS starts, unnest(ends) AS ends,
            analytics.first_of(CAST(:first AS date), timezone) AS since,
            analytics.first_of(CAST(:last AS date) + 1, timezone) AS until
        FROM analytics.allocations JOIN analytics.rooms ON rooms.id = room_id
    ) AS taken
    WHERE starts < until AND ends > since
    GROUP BY room_id
""")


class Allocations:
    """Seats that courses have."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def take(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Keep allocations that are newer than what is there."""
        await take_newest(self._session, allocations, rows)

    async def seat_seconds(self, days: Days) -> Mapping[int, int]:
        """Add up for how long seats are allocated, by room; rooms without any are left out."""
        span = {"first": days.first, "last": days.last}
        return {row[0]: row[1] for row in await self._session.execute(_SEAT_SECONDS, span)}
