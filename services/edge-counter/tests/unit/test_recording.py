"""What is done with a file, and when it happened."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from edge_counter import recording
from edge_counter.spool import Recording

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
RUN = Recording(
    source="clip",
    run_id="8f3a",
    started_at=NOW - timedelta(minutes=5),
    speed=1.0,
    frame=100,
    is_finished=False,
    seen_at=NOW - timedelta(seconds=30),
)
FINISHED = replace(RUN, is_finished=True)
ASLEEP = replace(RUN, seen_at=NOW - timedelta(seconds=61))


@pytest.mark.parametrize(
    ("found", "is_looped", "expected"),
    [
        pytest.param(None, False, "begin", id="never seen"),
        pytest.param(None, True, "begin", id="never seen, looped"),
        pytest.param(RUN, False, "resume", id="interrupted"),
        pytest.param(RUN, True, "resume", id="interrupted loop"),
        pytest.param(ASLEEP, False, "resume", id="interrupted long ago"),
        pytest.param(ASLEEP, True, "begin", id="loop interrupted over a minute ago"),
        pytest.param(FINISHED, False, "done", id="finished"),
        pytest.param(FINISHED, True, "begin", id="finished round of a loop"),
    ],
)
def test_a_file_is_counted_once_and_a_loop_goes_round(
    found: Recording | None, expected: str, *, is_looped: bool
) -> None:
    assert recording.decide(found, is_looped=is_looped, now=NOW) == expected


@pytest.mark.parametrize(
    ("speed", "seconds"),
    [
        pytest.param(1.0, 20, id="real time"),
        pytest.param(4.0, 5, id="four times as fast"),
        pytest.param(0.0, -60, id="as fast as it can: as if it ended at the start"),
    ],
)
def test_crossings_are_dated_by_the_runs_start_and_speed(speed: float, seconds: float) -> None:
    run = recording.begin("clip", speed=speed, duration_s=80, now=NOW)

    assert recording.instant_of(run, 20.0) - NOW == timedelta(seconds=seconds)


def test_a_resumed_run_is_behind_and_a_new_one_is_not() -> None:
    new = recording.begin("clip", speed=2.0, duration_s=80, now=NOW)

    assert recording.Pace(new, NOW).wait_s(10) == pytest.approx(5, abs=0.1)
    assert recording.Pace(RUN, NOW).wait_s(10) == pytest.approx(10 - 5 * 60, abs=0.1)


def test_a_clock_set_back_makes_nobody_wait() -> None:
    tomorrow = replace(RUN, started_at=NOW + timedelta(days=1))

    assert recording.Pace(tomorrow, NOW).wait_s(0) <= 0


def test_full_speed_never_waits() -> None:
    run = recording.begin("clip", speed=0, duration_s=80, now=NOW)

    assert recording.Pace(run, NOW).wait_s(1e6) == 0
