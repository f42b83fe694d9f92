"""Reads and writes crossings and what they add up to."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from occupancy.domain import Level, Live, Reading
from occupancy.tables import cameras, counts

Values = Mapping[str, Any]

# In one order, and before the sum: that then sees what others have added meanwhile.
_HOLD_ROOMS: Final = text("""
    INSERT INTO occupancy.levels AS held (room_id, version, occupancy, measured_at)
    SELECT room_id, 0, 0, measured_at
    FROM unnest(CAST(:rooms AS integer[]), CAST(:measured_at AS timestamptz[]))
        AS asked (room_id, measured_at)
    ORDER BY room_id
    ON CONFLICT (room_id) DO UPDATE SET version = held.version
""")
_ADD_UP_ROOMS: Final = text("""
    UPDATE occupancy.levels SET version = levels.version + 1, occupancy = sums.people,
        measured_at = greatest(levels.measured_at, sums.measured_at)
    FROM (
        SELECT asked.room_id, asked.measured_at, greatest(coalesce(sum(counts.occupancy), 0), 0)
            AS people
        FROM unnest(CAST(:rooms AS integer[]), CAST(:measured_at AS timestamptz[]))
            AS asked (room_id, measured_at)
        LEFT JOIN occupancy.cameras ON cameras.room_id = asked.room_id AND cameras.is_active
        LEFT JOIN occupancy.counts ON counts.camera_id = cameras.id
        GROUP BY asked.room_id, asked.measured_at
    ) AS sums
    WHERE levels.room_id = sums.room_id AND levels.occupancy <> sums.people
    RETURNING levels.room_id, version, levels.occupancy, levels.measured_at
""")
# Whoever comes in by one door of a room may leave by another: what is judged is the room.
_READINGS: Final = text("""
    SELECT cameras.id, coalesce(of_room.net, counts.occupancy) AS net, cameras.max_occupancy
    FROM occupancy.cameras
    JOIN occupancy.counts ON counts.camera_id = cameras.id
    LEFT JOIN LATERAL (
        SELECT sum(others.occupancy)::bigint AS net
        FROM occupancy.cameras AS beside
        JOIN occupancy.counts AS others ON others.camera_id = beside.id
        WHERE beside.room_id = cameras.room_id AND beside.is_active
    ) AS of_room ON cameras.is_active
    WHERE cameras.id = ANY(:cameras)
""")
_BESIDE: Final = text("""
    SELECT id FROM occupancy.cameras WHERE id = ANY(:cameras)
    UNION
    SELECT beside.id FROM occupancy.cameras JOIN occupancy.cameras AS beside USING (room_id)
    WHERE cameras.id = ANY(:cameras) AND beside.is_active
""")


class Counts:
    """Crossings and what they add up to, in the caller's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def readings(self, camera_ids: Collection[int]) -> list[Reading]:
        """Return what the alerts of cameras are judged by."""
        rows = await self._session.execute(_READINGS, {"cameras": sorted(camera_ids)})
        return [Reading(*row) for row in rows]

    async def beside(self, camera_ids: Collection[int]) -> list[int]:
        """Return cameras, and the others at doors of the same rooms."""
        return list(await self._session.scalars(_BESIDE, {"cameras": sorted(camera_ids)}))

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
        given = {"rooms": rooms, "measured_at": [measured_at[room] for room in rooms]}
        await self._session.execute(_HOLD_ROOMS, given)
        rows = await self._session.execute(_ADD_UP_ROOMS, given)
        return [Level(*row) for row in rows]

    async def live(
        self, camera_ids: Collection[int] | None = None, *, also_inactive: bool = False
    ) -> list[Live]:
        """Return the counts of cameras; those without crossings have zeros.

        Args:
            camera_ids: None: of all.
            also_inactive: else only those of cameras that are in use.
        """
        found = select(
            cameras.c.id.label("camera_id"),
            cameras.c.is_active,
            cameras.c.room_id,
            func.coalesce(counts.c.entries, 0).label("entries"),
            func.coalesce(counts.c.exits, 0).label("exits"),
            func.coalesce(counts.c.occupancy, 0).label("net"),
            func.coalesce(counts.c.unique_persons, 0).label("unique_persons"),
            func.coalesce(counts.c.crossed, 0).label("crossed"),
            func.coalesce(counts.c.lost, 0).label("lost"),
            func.coalesce(counts.c.updated_at, cameras.c.created_at).label("updated_at"),
        ).outerjoin(counts, counts.c.camera_id == cameras.c.id)
        if not also_inactive:
            found = found.where(cameras.c.is_active)
        if camera_ids is not None:
            found = found.where(cameras.c.id.in_(camera_ids))
        return [Live(**row) for row in (await self._session.execute(found)).mappings()]
