"""Whether an hour is unlike the same hour of the weeks before."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from occupancy.anomaly import Figures, judge, score, weeks_before

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2026, 11, 24, 14, tzinfo=BERLIN)  # a Tuesday
HOUR = timedelta(hours=1)
USUAL = (25, 28, 30, 31, 31, 33, 36, 40)


def said(
    entries: int, before: tuple[int, ...] = USUAL, *, is_over: bool = True, peak: int = 0
) -> str | None:
    weeks = [Figures(one, peak=10) for one in before]
    found = judge(
        Figures(entries, peak or 10), weeks, start=START, end=START + HOUR, is_over=is_over
    )
    return found and f"{found.kind}: {found.message}"


def test_the_score_is_that_of_iglewicz_and_hoaglin() -> None:
    # Median 31, deviations 6 3 1 0 0 2 5 9, their median 2.5; but Poisson's is 0.6745 * sqrt(31).
    assert score(40, USUAL) == pytest.approx((40 - 31) / 31**0.5)
    wide = (10, 20, 30, 40, 50)
    assert score(80, wide) == pytest.approx(0.6745 * (80 - 30) / 10)
    assert score(10, wide) == pytest.approx(-0.6745 * 2)
    assert score(3, (0, 0, 0, 0)) == pytest.approx(3)  # neither a median nor a deviation


def test_a_crowd_is_said_with_its_numbers() -> None:
    assert said(142) == (
        "crowd: 142 entries from 14:00 to 15:00;"
        " on the last 8 Tuesdays at that hour 31 were usual (30 to 34)"
    )
    assert said(142, is_over=False) == (
        "crowd: 142 entries since 14:00;"
        " on the last 8 Tuesdays at that hour 31 were usual (30 to 34)"
    )
    fewer = said(142, USUAL[:5])
    assert fewer is not None
    assert "on 5 of the last 8 Tuesdays at that hour 30 were usual (28 to 31)" in fewer
    assert said(31, peak=60) == (
        "crowd: 60 people at once from 14:00 to 15:00;"
        " on the last 8 Tuesdays at that hour 10 were usual (10 to 10)"
    )


def test_nobody_is_said_when_the_hour_is_over_and_not_before() -> None:
    quiet = said(0)

    assert quiet is not None
    assert quiet.startswith("quiet: No entries from 14:00 to 15:00; on the last 8 Tuesdays")
    assert "Look whether the door is open" in quiet
    assert said(0, is_over=False) is None
    assert said(1) is None  # few are not none


@pytest.mark.parametrize(
    ("entries", "before"),
    [
        (31, USUAL),
        (50, USUAL),  # 3.41 times Poisson's scatter
        (9, (0,) * 8),  # far from 0, but only nine people
        (0, (12, 12, 12, 12)),  # 3.46 times
        (0, (5,) * 8),
        (0, (0, 40, 10, 25, 60, 5, 30, 20)),  # weeks that differ much
        (1000, (3, 3, 3)),  # three weeks say nothing
        (1000, ()),
    ],
)
def test_what_is_usual_or_cannot_be_known_is_not_said(
    entries: int, before: tuple[int, ...]
) -> None:
    assert said(entries, before) is None


@pytest.mark.parametrize(
    ("entries", "before"),
    [(51, USUAL), (10, (0,) * 8), (0, (14,) * 4), (45, (3, 3, 4, 300)), (60, (31,) * 8)],
)
def test_what_is_just_beyond_is_said_whatever_one_week_was_like(
    entries: int, before: tuple[int, ...]
) -> None:
    assert said(entries, before) is not None


def test_the_hours_of_the_weeks_before_are_the_same_on_the_wall_across_changes_of_the_clock() -> (
    None
):
    weeks = list(weeks_before(START.astimezone(UTC), BERLIN))

    assert len(weeks) == 8
    assert {one.astimezone(BERLIN).hour for one in weeks} == {14}
    assert [one.hour for one in weeks] == [13] * 4 + [12] * 4  # winter since October 25
    assert [(START - one).days for one in weeks] == [7, 14, 21, 28, 35, 42, 49, 56]


def test_an_hour_that_a_spring_night_left_out_is_no_week() -> None:
    sunday = datetime(2026, 4, 12, 2, tzinfo=BERLIN)  # on March 29 there was no 02:00

    weeks = list(weeks_before(sunday, BERLIN))

    assert [one.astimezone(BERLIN).strftime("%m-%d %H:%M") for one in weeks][:2] == [
        "04-05 02:00",
        "03-22 02:00",
    ]
    assert len(weeks) == 7


def test_of_the_two_hours_of_an_autumn_night_the_first_stands_for_both() -> None:
    after = datetime(2026, 11, 1, 2, tzinfo=BERLIN)  # on October 25 there were two

    first, *_ = weeks_before(after, BERLIN)
    of_second = next(weeks_before(datetime(2026, 10, 25, 2, fold=1, tzinfo=BERLIN), BERLIN))

    assert first == datetime(2026, 10, 25, 0, tzinfo=UTC)
    assert of_second == datetime(2026, 10, 18, 0, tzinfo=UTC)
