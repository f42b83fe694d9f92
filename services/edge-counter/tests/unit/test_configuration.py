"""Lines as Atrium has them, turned into lines of the real picture."""

import pytest

from edge_counter.configuration import CameraView, Configuration, LineView, lines_for
from edge_counter.counting import Line


def configured(
    *lines: LineView, width: int | None = 1920, height: int | None = 1080
) -> Configuration:
    camera = CameraView(id=7, camera_id="LOBBY", resolution_width=width, resolution_height=height)
    return Configuration(asked_for="LOBBY", camera=camera, lines=lines)


ACROSS = LineView(id=3, x1=0, y1=300, x2=1920, y2=300)


def test_lines_are_scaled_to_the_real_picture() -> None:
    lines, problems = lines_for(configured(ACROSS), 960, 540)

    assert (lines, problems) == ({3: Line(0, 150, 960, 150)}, [])


def test_without_a_declared_resolution_pixels_are_those_of_the_picture() -> None:
    lines, _ = lines_for(configured(ACROSS, width=None, height=None), 1920, 1080)

    assert lines == {3: Line(0, 300, 1920, 300)}


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        pytest.param(
            LineView(id=4, x1=0, y1=0, x2=5000, y2=0), "line 4 is outside the picture", id="outside"
        ),
        pytest.param(
            LineView(id=5, x1=9, y1=9, x2=9, y2=9), "line 5: the line has no length", id="a point"
        ),
    ],
)
def test_a_bad_line_is_left_out_and_told_and_the_others_stay(bad: LineView, problem: str) -> None:
    lines, problems = lines_for(configured(bad, ACROSS), 1920, 1080)

    assert list(lines) == [3]
    assert problems == [problem]


def test_an_inactive_line_is_left_out_silently() -> None:
    inactive = LineView(id=3, x1=0, y1=300, x2=1920, y2=300, is_active=False)

    assert lines_for(configured(inactive), 1920, 1080) == ({}, [])


def test_a_line_whose_entries_go_to_the_right_runs_the_other_way() -> None:
    mirrored = LineView(id=3, x1=0, y1=300, x2=1920, y2=300, entry_side="right")

    assert lines_for(configured(mirrored), 960, 540) == ({3: Line(960, 150, 0, 150)}, [])
