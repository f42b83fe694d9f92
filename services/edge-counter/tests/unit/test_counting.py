"""The line counter, on places of foot points."""

import numpy as np
import pytest

from edge_counter.counting import Direction, Line, LineCounter

DOWN = Line(100, 0, 100, 200)  # who walks it from a to b has x < 100 to their right: side +1
HEIGHT_PX = 100.0  # a dead band of 9 px on each side
STEP_S = 0.1

Place = tuple[float, float]


def walk(
    places: list[Place], line: Line = DOWN, counter: LineCounter | None = None, track: int = 1
) -> list[tuple[Direction, float]]:
    """Walk through places, one each tenth of a second; return directions and times."""
    counter = counter or LineCounter(line)
    passages = [
        counter.update(track, x=x, y=y, height_px=HEIGHT_PX, time_s=index * STEP_S)
        for index, (x, y) in enumerate(places)
    ]
    return [(one.direction, round(one.time_s, 6)) for one in passages if one is not None]


def along(*xs: float, y: float = 100) -> list[Place]:
    return [(x, y) for x in xs]


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        pytest.param(along(60, 80, 120, 140), ["entry"], id="side +1 to -1 is an entry"),
        pytest.param(along(140, 120, 80, 60), ["exit"], id="side -1 to +1 is an exit"),
        pytest.param(along(60, 140), ["entry"], id="in one step"),
        pytest.param(along(60, 140, 60, 140), ["entry", "exit", "entry"], id="to and fro"),
        pytest.param(along(60, 90, 98, 103, 105, 97, 90, 60), [], id="turns back in the band"),
        pytest.param(along(60, 95, 110, 95, 60), [], id="one step just beyond the band"),
        pytest.param(along(60, 95, 110, 111, 95, 60), ["entry", "exit"], id="two steps beyond it"),
        pytest.param(along(60, 100, 140), ["entry"], id="a place exactly on the line"),
        pytest.param(along(60, 100, 60), [], id="touches the line and goes back"),
        pytest.param(along(60, *[100] * 600, 140), ["entry"], id="stands on it and goes on"),
        pytest.param(along(60, *[100] * 600, 60), [], id="stands on it and goes back"),
        pytest.param(along(100, 140, 160), [], id="born on the line"),
        pytest.param(along(103, 98, 60, 40), [], id="born in the band, on the other side"),
        pytest.param(along(98, 60, 140), ["entry"], id="born in the band, then crosses"),
        pytest.param(along(60, 140, y=201), [], id="past the end"),
        pytest.param(along(60, 140, y=-1), [], id="past the beginning"),
        pytest.param(along(60, 140, y=200), ["entry"], id="over the end itself"),
        pytest.param(along(60, 140, y=0), ["entry"], id="over the beginning itself"),
        pytest.param([(60, 190), (140, 250)], [], id="slanting past the end"),
        pytest.param([(60, 150), (140, 240)], ["entry"], id="slanting, only later past the end"),
        pytest.param(
            [(60, 100), (60, 300), (140, 300), (140, 100), (60, 100)],
            ["exit"],
            id="around the end, back through the line",
        ),
        pytest.param(
            [(60, 195), (99, 195), (101, 195), (99, 205), (101, 205), (140, 205)],
            [],
            id="the last passage counts, and it was past the end",
        ),
    ],
)
def test_a_walk_is_counted(places: list[Place], expected: list[Direction]) -> None:
    assert [direction for direction, _ in walk(places)] == expected


@pytest.mark.parametrize(
    ("line", "places", "expected"),
    [
        pytest.param(Line(0, 300, 1920, 300), [(900, 400), (900, 200)], "entry", id="up"),
        pytest.param(Line(0, 300, 1920, 300), [(900, 200), (900, 400)], "exit", id="down"),
        pytest.param(Line(1920, 300, 0, 300), [(900, 400), (900, 200)], "exit", id="b and a"),
        pytest.param(Line(0, 0, 100, 100), [(0, 100), (100, 0)], "entry", id="slanting"),
        pytest.param(Line(550, 160, 550, 480), [(600, 300), (500, 300)], "exit", id="x falls"),
    ],
)
def test_directions_are_those_of_the_contract(
    line: Line, places: list[Place], expected: Direction
) -> None:
    assert [direction for direction, _ in walk(places, line)] == [expected]


