"""When the process says that it is ready."""

import time

from edge_counter.health import Health


def test_it_is_not_ready_before_the_first_picture_and_ready_after_it() -> None:
    health = Health(frames_within_s=10)
    assert health.reasons() == ["no picture yet"]

    health.saw_frame()

    assert health.reasons() == []


def test_it_is_not_ready_when_pictures_stop_coming() -> None:
    health = Health(frames_within_s=10)
    health.saw_frame()

    health.frame_at_s = time.monotonic() - 12

    assert health.reasons() == ["no picture for 12 s"]


def test_a_finished_file_misses_no_pictures() -> None:
    health = Health(frames_within_s=10, is_finished=True)

    assert health.reasons() == []


def test_a_problem_is_told_until_it_is_over_and_is_news_once() -> None:
    health = Health(frames_within_s=10)
    health.saw_frame()

    assert health.note("spool", "the disk is full")
    assert not health.note("spool", "the disk is full")
    assert health.reasons() == ["spool: the disk is full"]
    assert health.note("spool", None)
    assert health.reasons() == []
