"""What heartbeats say of a camera: raised by two in a row, over after two in a row."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from occupancy.equipment import EdgeState, Heartbeat, after, causes_of, message

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
EVERY = timedelta(seconds=10)


def heartbeat(number: int, *, off_s: float = 0, late_s: float = 0, **changes: Any) -> Heartbeat:
    """The heartbeat of that number: a good one, on time, but for what is changed."""
    at = NOON + number * EVERY
    values: dict[str, Any] = {
        "camera_id": 1,
        "edge_id": "lobby-1",
        "partition": 0,
        "arrived_at": at + timedelta(seconds=late_s),
        "sent_at": at + timedelta(seconds=off_s),
        "started_at": NOON,
        "picture": "good",
        "reason": None,
        "picture_age_s": 0.1,
        "pictures_per_s": 10.0,
        "processed_per_s": 10.0,
        "lag_s": 0.2,
        "spool_depth": 0,
        "dropped": 0,
        **changes,
    }
    return Heartbeat(**values)


def states(beats: Sequence[Heartbeat]) -> list[EdgeState]:
    """What is known after each heartbeat."""
    known: EdgeState | None = None
    passed = []
    for one in beats:
        known = after(known, one)
        passed.append(known)
    return passed


def raised(*changes: dict[str, Any]) -> list[set[str]]:
    """What is wrong after each heartbeat, each changed in its own way."""
    beats = [heartbeat(number, **each) for number, each in enumerate(changes)]
    return [set(one.causes) for one in states(beats)]


GOOD: dict[str, Any] = {}


@pytest.mark.parametrize("picture", ["none", "frozen", "dark", "moved"])
def test_a_picture_is_wrong_when_two_in_a_row_say_so_and_right_when_two_do(picture: str) -> None:
    bad = {"picture": picture}

    assert raised(bad, GOOD, bad, bad) == [set(), set(), set(), {picture}]
    assert raised(bad, bad, GOOD, bad, GOOD, GOOD)[1:] == [{picture}] * 4 + [set()]


def test_one_kind_that_follows_another_takes_its_place() -> None:
    dark, frozen = {"picture": "dark"}, {"picture": "frozen"}

    passed = raised(dark, dark, frozen, frozen, GOOD, GOOD)

    assert passed[1:] == [{"dark"}, {"dark"}, {"frozen"}, {"frozen"}, set()]


@pytest.mark.parametrize(
    ("come", "processed", "expected"),
    [
        (25.0, 4.9, {"slow"}),
        (25.0, 5.0, set()),
        (4.0, 4.0, set()),  # a camera that sends no more
        (5.2, 4.6, set()),  # all but what is on its way
        (0.0, 0.0, set()),
    ],
)
def test_under_five_processed_pictures_a_second_while_more_come(
    come: float, processed: float, expected: set[str]
) -> None:
    pace = {"pictures_per_s": come, "processed_per_s": processed}

    assert raised(pace, pace)[-1] == expected


def test_slow_is_over_at_a_little_more_than_it_began_at() -> None:
    slow, hardly, well = ({"pictures_per_s": 25.0, "processed_per_s": one} for one in (4, 5.2, 6))

    assert raised(slow, slow, hardly, hardly, hardly)[-1] == {"slow"}
    assert raised(slow, slow, well, well)[-1] == set()


@pytest.mark.parametrize(
    ("off_s", "expected"),
    [(61, {"clock"}), (-61, {"clock"}), (59, set()), (-59, set()), (7200, {"clock"})],
)
def test_a_clock_is_wrong_beyond_a_minute(off_s: float, expected: set[str]) -> None:
    off = {"off_s": off_s}

    assert raised(off, off, off)[-1] == expected
    assert raised(off, off, off, GOOD, GOOD, GOOD)[-1] == set()


def test_heartbeats_that_waited_on_their_way_say_nothing_of_the_clock() -> None:
    # Ten minutes' worth comes at once: the first is 600 s old, the last is new.
    heap = [{"late_s": 600 - 10 * number} for number in range(60)]

    assert set().union(*raised(*heap)) == set()
    busy = {"off_s": -61, "lag_s": 30.0}
    assert raised(busy, busy, busy)[-1] == set()


def test_crossings_that_wait_matter_when_they_grow_beyond_ten_thousand() -> None:
    def waiting(*depths: int) -> list[set[str]]:
        return raised(*({"spool_depth": depth} for depth in depths))

    assert waiting(10_001, 10_002, 10_003)[-1] == {"waiting"}
    assert waiting(20_000, 15_000, 10_500)[-1] == set()  # on its way out
    assert waiting(9_000, 9_500, 10_000)[-1] == set()
    assert waiting(10_001, 10_002, 10_003, 9_500, 9_001)[-1] == {"waiting"}
    assert waiting(10_001, 10_002, 10_003, 9_000, 8_000)[-1] == set()


def test_a_heartbeat_that_comes_again_or_late_says_nothing_new() -> None:
    dark = heartbeat(1, picture="dark")
    first, *others = states([dark, dark, heartbeat(0, picture="dark"), dark])

    assert first.causes == set()
    assert others == [first] * 3


def test_who_is_heard_again_is_not_silent_and_begins_anew() -> None:
    *_, dark = states([heartbeat(number, picture="dark") for number in range(2)])
    silent = EdgeState(dark.last, dark.found, dark.held, is_silent=True)

    assert silent.causes == {"silent"}
    assert after(silent, heartbeat(9, picture="dark")).causes == set()


def test_the_message_names_each_edge_what_is_wrong_and_what_to_look_at() -> None:
    *_, dark = states(
        [heartbeat(number, picture="dark", reason="mean 3 of 255") for number in range(2)]
    )
    silent = EdgeState(heartbeat(0, edge_id="lobby-2"), is_silent=True)

    assert causes_of([silent, dark]) == {"lobby-1 dark", "lobby-2 silent"}
    assert message([silent, dark]) == (
        "lobby-1: nothing is seen in the picture. Look at the light, and at what covers the lens"
        " (mean 3 of 255); lobby-2: nothing was heard of it since 2026-11-21 12:00:00 UTC. Look"
        " whether its machine is on, edge-counter runs on it, and it reaches Kafka"
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"off_s": 90}, "its clock is 90 s ahead"),
        ({"off_s": -90}, "its clock is 90 s behind"),
        ({"pictures_per_s": 25.0, "processed_per_s": 2.0}, "2.0 of 25.0 pictures a second"),
        ({"picture": "none"}, "no pictures come"),
    ],
)
def test_the_message_has_the_numbers(changes: dict[str, Any], said: str) -> None:
    *_, state = states([heartbeat(number, **changes) for number in range(3)])

    assert said in message([state])
