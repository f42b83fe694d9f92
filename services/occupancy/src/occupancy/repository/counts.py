"""Reads and writes crossings and what they add up to."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from occupancy.domain import Level, Live, Reading
from occupancy.tables import cameras, counts, levels

Values = Mapping[str, Any]


class Counts:
    """Crossings and what they add up to, in the caller's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def readings(self, camera_ids: Collection[int]) -> list[Reading]:
        """Return what the alerts of cameras are judged by."""
        found = select(cameras.c.id, counts.c.occupancy, cameras.c.max_occupancy).join(
            counts, counts.c.camera_id == cameras.c.id
        )
        rows = await self._session.execute(found.where(cameras.c.id.in_(camera_ids)))
        return [Reading(*row) for row in rows]

    async def hold(self, camera_id: int) -> None:
        """Let nobody else add to a camera's counts until the transaction ends."""
        zeros = {"entries": 0, "exits": 0, "unique_persons": 0}
        none = insert(counts).values(camera_id=camera_id, **zeros).on_conflict_do_nothing()
        await self._session.execute(none)
        found = select(counts.c.camera_id).where(counts.c.camera_id == camera_id)
        await self._session.execute(found.with_for_update())

    async def rooms_of(self, camera_ids: Iterable[int]) -> dict[int, int]:
        """Return the rooms of cameras that have one, by camera."""
        found = select(cameras.c.id, cameras.c.room_id).where(
            cameras.c.id.in_(set(camera_ids)), cameras.c.room_id.is_not(None)
        )
        return {row.id: row.room_id for row in await self._session.execute(found)}

    async def add_up_rooms(self, measured_at: Mapping[int, datetime]) -> list[Level]:
        """Add up the active cameras of rooms; returns the levels that are new.

        Args:
            measured_at: by room, aware; a level is never older than the one before.
        """
        rooms = sorted(measured_at)
        start = {"version": 0, "occupancy": 0}
        rows = [{"room_id": room, **start, "measured_at": measured_at[room]} for room in rooms]
        await self._session.execute(insert(levels).values(rows).on_conflict_do_nothing())
        held = select(levels.c.room_id).where(levels.c.room_id.in_(rooms))
        # In one order, and before the sum: it then sees what others have added meanwhile.
        await self._session.execute(held.order_by(levels.c.room_id).with_for_update())
        return await self._sums(rooms, measured_at)

    async def _sums(self, rooms: Sequence[int], measured_at: Mapping[int, datetime]) -> list[Level]:
        here = and_(cameras.c.room_id == levels.c.room_id, cameras.c.is_active)
        net = func.coalesce(func.sum(counts.c.occupancy), 0)
        joined = levels.outerjoin(cameras, here).outerjoin(
            counts, counts.c.camera_id == cameras.c.id
        )
        sums = (
            select(levels.c.room_id, func.greatest(net, 0).label("people"))
            .select_from(joined)
            .where(levels.c.room_id.in_(rooms))
            .group_by(levels.c.room_id)
            .subquery()
        )
        changed = (
            update(levels)
            .where(levels.c.room_id == sums.c.room_id, levels.c.occupancy != sums.c.people)
            .values(
                version=levels.c.version + 1,
                occupancy=sums.c.people,
                measured_at=func.greatest(
                    levels.c.measured_at, case(dict(measured_at), value=levels.c.room_id)
                ),
            )
            .returning(*levels.c)
        )
        return [Level(*row) for row in await self._session.execute(changed)]

    async def live(self, camera_id: int | None = None) -> list[Live]:
        """Return the counts of a camera, or of all active ones; one without crossings has zeros."""
        found = select(
            cameras.c.id,
            func.coalesce(counts.c.entries, 0).label("entries"),
            func.coalesce(counts.c.exits, 0).label("exits"),
            func.coalesce(counts.c.occupancy, 0).label("net"),
            func.coalesce(counts.c.unique_persons, 0).label("unique_persons"),
            func.coalesce(counts.c.updated_at, cameras.c.created_at).label("updated_at"),
        ).outerjoin(counts, counts.c.camera_id == cameras.c.id)
        wanted = cameras.c.is_active if camera_id is None else cameras.c.id == camera_id
        return [Live(*row) for row in await self._session.execute(found.where(wanted))]
