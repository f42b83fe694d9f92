"""Compares hours with the same hour of the weeks before, and raises `anomaly_detected`."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from common.db import AsyncSession
from occupancy.anomaly import Anomaly, Figures, judge, weeks_before
from occupancy.history import end_of_hour, start_of_hour
from occupancy.repository.alerts import Alerts
from occupancy.repository.anomalies import Anomalies, Wanted
from occupancy.repository.history import History
from occupancy.service.alerts import Finding, settle

_TYPE: Final = "anomaly_detected"


async def look(session: AsyncSession, now: datetime, default_zone: str) -> None:
    """Judge the last local hour of every camera that is in use, and the one that runs.

    Args:
        default_zone: of cameras that are in no room.
    """
    zones = await History(session).zones(None, default_zone)
    hours = {zone: _hours(now, zone) for zone in set(zones.values())}
    wanted = [
        (camera_id, start)
        for camera_id, zone in zones.items()
        for hour, before in hours[zone]
        for start in (hour, *before)
    ]
    figures = await Anomalies(session).figures(wanted)
    running = await Alerts(session).running()
    findings: dict[int, Finding | None] = {}
    for camera_id, zone in zones.items():
        last, _ = hours[zone]
        if (camera_id, last[0]) not in figures:
            continue  # It is not in use, or was not yet.
        anomaly = _judge(camera_id, zone, hours[zone], figures)
        finding = Finding(anomaly.message, frozenset({anomaly.kind})) if anomaly else None
        causes = running.get(camera_id, {}).get(_TYPE)
        if causes != (finding.causes if finding else None):
            findings[camera_id] = finding
    await settle(session, _TYPE, findings, hold=True)


# An hour and the same one of the weeks before, by when they begin.
_Compared = tuple[datetime, Sequence[datetime]]


def _hours(now: datetime, zone: ZoneInfo) -> tuple[_Compared, _Compared]:
    """Name the local hour that was over last, and the one that runs."""
    runs = start_of_hour(now, zone)
    last = start_of_hour(runs - timedelta(microseconds=1), zone)
    return (last, list(weeks_before(last, zone))), (runs, list(weeks_before(runs, zone)))


def _judge(
    camera_id: int,
    zone: ZoneInfo,
    hours: tuple[_Compared, _Compared],
    figures: Mapping[Wanted, Figures],
) -> Anomaly | None:
    """Return what is unusual in the hour that runs, else in the last one."""
    last, runs = hours
    for (start, weeks), is_over in ((runs, False), (last, True)):
        now = figures.get((camera_id, start))
        before = [figures[camera_id, week] for week in weeks if (camera_id, week) in figures]
        if now is not None:
            local, end = start.astimezone(zone), end_of_hour(start, zone).astimezone(zone)
            found = judge(now, before, start=local, end=end, is_over=is_over)
            if found is not None:
                return found
    return None
