"""Reads and writes closures and quotas, and what else admins write."""

from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Table, and_, delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from bookings.domain import Period, local_day
from bookings.repository.rows import Values, having
from bookings.rules import Blackout, Holiday, Quota
from bookings.tables import blackouts, holidays, quotas
from common.paging import Slice

_UTC: Final = ZoneInfo("UTC")


class Closures:
    """What is closed when, and how much one may book."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def settle(self, *, change: bool) -> None:
        """Let what is closed stay as it is until the transaction ends.

        Args:
            change: it is to be changed, and meanwhile nobody can allocate.
        """
        kind = "" if change else "_shared"
        await self._session.execute(
            text(f"SELECT pg_advisory_xact_lock{kind}(hashtextextended('bookings/closures', 0))")
        )

    async def blackouts_in(self, first: date, last: date) -> dict[int | None, list[Blackout]]:
        """List the blackouts of some days of UTC by room, those of every room under None."""
        columns = blackouts.c
        start, end = local_day(first, _UTC).start, local_day(last, _UTC).end
        touching = and_(columns.ends_at > start, columns.starts_at < end)
        found: dict[int | None, list[Blackout]] = {}
        for row in await self._session.execute(select(blackouts).where(touching)):
            blackout = Blackout(Period(row.starts_at, row.ends_at), row.reason)
            found.setdefault(row.room_id, []).append(blackout)
        return found

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
    """Blackouts, holidays, quotas, policies or terms: rows with a key that admins write."""

    def __init__(self, session: AsyncSession, table: Table) -> None:
        self._session = session
        self._table = table
        [self._key] = table.primary_key

    async def count(self, **values: Any) -> int:  # noqa: ANN401
        """Count those with these values."""
        counted = select(func.count()).select_from(self._table)
        wanted = counted.where(*having(self._table, values))
        return int(await self._session.scalar(wanted) or 0)

    async def find(self, part: Slice | None = None, **values: Any) -> list[dict[str, Any]]:  # noqa: ANN401
        """List a part of those with these values, by key."""
        found = select(self._table).where(*having(self._table, values)).order_by(self._key)
        if part is not None:
            found = found.offset(part.offset).limit(part.limit)
        return [dict(row) for row in (await self._session.execute(found)).mappings()]

    async def get(self, key: int, *, lock: bool = False) -> dict[str, Any] | None:
        """Find one; with a lock nobody else changes it until the transaction ends."""
        found = select(self._table).where(self._key == key)
        if lock:
            # Rows that refer to it may be written meanwhile.
            found = found.with_for_update(key_share=True)
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
