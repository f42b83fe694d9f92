"""Figures and open hours, without anything around them."""

from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.domain import (
    DAY,
    Days,
    Room,
    open_s,
    peak_hours,
    percent,
    rounded,
    suggested_capacity,
)
from common.opening import Opening, day_bounds, windows

HOUR_S = 3600
MONDAY = date(2031, 3, 3)


def room(**changes: Any) -> Room:
    opening = {"zone": "Europe/Berlin", "opens_at": time(7), "closes_at": time(19), **changes}
    return Room(1, "c1", "Oak", 1, "Main", 4, True, Opening(**opening), None)


def weekly(rule: str, hours: float = 8) -> Room:
    first = datetime(2026, 1, 5, 8, tzinfo=UTC)
    return room(first=(first, first + timedelta(hours=hours)), rule=rule)


@pytest.mark.parametrize(
    ("opened", "days", "hours"),
    [
        (room(), Days(MONDAY, MONDAY), 12),
        (room(opens_at=time(9), closes_at=time(17)), Days(MONDAY, MONDAY + 6 * DAY), 7 * 8),
        (weekly("FREQ=WEEKLY;BYDAY=MO,TU"), Days(MONDAY, MONDAY + 6 * DAY), 2 * 8),
        # It is closed on Wednesdays: 12 hours are taken.
        (weekly("FREQ=WEEKLY;BYDAY=MO,TU"), Days(MONDAY + 2 * DAY, MONDAY + 3 * DAY), 2 * 12),
        # Only once, long ago.
        (weekly("FREQ=DAILY;COUNT=1"), Days(MONDAY, MONDAY), 12),
        (room(opens_at=time(9), closes_at=time(9)), Days(MONDAY, MONDAY), 12),
        # The night in which the clock is put forward; the year's end.
        (room(opens_at=time(0), closes_at=time(6)), Days(date(2031, 3, 30), date(2031, 3, 30)), 5),
        (room(), Days(date(2030, 12, 31), date(2031, 1, 1)), 24),
    ],
)
def test_hours_open_are_those_of_windows_else_of_the_building_else_twelve(
    opened: Room, days: Days, hours: int
) -> None:
    assert open_s(opened, days) == hours * HOUR_S


@given(
    rule=st.sampled_from(
        ["FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,FR;INTERVAL=2", "FREQ=MONTHLY;BYMONTHDAY=-1"]
    ),
    hours=st.integers(1, 30),
    first=st.dates(date(2029, 1, 1), date(2032, 12, 31)),
    length=st.integers(1, 800),
)
def test_open_hours_kept_by_year_are_those_of_the_windows(
    rule: str, hours: int, first: date, length: int
) -> None:
    opened, days = weekly(rule, hours), Days(first, first + (length - 1) * DAY)

    spans = windows(opened.opening, *day_bounds(days.first, days.last, opened.opening.zone))

    exactly = sum(int((ends - begins).total_seconds()) for begins, ends in spans)
    assert open_s(opened, days) == (exactly or 12 * HOUR_S * length)


@given(part=st.integers(0, 10**9), whole=st.integers(1, 10**9), decimals=st.integers(0, 2))
def test_figures_are_rounded_halves_up(part: int, whole: int, decimals: int) -> None:
    found = Fraction(str(rounded(part, whole, decimals)))

    error = Fraction(part, whole) - found
    half = Fraction(1, 2 * 10**decimals)
    assert -half <= error < half


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [(0, 0, 0), (1, 3, 33.3), (1, 8, 12.5), (161, 1000, 16.1), (3, 2, 100)],
)
def test_a_share_is_never_over_100_percent(part: int, whole: int, shown: float) -> None:
    assert percent(part, whole) == shown


def test_peak_hours_are_three_at_most_and_the_earlier_of_equals() -> None:
    begun = {f"starts_{hour:02}": 0 for hour in range(24)}

    assert peak_hours(begun) == []
    assert peak_hours(
        {**begun, "starts_09": 1, "starts_00": 1, "starts_23": 4, "starts_10": 1}
    ) == [
        "23:00",
        "00:00",
        "09:00",
    ]


@pytest.mark.parametrize(
    ("capacity", "parties", "largest", "suggested"),
    [(10, 3, 4, 4), (10, 1, 5, None), (9, 1, 4, 4), (10, 3, 12, None), (10, 0, 0, None)],
)
def test_a_room_is_too_large_when_no_party_fills_half_of_it(
    capacity: int, parties: int, largest: int, suggested: int | None
) -> None:
    assert suggested_capacity(capacity, parties, largest) == suggested
