"""What a room is, and what its opening windows may be. No I/O, no framework."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time
from enum import StrEnum
from typing import Final

from dateutil.rrule import rrulestr

LONGEST_RULE: Final = 500
_RULE: Final = re.compile(r"FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY)(;[A-Z]+=[A-Z0-9,+-]+)*")
# Occurrences are whole days apart at least; parts of a day belong to start and end.
_PARTS: Final = frozenset(
    "FREQ INTERVAL COUNT UNTIL BYDAY BYMONTHDAY BYMONTH BYSETPOS BYYEARDAY BYWEEKNO WKST".split()
)
_LARGEST: Final = {"INTERVAL": 1000, "COUNT": 10_000}


class WrongWindow(ValueError):
    """An opening window that ends before it starts, or has one end only."""


class WrongRule(ValueError):
    """A recurrence rule that is none, or that nothing could be expanded from."""


@dataclass(frozen=True, slots=True)
class Building:
    """A place with rooms; its days and hours are local to its zone.

    Args:
        timezone: IANA name.
        opens_at, closes_at: when rooms without windows of their own are open, local time.
    """

    id: int
    name: str
    timezone: str
    opens_at: time
    closes_at: time


@dataclass(frozen=True, slots=True)
class Amenity:
    """Something that rooms can have."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Room:
    """A room, the same one in every contract.

    Args:
        id: for `directory`, `heatmap` and `occupancy`.
        cuid: for `university` and `circle_time`.
        version: counts the changes.
        amenities: by name.
        opens_from, opens_until: the first opening window, UTC; None: the building's hours.
        recurrence_rule: how the window repeats, in the building's zone; None: it does not.
    """

    id: int
    cuid: str
    version: int
    name: str
    building: Building
    floor: int
    capacity: int
    amenities: tuple[Amenity, ...]
    images: tuple[str, ...]
    is_active: bool
    is_locked: bool
    opens_from: datetime | None
    opens_until: datetime | None
    recurrence_rule: str | None


class Status(StrEnum):
    """What a room shows to those who look for one."""

    AVAILABLE = "available"
    MAINTENANCE = "maintenance"


def status_of(room: Room) -> Status:
    """Tell what a room shows; nothing can hold one before there are bookings."""
    return Status.MAINTENANCE if room.is_locked or not room.is_active else Status.AVAILABLE


def check_window(opens_from: datetime | None, opens_until: datetime | None) -> None:
    """Check a room's opening window.

    Raises:
        WrongWindow: it does not end after it starts, or has one end only.
    """
    if (opens_from is None) is not (opens_until is None):
        raise WrongWindow("An opening window needs both a start and an end.")
    if opens_from is not None and opens_until is not None and opens_until <= opens_from:
        raise WrongWindow("End datetime must be after start datetime.")


def check_rule(rule: str) -> None:
    """Check a recurrence rule (RFC 5545, without the `RRULE:`).

    Raises:
        WrongRule: it does not start with FREQ= and a frequency of whole days, has a part that we
            do not take, or nothing can be expanded from it.
    """
    if len(rule) > LONGEST_RULE or _RULE.fullmatch(rule) is None:
        raise WrongRule(rule)
    parts = dict(part.split("=", 1) for part in rule.split(";"))
    if not parts.keys() <= _PARTS:
        raise WrongRule(rule)
    for name, largest in _LARGEST.items():
        if name in parts and not (parts[name].isdigit() and 1 <= int(parts[name]) <= largest):
            raise WrongRule(rule)
    # dateutil wants an UNTIL in UTC to go with a start that has a zone, and none with one without.
    zone = UTC if parts.get("UNTIL", "").endswith("Z") else None
    try:
        rrulestr(rule, dtstart=datetime(2026, 1, 1, tzinfo=zone))
    except (ValueError, TypeError, KeyError) as error:
        raise WrongRule(rule) from error
