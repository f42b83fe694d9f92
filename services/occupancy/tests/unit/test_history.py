"""Hours from minutes, against the same sums made the long way."""

import itertools
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
from long_way import US, hours_of

from occupancy.history import (
    MINUTE,
    Hour,
    Minute,
    end_of_hour,
    every_hour,
    start_of_hour,
    start_of_month,
)

BERLIN, TEHRAN = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Tehran")
BEGIN = datetime(2026, 3, 28, 20, 30, tzinfo=UTC)
MANY = 1000


def minute(start: datetime, entries: int = 0, exits: int = 0, **more: int) -> Minute:
    """A minute whose crossings all come at its start: first the entries."""
    area = (entries - exits) * (MINUTE // US)
    return Minute(start, entries, exits, area, entries, more.get("corrected"))


def minutes_of(steps: list[tuple[int, int]]) -> list[Minute]:
    """Add crossings, in microseconds after BEGIN with a step up or down, up to minutes."""
    by_minute: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for at, step in sorted(steps):
        by_minute[at // (MINUTE // US)].append((at % (MINUTE // US), step))
    found = []
    for number, inside in sorted(by_minute.items()):
        risen, high = 0, 0
        for _, step in inside:
            risen += step
            high = max(high, risen)
        area = sum(step * (MINUTE // US - at) for at, step in inside)
        entries = sum(step > 0 for _, step in inside)
        start = BEGIN + number * MINUTE
        found.append(Minute(start, entries, len(inside) - entries, area, high))
    return found


@given(
    st.lists(
        st.tuples(st.integers(0, 12 * 3_600_000_000), st.sampled_from((1, -1))),
        min_size=1,
        max_size=60,
        unique_by=lambda step: step[0],
    ),
    st.sampled_from((BERLIN, TEHRAN)),
)
def test_hours_are_what_walking_from_crossing_to_crossing_gives(
    steps: list[tuple[int, int]], zone: ZoneInfo
) -> None:
    for hour in hours_of(MANY, minutes_of(steps), zone):
        begin, end = (hour.start - BEGIN) // US, (hour.end - BEGIN) // US
        level = MANY + sum(step for at, step in steps if at < begin)
        peak, area, last = level, 0, begin
        for at, step in sorted(one for one in steps if begin <= one[0] < end):
            area += level * (at - last)
            level, last = level + step, at
            peak = max(peak, level)
        area += level * (end - last)
        assert (hour.area, hour.peak, hour.level) == (area, peak, level)


def test_nobody_is_there_when_more_have_left_than_came() -> None:
    [hour] = hours_of(0, [minute(BEGIN, exits=2), minute(BEGIN + 10 * MINUTE, entries=3)], UTC_ZONE)

    assert hour.level == 1
    assert hour.peak == 1
    assert hour.area == 20 * (MINUTE // US)


def test_a_correction_holds_from_the_end_of_its_minute() -> None:
    corrected = minute(BEGIN, entries=5, corrected=40)

    [hour] = hours_of(0, [corrected], UTC_ZONE)

    assert (hour.level, hour.peak) == (40, 40)
    assert hour.area == (5 + 29 * 40) * (MINUTE // US)


def test_an_hour_that_is_not_over_is_averaged_over_what_is() -> None:
    [hour] = hours_of(0, [minute(BEGIN, entries=4)], UTC_ZONE)

    area, length = hour.area_until(BEGIN + 10 * MINUTE)

    # From 20:00 to 20:40, of which the last ten minutes had four.
    assert (area, length) == (40 * (MINUTE // US), 40 * (MINUTE // US))


def test_the_night_on_which_clocks_go_back_has_its_hour_twice() -> None:
    first = datetime(2026, 10, 24, 23, 15, tzinfo=UTC)
    known = list(hours_of(0, [minute(first, entries=2)], BERLIN))

    hours = list(every_hour(0, known, first, first + timedelta(hours=3), BERLIN))

    assert [f"{hour.start.astimezone(BERLIN):%H:%M%z}" for hour in hours] == [
        "01:00+0200",
        "02:00+0200",
        "02:00+0100",
        "03:00+0100",
    ]
    assert [hour.level for hour in hours] == [2, 2, 2, 2]
    assert all(hour.end - hour.start == timedelta(hours=1) for hour in hours)


def test_hours_of_half_hour_zones_begin_on_their_own_clock() -> None:
    start = start_of_hour(datetime(2026, 1, 1, 10, 40, tzinfo=UTC), TEHRAN)

    assert start == datetime(2026, 1, 1, 10, 30, tzinfo=UTC)
    assert end_of_hour(start, TEHRAN) == datetime(2026, 1, 1, 11, 30, tzinfo=UTC)
    assert start_of_month(start, TEHRAN) == datetime(2025, 12, 31, 20, 30, tzinfo=UTC)


def test_a_clock_that_moves_by_half_an_hour_leaves_no_gap() -> None:
    zone = ZoneInfo("Australia/Lord_Howe")
    first = datetime(2026, 4, 4, 12, tzinfo=UTC)

    hours = list(every_hour(3, [], first, first + timedelta(hours=6), zone))

    assert all(one.end == other.start for one, other in itertools.pairwise(hours))
    assert {hour.level for hour in hours} == {3}


def test_an_hour_of_which_nothing_is_known_keeps_the_level() -> None:
    known = [Hour(BEGIN - 30 * MINUTE, BEGIN + 30 * MINUTE, 7, 0, 1, 7, 7)]

    hours = list(every_hour(0, known, BEGIN, BEGIN + timedelta(hours=2), UTC_ZONE))

    assert [(hour.entries, hour.peak, hour.level) for hour in hours] == [(7, 7, 7)] + [
        (0, 7, 7)
    ] * 2


UTC_ZONE = ZoneInfo("UTC")
