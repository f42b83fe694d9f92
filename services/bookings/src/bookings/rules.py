"""The rules of booking: each refusal names its rule. Pure; what is known is handed in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal

from bookings.domain import Period, Policy, Room, local_day

QuotaPeriod = Literal["day", "week", "month", "open"]
_MINUTE: Final = timedelta(minutes=1)


class RuleBroken(Exception):
    """A booking that a rule does not allow.

    Args:
        rule: its name, as the administrator's interface has it.
        message: a sentence for a person.
    """

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(f"{message} (rule: {rule})")
        self.rule = rule


@dataclass(frozen=True, slots=True)
class Blackout:
    """A time in which a room, or all of them, cannot be booked."""

    period: Period
    reason: str


@dataclass(frozen=True, slots=True)
class Holiday:
    """A local day on which no room can be booked."""

    day: date
    name: str


@dataclass(frozen=True, slots=True)
class Quota:
    """How much one person of a role may book; None for no limit.

    Args:
        period: `open` counts what has not ended yet, the others what starts in the local day,
            ISO week or month of the new booking.
    """

    role: str
    period: QuotaPeriod
    most_bookings: int | None
    most_minutes: int | None


def check_length_and_horizon(policy: Policy, period: Period, now: datetime) -> None:
    """Check what depends on the policy alone.

    Raises:
        RuleBroken: too short, too long, or too far ahead.
    """
    minutes = period.length / _MINUTE
    if policy.min_minutes is not None and minutes < policy.min_minutes:
        raise RuleBroken(
            "min_minutes", f"A booking of this room lasts {policy.min_minutes} minutes or more."
        )
    if policy.max_minutes is not None and minutes > policy.max_minutes:
        raise RuleBroken(
            "max_minutes", f"A booking of this room lasts {policy.max_minutes} minutes at most."
        )
    horizon = policy.horizon_days
    if horizon is not None and period.start > now + timedelta(days=horizon):
        raise RuleBroken("horizon_days", f"This room can be booked at most {horizon} days ahead.")


def check_closed(
    room: Room, period: Period, blackouts: Iterable[Blackout], holidays: Iterable[Holiday]
) -> None:
    """Check the times in which nobody can book.

    Raises:
        RuleBroken: it touches a blackout or a holiday.
    """
    for blackout in blackouts:
        if blackout.period.overlaps(period):
            raise RuleBroken("blackout", f"The room cannot be booked then: {blackout.reason}.")
    for holiday in holidays:
        if local_day(holiday.day, room.zone).overlaps(period):
            raise RuleBroken("holiday", f"{holiday.day} is a holiday: {holiday.name}.")


def days_touched(room: Room, period: Period) -> tuple[date, date]:
    """Return the first and the last local day of a period."""
    last = period.end - timedelta(microseconds=1)
    return period.start.astimezone(room.zone).date(), last.astimezone(room.zone).date()


def quota_period(quota: Quota, room: Room, period: Period) -> Period | None:
    """Return the local day, week or month that a quota counts in; None for all that is open."""
    if quota.period == "open":
        return None
    day = period.start.astimezone(room.zone).date()
    if quota.period == "day":
        return local_day(day, room.zone)
    if quota.period == "week":
        first = day - timedelta(days=day.weekday())
        after = first + timedelta(days=7)
    else:
        first = day.replace(day=1)
        after = (first + timedelta(days=32)).replace(day=1)
    return Period(local_day(first, room.zone).start, local_day(after, room.zone).start)


def check_quota(quota: Quota, new: Sequence[Period], count: int, minutes: float) -> None:
    """Check what somebody has booked and would book against a quota.

    Args:
        new: what is to be booked now.
        count, minutes: what they have in the quota's period.

    Raises:
        RuleBroken: it would be too much.
    """
    within = "open at a time" if quota.period == "open" else f"a {quota.period}"
    name = f"quota {quota.role} {quota.period}"
    if quota.most_bookings is not None and count + len(new) > quota.most_bookings:
        raise RuleBroken(name, f"You may have {quota.most_bookings} bookings {within}.")
    total = minutes + sum(period.length / _MINUTE for period in new)
    if quota.most_minutes is not None and total > quota.most_minutes:
        raise RuleBroken(name, f"You may book {quota.most_minutes} minutes {within}.")
