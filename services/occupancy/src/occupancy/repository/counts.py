"""Reads and writes crossings and what they add up to."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from sqlalchemy import and_, case, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from occupancy.domain import CameraType, Crossing, Level, LineDirection, Live, Reading, Tally, Watch
from occupancy.tables import cameras, counts, crossings, levels, lines, tracks

Values = Mapping[str, Any]


_MOVE: Final = text("""
    UPDATE occupancy.counts SET occupancy = occupancy + moved.steps
    FROM (
        SELECT seen.camera_id, sum(seen.step) AS steps
        FROM unnest(
            CAST(:cameras AS integer[]), CAST(:moments AS timestamptz[]), CAST(:steps AS integer[])
        ) AS seen (camera_id, moment, step)
        JOIN occupancy.counts known ON known.camera_id = seen.camera_id
            AND seen.moment >= coalesce(known.corrected_at, '-infinity')
        GROUP BY seen.camera_id
    ) moved
    WHERE moved.camera_id = counts.camera_id
""")


class Counts:
    """Crossings and what they add up to, in the caller's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def watches(self, camera_ids: Iterable[int]) -> dict[int, dict[int, Watch]]:
        """Return how the lines of cameras are configured, by camera and line."""
        found = (
            select(
                cameras.c.id,
                lines.c.id.label("line_id"),
                cameras.c.camera_type,
                lines.c.direction,
                lines.c.confidence_threshold,
                (cameras.c.is_active & lines.c.is_active).label("is_active"),
            )
            .outerjoin(lines, lines.c.camera_id == cameras.c.id)
            .where(cameras.c.id.in_(set(camera_ids)))
        )
        watches: dict[int, dict[int, Watch]] = {}
        for row in await self._session.execute(found):
            of_camera = watches.setdefault(row.id, {})
            if row.line_id is not None:
                of_camera[row.line_id] = Watch(
                    row.id,
                    row.line_id,
                    CameraType(row.camera_type),
                    LineDirection(row.direction),
                    row.confidence_threshold,
                    row.is_active,
                )
        return watches

    async def add(self, counted: Mapping[Crossing, bool]) -> list[Crossing]:
        """Store crossings, each with whether it counts; returns those that were not there yet."""
        rows = [
            {**asdict(crossing), "is_counted": is_counted}
            for crossing, is_counted in counted.items()
        ]
        claim = insert(crossings).values(rows).on_conflict_do_nothing()
        key = (crossings.c.camera_id, crossings.c.edge_id, crossings.c.sequence)
        fresh = {tuple(row) for row in await self._session.execute(claim.returning(*key))}
        return [
            crossing
            for crossing in counted
            if (crossing.camera_id, crossing.edge_id, crossing.sequence) in fresh
        ]

    async def add_tracks(self, seen: Sequence[Crossing]) -> dict[int, int]:
        """Remember the tracks of crossings; returns how many were new, by camera."""
        rows = sorted({(one.camera_id, one.edge_id, one.track_id) for one in seen})
        claim = insert(tracks).values(rows).on_conflict_do_nothing()
        fresh: dict[int, int] = {}
        for camera_id in await self._session.scalars(claim.returning(tracks.c.camera_id)):
            fresh[camera_id] = fresh.get(camera_id, 0) + 1
        return fresh

    async def add_up(self, tallies: Mapping[int, Tally], new_tracks: Mapping[int, int]) -> None:
        """Add to the cameras' counts; rows are locked in the order of their ids."""
        rows = [
            {
                "camera_id": camera_id,
                "entries": added.entries,
                "exits": added.exits,
                "unique_persons": new_tracks.get(camera_id, 0),
            }
            for camera_id, added in sorted(tallies.items())
        ]
        statement = insert(counts).values(rows)
        names = ("entries", "exits", "unique_persons")
        sums = {name: counts.c[name] + statement.excluded[name] for name in names}
        await self._session.execute(
            statement.on_conflict_do_update(
                index_elements=[counts.c.camera_id],
                set_={**sums, "updated_at": func.clock_timestamp()},
            )
        )

    async def move(self, seen: Sequence[Crossing]) -> None:
        """Let the people there now follow crossings, but those before they were last corrected."""
        of_each = ([getattr(one, name) for one in seen] for name in ("camera_id", "crossed_at"))
        camera_ids, moments = of_each
        steps = [1 if one.direction == "entry" else -1 for one in seen]
        given = {"cameras": camera_ids, "moments": moments, "steps": steps}
        await self._session.execute(_MOVE, given)

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
