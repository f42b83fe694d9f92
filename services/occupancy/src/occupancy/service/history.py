"""Keeps hours, days and months up as crossings come, late ones too, and adds them up anew."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

from common.db import AsyncSession
from common.errors import Invalid
from common.identity import Identity
from occupancy.history import (
    LEVELS,
    MINUTE,
    Hour,
    end_of_hour,
    every_hour,
    latest,
    start_of_hour,
)
from occupancy.repository.counts import Counts
from occupancy.repository.history import FOR_EVER, History, PersonsOf, Walk
from occupancy.service.alerts import judge
from occupancy.service.cameras import get_camera
from occupancy.service.levels import publish_levels

WRONG_LEVEL: Final = "Invalid aggregation level. Use: hourly, daily, or monthly"


_PERSONS_OF: Final[dict[str, PersonsOf]] = {"hourly": "hour", "daily": "day", "monthly": "month"}


@dataclass(frozen=True, slots=True)
class Headcount:
    """How many people somebody has counted."""

    people: int
    notes: str | None = None


def _minute(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(second=0, microsecond=0)


async def calibrate(
    session: AsyncSession, identity: Identity, camera_id: int, headcount: Headcount, zone: str
) -> datetime:
    """Set how many people are in a camera's area, as somebody has counted; returns when.

    Args:
        zone: of cameras that are in no room.

    Raises:
        NotFound: there is no such camera.
    """
    camera = await get_camera(session, camera_id)
    await Counts(session).hold(camera_id)
    zones = await History(session).zones([camera_id], zone)
    now = datetime.now(UTC)
    why = {"reason": "calibration", "notes": headcount.notes, "made_by": identity.id}
    values = {"camera_id": camera_id, "at": now, "occupancy": headcount.people, **why}
    await correct(session, values, zones[camera_id])
    if camera["room_id"] is not None:
        await publish_levels(session, {camera["room_id"]: now})
    await judge(session, [camera_id])
    return now


async def reset(session: AsyncSession, at: time, now: datetime, default_zone: str) -> int:
    """Empty the areas of cameras whose local time of day it is, or has been since; once a day.

    Who is still counted then was missed on the way out.

    Returns:
        how many were reset.
    """
    history = History(session)
    by_time: dict[datetime, list[int]] = defaultdict(list)
    zones = await history.zones(None, default_zone)
    for camera_id, zone in zones.items():
        by_time[latest(at, now, zone)].append(camera_id)
    done: list[int] = []
    for moment, camera_ids in by_time.items():
        for camera_id in await history.not_reset_since(camera_ids, moment):
            await Counts(session).hold(camera_id)
            values = {"camera_id": camera_id, "at": moment, "occupancy": 0, "reason": "reset"}
            if await correct(session, values, zones[camera_id]):
                done.append(camera_id)
    if done:
        rooms = await Counts(session).rooms_of(zones)
        await publish_levels(session, dict.fromkeys(rooms.values(), now))
        await judge(session, done)
    return len(done)


async def correct(session: AsyncSession, values: Mapping[str, Any], zone: ZoneInfo) -> bool:
    """Set how many people were in a camera's area then; False if that reset was made already."""
    history = History(session)
    if not await history.correct(values):
        return False
    since = start_of_hour(values["at"], zone)
    await history.walk([Walk(values["camera_id"], since, end_of_hour(since, zone), zone.key)])
    return True


async def rebuild(session: AsyncSession, camera_id: int, level: str, default_zone: str) -> None:
    """Add a camera's hours, days or months up anew, from what lies below."""
    history = History(session)
    await Counts(session).hold(camera_id)
    zone = (await history.zones([camera_id], default_zone))[camera_id]
    # What was dropped with its month cannot be added up again.
    since = await history.kept_since(zone)
    if level == "hourly":
        await history.take_all_minutes(camera_id, since)
        await history.forget_hours(camera_id, since)
        await history.walk([Walk(camera_id, since, FOR_EVER, zone.key)])
        await history.count_again(camera_id, since)
    await history.count_persons_again(camera_id, _PERSONS_OF[level], since, zone)


async def request_rebuild(session: AsyncSession, camera_id: int | None, level: str) -> None:
    """Have a level added up anew, soon.

    Raises:
        Invalid: there is no such level.
        NotFound: there is no such camera.
    """
    if level not in LEVELS:
        raise Invalid(WRONG_LEVEL)
    if camera_id is not None:
        await get_camera(session, camera_id)
    await History(session).add_rebuilds(camera_id, [level])


async def take_zones(session: AsyncSession, told: Sequence[Mapping[str, Any]]) -> None:
    """Take over in what zones rooms are; the hours of cameras that this moves follow soon."""
    history = History(session)
    for camera_id in await history.store_zones(told):
        await history.add_rebuilds(camera_id, LEVELS)


async def hours_since(
    session: AsyncSession, camera_id: int, since: datetime, now: datetime, zone: ZoneInfo
) -> list[Hour]:
    """List every hour of a camera from some time to now, as far as it has a history."""
    history = History(session)
    first = await history.first_hour(camera_id)
    if first is None:
        return []
    begin = max(first, start_of_hour(since, zone))
    level = await history.level_before(camera_id, begin)
    known = await history.hours(camera_id, begin, now)
    return list(every_hour(level, known, begin, now, zone))


@dataclass(frozen=True, slots=True)
class LogRow:
    """A minute in which something happened, every fifth in which nothing did, or a correction.

    Args:
        id: the same whenever it is asked for.
        level: people there at its end.
        persons: distinct tracks seen in it.
    """

    id: int
    at: datetime
    entries: int
    exits: int
    level: int
    persons: int
    is_correction: bool = False


_CORRECTIONS_FROM: Final = 1_000_000_000
_QUIET_MINUTES: Final = 5


async def log_since(
    session: AsyncSession, camera: Mapping[str, Any], since: datetime, now: datetime, default: str
) -> list[LogRow]:
    """List what happened at a camera from some time to now, minute by minute.

    Args:
        default: zone of cameras that are in no room.
    """
    history, camera_id = History(session), camera["id"]
    zone = (await history.zones([camera_id], default))[camera_id]
    first = await history.first_minute(camera_id) or now
    begin = _minute(max(since, min(first, camera["created_at"])))
    hour = start_of_hour(begin, zone)
    level = await history.level_before(camera_id, hour)
    known = {minute.start: minute for minute in await history.minutes(camera_id, hour, now)}
    seen = await history.persons_by_minute(camera_id, begin)
    rows = [
        LogRow(_CORRECTIONS_FROM + one["id"], one["at"], 0, 0, one["occupancy"], 0, True)
        for one in await history.corrections(camera_id, begin)
    ]
    start = hour
    while start <= now:
        minute = known.get(start)
        if minute is not None:
            level = minute.level_after(level)
        number = int(start.timestamp()) // 60
        if start >= begin and (minute is not None or number % _QUIET_MINUTES == 0):
            entries, exits = (minute.entries, minute.exits) if minute else (0, 0)
            shown = max(0, level)
            rows.append(LogRow(number, start, entries, exits, shown, seen.get(start, 0)))
        start += MINUTE
    return sorted(rows, key=lambda row: (row.at, row.id))
