"""Which pictures are looked at."""

from collections.abc import Iterable

import pytest

from edge_counter.budget import FrameBudget


def taken(times_s: Iterable[float], most_per_s: float | None) -> list[int]:
    budget = FrameBudget(most_per_s)
    return [index for index, time_s in enumerate(times_s) if budget.takes(time_s)]


@pytest.mark.parametrize(
    ("per_s", "most_per_s", "expected"),
    [
        pytest.param(10, 10, 100, id="as many as allowed: all"),
        pytest.param(5, 10, 50, id="fewer: all"),
        pytest.param(25, 10, 100, id="more: up to the budget"),
        pytest.param(12, 10, 100, id="a few more"),
        pytest.param(30, None, 300, id="no budget: all"),
    ],
)
def test_of_ten_seconds_so_many_pictures_are_taken(
    per_s: float, most_per_s: float | None, expected: int
) -> None:
    number = len(taken((index / per_s for index in range(10 * int(per_s))), most_per_s))

    assert abs(number - expected) <= 1


def test_pictures_that_come_unevenly_are_all_taken() -> None:
    uneven = [index / 10 + (0.04 if index % 2 else 0) for index in range(100)]

    assert len(taken(uneven, 10)) >= 98


def test_after_a_pause_there_is_no_burst() -> None:
    times = [0.0, *(60 + index / 100 for index in range(100))]

    assert len(taken(times, 10)) <= 12


def test_the_same_times_take_the_same_pictures() -> None:
    times = [index / 25 for index in range(500)]

    assert taken(times, 7) == taken(times, 7)
