"""Recurrence rules (RFC 5545) of whole days: of rooms' windows, of series. No I/O, no clock.

A local time that the clocks skip is read with the offset before the change: 02:30 becomes 03:30. Of
a time that they repeat, the first is meant.

`python-dateutil` says which days of one year a rule's BY… parts name; periods, COUNT and UNTIL are
counted here. Handed a whole rule, it would walk from the first day to the year 9999 in search of
an occurrence that a rule may not have. So the work is bounded by the years asked for.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from itertools import groupby
from typing import Any, Final
from zoneinfo import ZoneInfo

from dateutil.rrule import YEARLY, rrule, weekday

LONGEST_RULE: Final = 500
MOST_COUNTED: Final = 10_000
# A COUNT is over after so many years, and a window from longer ago is not looked for.
FARTHEST_YEARS: Final = 200

_RULE: Final = re.compile(r"FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY)((?:;[A-Z]+=[A-Z0-9,+-]+)*)")
_WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_BY_DAY: Final = re.compile(rf"([+-]?\d{{1,2}})?({'|'.join(_WEEKDAYS)})")
_NO_UNTIL: Final = "UNTIL must be a day (20261122) or a time (20261122T090000Z)"
_UNTIL: Final = re.compile(r"(\d{8})(?:T(\d{6})(Z?))?")
_NUMBER: Final = re.compile(r"[+-]?\d{1,6}")
# What each part may be, below and above zero.
_LARGEST: Final = {"INTERVAL": 1000, "COUNT": MOST_COUNTED}
_LISTED: Final = {
    "BYMONTH": (0, 12),
    "BYMONTHDAY": (31, 31),
    "BYYEARDAY": (366, 366),
    "BYWEEKNO": (53, 53),
    "BYSETPOS": (366, 366),
}
# An interval after which dateutil, started in any year, has nothing more to look at.
_ONCE: Final = 10_000


class WrongRule(ValueError):
    """A recurrence rule that is none, or has a part that we do not take."""


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A recurrence rule (RFC 5545) whose occurrences are whole days apart.

    Args:
        frequency: DAILY, WEEKLY, MONTHLY or YEARLY.
        until: the last moment, as it is written.
        weekdays: of BYDAY, each with its ordinal, 0 for every one.
        listed: the other BY… parts by name.
        week_start: 0 is Monday.
    """

    frequency: str
    interval: int = 1
    count: int | None = None
    until: str | None = None
    weekdays: tuple[tuple[int, int], ...] = ()
    listed: tuple[tuple[str, tuple[int, ...]], ...] = ()
    week_start: int = 0

    def numbers(self, part: str) -> tuple[int, ...]:
        """Return the numbers of a BY… part; none if it is not there."""
        return dict(self.listed).get(part, ())


@lru_cache(maxsize=4096)
def parse_rule(text: str) -> Recurrence:
    """Read a recurrence rule, without its `RRULE:`.

    Raises:
        WrongRule: it does not start with FREQ= and a frequency of whole days, or has a part that
            is unknown, comes twice, or is out of its range.
    """
    found = _RULE.fullmatch(text) if len(text) <= LONGEST_RULE else None
    if found is None:
        raise WrongRule(
            "it must start with FREQ= and a frequency (DAILY, WEEKLY, MONTHLY, YEARLY), and have"
            f" {LONGEST_RULE} characters at most"
        )
    pairs = [part.split("=", 1) for part in found[2].split(";")[1:]]
    parts = dict(pairs)
    if len(parts) != len(pairs):
        raise WrongRule("a part comes twice")
    values: dict[str, Any] = {"frequency": found[1]}
    listed = []
    for name, value in parts.items():
        if name in _LARGEST:
            values[name.lower()] = _numbers(name, value, 0, _LARGEST[name], most=1)[0]
        elif name in _LISTED:
            listed.append((name, _numbers(name, value, *_LISTED[name])))
        elif name == "BYDAY":
            values["weekdays"] = tuple(_weekday(each) for each in value.split(","))
        elif name == "WKST" and value in _WEEKDAYS:
            values["week_start"] = _WEEKDAYS.index(value)
        elif name == "UNTIL":
            _until(value, ZoneInfo("UTC"))
            values["until"] = value
        else:
            raise WrongRule(f"{name}={value} is not taken")
    return Recurrence(**values, listed=tuple(listed))


