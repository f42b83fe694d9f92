"""Takes cameras and crossings in: claims them and adds them up, thousands in one statement."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, select, text, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from analytics.domain import HOURS
from analytics.tables import THROUGH, cameras
from common.copies import take_newest
from common.db import fetch_hot

# Stands between names that go to the database as one text, which the driver writes ten times as
# fast as a list of them; no name has control characters.
SEPARATOR: Final = "\x1f"
# So many gaps in an edge's numbers are remembered; what comes late for an older one is taken for
# a repetition.
REMEMBERED_GAPS: Final = 1000

# What is claimed is what is above the highest number of its edge, or missing below it.
_TAKE: Final = """
WITH told AS MATERIALIZED (
    SELECT DISTINCT ON (camera_id, edge_id, sequence) *
    FROM ROWS FROM (
        unnest($1::integer[]), string_to_table($2, E'\x1f'), unnest($3::bigint[]),
        unnest($4::boolean[]), unnest($5::integer[])
    ) WITH ORDINALITY AS one (camera_id, edge_id, sequence, is_entry, quarter, place)
    ORDER BY camera_id, edge_id, sequence, place
), claimed AS (
    INSERT INTO analytics.edges AS known (camera_id, edge_id, high, missing)
    SELECT camera_id, edge_id, max(sequence), int8multirange(int8range(1, max(sequence) + 1))
        - range_agg(int8range(sequence, sequence + 1))
    FROM told GROUP BY camera_id, edge_id ORDER BY camera_id, edge_id
    ON CONFLICT (camera_id, edge_id) DO UPDATE SET
        high = greatest(known.high, excluded.high),
        missing = (known.missing + int8multirange(
                int8range(known.high + 1, greatest(known.high, excluded.high) + 1)))
            * (excluded.missing + int8multirange(int8range(excluded.high + 1, NULL)))
    RETURNING camera_id, edge_id, coalesce(old.high, 0) AS high,
        coalesce(old.missing, '{}') AS missing, new.missing <> '{}' AS has_gaps
), counted AS MATERIALIZED (
    SELECT camera_id, to_timestamp(900.0 * quarter) AS start,
        count(*) FILTER (WHERE is_entry) AS entries, count(*) FILTER (WHERE NOT is_entry) AS exits
    FROM told JOIN claimed USING (camera_id, edge_id)
    WHERE sequence > high OR claimed.missing @> sequence
    GROUP BY camera_id, quarter
), added AS (
    INSERT INTO analytics.flow AS known (camera_id, start, entries, exits)
    SELECT * FROM counted ORDER BY camera_id, start
    ON CONFLICT (camera_id, start) DO UPDATE SET
        entries = known.entries + excluded.entries, exits = known.exits + excluded.exits
)"""
_HAS_GAPS: Final = "SELECT count(*) AS with_gaps FROM claimed WHERE has_gaps"


def _roll_up(rollup: str, start: str) -> str:
    """Write what adds hours of the clock to a rollup."""
    listed = ", ".join(THROUGH)
    more = ", ".join(f"{name} = known.{name} + excluded.{name}" for name in THROUGH)
    sums = ", ".join(
        f"coalesce(sum({way}) FILTER (WHERE hour = {hour}), 0)"
        for way in ("entries", "exits")
        for hour in HOURS
    )
    return f"""
    INSERT INTO analytics.{rollup} AS known (camera_id, start, {listed})
    SELECT camera_id, {start} AS start, {sums} FROM hours GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (camera_id, start) DO UPDATE SET {more}
"""  # noqa: S608 - of names that stand in the tables


# Goes behind `counted (camera_id, start, entries, exits)`; a camera that is not known yet is
# counted when it is.
_BY_HOURS: Final = f""", hours AS MATERIALIZED (
    SELECT camera_id, local::date AS day, date_part('hour', local)::integer AS hour, entries, exits
    FROM (
        SELECT counted.*, start AT TIME ZONE timezone AS local
        FROM counted JOIN analytics.cameras ON cameras.id = camera_id
        WHERE timezone IS NOT NULL
    ) AS counted
), by_day AS ({_roll_up("door_days", "day")}
), by_month AS ({_roll_up("door_months", "date_trunc('month', day)::date")}
)
"""  # noqa: S608 - likewise
_TAKE_AND_ROLL_UP: Final = f"{_TAKE}{_BY_HOURS}{_HAS_GAPS}"
_ROLL_UP_ANEW: Final = f"""
WITH counted AS (
    SELECT camera_id, start, entries, exits FROM analytics.flow WHERE camera_id = ANY($1::integer[])
){_BY_HOURS}
SELECT count(*) FROM hours
"""  # noqa: S608 - likewise
_FORGET_HOURS: Final = tuple(
    text(f"DELETE FROM analytics.{rollup} WHERE camera_id = ANY(:cameras)")  # noqa: S608 - likewise
    for rollup in ("door_days", "door_months")
)
# Who counts crossings shares a camera, who puts it into a zone has it alone: else what one counts
# while the other counts all of it would be in neither. Also of a camera that is not there yet.
_LOCK: Final = """
    SELECT count({lock}(hashtextextended('analytics/cameras', id)))
    FROM (SELECT unnest(CAST(:cameras AS integer[])) AS id ORDER BY id) AS named
