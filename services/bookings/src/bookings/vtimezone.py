"""Describes a zone's clock changes as a calendar wants them: VTIMEZONE of RFC 5545. Pure.

`icalendar.Timezone.from_tzinfo` writes the onset of summer time by the clock after the change,
where the RFC wants the one before it, an hour earlier; and dates one by one, which Outlook does
not read. Here a change that comes every year by the same rule is written as that rule.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from icalendar import Timezone, TimezoneDaylight, TimezoneStandard, vRecur

_DAY: Final = timedelta(days=1)
_WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_LAST: Final = -1


@dataclass(frozen=True, slots=True)
class _Change:
    """Clocks change.

    Args:
        onset: by the clock as it was until then.
        before, after: offsets from UTC.
        name: of the time from then on, such as CEST.
    """

    onset: datetime
    before: timedelta
    after: timedelta
    name: str

    @property
    def kind(self) -> tuple[object, ...]:
        """What two changes have in common that may follow one rule."""
        onset = self.onset
        return (
            (onset.month, onset.weekday(), onset.time()),
            (self.before, self.after, self.name),
        )

    @property
    def places(self) -> set[int]:
        """Which of its weekday in the month it is: 1 to 5, and -1 for the last."""
        is_last = (self.onset + 7 * _DAY).month != self.onset.month
        return {(self.onset.day - 1) // 7 + 1} | ({_LAST} if is_last else set())


@lru_cache(maxsize=64)
def vtimezone(name: str, first_year: int, last_year: int) -> bytes:
    """Write the VTIMEZONE of a zone, right for what happens in these years, both included."""
    zone = ZoneInfo(name)
    start = datetime(first_year, 1, 1, tzinfo=UTC)
    # From the year before, so that the time at the start has an onset too.
    since = start.replace(year=first_year - 1)
    changes = list(_changes(zone, since, datetime(last_year + 1, 1, 1, tzinfo=UTC)))
    described = Timezone()
    described.add("tzid", name)
    if not changes or changes[0].onset - changes[0].before >= start.replace(tzinfo=None):
        at_first = since.astimezone(zone)
        offset = at_first.utcoffset() or timedelta()
        always = _Change(datetime(1970, 1, 1), offset, offset, at_first.tzname() or name)  # noqa: DTZ001 - local
        described.add_component(_observance([always], 0))
    years = range(first_year, last_year + 1)
    alike: dict[object, list[_Change]] = {}
    for change in changes:
        alike.setdefault(change.kind, []).append(change)
    for group in alike.values():
        described.add_component(_observance(group, _place(group, years)))
    return bytes(described.to_ical())


def _changes(zone: ZoneInfo, since: datetime, until: datetime) -> Iterator[_Change]:
    """List the changes of a zone's clocks in a time, in order."""
    days = [since + index * _DAY for index in range((until - since).days + 1)]
    for early, late in pairwise(days):
        if early.astimezone(zone).utcoffset() != late.astimezone(zone).utcoffset():
            yield _change(zone, early, late)


def _change(zone: ZoneInfo, early: datetime, late: datetime) -> _Change:
    before = early.astimezone(zone).utcoffset() or timedelta()
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) // 2
        if (middle.astimezone(zone).utcoffset() or timedelta()) == before:
            early = middle
        else:
            late = middle
    instant = late.replace(microsecond=0)
    changed = instant.astimezone(zone)
    return _Change(
        onset=(instant + before).replace(tzinfo=None),
        before=before,
        after=changed.utcoffset() or timedelta(),
        name=changed.tzname() or str(zone),
    )


def _place(group: Sequence[_Change], years: range) -> int:
    """Find the one place in the month that a change has every year; 0 if there is none."""
    places = set.intersection(*(change.places for change in group))
    every_year = {*years} <= {change.onset.year for change in group}
    if not places or not every_year or len({change.onset.year for change in group}) < len(group):
        return 0
    return _LAST if _LAST in places else min(places)


def _observance(group: Sequence[_Change], place: int) -> TimezoneStandard | TimezoneDaylight:
    first, *others = group
    observance = TimezoneDaylight() if first.after > first.before else TimezoneStandard()
    observance.add("dtstart", first.onset)
    if place:
        day = f"{place}{_WEEKDAYS[first.onset.weekday()]}"
        rule = {"freq": "yearly", "bymonth": first.onset.month, "byday": day}
        observance.add("rrule", vRecur(rule))
    elif others:
        observance.add("rdate", [change.onset for change in others])
    observance.add("tzoffsetfrom", first.before)
    observance.add("tzoffsetto", first.after)
    observance.add("tzname", first.name)
    return observance
