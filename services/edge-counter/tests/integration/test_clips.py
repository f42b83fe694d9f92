"""Recorded clips against crossings that were marked by hand, frame by frame."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from edge_counter.assets import assets, find
from edge_counter.camera import Camera, Source
from edge_counter.counting import Direction, Line
from edge_counter.detections import Detections, Image
from edge_counter.detector import Detector, OnnxDetector, load_detector
from edge_counter.evaluation import Mark, evaluate, read_marks
from edge_counter.pipeline import Anchor, Pipeline

pytestmark = [pytest.mark.clips, pytest.mark.timeout(300)]

MODELS = ("yolox-nano", "nanodet-m")
DIRECTIONS: dict[str, Direction] = {"L": "exit", "R": "entry"}  # of lines from top to bottom


def needed(name: str) -> Path:
    path = find(assets()[name])
    if path is None:
        pytest.skip(f"the asset {name} is not on this machine")
    return path


def marked(clip: Path, name: str) -> list[Mark]:
    path = clip.parents[1] / "gt" / name
    if not path.exists():
        pytest.skip(f"nobody's marks of {clip.name} are on this machine")
    return read_marks(path, DIRECTIONS)


@pytest.fixture(scope="module", params=MODELS)
def model(request: pytest.FixtureRequest) -> str:
    needed(request.param)
    return str(request.param)


@dataclass
class Remembering:
    """A detector that looks once at a picture that it is shown again."""

    detector: Detector
    min_confidence: float
    picture: Image | None = None
    found: Detections | None = None

    def detect(self, frame_bgr: Image) -> Detections:
        if self.found is None or frame_bgr is not self.picture:
            self.picture, self.found = frame_bgr, self.detector.detect(frame_bgr)
        return self.found


def test_a_narrowed_input_finds_the_people_that_the_whole_one_finds() -> None:
    """The same pictures twice: as they are, and on the square that the model was made for."""
    needed("yolox-nano")
    _, detector = load_detector("yolox-nano")
    _, square_detector = load_detector("yolox-nano")
    found, expected = [], []
    with Camera(Source(str(needed("vtest")))) as camera:
        for frame in camera:
            if frame.index in {66, 330, 600}:
                picture = frame.image_bgr
                square = np.full((768, 768, 3), 114, np.uint8)
                square[: picture.shape[0]] = picture
                found.append(detector.detect(picture))
                expected.append(square_detector.detect(square))
            if frame.index == 600:
                break

    assert isinstance(detector, OnnxDetector)
    assert isinstance(square_detector, OnnxDetector)
    assert (detector.input_px, square_detector.input_px) == ((320, 416), (416, 416))
    for narrowed, whole in zip(found, expected, strict=True):
        sure = whole.boxes_px[whole.scores > 0.5]
        assert len(sure) > 3
        nearest = np.abs(sure[:, None] - narrowed.boxes_px[None]).max(axis=2).min(axis=1)
        assert nearest.max() < 8


def test_six_people_one_by_one_are_six_crossings_at_a_third_of_the_rate_of_pictures(
    model: str,
) -> None:
    """The line ends at the lower edge of the picture, where feet are cut off."""
    clip = needed("one-by-one")
    _, detector = load_detector(model)
    remembering = Remembering(detector, detector.min_confidence)
    anchors: tuple[Anchor, ...] = ("foot", "centre")
    pipelines = [Pipeline(remembering, run_id="run", anchor=anchor) for anchor in anchors]
    for pipeline in pipelines:
        pipeline.watch({1: Line(560, 0, 560, 432)})
    found: list[list[Mark]] = [[], []]

    with Camera(Source(str(clip))) as camera:
        for frame in camera:
            if frame.index % 3 == 0:
                for pipeline, marks in zip(pipelines, found, strict=True):
                    crossings, _ = pipeline.process(frame)
                    marks += [Mark(one.time_s, one.direction) for one in crossings]

    for marks in found:
        evaluation = evaluate(marks, marked(clip, "intel_lineX.csv"))
        assert (evaluation.missed, evaluation.false) == ([], [])
        assert len(marks) == 6


def test_all_33_crossings_of_a_busy_walkway_are_found_and_no_other() -> None:
    """As a user counts them; with NanoDet, which takes twice as long: `benchmarks/counting`."""
    clip, model = needed("vtest"), "yolox-nano"
    needed(model)
    truth = marked(clip, "vtest_lineA.csv")
    program = "from edge_counter.main import main; main()"
    arguments = ["count", str(clip), "--line", "550,160,550,480", "--json", "--model", model]

    output = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, check=True
    ).stdout

    counts = json.loads(output)
    found = [Mark(one["t_s"], one["direction"]) for one in counts["crossings"]]
    evaluation = evaluate(found, truth)
    assert (evaluation.missed, evaluation.false) == ([], [])
    assert len(evaluation.right) == 33
    assert (counts["entries"], counts["exits"]) == (15, 18)
