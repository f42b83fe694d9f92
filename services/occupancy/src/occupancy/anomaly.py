"""Tells whether an hour is unlike the same hour of the weeks before. No I/O, no framework.

The modified z-score of Iglewicz and Hoaglin (How to Detect and Handle Outliers, 1993): by the
median and the median absolute deviation, which a feast or an outage among the weeks does not move.
Counts scatter by their square root at least (Poisson), so that a deviation of 0 over a few weeks
is not believed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import sqrt
from statistics import median, quantiles
from typing import Final
from zoneinfo import ZoneInfo

WEEKS: Final = 8
FEWEST_WEEKS: Final = 4
# Of a normal distribution 0.6745 is the MAD of a standard deviation of 1.
MAD_OF_NORMAL: Final = 0.6745
UNUSUAL: Final = 3.5
# Persons; below that much difference nobody needs to know.
SMALLEST_DIFFERENCE: Final = 10
_WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Figures:
    """What is judged of an hour.

    Args:
        peak: most people at one time.
    """

    entries: int
    peak: int


@dataclass(frozen=True, slots=True)
class Anomaly:
    """What an hour is unlike the others in, and a sentence about it."""

    kind: str
    message: str


def score(value: int, usual: Sequence[int]) -> float:
    """Return the modified z-score of a count among those of other weeks; above 0 for more."""
    middle = median(usual)
    deviation = median(abs(one - middle) for one in usual)
    return MAD_OF_NORMAL * (value - middle) / max(deviation, MAD_OF_NORMAL * sqrt(max(middle, 1)))


def weeks_before(start: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """List when the same local hour began in each of the weeks before, newest first, in UTC.

    An hour that a spring night left out is left out; of the two of an autumn night it is the first.
    """
    local = start.astimezone(zone)
    for weeks in range(1, WEEKS + 1):
        then = local - weeks * _WEEK  # by the clock on the wall
        moment = then.astimezone(UTC)
        if moment.astimezone(zone).replace(tzinfo=None) == then.replace(tzinfo=None):
            yield moment


def judge(
    now: Figures, before: Sequence[Figures], *, start: datetime, end: datetime, is_over: bool
) -> Anomaly | None:
    """Tell whether there were unusually many people in an hour, or unusually none.

    Args:
        before: of the same hour of the weeks before; under 4 of them nothing is judged.
        start, end: of the hour, local to the building.
        is_over: an hour that still runs can only have too many.
    """
    if len(before) < FEWEST_WEEKS:
        return None
    entries, peaks = [one.entries for one in before], [one.peak for one in before]
    when = f"from {start:%H:%M} to {end:%H:%M}" if is_over else f"since {start:%H:%M}"
    counted = "" if len(before) == WEEKS else f"{len(before)} of "
    weeks = f"on {counted}the last {WEEKS} {start:%A}s at that hour"
    if _is_unusual(now.entries, entries) and now.entries > median(entries):
        said = f"{now.entries} entries {when}; {weeks} {_usual(entries)}"
        return Anomaly("crowd", said)
    if _is_unusual(now.peak, peaks) and now.peak > median(peaks):
        said = f"{now.peak} people at once {when}; {weeks} {_usual(peaks)}"
        return Anomaly("crowd", said)
    if is_over and now.entries == 0 and _is_unusual(0, entries):
        said = f"No entries {when}; {weeks} {_usual(entries)}"
        return Anomaly("quiet", f"{said}. Look whether the door is open, and the camera sees it")
    return None


def _is_unusual(value: int, usual: Sequence[int]) -> bool:
    is_far = abs(value - median(usual)) >= SMALLEST_DIFFERENCE
    return is_far and abs(score(value, usual)) > UNUSUAL


def _usual(values: Sequence[int]) -> str:
    """Word what is usual: the median, and between what the half in the middle is."""
    low, middle, high = quantiles(values, n=4, method="inclusive")
    was = "was" if round(middle) == 1 else "were"
    return f"{middle:.0f} {was} usual ({low:.0f} to {high:.0f})"
