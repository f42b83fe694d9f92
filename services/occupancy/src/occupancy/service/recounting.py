"""How a span of time is counted anew, from everything that edges have said of it."""

from datetime import datetime
from zoneinfo import ZoneInfo

from common.db import AsyncSession
from common.errors import Invalid
from occupancy.domain import Crossings
from occupancy.history import start_of_month
from occupancy.repository import ingest
from occupancy.repository.history import PERIODS, History, Walk
from occupancy.service.alerts import judge
from occupancy.service.counting import count_crossings
from occupancy.service.levels import follow


async def count_day_again(
    session: AsyncSession,
    camera_id: int,
    day: tuple[datetime, datetime],
    told: Crossings | None,
    default_zone: str,
) -> None:
    """Count a camera's local day anew, and whatever follows from it, up to who is there now.

    Args:
        day: when it begins and ends.
        told: all crossings of it; None: there were none.

    Raises:
        Invalid: crossings of that day are no longer kept.
    """
    held = (await ingest.hold(session, {camera_id}, default_zone))[camera_id]
    history, zone = History(session), ZoneInfo(held.zone)
    kept_since = await history.kept_since(zone)
    since, until = day
    if since < kept_since:
        raise Invalid(f"Crossings before {kept_since:%Y-%m-%d} are no longer kept.")
    await ingest.forget(session, camera_id, since, until, told)
    if told is not None:
        await count_crossings(session, told, default_zone)
    await history.walk([Walk(camera_id, since, until, held.zone)])
    await history.count_again(camera_id, kept_since)
    persons_since = max(kept_since, start_of_month(since, zone))
    for period in PERIODS:
        await history.count_persons_again(camera_id, period, persons_since, zone)
    await follow(session, [(held.room_id, until)])
    await judge(session, [camera_id])
