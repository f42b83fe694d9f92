"""Hours from minutes, added up one after the other: what Postgres does in one statement."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from occupancy.history import MINUTE, Hour, Minute, end_of_hour, start_of_hour

US: Final = timedelta(microseconds=1)


def _microseconds(length: timedelta) -> int:
    return length // US


def hours_of(level: int, minutes: Iterable[Minute], zone: ZoneInfo) -> Iterator[Hour]:
    """Walk through minutes, and tell of each hour that has one.

    Args:
        level: before the first of them.
        minutes: in order.
    """
    of_hour: list[Minute] = []
    start: datetime | None = None
    for minute in minutes:
        began = start_of_hour(minute.start, zone)
        if start is not None and began != start:
            hour = hour_of(level, of_hour, start, end_of_hour(start, zone))
            level = hour.level
            yield hour
            of_hour = []
        start = began
        of_hour.append(minute)
    if start is not None:
        yield hour_of(level, of_hour, start, end_of_hour(start, zone))


def hour_of(level: int, minutes: Sequence[Minute], start: datetime, end: datetime) -> Hour:
    """Add the minutes of an hour up.

    Args:
        level: at its start.
    """
    area, peak, at = 0, max(0, level), start
    for minute in minutes:
        area += max(0, level) * _microseconds(minute.start - at)
        area += max(0, level * _microseconds(MINUTE) + minute.area)
        peak = max(peak, level + minute.high)
        level = minute.level_after(level)
        peak = max(peak, level)
        at = minute.end
    area += max(0, level) * _microseconds(max(timedelta(), end - at))
    entries, exits = (sum(getattr(one, name) for one in minutes) for name in ("entries", "exits"))
    return Hour(start, end, entries, exits, area, peak, level)
