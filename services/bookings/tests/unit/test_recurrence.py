"""Series keep the time on the wall, through the changes of the clocks; hand-checked."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st

from bookings.domain import Period
from bookings.recurrence import MOST_OCCURRENCES, WrongRule, expand

BERLIN, NEW_YORK, TEHRAN = (
    ZoneInfo("Europe/Berlin"),
    ZoneInfo("America/New_York"),
    ZoneInfo("Asia/Tehran"),
)


def local(zone: ZoneInfo, *parts: int, hours: float = 1) -> Period:
    start = datetime(*parts, tzinfo=zone).astimezone(UTC)  # type: ignore[misc]
    return Period(start, start + timedelta(hours=hours))


def starts(rule: str, first: Period, zone: ZoneInfo) -> list[str]:
    return [f"{one.start.astimezone(UTC):%m-%dT%H:%M}" for one in expand(rule, first, zone)]


@pytest.mark.parametrize(
    ("zone", "first", "expected"),
    [
        # Berlin goes to summer time on 29 March 2026 at 02:00: 09:00 is 08:00, then 07:00 UTC.
        (BERLIN, (2026, 3, 27, 9), ["03-27T08:00", "03-28T08:00", "03-29T07:00", "03-30T07:00"]),
        # And back on 25 October at 03:00.
        (BERLIN, (2026, 10, 24, 9), ["10-24T07:00", "10-25T08:00", "10-26T08:00", "10-27T08:00"]),
        # New York on 8 March and 1 November.
        (NEW_YORK, (2026, 3, 7, 9), ["03-07T14:00", "03-08T13:00", "03-09T13:00", "03-10T13:00"]),
        (NEW_YORK, (2026, 10, 31, 9), ["10-31T13:00", "11-01T14:00", "11-02T14:00", "11-03T14:00"]),
        # Tehran has had no summer time since 2022: 09:00 is 05:30 UTC all year.
        (TEHRAN, (2026, 3, 20, 9), ["03-20T05:30", "03-21T05:30", "03-22T05:30", "03-23T05:30"]),
        # In 2021 it began on 22 March: 09:00 was 05:30, then 04:30 UTC.
        (TEHRAN, (2021, 3, 20, 9), ["03-20T05:30", "03-21T05:30", "03-22T04:30", "03-23T04:30"]),
    ],
)
def test_nine_stays_nine_on_the_wall(
    zone: ZoneInfo, first: tuple[int, ...], expected: list[str]
) -> None:
    assert starts("FREQ=DAILY;COUNT=4", local(zone, *first), zone) == expected


def test_a_time_that_the_clocks_skip_moves_forward_with_them() -> None:
    found = starts("FREQ=DAILY;COUNT=3", local(BERLIN, 2026, 3, 28, 2, 30), BERLIN)

    # 02:30 on 29 March does not exist: it becomes 03:30, which is 01:30 UTC.
    assert found == ["03-28T01:30", "03-29T01:30", "03-30T00:30"]


def test_of_a_time_that_they_repeat_the_first_is_meant() -> None:
    found = starts("FREQ=DAILY;COUNT=3", local(BERLIN, 2026, 10, 24, 2, 30), BERLIN)

    assert found == ["10-24T00:30", "10-25T00:30", "10-26T01:30"]


def test_the_length_is_real_time() -> None:
    night = local(BERLIN, 2026, 3, 28, 22, hours=8)

    assert {one.length for one in expand("FREQ=DAILY;COUNT=3", night, BERLIN)} == {
        timedelta(hours=8)
    }


@pytest.mark.parametrize(
    ("until", "days"),
    [("20260330", 4), ("20260329T235959", 3), ("20260329T070000Z", 3), ("20260329T065959Z", 2)],
)
def test_until_is_a_local_day_a_local_time_or_an_instant(until: str, days: int) -> None:
    first = local(BERLIN, 2026, 3, 27, 9)

    assert len(expand(f"FREQ=DAILY;UNTIL={until}", first, BERLIN)) == days


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "DAILY",
        "RRULE:FREQ=DAILY;COUNT=2",
        "FREQ=HOURLY;COUNT=2",
        "FREQ=DAILY",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=367",
        "FREQ=DAILY;COUNT=99999999999999999999",
        "FREQ=DAILY;COUNT=2;COUNT=3",
        "FREQ=DAILY;INTERVAL=0;COUNT=2",
        "FREQ=DAILY;UNTIL=soon",
        "FREQ=DAILY;UNTIL=20260101",
        "FREQ=DAILY;UNTIL=20990101",
        "FREQ=YEARLY;COUNT=20",
        "FREQ=WEEKLY;BYDAY=XX;COUNT=2",
        "FREQ=WEEKLY;BYDAY=SA;COUNT=2",
        "FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=2;COUNT=2",
        "FREQ=DAILY;BYHOUR=1,2,3;COUNT=2",
        "FREQ=DAILY;COUNT=2;X-MINE=1",
        "FREQ=DAILY;COUNT=2\nFREQ=DAILY",
        "FREQ=WEEKLY;BYDAY=" + ",".join(["MO"] * 200) + ";COUNT=2",
        # Of these a search for occurrences would go on until the year 9999.
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=2",
        "FREQ=DAILY;BYMONTH=3;BYMONTHDAY=27;BYDAY=FR;COUNT=366",
        "FREQ=MONTHLY;BYDAY=FR;BYSETPOS=366;COUNT=2",
        "FREQ=DAILY;BYSETPOS=9;COUNT=3",
    ],
)
def test_wrong_rules_are_refused_with_a_reason(rule: str) -> None:
    with pytest.raises(WrongRule) as refused:
        expand(rule, local(BERLIN, 2026, 3, 27, 9), BERLIN)
    assert str(refused.value)


def test_occurrences_that_overlap_each_other_are_refused() -> None:
    with pytest.raises(WrongRule):
        expand("FREQ=DAILY;COUNT=3", local(BERLIN, 2026, 3, 27, 9, hours=25), BERLIN)


@given(
    frequency=st.sampled_from(["DAILY", "WEEKLY", "MONTHLY"]),
    interval=st.integers(1, 5),
    count=st.integers(1, 40),
    zone=st.sampled_from([BERLIN, NEW_YORK, TEHRAN, ZoneInfo("Australia/Lord_Howe")]),
    start=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001 - local
)
def test_every_occurrence_has_the_local_time_of_the_first(
    frequency: str, interval: int, count: int, zone: ZoneInfo, start: datetime
) -> None:
    start = start.replace(hour=12, second=0, microsecond=0)
    begin = start.replace(tzinfo=zone).astimezone(UTC)
    rule = f"FREQ={frequency};INTERVAL={interval};COUNT={count}"
    expected = list(rrulestr(rule, dtstart=start))
    if expected[-1] - start > timedelta(days=5 * 366):
        return

    found = expand(rule, Period(begin, begin + timedelta(minutes=30)), zone)

    assert [one.start.astimezone(zone).replace(tzinfo=None) for one in found] == expected
    assert len(found) <= MOST_OCCURRENCES
