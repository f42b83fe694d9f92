"""Reads what is allocated of rooms in a term, day by day, and the versions that it follows from."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import func, literal, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import NULLTYPE

from analytics.domain import Days
from analytics.tables import allocations, rooms, seats, terms


class Heatmap:
    """Terms and seats, as they are now."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def term(self, term_id: int) -> Any | None:  # noqa: ANN401 - SQLAlchemy's own
        """Return a term and, as `state`, what changes whenever a heatmap of it may.

        Versions only rise, and rows are never removed: so do the sums of versions.
        """
        of_rooms = select(func.sum(rooms.c.version)).scalar_subquery()
        of_term = select(func.sum(allocations.c.version)).where(allocations.c.term_id == term_id)
        state = func.concat_ws("/", terms.c.version, of_rooms, of_term.scalar_subquery())
        found = await self._session.execute(
            select(terms, state.label("state")).where(terms.c.id == term_id, ~terms.c.is_deleted)
        )
        return found.one_or_none()

    async def rooms(self, term_id: int, days: Days, ids: Collection[int]) -> Sequence[Any]:
        """Return the rooms with these ids, or all that are active, by name.

        Each has the days on which seats of it are allocated, numbered from the first one, and for
        each of them what `tables.seats` has; null: there are none.
        """
        numbers = seats.c.day - literal(days.first, seats.c.day.type)
        listed = {
            "days": numbers,
            "peaks": seats.c.peak,
            "totals": seats.c.total,
            "counts": seats.c.allocations,
        }
        allocated = (
            select(
                seats.c.room_id,
                # As the driver gives them: SQLAlchemy would go over each once more.
                *(func.array_agg(one, type_=NULLTYPE).label(name) for name, one in listed.items()),
            )
            .where(seats.c.term_id == term_id, seats.c.day.between(days.first, days.last))
            .where(seats.c.room_id.in_(ids) if ids else true())
            .group_by(seats.c.room_id)
            .subquery()
        )
        found = await self._session.execute(
            select(
                rooms.c.id, rooms.c.name, rooms.c.capacity, *(allocated.c[name] for name in listed)
            )
            .outerjoin(allocated, allocated.c.room_id == rooms.c.id)
            .where(rooms.c.id.in_(ids) if ids else rooms.c.is_active)
            .order_by(rooms.c.name, rooms.c.id)
        )
        return found.all()
