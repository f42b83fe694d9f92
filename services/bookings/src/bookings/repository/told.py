"""Reads and writes what people are told, and what has been done."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from bookings.domain import Person
from bookings.repository.people import USER_COLUMNS, person_of
from bookings.repository.rows import Values, having
from bookings.tables import audit, notifications, users
from common.paging import Slice


class Notifications:
    """What people are told, each their own."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, rows: Sequence[Values]) -> None:
        """Store notifications."""
        if rows:
            await self._session.execute(insert(notifications), list(rows))

    async def count(self, user_id: str, *, unread: bool) -> int:
        """Count somebody's notifications, or those not read."""
        counted = select(func.count()).select_from(notifications)
        return int(await self._session.scalar(counted.where(*_told(user_id, unread=unread))) or 0)

    async def find(self, user_id: str, part: Slice, *, unread: bool) -> list[Values]:
        """List a part of somebody's notifications, newest first."""
        found = select(notifications).where(*_told(user_id, unread=unread))
        found = found.order_by(notifications.c.created_at.desc(), notifications.c.id.desc())
        rows = await self._session.execute(found.offset(part.offset).limit(part.limit))
        return [dict(row) for row in rows.mappings()]

    async def get(self, notification_id: str) -> Values | None:
        """Find a notification."""
        found = select(notifications).where(notifications.c.id == notification_id)
        row = (await self._session.execute(found)).mappings().first()
        return dict(row) if row else None

    async def mark_read(self, user_id: str, notification_id: str | None = None) -> None:
        """Mark one or all of somebody's notifications as read."""
        marked = update(notifications).where(*_told(user_id, unread=True)).values(read=True)
        if notification_id is not None:
            marked = marked.where(notifications.c.id == notification_id)
        await self._session.execute(marked)


def _told(user_id: str, *, unread: bool) -> list[ColumnElement[bool]]:
    conditions = [notifications.c.user_id == user_id]
    return [*conditions, ~notifications.c.read] if unread else conditions


class Audit:
    """Who has done what, and why; rows are only ever added."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, rows: Sequence[Values]) -> None:
        """Store what has been done."""
        if rows:
            await self._session.execute(insert(audit), list(rows))

    async def count(self, wanted: Values, since: datetime | None, until: datetime | None) -> int:
        """Count the entries of a time with these values; the end is not included."""
        counted = select(func.count()).select_from(audit)
        counted = counted.where(*having(audit, wanted), *_within(since, until))
        return int(await self._session.scalar(counted) or 0)

    async def find(
        self, wanted: Values, since: datetime | None, until: datetime | None, part: Slice
    ) -> list[tuple[Values, Person | None]]:
        """List a part of the entries as `count` has them, newest first, with who has done it."""
        found = select(audit, *USER_COLUMNS).select_from(
            audit.outerjoin(users, users.c.id == audit.c.actor_user_id)
        )
        found = found.where(*having(audit, wanted), *_within(since, until))
        found = found.order_by(audit.c.number.desc())
        rows = await self._session.execute(found.offset(part.offset).limit(part.limit))
        return [
            (row._asdict(), person_of(row, "user_") if row.user_id is not None else None)
            for row in rows
        ]


def _within(since: datetime | None, until: datetime | None) -> list[ColumnElement[bool]]:
    conditions = []
    if since is not None:
        conditions.append(audit.c.created_at >= since)
    if until is not None:
        conditions.append(audit.c.created_at < until)
    return conditions
