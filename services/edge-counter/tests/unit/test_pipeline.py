"""Lines that change while people are on their way."""

from dataclasses import dataclass

import numpy as np

from edge_counter.camera import Frame
from edge_counter.counting import Line
from edge_counter.detections import Detections, Image
from edge_counter.pipeline import Anchor, Pipeline

LEFT, RIGHT = Line(100, 0, 100, 200), Line(200, 0, 200, 200)
PICTURE: Image = np.zeros((200, 300, 3), np.uint8)


@dataclass
class Walker:
    """A detector that finds one person, further right in each picture."""

    x: float = 50
    min_confidence: float = 0.6

    def detect(self, frame_bgr: Image) -> Detections:
        self.x += 10
        box = [[self.x - 10, 50, self.x + 10, 0.75 * len(frame_bgr)]]
        return Detections(np.array(box, np.float32), np.array([0.9], np.float32))


def frames(pipeline: Pipeline, indices: range) -> list[int]:
    """Process pictures; return the ids of lines that were crossed."""
    return [
        crossing.line_id
        for index in indices
        for crossing in pipeline.process(Frame(index, index / 10, PICTURE))[0]
    ]


def test_each_line_counts_for_itself() -> None:
    pipeline = Pipeline(Walker(), run_id="run")
    pipeline.watch({1: LEFT, 2: RIGHT})

    assert frames(pipeline, range(22)) == [1, 2]


def test_a_line_that_stays_keeps_its_memory_when_others_change() -> None:
    pipeline = Pipeline(Walker(), run_id="run")
    pipeline.watch({1: LEFT})
    frames(pipeline, range(5))  # to the line, not yet over it

    pipeline.watch({1: LEFT, 2: RIGHT})

    assert frames(pipeline, range(5, 22)) == [1, 2]


def test_a_line_that_moved_begins_anew() -> None:
    pipeline = Pipeline(Walker(), run_id="run")
    pipeline.watch({1: LEFT})
    frames(pipeline, range(5))

    pipeline.watch({1: RIGHT})

    assert frames(pipeline, range(5, 22)) == [1]


def test_a_line_that_was_taken_away_counts_nothing() -> None:
    pipeline = Pipeline(Walker(), run_id="run")
    pipeline.watch({1: LEFT})

    pipeline.watch({})

    assert frames(pipeline, range(22)) == []


def test_track_ids_derive_from_the_run() -> None:
    pipeline = Pipeline(Walker(), run_id="8f3a")
    pipeline.watch({1: LEFT})

    crossings = [
        crossing
        for index in range(22)
        for crossing in pipeline.process(Frame(index, index / 10, PICTURE))[0]
    ]

    assert [crossing.track_id for crossing in crossings] == ["8f3a-1"]


def test_the_anchor_is_the_point_that_crosses() -> None:
    def crossed(anchor: Anchor) -> list[int]:
        pipeline = Pipeline(Walker(), run_id="run", anchor=anchor)
        pipeline.watch({1: Line(100, 120, 100, 200), 2: Line(200, 80, 200, 120)})
        return frames(pipeline, range(22))

    assert (crossed("foot"), crossed("centre")) == ([1], [2])