"""
_SHARE: Final = text(_LOCK.format(lock="pg_advisory_xact_lock_shared"))
_ALONE: Final = text(_LOCK.format(lock="pg_advisory_xact_lock"))
_PLACE: Final = text("""
    UPDATE analytics.cameras SET timezone = placed.timezone
    FROM (
        SELECT cameras.id, coalesce(rooms.timezone, clock.timezone) AS timezone
        FROM analytics.cameras CROSS JOIN analytics.clock
        LEFT JOIN analytics.rooms ON rooms.id = cameras.room_id
        WHERE cameras.id = ANY(:cameras)
    ) AS placed
    WHERE cameras.id = placed.id AND cameras.timezone IS DISTINCT FROM placed.timezone
    RETURNING cameras.id
""")
_SET_ZONE: Final = text("""
    UPDATE analytics.clock SET timezone = :zone WHERE timezone <> :zone RETURNING id
""")
_FORGET_GAPS: Final = text("""
    UPDATE analytics.edges SET missing = (
        SELECT range_agg(gap) FROM (
            SELECT gap FROM unnest(missing) AS gap ORDER BY gap DESC LIMIT :remembered
        ) AS newest
    )
    WHERE camera_id = ANY(:cameras)
        AND (SELECT count(*) FROM unnest(missing)) > :remembered
""")


class Doors:
    """Cameras, and who went by them."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def take_crossings(self, columns: Sequence[Sequence[Any]]) -> None:
        """Count crossings that were not counted yet.

        Args:
            columns: camera ids, edge ids, sequences, whether they are entries, and quarters of an
                hour since 1970.
        """
        camera_ids, edge_ids, *others = columns
        await self._session.execute(_SHARE, {"cameras": sorted(set(camera_ids))})
        told = camera_ids, SEPARATOR.join(edge_ids), *others
        found = await fetch_hot(self._session, _TAKE_AND_ROLL_UP, *told)
        if found is not None and found["with_gaps"]:
            given = {"cameras": sorted(set(camera_ids)), "remembered": REMEMBERED_GAPS}
            await self._session.execute(_FORGET_GAPS, given)

    async def cameras(self, camera_ids: Sequence[int]) -> dict[int, Mapping[str, Any]]:
        """Return the cameras that are known of these, by id."""
        found = await self._session.execute(select(cameras).where(cameras.c.id.in_(camera_ids)))
        return {row["id"]: dict(row) for row in found.mappings()}

    async def take_cameras(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Keep cameras that are newer than what is there; count by the hours of their places."""
        ids = [row["id"] for row in rows]
        await self._session.execute(_ALONE, {"cameras": ids})
        await take_newest(self._session, cameras, rows)
        await self._place(ids)

    async def follow_rooms(self, room_ids: Collection[int]) -> None:
        """Count by the hours of rooms, which this transaction has written."""
        await self._follow(cameras.c.room_id.in_(room_ids))

    async def follow_zone(self, zone: str) -> None:
        """Count doors that are at no room by the hours of the installation."""
        moved = await self._session.execute(_SET_ZONE, {"zone": zone})
        if moved.first() is not None:
            await self._follow(true())

    async def count_anew(self) -> None:
        """Count all doors by hours, from what was counted by quarters."""
        await self._session.execute(update(cameras).values(timezone=None))
        await self._follow(true())

    async def _follow(self, which: ColumnElement[bool]) -> None:
        ids = list(await self._session.scalars(select(cameras.c.id).where(which)))
        if ids:
            await self._session.execute(_ALONE, {"cameras": ids})
            await self._place(ids)

    async def _place(self, camera_ids: Sequence[int]) -> None:
        moved = await self._session.scalars(_PLACE, {"cameras": camera_ids})
        ids = list(moved)
        if ids:
            for forget in _FORGET_HOURS:
                await self._session.execute(forget, {"cameras": ids})
            await fetch_hot(self._session, _ROLL_UP_ANEW, ids)

    async def watched(self, room_ids: Sequence[int]) -> set[int]:
        """Tell which rooms have a camera in use."""
        found = select(cameras.c.room_id).where(cameras.c.room_id.in_(room_ids))
        return set(await self._session.scalars(found.where(cameras.c.is_active)))
