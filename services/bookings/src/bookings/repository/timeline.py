"""Reads what a timeline shows: every room with its policy, and what is booked in all of them."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Row, Select, and_, false, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from bookings.domain import Period, Room, Status
from bookings.repository.bookings import HOLDS
from bookings.repository.rooms import (
    HAS_POLICY,
    POLICY_COLUMNS,
    ROOM_COLUMNS,
    ROOMS_WITH_POLICY,
    room_of,
)
from bookings.tables import blackouts, bookings, rooms, users

_SHOWN: Final = (Status.CONFIRMED, Status.COMPLETED)


class Timeline:
    """What is booked in all rooms, in the caller's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def rooms(self) -> list[tuple[Room, Row[Any]]]:
        """List the active rooms by building and name; the row has the building's hours."""
        found: Select[Any] = (
            select(*ROOM_COLUMNS, *POLICY_COLUMNS, HAS_POLICY)
            .select_from(ROOMS_WITH_POLICY)
            .where(rooms.c.is_active)
            .order_by(rooms.c.building, rooms.c.name, rooms.c.id)
        )
        return [(room_of(row), row) for row in await self._session.execute(found)]

    async def bookings(
        self, during: Period, *, caller_id: str | None, sees_requests: bool
    ) -> Sequence[Row[Any]]:
        """List what is booked in a time, by start.

        Args:
            caller_id: their own requests are shown while they wait.
            sees_requests: those of others are, too; else only that they hold a room, if they do.
        """
        column = bookings.c
        mine = or_(column.organizer_id == caller_id, column.attendee_ids.contains([caller_id]))
        waiting = and_(column.status == Status.PENDING, or_(mine, column.pending_holds))
        if sees_requests:
            waiting = column.status == Status.PENDING
        found: Select[Any] = (
            select(
                column.id,
                rooms.c.cuid.label("room"),
                column.starts_at,
                column.ends_at,
                func.lower(column.held).label("held_from"),
                func.upper(column.held).label("held_until"),
                HOLDS.label("holds"),
                column.status,
                column.title,
                column.series_id,
                column.checked_in_at,
                users.c.name.label("organizer"),
                (column.organizer_id == caller_id if caller_id else false()).label("own"),
                mine.label("mine"),
            )
            .select_from(
                bookings.join(rooms, rooms.c.id == column.room_id).join(
                    users, users.c.id == column.organizer_id
                )
            )
            .where(
                column.ends_at > during.start,
                column.starts_at < during.end,
                column.overridden_by.is_(None),
                or_(column.status.in_(_SHOWN), waiting),
                rooms.c.is_active,
            )
            .order_by(column.starts_at, column.id)
        )
        rows: Sequence[Row[Any]] = (await self._session.execute(found)).all()
        return rows

    async def blackouts(self, during: Period) -> Sequence[Row[Any]]:
        """List the blackouts that touch a time; `room` is null for every room."""
        column = blackouts.c
        found: Select[Any] = (
            select(rooms.c.cuid.label("room"), column.starts_at, column.ends_at, column.reason)
            .select_from(blackouts.outerjoin(rooms, rooms.c.id == column.room_id))
            .where(
                column.ends_at > during.start,
                column.starts_at < during.end,
                or_(column.room_id.is_(None), rooms.c.id.is_not(None)),
            )
            .order_by(column.starts_at, column.id)
        )
        rows: Sequence[Row[Any]] = (await self._session.execute(found)).all()
        return rows
