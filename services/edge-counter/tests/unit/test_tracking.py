"""The tracker, on made-up boxes."""

from collections.abc import Callable

import numpy as np
import pytest

from edge_counter.counting import Line, LineCounter
from edge_counter.detections import Detections
from edge_counter.tracking import BUFFER_S, GRACE_S, Tracker

WIDTH_PX, HEIGHT_PX = 40.0, 100.0
SPEED_PX_S = 80.0

Person = tuple[float, float, float]  # centre x, foot y, score


def seen(*people: Person) -> Detections:
    boxes = [(x - WIDTH_PX / 2, foot - HEIGHT_PX, x + WIDTH_PX / 2, foot) for x, foot, _ in people]
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array([score for *_, score in people], np.float32),
    )


def ids_over(
    place: Callable[[float], list[Person]], *, seconds: float, step_s: float = 0.1
) -> list[list[int]]:
    """Return the ids of each picture, people in the tracker's order."""
    tracker = Tracker()
    times = np.arange(0, seconds, step_s)
    return [tracker.update(seen(*place(t)), t).ids.tolist() for t in times.tolist()]


def test_a_track_is_confirmed_by_its_second_box_and_has_no_id_before() -> None:
    ids = ids_over(lambda t: [(100 + SPEED_PX_S * t, 200, 0.9)], seconds=1)

    assert ids == [[], *[[1]] * 9]


@pytest.mark.parametrize(
    ("again_s", "expected"),
    [
        pytest.param(0.9 * GRACE_S, [1], id="soon enough"),
        pytest.param(1.1 * GRACE_S, [], id="too late"),
    ],
)
def test_a_box_that_is_seen_once_gets_no_id_unless_it_is_soon_seen_again(
    again_s: float, expected: list[int]
) -> None:
    tracker = Tracker()
    ids = [
        tracker.update(seen(*people), time_s).ids.tolist()
        for time_s, people in ((0.0, [(100, 200, 0.9)]), (0.1, []), (again_s, [(100, 200, 0.9)]))
    ]

    assert ids == [[], [], expected]


@pytest.mark.parametrize(
    ("activation", "expected"), [(0.3, [1]), (0.39, [1]), (0.41, []), (0.6, [])]
)
def test_a_track_begins_from_the_score_that_is_asked_for(
    activation: float, expected: list[int]
) -> None:
    tracker = Tracker(activation)
    for time_s in (0.0, 0.1):
        tracks = tracker.update(seen((100, 200, 0.4)), time_s)

    assert tracks.ids.tolist() == expected


def test_a_weak_box_begins_no_track_but_carries_one_on() -> None:
    assert not any(ids_over(lambda _: [(100, 200, 0.55)], seconds=1))

    ids = ids_over(lambda t: [(100, 200, 0.9 if t < 0.25 else 0.25)], seconds=1)

    assert ids[-1] == [1]


def test_confidence_is_the_best_score_so_far() -> None:
    tracker = Tracker()
    for index, score in enumerate([0.7, 0.9, 0.3]):
        tracks = tracker.update(seen((100, 200, score)), index / 10)

    assert tracks.confidences.tolist() == pytest.approx([0.9])


@pytest.mark.parametrize(
    ("gap_s", "expected"),
    [
        pytest.param(0.9 * BUFFER_S, 1, id="shorter than the buffer"),
        pytest.param(1.5 * BUFFER_S, 2, id="longer"),
    ],
)
def test_a_walker_keeps_the_id_through_a_gap(gap_s: float, expected: int) -> None:
    def place(t: float) -> list[Person]:
        is_hidden = 1.0 <= t < 1.0 + gap_s - 0.1
        return [] if is_hidden else [(100 + SPEED_PX_S * t, 200, 0.9)]

    ids = ids_over(place, seconds=4)

    assert ids[-1] == [expected]


def test_an_ended_track_is_told_once() -> None:
    tracker = Tracker()
    people = [[(100.0, 200.0, 0.9)]] * 3 + [[]] * 20

    ended = [tracker.update(seen(*one), index / 10).ended for index, one in enumerate(people)]

    assert [one for one in ended if one] == [(1,)]


@pytest.mark.parametrize("step_s", [0.04, 0.1, 0.2, 0.3])
def test_walkers_keep_their_ids_at_any_rate_of_pictures(step_s: float) -> None:
    def place(t: float) -> list[Person]:
        return [(100 + SPEED_PX_S * t, 200, 0.9), (100 + SPEED_PX_S * t, 420, 0.8)]

    ids = ids_over(place, seconds=4, step_s=step_s)

    assert {track for picture in ids for track in picture} == {1, 2}


def test_uneven_times_are_taken_as_they_are() -> None:
    tracker = Tracker()
    rng = np.random.default_rng(1)
    times = np.cumsum(rng.choice([0.03, 0.1, 0.4], 60))

    ids = [tracker.update(seen((SPEED_PX_S * t, 200, 0.9)), t).ids.tolist() for t in times.tolist()]

    assert {track for picture in ids for track in picture} == {1}


def test_two_who_meet_and_pass_keep_their_ids() -> None:
    """They overlap while they pass, a little apart in depth."""
    tracker = Tracker()
    ids_by_foot: dict[float, set[int]] = {200: set(), 212: set()}

    for index in range(50):
        t = index / 10
        people = [(100 + SPEED_PX_S * t, 200.0, 0.9), (500 - SPEED_PX_S * t, 212.0, 0.9)]
        tracks = tracker.update(seen(*people), t)
        for track, box in zip(tracks.ids.tolist(), tracks.boxes_px.tolist(), strict=True):
            ids_by_foot[box[3]].add(track)

    assert {foot: len(ids) for foot, ids in ids_by_foot.items()} == {200: 1, 212: 1}


@pytest.mark.parametrize("lost", [0.1, 0.2, 0.4])
def test_lost_boxes_lose_no_crossing(lost: float) -> None:
    """Six walkers, both ways, on lanes of their own."""
    missed = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        tracker, counter = Tracker(), LineCounter(Line(300, 0, 300, 1000))
        crossed = 0
        for index in range(80):
            t = index / 10
            people = [
                (60 + SPEED_PX_S * t if lane % 2 else 540 - SPEED_PX_S * t, 150.0 * lane, 0.9)
                for lane in range(1, 7)
                if rng.random() >= lost
            ]
            tracks = tracker.update(seen(*people), t)
            for track, (left, _, right, foot) in zip(
                tracks.ids.tolist(), tracks.boxes_px.tolist(), strict=True
            ):
                x = (left + right) / 2
                crossed += (
                    counter.update(track, x=x, y=foot, height_px=HEIGHT_PX, time_s=t) is not None
                )
        missed.append(6 - crossed)

    assert missed == [0] * 10
