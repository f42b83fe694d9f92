"""What a room is, and what it shows to those who look for one. No I/O, no framework."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Final

from common.opening import Opening

# Of buildings that say nothing else.
OPENS_AT: Final = time(7)
CLOSES_AT: Final = time(19)
# A room is shown as reserved this long before a booking begins.
RESERVED_AHEAD: Final = timedelta(minutes=15)


class WrongWindow(ValueError):
    """An opening window that ends before it starts, or has one end only."""


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
        amenities: in the order in which they were given.
        images: addresses, or names of files.
        is_locked: nobody can book it for now.
        restricted_roles: who may book it; none: everybody.
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
    restricted_roles: tuple[str, ...]
    opens_from: datetime | None
    opens_until: datetime | None
    recurrence_rule: str | None
    created_at: datetime

    @property
    def is_bookable(self) -> bool:
        """Whether anybody can have it at all."""
        return self.is_active and not self.is_locked

    @property
    def opening(self) -> Opening:
        """When it is open."""
        place = self.building
        if self.opens_from is None or self.opens_until is None:
            return Opening(place.timezone, place.opens_at, place.closes_at)
        first = (self.opens_from, self.opens_until)
        return Opening(place.timezone, place.opens_at, place.closes_at, first, self.recurrence_rule)


class Status(StrEnum):
    """What a room shows to those who look for one."""

    AVAILABLE = "available"
    OCCUPIED = "occupied"
    RESERVED = "reserved"
    MAINTENANCE = "maintenance"


def status_of(*, is_bookable: bool, is_occupied: bool, is_reserved: bool) -> Status:
    """Tell what a room shows.

    Args:
        is_occupied: a booking runs whose people have checked in, or people are counted in it.
        is_reserved: a confirmed booking runs, or begins within `RESERVED_AHEAD`.
    """
    if not is_bookable:
        return Status.MAINTENANCE
    if is_occupied:
        return Status.OCCUPIED
    return Status.RESERVED if is_reserved else Status.AVAILABLE


def check_window(opens_from: datetime | None, opens_until: datetime | None) -> None:
    """Check a room's opening window.

    Raises:
        WrongWindow: it does not end after it starts, or has one end only.
    """
    if (opens_from is None) is not (opens_until is None):
        raise WrongWindow("An opening window needs both a start and an end.")
    if opens_from is not None and opens_until is not None and opens_until <= opens_from:
        raise WrongWindow("End datetime must be after start datetime.")
