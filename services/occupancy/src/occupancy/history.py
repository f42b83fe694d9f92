"""How many people were there: minutes, hours, and where they begin. No I/O, no framework.

A minute says what its crossings did to the level, whatever that was before: so a crossing that
comes days late changes its own minute, and the hours after it follow by walking on from there. A
level is corrected (by a headcount, or a nightly reset) at the end of the minute in which that was.
Hours are local to the camera's building, and instants where they begin, so that the two hours of
02:00 of an autumn night are two.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
# What can be added up anew, each from the one before.
LEVELS: Final = ("hourly", "daily", "monthly")
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Minute:
    """What happened in a minute.

    Args:
        start: timezone-aware.
        area: person-microseconds that its crossings add to the level at its start.
        high: how far above that level it rose, at most; not below 0.
        corrected: the level at its end, if it was corrected in it.
    """

    start: datetime
    entries: int
    exits: int
    area: int
    high: int
    corrected: int | None = None

    @property
    def end(self) -> datetime:
        return self.start + MINUTE

    def level_after(self, level: int) -> int:
        """Return the level at its end, by the one at its start."""
        return level + self.entries - self.exits if self.corrected is None else self.corrected


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour of a camera.

    Args:
        start, end: timezone-aware.
        area: person-microseconds; nobody counts for less than nobody.
        peak: most people at one time.
        level: at its end, below 0 when more have left than came.
    """

    start: datetime
    end: datetime
    entries: int
    exits: int
    area: int
    peak: int
    level: int

    def area_until(self, now: datetime) -> tuple[int, int]:
        """Return the area and the microseconds of the part that is over; its level goes on."""
        if now >= self.end:
            return self.area, _microseconds(self.end - self.start)
        ahead = _microseconds(self.end - now)
        over = max(1, _microseconds(now - self.start))
        return max(0, self.area - max(0, self.level) * ahead), over


def _microseconds(length: timedelta) -> int:
    return length // _MICROSECOND


def start_of_hour(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return when the local hour of a moment began."""
    local = moment.astimezone(zone)
    into = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    return moment.astimezone(UTC) - into


def end_of_hour(start: datetime, zone: ZoneInfo) -> datetime:
    """Return when the local hour that begins there ends; a change of the clock may cut it short."""
    end = start_of_hour(start + HOUR, zone)
    return end if end > start else start + HOUR


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """Return when a local day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def start_of_month(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return when the local month of a moment began."""
    return start_of_day(local_day(moment, zone).replace(day=1), zone)


def months_before(moment: datetime, months: int) -> datetime:
    """Return when the month began in UTC that was so many before that of a moment."""
    number = moment.year * 12 + moment.month - 1 - months
    return datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)


def latest(at: time, now: datetime, zone: ZoneInfo) -> datetime:
    """Return when it was a local time of day last."""
    today = local_day(now, zone)
    for day in (today, today - timedelta(days=1)):
        moment = datetime.combine(day, at, zone).astimezone(UTC)
        if moment <= now:
            return moment
    raise AssertionError(at)


def local_day(moment: datetime, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date()


def every_hour(
    level: int, known: Iterable[Hour], first: datetime, last: datetime, zone: ZoneInfo
) -> Iterator[Hour]:
    """List every hour from the one of ``first`` to that of ``last``.

    Args:
        level: at ``first``; an hour of which nothing is known keeps that of the one before.
    """
    by_start = {hour.start: hour for hour in known}
    start = start_of_hour(first, zone)
    while start <= last:
        end = end_of_hour(start, zone)
        hour = by_start.get(start) or _quiet(level, start, end)
        level = hour.level
        yield hour
        start = end


def _quiet(level: int, start: datetime, end: datetime) -> Hour:
    people = max(0, level)
    return Hour(start, end, 0, 0, people * _microseconds(end - start), people, level)
