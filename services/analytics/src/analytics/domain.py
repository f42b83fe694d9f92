"""What the figures mean: docs/guides/metrics.md in code. No I/O, no framework, no clock."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from common.opening import Opening, by_day, day_bounds, windows

HOURS: Final = range(24)
DAY: Final = timedelta(days=1)
MOST_DAYS: Final = 3 * 366
HOUR_S: Final = 3600
# Of a day on which nobody has said when the room is open.
OTHERWISE_OPEN_S: Final = 12 * HOUR_S
PEAK_HOURS: Final = 3
# For how long a level holds if no other comes: over a weekend. Then its camera may be broken.
HOLDS_DAYS: Final = 3
# Written first, whether or not anybody of them has booked.
FIRST_ROLES: Final = ("student", "faculty", "admin")


@dataclass(frozen=True, slots=True)
class Days:
    """Local days from the first to the last, both included."""

    first: date
    last: date

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def before(self) -> "Days":
        """Return the period of the same length just before."""
        return Days(self.first - len(self) * DAY, self.first - DAY)

    def weeks(self) -> Iterator[date]:
        """List the Mondays of the weeks that these days are in."""
        monday = self.first - self.first.weekday() * DAY
        while monday <= self.last:
            yield monday
            monday += 7 * DAY


@dataclass(frozen=True, slots=True)
class Room:
    """A room, as its owner has last told.

    Args:
        cuid: by which `university` and `circle_time` know it.
        opening: when it is open.
        made_on: its local day; None: long ago.
    """

    id: int
    cuid: str
    name: str
    building_id: int
    building: str
    capacity: int
    is_active: bool
    opening: Opening
    made_on: date | None

    def is_in(self, building: str) -> bool:
        """Tell whether that is the id or the name of its building."""
        return building.lower() in {str(self.building_id), self.building.lower()}

    def is_older_than(self, day: date) -> bool:
        """Tell whether it was there before a local day began."""
        return self.made_on is None or self.made_on < day


# What was measured of a room, by name: `tables.MEASURES`.
Measured = Mapping[str, int]


# --- how long rooms are open --------------------------------------------------------------------


def all_open_s(rooms: Iterable[Room], days: Days) -> int:
    """Add up for how many seconds rooms were or will be open."""
    ways = Counter(room.opening for room in rooms)
    return sum(count * _open_s(opening, days) for opening, count in ways.items())


def open_s(room: Room, days: Days) -> int:
    """Tell for how many seconds a room was or will be open; 12 h a day if it never is."""
    return _open_s(room.opening, days)


@lru_cache(maxsize=16_384)
def _open_s(opening: Opening, days: Days) -> int:
    found = sum(
        _open_within(opening, year, days) for year in range(days.first.year, days.last.year + 1)
    )
    return found or OTHERWISE_OPEN_S * len(days)


def _open_within(opening: Opening, year: int, days: Days) -> int:
    until = _open_until(opening, year)
    first = max(days.first, date(year, 1, 1)).timetuple().tm_yday
    last = min(days.last, date(year, 12, 31)).timetuple().tm_yday
    return until[last] - until[first - 1]


@lru_cache(maxsize=16_384)
def _open_until(opening: Opening, year: int) -> Sequence[int]:
    """Add up, by day of a year, for how many seconds a room is open from its first day to that one.

    Kept for each way of being open: rooms that follow their building's hours share one, and a room
    that changes has another.
    """
    first, last = date(year, 1, 1), date(year, 12, 31)
    spans = windows(opening, *day_bounds(first, last, opening.zone))
    of_day = {
        day: sum(int((ends - begins).total_seconds()) for begins, ends in of_day)
        for day, of_day in by_day(spans, opening.zone)
    }
    until = [0]
    for number in range((last - first).days + 1):
        until.append(until[-1] + of_day.get(first + number * DAY, 0))
    return until


# --- figures ------------------------------------------------------------------------------------


def rounded(part: int, whole: int, decimals: int = 1) -> float:
    """Divide and round, halves up, without the errors of binary fractions; 0 of nothing is 0."""
    if whole == 0:
        return 0.0
    power = int(10**decimals)
    return float((2 * part * power + whole) // (2 * whole)) / power


def percent(part: int, whole: int) -> float:
    """Return a share in percent, 1 decimal, at most 100."""
    return min(100.0, rounded(100 * part, whole))


@lru_cache(maxsize=8192)
def hours(seconds: int, decimals: int) -> float:
    """Return seconds as hours."""
    return rounded(seconds, HOUR_S, decimals)


@lru_cache(maxsize=65_536)
def utilisation(peak: int, capacity: int) -> float:
    """Return the share of a room's seats, 0 to 1, 4 decimals; seats may have been taken out."""
    return min(1.0, rounded(peak, capacity, 4))


def peak_hours(measured: Measured) -> list[str]:
    """Name the hours in which most bookings begin, most of all first; `09:00`."""
    begun = [(-count, shown) for name, shown in _STARTS if (count := measured[name])]
    return [shown for _, shown in sorted(begun)[:PEAK_HOURS]]


_STARTS: Final = [(f"starts_{hour:02}", f"{hour:02}:00") for hour in HOURS]


def suggested_capacity(capacity: int, parties: int, largest: int) -> int | None:
    """Return how many seats would do for a room whose parties never fill half; None: they do."""
    return largest if parties and 2 * largest < capacity else None
