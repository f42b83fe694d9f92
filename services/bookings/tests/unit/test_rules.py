"""The rules of booking, at their edges."""

from datetime import UTC, date, datetime, timedelta

import pytest

from bookings import rules
from bookings.domain import Period, Policy, Room, local_day
from bookings.rules import Blackout, Holiday, Quota, RuleBroken

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
ROOM = Room(
    id=1,
    cuid="c",
    name="Room",
    building="Main",
    timezone="Asia/Tehran",
    floor=0,
    capacity=4,
    amenities=(),
    images=(),
    is_active=True,
    is_locked=False,
    restricted_roles=(),
    policy=Policy(),
)


def hours(start: datetime, length: float = 1) -> Period:
    return Period(start, start + timedelta(hours=length))


def test_length_and_horizon_are_inclusive() -> None:
    policy = Policy(min_minutes=30, max_minutes=60, horizon_days=7)
    for period in (hours(NOW, 0.5), hours(NOW, 1), hours(NOW + timedelta(days=7))):
        rules.check_length_and_horizon(policy, period, NOW)


@pytest.mark.parametrize(
    ("period", "rule"),
    [
        (hours(NOW, 0.49), "min_minutes"),
        (hours(NOW, 1.01), "max_minutes"),
        (hours(NOW + timedelta(days=7, seconds=1)), "horizon_days"),
    ],
)
def test_the_broken_rule_is_named(period: Period, rule: str) -> None:
    policy = Policy(min_minutes=30, max_minutes=60, horizon_days=7)

    with pytest.raises(RuleBroken, match=rf"\(rule: {rule}\)$"):
        rules.check_length_and_horizon(policy, period, NOW)


def test_blackouts_are_half_open() -> None:
    blackout = Blackout(hours(NOW), "Painting")
    rules.check_closed(ROOM, hours(NOW - timedelta(hours=1)), [blackout], [])
    rules.check_closed(ROOM, hours(NOW + timedelta(hours=1)), [blackout], [])

    with pytest.raises(RuleBroken, match="Painting"):
        rules.check_closed(ROOM, hours(NOW + timedelta(minutes=59)), [blackout], [])


def test_a_holiday_is_a_local_day() -> None:
    nowruz = [Holiday(date(2027, 3, 21), "Nowruz")]
    midnight = datetime(2027, 3, 20, 20, 30, tzinfo=UTC)  # 3:30 behind Tehran
    rules.check_closed(ROOM, hours(midnight - timedelta(hours=1)), [], nowruz)

    with pytest.raises(RuleBroken, match="Nowruz"):
        rules.check_closed(ROOM, hours(midnight - timedelta(minutes=59)), [], nowruz)


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        ("day", date(2026, 11, 21), date(2026, 11, 21)),
        ("week", date(2026, 11, 16), date(2026, 11, 22)),
        ("month", date(2026, 11, 1), date(2026, 11, 30)),
    ],
)
def test_a_quota_counts_in_the_local_day_week_or_month(
    period: rules.QuotaPeriod, first: date, last: date
) -> None:
    span = rules.quota_period(Quota("STUDENT", period, 1, None), ROOM, hours(NOW))

    assert span == Period(local_day(first, ROOM.zone).start, local_day(last, ROOM.zone).end)


def test_a_quota_allows_just_as_much_as_it_says() -> None:
    quota = Quota("STUDENT", "day", 2, 120)
    rules.check_quota(quota, [hours(NOW)], 1, 60)

    with pytest.raises(RuleBroken, match=r"2 bookings a day\. \(rule: quota STUDENT day\)"):
        rules.check_quota(quota, [hours(NOW)], 2, 0)
    with pytest.raises(RuleBroken, match="120 minutes a day"):
        rules.check_quota(quota, [hours(NOW, 1.1)], 1, 60)
