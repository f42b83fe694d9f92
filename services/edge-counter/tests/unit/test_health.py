"""When the process says that it is ready."""

import time

import numpy as np

from edge_counter.camera import Frame
from edge_counter.health import Health
from edge_counter.vitals import Vitals


def test_a_camera_is_not_ready_before_the_first_picture_and_ready_after_it() -> None:
    vitals = Vitals()
    assert vitals.reasons() == ["no picture yet"]

    vitals.did(0)

    assert vitals.reasons() == []


def test_a_camera_is_not_ready_when_pictures_stop_coming() -> None:
    vitals = Vitals()
    vitals.did(0)

    vitals.frame_at_s = time.monotonic() - 12

    assert vitals.reasons() == ["no picture for 12 s"]


def test_a_finished_file_misses_no_pictures() -> None:
    assert Vitals(is_finished=True).reasons() == []


def test_a_problem_is_told_until_it_is_over_and_is_news_once() -> None:
    health = Health()

    assert health.note("spool", "the disk is full")
    assert not health.note("spool", "the disk is full")
    assert health.reasons() == ["spool: the disk is full"]
    assert health.note("spool", None)
    assert health.reasons() == []


def test_of_several_cameras_each_says_what_is_wrong_with_it() -> None:
    health = Health(cameras={7: Vitals(code="LOBBY"), 8: Vitals(code="HALL")})
    health.cameras[7].did(0)
    health.cameras[8].did(0)

    health.cameras[8].note("source", "refused")

    assert health.reasons() == ["HALL: source: refused"]


def test_pictures_that_were_dropped_have_come_too() -> None:
    vitals = Vitals()
    vitals.opened(is_stream=True)
    for index in (0, 3, 4):
        vitals.saw(Frame(index, 0.0, np.zeros((72, 96, 3), np.uint8)))
    vitals.opened(is_stream=True)
    vitals.saw(Frame(1, 0.0, np.zeros((72, 96, 3), np.uint8)))

    assert vitals.came == 7