def _numbers(
    name: str, text: str, below: int, above: int, most: int = LONGEST_RULE
) -> tuple[int, ...]:
    words = text.split(",")
    numbers = tuple(int(word) for word in words if _NUMBER.fullmatch(word))
    in_range = all(-below <= number <= above and number != 0 for number in numbers)
    if not len(numbers) == len(words) <= most or not in_range:
        raise WrongRule(f"{name} must be {-below or 1} to {above}")
    return numbers


def _weekday(text: str) -> tuple[int, int]:
    found = _BY_DAY.fullmatch(text)
    if found is None or (found[1] is not None and not 1 <= abs(int(found[1])) <= 53):
        raise WrongRule(f"BYDAY has no {text!r}")
    return _WEEKDAYS.index(found[2]), int(found[1] or 0)


def _until(text: str, zone: ZoneInfo) -> datetime:
    """Return the last local time of a rule; a day alone includes all of it."""
    found = _UNTIL.fullmatch(text)
    if found is None:
        raise WrongRule(_NO_UNTIL)
    try:
        day = datetime.strptime(found[1], "%Y%m%d")  # noqa: DTZ007 - local on purpose
        if not 1900 <= day.year <= 9000:
            raise WrongRule(_NO_UNTIL)
        if found[2] is None:
            return datetime.combine(day, time.max)
        moment = datetime.combine(day, datetime.strptime(found[2], "%H%M%S").time())  # noqa: DTZ007
    except ValueError as error:
        raise WrongRule(_NO_UNTIL) from error
    return local_time(moment.replace(tzinfo=UTC), zone) if found[3] else moment


# --- the days of a rule -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Days:
    """The days on which a rule occurs, as ordinals of the calendar.

    Args:
        rule: its COUNT and UNTIL are in ``last``.
        first: the day it starts on, which need not be one of its days.
        last: the last one at most.
    """

    rule: Recurrence
    first: int
    last: int

    def between(self, low: int, high: int) -> list[int]:
        """List the days from ``low`` to ``high``, both included."""
        low, high = max(low, self.first), min(high, self.last)
        found: list[int] = []
        if low <= high:
            for year in range(_year(low), _year(high) + 1):
                days = _days_of_year(self.rule, self.first, year)
                found += days[bisect_left(days, low) : bisect_right(days, high)]
        return found

    def before(self, day: int, *, not_before: int) -> int | None:
        """Find the latest day before a day, if there is one from ``not_before`` on."""
        high, low = min(day - 1, self.last), max(not_before, self.first)
        if low > high:
            return None
        for year in range(_year(high), max(_year(low), _year(high) - FARTHEST_YEARS) - 1, -1):
            days = _days_of_year(self.rule, self.first, year)
            at = bisect_right(days, high)
            if at:
                return days[at - 1] if days[at - 1] >= low else None
        return None


@lru_cache(maxsize=4096)
def days_of(rule: Recurrence, start: datetime, zone: ZoneInfo) -> Days:
    """Return the days of a rule that starts at a local time."""
    first = start.toordinal()
    last = date.max.toordinal()
    if rule.until is not None:
        until = _until(rule.until, zone)
        last = until.toordinal() - (until.time() < start.time())
    if rule.count is not None:
        last = min(last, _last_counted(rule, first))
    return Days(rule, first, last)


def _last_counted(rule: Recurrence, first: int) -> int:
    counted = rule.count or 0
    for year in range(_year(first), _year(first) + FARTHEST_YEARS):
        days = _days_of_year(rule, first, year)
        if counted <= len(days):
            return days[counted - 1]
        counted -= len(days)
    return date(_year(first) + FARTHEST_YEARS, 1, 1).toordinal() - 1


