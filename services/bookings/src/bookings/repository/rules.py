"""Reads and writes closures and quotas, and what else admins write."""

from datetime import date
from typing import Any

from sqlalchemy import Table, and_, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from bookings.domain import Period
from bookings.repository.rows import Values, having
from bookings.rules import Blackout, Holiday, Quota
from bookings.tables import blackouts, holidays, quotas
from common.paging import Slice


class Closures:
    """What is closed when, and how much one may book."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def blackouts(self, room_id: int, during: Period) -> list[Blackout]:
        """List the blackouts of a room that touch a period, by start."""
        columns = blackouts.c
        of_room = or_(columns.room_id.is_(None), columns.room_id == room_id)
        touching = and_(columns.ends_at > during.start, columns.starts_at < during.end)
        found = select(blackouts).where(touching, of_room).order_by(columns.starts_at)
        rows = await self._session.execute(found)
        return [Blackout(Period(row.starts_at, row.ends_at), row.reason) for row in rows]

    async def holidays(self, first: date, last: date) -> list[Holiday]:
        """List the holidays from a day to another, both included."""
        found = select(holidays).where(holidays.c.date.between(first, last))
        rows = await self._session.execute(found.order_by(holidays.c.date))
        return [Holiday(row.date, row.name) for row in rows]

    async def quotas(self, role: str) -> list[Quota]:
        """List the quotas of a role."""
        found = select(quotas).where(quotas.c.role == role).order_by(quotas.c.id)
        rows = await self._session.execute(found)
        return [Quota(row.role, row.period, row.most_bookings, row.most_minutes) for row in rows]


class Entries:
    """Blackouts, holidays, quotas or policies: rows with a key that admins write."""

    def __init__(self, session: AsyncSession, table: Table) -> None:
        self._session = session
        self._table = table
        [self._key] = table.primary_key

    async def count(self) -> int:
        """Count all of them."""
        return int(await self._session.scalar(select(func.count()).select_from(self._table)) or 0)

    async def find(self, part: Slice | None = None, **values: Any) -> list[dict[str, Any]]:  # noqa: ANN401
        """List a part of those with these values, by key."""
        found = select(self._table).where(*having(self._table, values)).order_by(self._key)
        if part is not None:
            found = found.offset(part.offset).limit(part.limit)
        return [dict(row) for row in (await self._session.execute(found)).mappings()]

    async def get(self, key: int) -> dict[str, Any] | None:
        """Find one."""
        found = select(self._table).where(self._key == key)
        row = (await self._session.execute(found)).mappings().first()
        return dict(row) if row else None

    async def add(self, values: Values) -> dict[str, Any] | None:
        """Store one; None if there is one like it."""
        added = insert(self._table).values(values).on_conflict_do_nothing().returning(self._table)
        row = (await self._session.execute(added)).mappings().first()
        return dict(row) if row else None

    async def change(self, key: int, values: Values) -> dict[str, Any] | None:
        """Change one; None if there is another like it."""
        changed = update(self._table).where(self._key == key).values(values).returning(self._table)
        try:
            async with self._session.begin_nested():
                return dict((await self._session.execute(changed)).mappings().one())
        except IntegrityError:
            return None

    async def remove(self, key: int) -> bool:
        """Delete one; False if there is none."""
        gone = delete(self._table).where(self._key == key).returning(self._key)
        return await self._session.scalar(gone) is not None
