"""Expands the recurrence rule of a series in the zone of the room's building. Pure.

09:00 stays 09:00 by the clock on the wall, through changes to and from summer time; the length is
real time. A time that the clocks skip moves forward with them (02:30 becomes 03:30); of one that
they repeat, the first is meant.
"""

import re
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import Final
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from bookings.domain import Period

MOST_OCCURRENCES: Final = 366
FARTHEST: Final = timedelta(days=5 * 366)
LONGEST_RULE: Final = 500
_RULE: Final = re.compile(r"FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY)(;[A-Z]+=[A-Z0-9,+-]+)*")
_PARTS: Final = frozenset(
    "FREQ INTERVAL COUNT UNTIL BYDAY BYMONTHDAY BYMONTH BYSETPOS WKST".split()
)


class WrongRule(ValueError):
    """A recurrence rule that a series cannot have; the message says why."""


def expand(rule: str, first: Period, zone: ZoneInfo) -> list[Period]:
    """List the occurrences of a series, the first one included.

    Args:
        rule: RFC 5545, without `RRULE:`, with COUNT or UNTIL.
        first: the first occurrence; its local time and its length are those of all.

    Raises:
        WrongRule: it is malformed, endless, has no occurrence at the start, or too many.
    """
    parts = _parts(rule)
    start = first.start.astimezone(zone).replace(tzinfo=None)
    if "UNTIL" in parts:
        rule = _with_local_until(rule, parts["UNTIL"], zone)
    try:
        starts = rrulestr(rule, dtstart=start).xafter(start, inc=True)
        found = list(islice(starts, MOST_OCCURRENCES + 1))
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise WrongRule(f"The recurrence rule cannot be read: {error}.") from error
    if len(found) > MOST_OCCURRENCES:
        raise WrongRule(f"A series has {MOST_OCCURRENCES} occurrences at most.")
    if not found or found[0] != start:
        raise WrongRule("The start must be one of the recurrence rule's occurrences.")
    if found[-1] - start > FARTHEST:
        raise WrongRule("A series spans five years at most.")
    periods = []
    for moment in found:
        begin = moment.replace(tzinfo=zone).astimezone(UTC)
        periods.append(Period(begin, begin + first.length))
    if any(one.overlaps(other) for one, other in pairwise(periods)):
        raise WrongRule("The occurrences of a series may not overlap each other.")
    return periods


def _parts(rule: str) -> dict[str, str]:
    if len(rule) > LONGEST_RULE or _RULE.fullmatch(rule) is None:
        raise WrongRule(
            "The recurrence rule must start with FREQ= and a frequency"
            " (DAILY, WEEKLY, MONTHLY, YEARLY)."
        )
    pairs = [part.split("=", 1) for part in rule.split(";")]
    parts = dict(pairs)
    if unknown := parts.keys() - _PARTS:
        raise WrongRule(f"The recurrence rule has parts that are not taken: {sorted(unknown)}.")
    if len(parts) != len(pairs):
        raise WrongRule("The recurrence rule names a part twice.")
    if ("COUNT" in parts) is ("UNTIL" in parts):
        raise WrongRule("The recurrence rule needs COUNT or UNTIL, and not both.")
    for name, most in (("COUNT", MOST_OCCURRENCES), ("INTERVAL", 1000)):
        value = parts.get(name, "1")
        if not (value.isascii() and value.isdigit() and 1 <= int(value[:9]) <= most):
            raise WrongRule(f"{name} of the recurrence rule must be 1 to {most}.")
    return parts


def _with_local_until(rule: str, until: str, zone: ZoneInfo) -> str:
    """Write UNTIL in local time, as the start is: a day alone includes all of that day."""
    try:
        if until.endswith("Z"):
            moment = datetime.strptime(until, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            local = moment.astimezone(zone).replace(tzinfo=None)
        elif "T" in until:
            local = datetime.strptime(until, "%Y%m%dT%H%M%S")  # noqa: DTZ007 - local on purpose
        else:
            day = datetime.strptime(until, "%Y%m%d")  # noqa: DTZ007 - likewise
            local = day + timedelta(days=1, seconds=-1)
    except (ValueError, OverflowError) as error:
        raise WrongRule("UNTIL of the recurrence rule must be a day or a time.") from error
    return rule.replace(f"UNTIL={until}", f"UNTIL={local:%Y%m%dT%H%M%S}")
