"""What a camera's heartbeat says of it."""

from datetime import UTC, datetime

import pytest

from common.events import HeartbeatV1
from edge_counter.heartbeat import LEAST_PER_S, Pulse
from edge_counter.picture import Verdict
from edge_counter.vitals import Vitals

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
BEGAN_S = 1000.0


def beat(pulse: Pulse, now_s: float) -> HeartbeatV1:
    return pulse.next(
        now_s,
        edge_id="lobby-1",
        camera_id=7,
        sent_at=NOW,
        started_at=NOW,
        spool_depth=3,
        dropped=2,
    )


@pytest.fixture
def vitals() -> Vitals:
    """Give a live camera that gives 25 pictures a second, 10 of which are processed."""
    vitals = Vitals(code="LOBBY", is_stream=True, open_since_s=BEGAN_S)
    ran_for(vitals, 10, 25, 10)
    return vitals


def ran_for(vitals: Vitals, seconds: float, came_per_s: float, processed_per_s: float) -> None:
    vitals.came_at_s = (vitals.came_at_s or BEGAN_S) + seconds
    vitals.came += int(seconds * came_per_s)
    vitals.processed += int(seconds * processed_per_s)


def test_rates_are_since_the_last_one(vitals: Vitals) -> None:
    pulse = Pulse(vitals, 5, BEGAN_S)
    vitals.slowest_s = 0.25

    first = beat(pulse, BEGAN_S + 10)
    ran_for(vitals, 10, 20, 8)
    second = beat(pulse, BEGAN_S + 20)

    assert (first.pictures_per_s, first.processed_per_s, first.lag_s) == (25, 10, 0.25)
    assert (second.pictures_per_s, second.processed_per_s, second.lag_s) == (20, 8, 0)
    assert (first.picture, first.reason, first.picture_age_s) == ("good", None, 0)
    assert (first.spool_depth, first.dropped) == (3, 2)


@pytest.mark.parametrize(
    ("came", "processed", "is_told"),
    [
        pytest.param(25, 3, True, id="a slow machine"),
        pytest.param(25, LEAST_PER_S, False, id="enough"),
        pytest.param(3, 3, False, id="a slow camera, of which all are processed"),
    ],
)
def test_too_few_processed_pictures_are_told(
    came: float, processed: float, *, is_told: bool
) -> None:
    vitals = Vitals(code="LOBBY", is_stream=True, open_since_s=BEGAN_S)
    ran_for(vitals, 10, came, processed)

    said = beat(Pulse(vitals, 5, BEGAN_S), BEGAN_S + 10)

    assert ("under 5 people are missed" in (said.reason or "")) == is_told
    assert said.picture == "good"


def test_a_camera_that_has_only_just_come_back_is_not_called_slow() -> None:
    vitals = Vitals(code="LOBBY", is_stream=True, open_since_s=BEGAN_S + 8, came_at_s=BEGAN_S + 10)
    vitals.came, vitals.processed = 50, 20

    assert beat(Pulse(vitals, 5, BEGAN_S), BEGAN_S + 10).reason is None


@pytest.mark.parametrize("verdict", ["frozen", "dark", "moved"])
def test_a_bad_picture_is_told_with_what_to_do(vitals: Vitals, verdict: Verdict) -> None:
    vitals.watch.verdict = verdict

    said = beat(Pulse(vitals, 5, BEGAN_S), BEGAN_S + 10)

    assert said.picture == verdict
    assert said.reason


def test_silence_is_none_with_its_reason(vitals: Vitals) -> None:
    pulse = Pulse(vitals, 5, BEGAN_S)
    assert beat(pulse, BEGAN_S + 14).picture == "good"

    vitals.note("source", "rtsp://cam/1: Connection refused")
    said = beat(pulse, BEGAN_S + 16)

    assert (said.picture, said.picture_age_s) == ("none", 6)
    assert said.reason == "source: rtsp://cam/1: Connection refused"


def test_a_camera_that_never_gave_a_picture_has_no_age() -> None:
    said = beat(Pulse(Vitals(code="LOBBY"), 5, BEGAN_S), BEGAN_S + 10)

    assert (said.picture, said.picture_age_s, said.reason) == ("none", None, "no picture yet")


def test_a_long_reason_is_cut_to_what_the_contract_takes(vitals: Vitals) -> None:
    vitals.note("source", "x" * 1000)

    assert len(beat(Pulse(vitals, 5, BEGAN_S), BEGAN_S + 60).reason or "") == 300
