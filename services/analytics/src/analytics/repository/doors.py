"""Takes cameras and crossings in: claims them and adds them up, thousands in one statement."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from analytics.tables import cameras
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
), added AS (
    INSERT INTO analytics.flow AS known (camera_id, start, entries, exits)
    SELECT camera_id, to_timestamp(900.0 * quarter), count(*) FILTER (WHERE is_entry),
        count(*) FILTER (WHERE NOT is_entry)
    FROM told JOIN claimed USING (camera_id, edge_id)
    WHERE sequence > high OR claimed.missing @> sequence
    GROUP BY camera_id, quarter ORDER BY camera_id, quarter
    ON CONFLICT (camera_id, start) DO UPDATE SET
        entries = known.entries + excluded.entries, exits = known.exits + excluded.exits
)
SELECT count(*) AS with_gaps FROM claimed WHERE has_gaps
"""
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
        found = await fetch_hot(self._session, _TAKE, camera_ids, SEPARATOR.join(edge_ids), *others)
        if found is not None and found["with_gaps"]:
            given = {"cameras": sorted(set(camera_ids)), "remembered": REMEMBERED_GAPS}
            await self._session.execute(_FORGET_GAPS, given)

    async def cameras(self, camera_ids: Sequence[int]) -> dict[int, Mapping[str, Any]]:
        """Return the cameras that are known of these, by id."""
        found = await self._session.execute(select(cameras).where(cameras.c.id.in_(camera_ids)))
        return {row["id"]: dict(row) for row in found.mappings()}

    async def take_cameras(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Keep cameras that are newer than what is there."""
        await take_newest(self._session, cameras, rows)

    async def watched(self, room_ids: Sequence[int]) -> set[int]:
        """Tell which rooms have a camera in use."""
        found = select(cameras.c.room_id).where(cameras.c.room_id.in_(room_ids))
        return set(await self._session.scalars(found.where(cameras.c.is_active)))
