"""What a panel shows, and when that changes. No I/O, no framework.

A room's state follows from what is known of the room and its meetings, and from the time; so it
changes at moments that are known beforehand, without anybody telling.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

# A room is shown as `upcoming` this long before a meeting begins.
SOON: Final = timedelta(minutes=15)
# The next meeting is shown if it begins within this.
AHEAD: Final = timedelta(days=1)
MOST_UPCOMING: Final = 10


class Status(StrEnum):
    """What a panel shows first of all."""

    AVAILABLE = "available"
    OCCUPIED = "occupied"
    UPCOMING = "upcoming"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class Room:
    """A room, as its panel names it.

    Args:
        id, cuid: either may stand in a path.
        timezone: IANA name; its days are local to it.
        is_bookable: neither locked nor inactive.
    """

    id: int
    cuid: str
    name: str
    building: str
    floor: int
    capacity: int
    timezone: str
    is_bookable: bool


@dataclass(frozen=True, slots=True)
class Meeting:
    """A confirmed booking, or one that was and has ended.

    Args:
        starts_at, ends_at: aware; half-open.
        attendee_count: with the organizer.
        checkin_until: released if nobody has checked in by then; None: never.
    """

    id: str
    title: str
    organizer: str
    organizer_email: str
    starts_at: datetime
    ends_at: datetime
    attendee_count: int
    checked_in_at: datetime | None
    checkin_until: datetime | None


@dataclass(frozen=True, slots=True)
class RoomFacts:
    """Everything that is known of a room.

    Args:
        meetings: by start; those that ended within the last day too, for their ends are changes.
        changed_at: when any of this was last written down, aware.
        occupancy: people counted in it; None: no camera sees it.
    """

    room: Room
    meetings: Sequence[Meeting]
    changed_at: datetime
    occupancy: int | None


@dataclass(frozen=True, slots=True)
class Hearing:
    """When everything that is said of bookings is known: a span, half-open.

    Before it and after it, what is known may not be so.
    """

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class RoomState:
    """What a room's panel shows from ``since`` on.

    Args:
        upcoming: today's later ones, the next included whenever it is.
        since: the moment of the last change, aware; never goes back.
    """

    room: Room
    status: Status
    current: Meeting | None
    next: Meeting | None
    upcoming: Sequence[Meeting]
    occupancy: int | None
    since: datetime


def state_at(facts: RoomFacts, now: datetime, hearing: Hearing) -> RoomState:
    """Tell what a panel shows."""
    room = facts.room
    current = next((one for one in facts.meetings if one.starts_at <= now < one.ends_at), None)
    later = [one for one in facts.meetings if now < one.starts_at <= now + AHEAD]
    following = later[0] if later else None
    tonight = _midnight_after(now, ZoneInfo(room.timezone))
    upcoming = [one for one in later if one is following or one.starts_at < tonight]
    if not (hearing.since <= now < hearing.until and room.is_bookable):
        status = Status.OFFLINE
    elif current is not None:
        status = Status.OCCUPIED
    elif following is not None and following.starts_at - SOON <= now:
        status = Status.UPCOMING
    else:
        status = Status.AVAILABLE
    changes = (*_changes(facts, now), hearing.since, hearing.until)
    since = max(moment for moment in changes if moment <= now)
    return RoomState(
        room, status, current, following, upcoming[:MOST_UPCOMING], facts.occupancy, since
    )


def next_change(facts: RoomFacts, now: datetime) -> datetime:
    """Return the first moment after ``now`` at which time itself changes what is shown."""
    return min(moment for moment in _changes(facts, now) if moment > now)


def _changes(facts: RoomFacts, now: datetime) -> Iterator[datetime]:
    """List what may have changed the state last, and what may do so next."""
    zone = ZoneInfo(facts.room.timezone)
    yield min(facts.changed_at, now)
    yield _midnight_before(now, zone)
    yield _midnight_after(now, zone)
    for meeting in facts.meetings:
        yield meeting.starts_at - AHEAD
        yield meeting.starts_at - SOON
        yield meeting.starts_at
        yield meeting.ends_at


def _midnight_before(moment: datetime, zone: ZoneInfo) -> datetime:
    today = moment.astimezone(zone).date()
    return datetime.combine(today, time_of_day(), zone).astimezone(UTC)


def _midnight_after(moment: datetime, zone: ZoneInfo) -> datetime:
    tomorrow = moment.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time_of_day(), zone).astimezone(UTC)
