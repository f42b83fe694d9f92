"""When rooms are open, and what of that is free. No I/O, no framework, no clock.

A rule gives days (`common.recurrence`); on each of them the room opens and closes at the local
times of its first window, so that 09:00 stays 09:00 through changes to and from summer time. A
window that would so end before it starts keeps its real length. The first window itself is the
instants that were given.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from common.recurrence import (
    FARTHEST_YEARS,
    WrongRule,
    days_of,
    instant_of,
    local_time,
    parse_rule,
)

# A stretch of time, half-open.
Span = tuple[datetime, datetime]
# What is free of each local day, ascending; days without are left out.
FreeDays = Sequence[tuple[date, Sequence[Span]]]


# --- windows ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Opening:
    """When a room is open.

    Args:
        zone: IANA name; days and hours are local to it.
        opens_at, closes_at: every day, for a room without windows of its own.
        first: its first window, aware; None: it has no windows of its own.
        rule: how the window repeats; None: it does not.
    """

    zone: str
    opens_at: time
    closes_at: time
    first: Span | None = None
    rule: str | None = None


def windows(opening: Opening, start: datetime, end: datetime) -> list[Span]:
    """List the stretches of time in which a room is open, ascending and apart from each other.

    Args:
        start, end: of the time looked at, aware; what is open is cut to it.
    """
    if start >= end:
        return []
    return _united(_clipped(_raw_windows(opening, start, end), start, end))


def _raw_windows(opening: Opening, start: datetime, end: datetime) -> Iterator[Span]:
    zone = ZoneInfo(opening.zone)
    low, high = local_time(start, zone).toordinal(), local_time(end, zone).toordinal()
    if opening.first is None:
        length = datetime.combine(date.min, opening.closes_at) - datetime.combine(
            date.min, opening.opens_at
        )
        for day in range(low, high + 1):
            yield _window(day, opening.opens_at, length, zone)
        return
    if opening.rule is None:
        yield opening.first
        return
    try:
        rule = parse_rule(opening.rule)
    except WrongRule:
        # It was taken by an earlier form of the check: nothing can be expanded from it.
        return
    first, until = (local_time(moment, zone) for moment in opening.first)
    days = days_of(rule, first, zone)
    length = until - first
    if length <= timedelta(0):
        length = opening.first[1] - opening.first[0]
    length = min(length, timedelta(days=365 * FARTHEST_YEARS))
    # All windows are of one length: of those that began on earlier days, the last ends last.
    earlier = days.before(low, not_before=low - length.days - 2)
    for day in [*([] if earlier is None else [earlier]), *days.between(low, high)]:
        exact = day == days.first
        yield opening.first if exact else _window(day, first.time(), length, zone)


def _window(day: int, opens_at: time, length: timedelta, zone: ZoneInfo) -> Span:
    local = datetime.combine(date.fromordinal(day), opens_at)
    begins = instant_of(local, zone)
    ends = instant_of(local + length, zone)
    return begins, ends if ends > begins else begins + length


def _clipped(spans: Iterable[Span], start: datetime, end: datetime) -> Iterator[Span]:
    for begins, ends in spans:
        clipped = max(begins, start), min(ends, end)
        if clipped[0] < clipped[1]:
            yield clipped


def _united(spans: Iterable[Span]) -> list[Span]:
    united: list[Span] = []
    for begins, ends in sorted(spans):
        if united and begins <= united[-1][1]:
            united[-1] = united[-1][0], max(united[-1][1], ends)
        else:
            united.append((begins, ends))
    return united


# --- what is free -------------------------------------------------------------------------------


def free(open_spans: Iterable[Span], taken: Sequence[Span]) -> list[Span]:
    """Take away what is taken.

    Args:
        open_spans: ascending and apart from each other.
        taken: by their starts; they may overlap.
    """
    left: list[Span] = []
    at = 0
    for begins, ends in open_spans:
        while at < len(taken) and taken[at][1] <= begins:
            at += 1
        position, following = begins, at
        while following < len(taken) and taken[following][0] < ends:
            begun, ended = taken[following]
            if begun > position:
                left.append((position, begun))
            position = max(position, ended)
            following += 1
        if position < ends:
            left.append((position, ends))
    return left


def day_bounds(first: date, last: date, zone: str) -> Span:
    """Return when the first of some local days begins, and when the last one ends."""
    zone_info = ZoneInfo(zone)
    return _midnight(first, zone_info), _midnight(last + timedelta(days=1), zone_info)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return instant_of(datetime.combine(day, time.min), zone)


def by_day(spans: Iterable[Span], zone: str) -> FreeDays:
    """Split stretches of time at local midnights and gather them by day."""
    zone_info = ZoneInfo(zone)
    days: list[tuple[date, list[Span]]] = []
    tomorrow = datetime.min.replace(tzinfo=UTC)
    for begins, ends in spans:
        position = begins
        while position < ends:
            if position >= tomorrow:
                day = local_time(position, zone_info).date()
                tomorrow = _midnight(day + timedelta(days=1), zone_info)
                days.append((day, []))
            until = min(ends, tomorrow)
            days[-1][1].append((position, until))
            position = until
    return days