@lru_cache(maxsize=1024)
def _days_of_year(rule: Recurrence, first: int, year: int) -> tuple[int, ...]:
    """List the days of one year on which a rule occurs that starts on a day, without its end."""
    begins, ends = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
    period, whole = _periods(rule)
    started = period(first)
    days = _named_days(rule, first, year)
    if whole is not None and rule.numbers("BYSETPOS"):
        # A week that two years share is counted whole.
        days = [
            *(day for day in _named_days(rule, first, year - 1) if day > begins - whole),
            *days,
            *(day for day in _named_days(rule, first, year + 1) if day < ends + whole),
        ]
    if rule.frequency == "WEEKLY":
        days = [day for day in days if day >= first]
    found: list[int] = []
    for number, group in groupby(days, period):
        if (number - started) % rule.interval == 0:
            found += _positions(list(group), rule.numbers("BYSETPOS"))
    return tuple(day for day in found if day >= first and begins <= day <= ends)


def _periods(rule: Recurrence) -> tuple[Callable[[int], int], int | None]:
    """Number the periods of a frequency; with the length of one that years share."""
    if rule.frequency == "DAILY":
        return lambda day: day, None
    if rule.frequency == "WEEKLY":
        # The calendar's first day, with the ordinal 1, was a Monday.
        return lambda day: (day - 1 - rule.week_start) // 7, 7
    if rule.frequency == "MONTHLY":
        return lambda day: _year(day) * 12 + date.fromordinal(day).month, None
    return _year, None


def _year(day: int) -> int:
    return date.fromordinal(day).year


def _positions(days: list[int], positions: Sequence[int]) -> list[int]:
    if not positions:
        return days
    chosen = {at - 1 if at > 0 else len(days) + at for at in positions}
    return [day for at, day in enumerate(days) if at in chosen]


def _named_days(rule: Recurrence, first: int, year: int) -> list[int]:
    """List the days of a year that a rule's BY… parts name, or what they are when there are none.

    Every rule is put as one of a year's days: then dateutil filters all of them at once.
    """
    start = date.fromordinal(first)
    months, month_days = rule.numbers("BYMONTH"), rule.numbers("BYMONTHDAY")
    year_days, weeks = rule.numbers("BYYEARDAY"), rule.numbers("BYWEEKNO")
    # The ordinals of weekdays mean something within a month or a year only.
    ordinals = rule.frequency in {"MONTHLY", "YEARLY"}
    weekdays = [
        weekday(number, ordinal if ordinals and ordinal else None)
        for number, ordinal in rule.weekdays
    ]
    if not (month_days or year_days or weeks or weekdays):
        if rule.frequency == "WEEKLY":
            weekdays = [weekday(start.weekday())]
        elif rule.frequency == "DAILY":
            weekdays = [weekday(number) for number in range(7)]
        else:
            month_days = (start.day,)
            if rule.frequency == "YEARLY":
                months = months or (start.month,)
    if rule.frequency == "MONTHLY":
        months = months or tuple(range(1, 13))
    named = rrule(
        YEARLY,
        dtstart=datetime(year, 1, 1),  # noqa: DTZ001 - only days are wanted
        interval=_ONCE,
        wkst=rule.week_start,
        bymonth=months or None,
        bymonthday=month_days or None,
        byyearday=year_days or None,
        byweekno=weeks or None,
        byweekday=weekdays or None,
    )
    return [moment.toordinal() for moment in named]


# --- time on the wall -------------------------------------------------------------------------


def local_time(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return the time on the wall, without its zone."""
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def instant_of(local: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant, in UTC, of a time on the wall."""
    # With fold 0, Python reads skipped and repeated times as the module says.
    return local.replace(tzinfo=zone).astimezone(UTC)
