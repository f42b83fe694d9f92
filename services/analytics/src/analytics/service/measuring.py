"""What follows when cameras come and go, and when time passes."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from analytics.repository.doors import Doors
from analytics.repository.measuring import NOBODY_LOOKS, Measuring
from common.db import UNAVAILABLE, AsyncSession, Database, is_unavailable

_log = logging.getLogger(__name__)
_MEASURE_EVERY_S: Final = 1.0


async def take_cameras(
    session: AsyncSession, told: Sequence[tuple[Mapping[str, Any], datetime]]
) -> None:
    """Keep cameras as they are now; of a room that has lost its last one, nothing is measured on.

    Args:
        told: each with when it was told.
    """
    await Measuring(session).hold()
    doors = Doors(session)
    known = await doors.cameras([row["id"] for row, _ in told])
    left: dict[int, datetime] = {}
    for row, at in sorted(told, key=lambda one: int(one[0]["version"])):
        before = known.get(row["id"])
        if before is not None and before["version"] >= row["version"]:
            continue
        known[row["id"]] = row
        if before is not None and _room(before) is not None and _room(before) != _room(row):
            left[before["room_id"]] = at
    await doors.take_cameras([row for row, _ in told])
    dark = sorted(left.keys() - await doors.watched(list(left)))
    if dark:
        moments = [left[room_id] for room_id in dark]
        nobody = [NOBODY_LOOKS] * len(dark), [None] * len(dark)
        await Measuring(session).take_levels([dark, moments, *nobody])


def _room(camera: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a row's
    return camera["room_id"] if camera["is_active"] else None


async def measure_what_ends(database: Database, zone: str) -> None:
    """Measure bookings as they end, until cancelled; an outage of the database is waited out.

    Args:
        zone: the installation's, by which doors are counted that are at no room.
    """
    while True:
        try:
            async with database.sessions.begin() as session:
                await Measuring(session).pass_time(datetime.now(UTC))
                await Doors(session).follow_zone(zone)
        except UNAVAILABLE as error:
            if not is_unavailable(error):
                raise
            _log.warning("database away", extra={"reason": str(error)})
        await asyncio.sleep(_MEASURE_EVERY_S)
