"""What a booking is and when it may be what. No I/O, no framework.

    pending ──▶ confirmed ──▶ completed
       │            ├──▶ cancelled
       │            └──▶ no_show
       ├──▶ rejected
       └──▶ cancelled

A booking that began as a request is pending until somebody decides; the request and the booking
are one thing with one id. Times are instants in UTC; days are local to the room's building.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

SLOT: Final = timedelta(minutes=30)


class Status(StrEnum):
    """Where a booking is in its life."""

    PENDING = "pending"
    REJECTED = "rejected"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    NO_SHOW = "no_show"


class RequestStatus(StrEnum):
    """What became of a request; what happens to an approved booking later is not part of it."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"


def holds(status: Status, *, pending_holds: bool, overridden: bool) -> bool:
    """Tell whether nobody else can have the room; the tables' constraint says the same."""
    held = status in {Status.CONFIRMED, Status.COMPLETED}
    return not overridden and (held or (status is Status.PENDING and pending_holds))


@dataclass(frozen=True, slots=True)
class Period:
    """From an instant to another, which is not part of it."""

    start: datetime
    end: datetime

    def overlaps(self, other: "Period") -> bool:
        return self.start < other.end and other.start < self.end

    @property
    def length(self) -> timedelta:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account, as this service knows them."""

    id: str
    name: str
    email: str
    role: str | None = None
    department: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The rules of a room; minutes and days, None for no rule.

    Args:
        buffer_before, buffer_after: minutes in which the room is nobody else's.
        pending_holds: a request keeps others out while it waits.
        checkin_opens, checkin_closes: minutes before and after the start; without
            ``checkin_closes`` nobody has to check in.
        checkin_exempt_over: a booking longer than this is not released.
        horizon_days: how far ahead a booking may start.
        min_minutes, max_minutes: how long it may be.
    """

    buffer_before: int = 0
    buffer_after: int = 0
    pending_holds: bool = False
    checkin_opens: int = 15
    checkin_closes: int | None = 15
    checkin_exempt_over: int | None = None
    horizon_days: int | None = None
    min_minutes: int | None = None
    max_minutes: int | None = None

    def held(self, period: Period) -> Period:
        """Return for how long a booking of this period keeps others out."""
        before, after = timedelta(minutes=self.buffer_before), timedelta(minutes=self.buffer_after)
        return Period(period.start - before, period.end + after)

    def checkin_window(self, period: Period) -> Period | None:
        """Return when somebody has to check in; None if nobody has to."""
        if self.checkin_closes is None:
            return None
        exempt = self.checkin_exempt_over
        if exempt is not None and period.length > timedelta(minutes=exempt):
            return None
        closes = period.start + timedelta(minutes=self.checkin_closes)
        opens = period.start - timedelta(minutes=self.checkin_opens)
        return Period(opens, min(closes, period.end))

    @property
    def latest_start(self) -> timedelta:
        """How long after its start a meeting may still be booked: as long as one may check in."""
        return timedelta(minutes=self.checkin_closes or 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A room, as the service that owns it has last told, and its policy.

    Args:
        restricted_roles: who may book it; none means everybody.
    """

    id: int
    cuid: str
    name: str
    building: str
    timezone: str
    floor: int
    capacity: int
    amenities: tuple[str, ...]
    images: tuple[str, ...]
    is_active: bool
    is_locked: bool
    restricted_roles: tuple[str, ...]
    policy: Policy

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """A booking or a request for one; the highest version is what it is now.

    Args:
        held: the period with the room's buffers.
        holds: nobody else can have the room in that time.
        requested: it began as a request.
        overridden_by: the booking that an admin has put in its place.
        checkin: when somebody has to check in; None: nobody has to.
        ended_at: when it was ended before its time.
        now: the database's clock when this was read.
    """

    id: str
    version: int
    room: Room
    organizer: Person
    attendees: tuple[Person, ...]
    title: str
    description: str | None
    period: Period
    held: Period
    status: Status
    holds: bool
    requested: bool
    decision_reason: str | None
    decided_at: datetime | None
    is_override: bool
    overridden_by: str | None
    series_id: str | None
    checkin: Period | None
    checked_in_at: datetime | None
    ended_at: datetime | None
    created_at: datetime
    now: datetime

    @property
    def request_status(self) -> RequestStatus:
        """What became of the request that this is or was."""
        if self.decided_at is not None and self.status is not Status.REJECTED:
            return RequestStatus.APPROVED
        return {
            Status.PENDING: RequestStatus.PENDING,
            Status.REJECTED: RequestStatus.REJECTED,
            Status.CANCELLED: RequestStatus.CANCELLED,
        }.get(self.status, RequestStatus.APPROVED)

    @property
    def is_running(self) -> bool:
        """Whether somebody has checked in and it has not ended."""
        checked_in = self.status is Status.CONFIRMED and self.checked_in_at is not None
        return checked_in and self.now < self.period.end


def local_day(day: date, zone: ZoneInfo) -> Period:
    """Return a day from local midnight to the next; it has 23, 24 or 25 hours."""
    tomorrow = day + timedelta(days=1)
    return Period(_midnight(day, zone), _midnight(tomorrow, zone))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    # In UTC: Python adds to local times as if no clock ever changed.
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def slots_of(period: Period) -> Iterator[Period]:
    """Cut a period into slots of 30 minutes of real time."""
    start = period.start
    while start < period.end:
        yield Period(start, min(start + SLOT, period.end))
        start += SLOT


def holder_of(slot: Period, holders: Sequence[Booking]) -> Booking | None:
    """Return the booking that keeps others out of a slot, if there is one."""
    return next((booking for booking in holders if booking.held.overlaps(slot)), None)
