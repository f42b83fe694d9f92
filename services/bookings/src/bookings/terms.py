"""Terms, and the seats of rooms that are allocated in them. Pure; what is known is handed in.

An allocation is a number of seats in a room, once or by a recurrence rule. Several may share a
room at a time, as far as it has seats; bookings of the room have nothing to do with them.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import accumulate
from typing import Final, Literal
from zoneinfo import ZoneInfo

from bookings.domain import Period, Room, local_day
from bookings.recurrence import FARTHEST, WrongRule, expand
from bookings.rules import Blackout, Holiday

MOST_SEATS: Final = 1_000_000
MOST_EXCEPTIONS: Final = 366


class Refused(Exception):
    """A term or an allocation that cannot be.

    Args:
        field: what is wrong of it, as it is written.
        message: a sentence for a person.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


Why = Literal[
    "room_unknown",
    "room_inactive",
    "ends_before_start",
    "wrong_rule",
    "wrong_exception",
    "nothing_left",
    "before_term",
    "after_term",
    "blackout",
    "holiday",
    "too_few_seats",
]


class NotAllocated(Refused):
    """An allocation that cannot be.

    Args:
        why: for whoever says it in another language than the message.
        values: what the message is about, by name; days and moments as ISO 8601 writes them.
    """

    def __init__(self, why: Why, field: str, message: str, **values: str | int) -> None:
        super().__init__(field, message)
        self.why: Why = why
        self.values = values


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A term as it is now; its days are local to each room's building, both included."""

    id: int
    version: int
    name: str
    code: str
    start_date: date
    end_date: date
    is_published: bool
    is_archived: bool

    def period(self, zone: ZoneInfo) -> Period:
        """Return from when to when it lasts in a zone."""
        return Period(local_day(self.start_date, zone).start, local_day(self.end_date, zone).end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """Seats of a room as they are now.

    Args:
        id: 0 until it is stored.
        external_id: what the timetable that brought it calls it; None: written by hand.
        first: the first occurrence, whether or not it is excepted.
        exceptions: local days on which it does not take place, ascending.
        occurrences: by start, all of one length.
    """

    id: int
    version: int
    term_id: int
    room_id: int
    room_cuid: str
    external_id: str | None
    title: str
    allocated_seats: int
    first: Period
    recurrence_rule: str | None
    exceptions: tuple[date, ...]
    occurrences: tuple[Period, ...]


def check_term(start: date, end: date) -> None:
    """Check the days of a term.

    Raises:
        Refused: it ends before it starts, is too long, or too far away to reckon with.
    """
    for field, day in (("start_date", start), ("end_date", end)):
        if not 1900 <= day.year <= 9000:
            raise Refused(field, "The year must be between 1900 and 9000.")
    if end < start:
        raise Refused("end_date", "End must not be before start.")
    if end - start > FARTHEST:
        raise Refused("end_date", "A term lasts five years at most.")


def read_exceptions(texts: Iterable[str], zone: ZoneInfo) -> tuple[date, ...]:
    """Read local days; a moment stands for the day that it is on.

    Raises:
        NotAllocated: one of them is neither.
    """
    return tuple(sorted({_day(text.strip(), zone) for text in texts}))


def _day(text: str, zone: ZoneInfo) -> date:
    try:
        if len(text) == len("2026-01-19"):
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
        return moment.astimezone(zone).date() if moment.tzinfo else moment.date()
    except (ValueError, OverflowError):
        message = "Date has wrong format. Use YYYY-MM-DD."
        raise NotAllocated("wrong_exception", "exceptions", message, value=text) from None


def occurrences_of(
    first: Period, rule: str | None, exceptions: Sequence[date], zone: ZoneInfo
) -> tuple[Period, ...]:
    """List when an allocation takes place, by start.

    Args:
        zone: of the room's building; days and times of day are in it.

    Raises:
        NotAllocated: it ends before it starts, the rule is wrong, or nothing is left of it.
    """
    if first.end <= first.start:
        raise NotAllocated("ends_before_start", "end_at", "End must be after start.")
    try:
        found = expand(rule, first, zone) if rule is not None else [first]
    except WrongRule as error:
        raise NotAllocated("wrong_rule", "recurrence_rule", str(error)) from error
    if exceptions:
        found = [one for one in found if one.start.astimezone(zone).date() not in exceptions]
    if not found:
        raise NotAllocated("nothing_left", "exceptions", "No occurrence is left.")
    return tuple(found)


class Closed:
    """When a room is closed, and why."""

    def __init__(
        self, zone: ZoneInfo, blackouts: Iterable[Blackout], holidays: Iterable[Holiday]
    ) -> None:
        times: list[tuple[Period, Blackout | Holiday]] = [
            *((one.period, one) for one in blackouts),
            *((local_day(one.day, zone), one) for one in holidays),
        ]
        self._times = sorted(times, key=lambda one: one[0].start)
        self._starts = [period.start for period, _ in self._times]
        # The latest end of all up to each.
        self._ends = list(accumulate((period.end for period, _ in self._times), max))

    def find(self, period: Period) -> Blackout | Holiday | None:
        """Find why a room is closed in a part of a period; None: it is not."""
        before = bisect_left(self._starts, period.end)
        if before == 0 or self._ends[before - 1] <= period.start:
            return None
        return next(why for time, why in self._times[:before] if time.end > period.start)


def check_times(occurrences: Sequence[Period], room: Room, term: Term, closed: Closed) -> None:
    """Check that a room can be had at all when an allocation takes place.

    Raises:
        NotAllocated: the room is not in use, it is closed, or one is outside the term.
    """
    if not room.is_active:
        raise NotAllocated("room_inactive", "room", "The room is not active.")
    bounds = term.period(room.zone)
    if occurrences[0].start < bounds.start:
        first = term.start_date.isoformat()
        message = f"The term begins on {first}."
        raise NotAllocated("before_term", "start_at", message, day=first)
    if occurrences[-1].end > bounds.end:
        field = "end_at" if len(occurrences) == 1 else "recurrence_rule"
        last = term.end_date.isoformat()
        raise NotAllocated("after_term", field, f"The term ends on {last}.", day=last)
    for one in occurrences:
        if (closure := closed.find(one)) is not None:
            raise _closed_then(one.start.astimezone(room.zone).date(), closure)


def _closed_then(day: date, closure: Blackout | Holiday) -> NotAllocated:
    message = f"It cannot take place on {day}."
    values = {"day": day.isoformat()}
    if isinstance(closure, Blackout):
        message = f"{message} The room is closed then: {closure.reason}."
        return NotAllocated("blackout", "start_at", message, **values, reason=closure.reason)
    message = f"{message} {closure.day} is a holiday: {closure.name}."
    return NotAllocated("holiday", "start_at", message, **values, name=closure.name)


@dataclass(frozen=True, slots=True)
class Excess:
    """A time in which more seats of a room would be allocated than it has."""

    period: Period
    seats: int


class Excesses:
    """Those of one room, which do not overlap."""

    def __init__(self, room: Room, excesses: Iterable[Excess]) -> None:
        self._room = room
        self._excesses = sorted(excesses, key=lambda one: one.period.start)
        self._ends = [one.period.end for one in self._excesses]

    def check(self, occurrences: Iterable[Period]) -> None:
        """Check that an allocation has no part in any of them.

        Raises:
            NotAllocated
        """
        for one in occurrences:
            place = bisect_right(self._ends, one.start)
            if place == len(self._ends) or self._excesses[place].period.start >= one.end:
                continue
            excess = self._excesses[place]
            at = f"{max(excess.period.start, one.start).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
            raise NotAllocated(
                "too_few_seats",
                "allocated_seats",
                f"{self._room.name} has {self._room.capacity} seats;"
                f" {excess.seats} would be allocated at {at}.",
                room=self._room.name,
                capacity=self._room.capacity,
                seats=excess.seats,
                at=at,
            )
