"""How counting bears damage to pictures: a busy clip with 33 crossings marked by hand.

The clip vtest with line A is counted as it is, and then with each damage that cameras and networks
do: pictures of half the size, in the dark, with noise, badly compressed; a third of the frames or
two fifths of the detections lost; half the rate. Of each, how many of the 33 are found, in their
direction and within a second, and how many are false; where chance decides what is lost, the median
of nine. Then somebody stands on the line for 600
frames while the box trembles; nobody crosses.

    uv run python -m benchmarks.counting.run [--model yolox-nano]

Needs the clip, its marks and the model (`edge-counter assets`). Exits with 1 when a figure is worse
than its limit.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from edge_counter.assets import assets, find
from edge_counter.camera import Camera, Frame, Source
from edge_counter.counting import Line, LineCounter
from edge_counter.detections import Detections, Image
from edge_counter.detector import Detector, load_detector
from edge_counter.evaluation import Mark, evaluate, read_marks
from edge_counter.pipeline import Pipeline

LINE = Line(550, 160, 550, 480)
MARKS = "vtest_lineA.csv"
# Of a line that was drawn from top to bottom.
NAMES = {"R": "entry", "L": "exit"}
STANDING_FRAMES = 600
SEEDS = range(1, 10)


def as_it_is(image: Image, _: np.random.Generator) -> Image:
    return image


def half_size(image: Image, _: np.random.Generator) -> Image:
    return cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def dark(image: Image, _: np.random.Generator) -> Image:
    return (image * 0.35).astype(np.uint8)


def noisy(image: Image, dice: np.random.Generator) -> Image:
    return np.clip(image + dice.normal(0, 20, image.shape), 0, 255).astype(np.uint8)


def badly_compressed(image: Image, _: np.random.Generator) -> Image:
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 15])
    return cv2.imdecode(data, cv2.IMREAD_COLOR)


@dataclass(frozen=True)
class Damage:
    """What is done to the clip, and what may come of it.

    Args:
        least: crossings that have to be found.
        frames_lost, detections_lost: shares, at random.
        every: of so many frames one is looked at.
        scale: of the line, as of the pictures.
    """

    name: str
    least: int
    change: Callable[[Image, np.random.Generator], Image] = as_it_is
    frames_lost: float = 0.0
    detections_lost: float = 0.0
    every: int = 1
    scale: float = 1.0


DAMAGES = (
    Damage("as it is", 33),
    Damage("half size", 33, half_size, scale=0.5),
    Damage("darkened to 35 %", 33, dark),
    Damage("noise of sigma 20", 33, noisy),
    Damage("JPEG quality 15", 33, badly_compressed),
    Damage("30 % of frames lost", 31, frames_lost=0.3),
    Damage("40 % of detections lost", 33, detections_lost=0.4),
    Damage("5 frames a second", 33, every=2),
)


@dataclass(frozen=True)
class Seen:
    """A detector that has seen every picture already: what it is asked for is their numbers."""

    detections: list[Detections]
    min_confidence: float

    def detect(self, image_bgr: Image) -> Detections:
        return self.detections[int(image_bgr[0, 0, 0])]


def see(clip: Path, detector: Detector, damage: Damage) -> tuple[list[float], list[Detections]]:
    """Return when each picture was taken, and who is in it."""
    dice = np.random.default_rng(7)
    times_s, detections = [], []
    with Camera(Source(str(clip))) as camera:
        for frame in camera:
            times_s.append(frame.time_s)
            detections.append(detector.detect(damage.change(frame.image_bgr, dice)))
    return times_s, detections


def count(times_s: list[float], seen: list[Detections], damage: Damage, seed: int) -> list[Mark]:
    """Count what is left after losses."""
    dice = np.random.default_rng(seed)
    left = []
    for one in seen:
        kept = dice.random(len(one)) >= damage.detections_lost
        left.append(Detections(one.boxes_px[kept], one.scores[kept]))
    pipeline = Pipeline(Seen(left), run_id="bench")
    ends = (damage.scale * end for end in (LINE.x1, LINE.y1, LINE.x2, LINE.y2))
    pipeline.watch({1: Line(*ends)})
    found = []
    for index, time_s in enumerate(times_s):
        if index % damage.every == 0 and dice.random() >= damage.frames_lost:
            number = np.full((1, 1, 1), index)
            frame = Frame(index=index, time_s=time_s, image_bgr=number)
            found += pipeline.process(frame)[0]
    return [Mark(one.time_s, one.direction, one.track_id) for one in found]


def stand_on_the_line(jitter_px: float) -> int:
    """Return how often somebody is counted who stands on the line while the box trembles."""
    dice = np.random.default_rng(7)
    counter = LineCounter(LINE)
    return sum(
        counter.update(
            1,
            x=LINE.x1 + dice.normal(0, jitter_px),
            y=300 + dice.normal(0, jitter_px),
            height_px=100.0,
            time_s=number / 10,
        )
        is not None
        for number in range(STANDING_FRAMES)
    )


def run(clip: Path, marks: list[Mark], detector: Detector) -> bool:
    ok = True
    pictures: dict[object, tuple[list[float], list[Detections]]] = {}
    for damage in DAMAGES:
        if damage.change not in pictures:
            pictures[damage.change] = see(clip, detector, damage)
        is_random = damage.frames_lost or damage.detections_lost
        evaluations = [
            evaluate(count(*pictures[damage.change], damage, seed), marks)
            for seed in (SEEDS if is_random else SEEDS[:1])
        ]
        right = sorted(len(one.right) for one in evaluations)
        false = max(len(one.false) for one in evaluations)
        median = right[len(right) // 2]
        ok = ok and median >= damage.least and not false
        limit = f"of {len(marks)} (at least {damage.least})"
        worst = f", worst of {len(right)}: {right[0]}" if is_random else ""
        print(f"{damage.name:24} {median:3} {limit}, {false} false{worst}")
    for jitter_px in (1.0, 2.0, 4.0):
        false = stand_on_the_line(jitter_px)
        ok = ok and not false
        name = f"standing, {jitter_px:.0f} px of jitter"
        print(f"{name:24} {false:3} false in {STANDING_FRAMES} frames")
    return ok


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--model", default="yolox-nano")
    options = parser.parse_args()
    clip = find(assets()["vtest"])
    marks = clip.parents[1] / "gt" / MARKS if clip else None
    if clip is None or marks is None or not marks.exists():
        print("the clip vtest and its marks are not on this machine", file=sys.stderr)
        return 2
    _, detector = load_detector(options.model)
    return 0 if run(clip, read_marks(marks, NAMES), detector) else 1


if __name__ == "__main__":
    sys.exit(main())
