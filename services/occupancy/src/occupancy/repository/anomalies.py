"""Reads the hours that others are compared with."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from occupancy.anomaly import Figures

Wanted = tuple[int, datetime]  # a camera and when a local hour begins

# An hour of which nothing is known has nobody coming, and keeps the level of the one before. If
# nothing happened in seven days, nobody was counting.
_FIGURES: Final = text("""
    SELECT wanted.camera_id, wanted.start,
        CASE WHEN found.start = wanted.start THEN entries ELSE 0 END AS entries,
        CASE WHEN found.start = wanted.start THEN peak ELSE greatest(level, 0) END AS peak
    FROM unnest(CAST(:cameras AS integer[]), CAST(:starts AS timestamptz[]))
        AS wanted (camera_id, start)
    CROSS JOIN LATERAL (
        SELECT hours.start, entries, peak, level FROM occupancy.hours
        WHERE hours.camera_id = wanted.camera_id AND hours.start <= wanted.start
            AND hours.start > wanted.start - interval '7 days'
        ORDER BY hours.start DESC LIMIT 1
    ) AS found
""")


class Anomalies:
    """What hours are judged by, in the caller's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def figures(self, wanted: Collection[Wanted]) -> dict[Wanted, Figures]:
        """Return the figures of local hours, those of cameras that counted in the week before."""
        cameras, starts = ([one[at] for one in wanted] for at in (0, 1))
        rows = await self._session.execute(_FIGURES, {"cameras": cameras, "starts": starts})
        return {(row.camera_id, row.start): Figures(row.entries, row.peak) for row in rows}
