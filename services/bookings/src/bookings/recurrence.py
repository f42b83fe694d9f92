"""Expands the recurrence rule of a series in the zone of the room's building. Pure.

09:00 stays 09:00 by the clock on the wall, through changes to and from summer time; the length is
real time. `common.recurrence` says what becomes of times that the clocks skip or repeat.
"""

from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from bookings.domain import Period
from common.recurrence import (
    LONGEST_RULE,
    WrongRule,
    days_of,
    instant_of,
    local_time,
    parse_rule,
)

__all__ = ["FARTHEST", "LONGEST_RULE", "MOST_OCCURRENCES", "WrongRule", "expand"]

MOST_OCCURRENCES: Final = 366
FARTHEST: Final = timedelta(days=5 * 366)
_TOO_FAR: Final = "A series spans five years at most."


def expand(rule: str, first: Period, zone: ZoneInfo) -> list[Period]:
    """List the occurrences of a series, the first one included.

    Args:
        rule: RFC 5545, without `RRULE:`, with COUNT or UNTIL.
        first: the first occurrence; its local time and its length are those of all.

    Raises:
        WrongRule: it is malformed, endless, has no occurrence at the start, or too many.
    """
    try:
        parsed = parse_rule(rule)
    except WrongRule as error:
        raise WrongRule(f"The recurrence rule cannot be read: {error}.") from error
    if (parsed.count is None) is (parsed.until is None):
        raise WrongRule("The recurrence rule needs COUNT or UNTIL, and not both.")
    if parsed.count is not None and parsed.count > MOST_OCCURRENCES:
        raise WrongRule(f"COUNT of the recurrence rule must be 1 to {MOST_OCCURRENCES}.")
    start = local_time(first.start, zone)
    # The first five years are looked at, and no more, whatever the rule.
    days = days_of(replace(parsed, count=None), start, zone)
    farthest = days.first + FARTHEST.days
    if parsed.until is not None and days.last > farthest:
        raise WrongRule(_TOO_FAR)
    found = days.between(days.first, farthest)[: parsed.count]
    if not found or found[0] != days.first:
        raise WrongRule("The start must be one of the recurrence rule's occurrences.")
    if parsed.count is not None and len(found) < parsed.count:
        raise WrongRule(_TOO_FAR)
    if len(found) > MOST_OCCURRENCES:
        raise WrongRule(f"A series has {MOST_OCCURRENCES} occurrences at most.")
    periods = []
    for day in found:
        begin = instant_of(datetime.combine(date.fromordinal(day), start.time()), zone)
        periods.append(Period(begin, begin + first.length))
    if any(one.overlaps(other) for one, other in pairwise(periods)):
        raise WrongRule("The occurrences of a series may not overlap each other.")
    return periods