def test_a_side_is_the_sign_of_the_contracts_formula() -> None:
    x1, y1, x2, y2 = 10.0, 20.0, 70.0, 100.0
    line = Line(x1, y1, x2, y2)

    for x, y in [(0.0, 0.0), (60.0, 20.0), (10.0, 90.0), (40.0, 60.0)]:
        side = (x2 - x1) * (y - y1) - (y2 - y1) * (x - x1)
        assert line.signed_distance_px(x, y) == pytest.approx(side / 100)


@pytest.mark.parametrize(
    ("places", "time_s"),
    [
        pytest.param(along(60, 80, 120, 140), 0.15, id="between two places"),
        pytest.param(along(60, 90, 100, 105, 140), 0.2, id="at a place on the line"),
        pytest.param(along(60, 90, 101, 102, 103, 104, 105, 140), 0.1909091, id="long in the band"),
        pytest.param(along(60, 101, 99, 101, 140), 0.25, id="the last of three passages"),
    ],
)
def test_a_crossing_is_dated_when_the_foot_passed_the_line(
    places: list[Place], time_s: float
) -> None:
    ((_, crossed_at_s),) = walk(places)

    assert crossed_at_s == pytest.approx(time_s)


def test_a_crossing_hidden_by_an_occlusion_is_counted_and_dated_within_it() -> None:
    counter = LineCounter(DOWN)

    counter.update(1, x=80, y=100, height_px=HEIGHT_PX, time_s=1.0)
    passage = counter.update(1, x=140, y=100, height_px=HEIGHT_PX, time_s=1.9)

    assert passage is not None
    assert passage.time_s == pytest.approx(1.3)


def test_two_people_who_cross_against_each_other_count_one_each_way() -> None:
    counter = LineCounter(DOWN)
    seen = []

    for index, x in enumerate(range(60, 150, 10)):
        for track, place in ((1, x), (2, 200 - x)):
            seen.append(
                counter.update(track, x=place, y=100, height_px=HEIGHT_PX, time_s=index * STEP_S)
            )

    assert sorted(one.direction for one in seen if one) == ["entry", "exit"]


@pytest.mark.parametrize("sigma_px", [1, 2, 4])
@pytest.mark.parametrize("came_from", [60, 100], ids=["walked up", "born there"])
def test_somebody_who_stands_on_the_line_is_not_counted(sigma_px: float, came_from: float) -> None:
    counts = []
    for seed in range(5):
        trembling = np.random.default_rng(seed).normal(0, sigma_px, (600, 2))
        places = [(100 + dx, 100 + dy) for dx, dy in trembling.tolist()]
        counts.append(len(walk([(came_from, 100), (came_from, 100), *places])))

    assert counts == [0] * 5


def test_a_small_person_has_a_narrower_band_than_a_tall_one() -> None:
    def crossings(height_px: float) -> int:
        counter = LineCounter(DOWN)
        places = (90, 95, 105, 106, 95, 90)
        passages = [
            counter.update(1, x=x, y=100, height_px=height_px, time_s=index * STEP_S)
            for index, x in enumerate(places)
        ]
        return len([one for one in passages if one])

    assert (crossings(50), crossings(100)) == (2, 0)


def test_a_forgotten_track_begins_anew() -> None:
    counter = LineCounter(DOWN)
    walk(along(60), counter=counter)

    counter.forget(1)

    assert walk(along(140, 150), counter=counter) == []


def test_a_line_needs_two_ends() -> None:
    with pytest.raises(ValueError, match="no length"):
        Line(5, 5, 5, 5)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(Line(0, 0, 768, 576), True, id="corner to corner"),
        pytest.param(Line(0, 0, 769, 0), False, id="too far right"),
        pytest.param(Line(0, -1, 10, 0), False, id="above"),
        pytest.param(Line(900, 10, 950, 10), False, id="beside"),
    ],
)
def test_a_line_lies_within_a_picture_edges_included(line: Line, *, expected: bool) -> None:
    assert line.lies_within(768, 576) is expected
