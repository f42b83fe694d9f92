"""How counting bears damage to pictures: two clips with crossings marked by hand, two models.

The clip vtest with line A, 33 crossings, and one-by-one with line X, 6 crossings, are counted as
they are, and then with each damage that cameras and networks do: pictures of half the size, in the
dark, with noise, badly compressed, blurred, mirrored; a third of the frames or two fifths of the
detections lost; half and a third of the rate. Of each, how many are found, in their direction and
within a second, and how many are false; where chance decides what is lost, the median of nine. Then
somebody stands on the line for 600 frames while the box trembles; nobody crosses.

    uv run python -m benchmarks.counting.run [--model yolox-nano]

Each model has a process and a thread of its own: some six minutes on two idle cores. Needs the
clips, their marks and the models (`edge-counter assets`). Exits with 1 when a figure is worse than
its limit.
"""

import argparse
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from edge_counter.assets import assets, find
from edge_counter.camera import Camera, Frame, Source
from edge_counter.counting import Direction, Line, LineCounter
from edge_counter.detections import Detections, Image
from edge_counter.detector import Detector, load_detector
from edge_counter.evaluation import Mark, evaluate, read_marks
from edge_counter.pipeline import Anchor, Pipeline

MODELS = ("yolox-nano", "nanodet-m")
# Of lines that were drawn from top to bottom.
NAMES: dict[str, Direction] = {"R": "entry", "L": "exit"}
WIDTH_PX = 768  # of both clips
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


def blurred(image: Image, _: np.random.Generator) -> Image:
    return cv2.GaussianBlur(image, (0, 0), 2.5)


def mirrored(image: Image, _: np.random.Generator) -> Image:
    return cv2.flip(image, 1)


def as_drawn(line: Line) -> Line:
    return line


def at_half_size(line: Line) -> Line:
    return Line(line.x1 / 2, line.y1 / 2, line.x2 / 2, line.y2 / 2)


def in_the_mirror(line: Line) -> Line:
    """Draw it from its other end, so that an entry stays one."""
    return Line(WIDTH_PX - line.x2, line.y2, WIDTH_PX - line.x1, line.y1)


@dataclass(frozen=True)
class Clip:
    """A clip and its line.

    Args:
        every: of so many frames one is looked at where the pictures are changed, to save time.
    """

    name: str
    marks: str
    line: Line
    anchor: Anchor
    every: int = 1


A = Clip("vtest", "vtest_lineA.csv", Line(550, 160, 550, 480), "foot")
X = Clip("one-by-one", "intel_lineX.csv", Line(560, 0, 560, 432), "centre", every=2)


@dataclass(frozen=True)
class Damage:
    """What is done to a clip, and what may come of it.

    Args:
        least: crossings of line A that have to be found; of line X all have to.
        frames_lost, detections_lost: shares, at random.
        every: of so many frames one is looked at.
        move: the line, as the pictures are changed.
    """

    name: str
    least: int
    change: Callable[[Image, np.random.Generator], Image] = as_it_is
    frames_lost: float = 0.0
    detections_lost: float = 0.0
    every: int = 1
    move: Callable[[Line], Line] = as_drawn


DAMAGES = (
    Damage("as it is", 33),
    Damage("half size", 33, half_size, move=at_half_size),
    Damage("darkened to 35 %", 33, dark),
    Damage("noise of sigma 20", 33, noisy),
    Damage("JPEG quality 15", 33, badly_compressed),
    Damage("blur of 2.5 px", 33, blurred),
    Damage("mirrored", 33, mirrored, move=in_the_mirror),
    Damage("30 % of frames lost", 33, frames_lost=0.3),
    Damage("40 % of detections lost", 33, detections_lost=0.4),
    Damage("5 frames a second", 33, every=2),
    Damage("3.3 frames a second", 32, every=3),
)


@dataclass(frozen=True)
class Seen:
    """A detector that has seen every picture already: what it is asked for is their numbers."""

    detections: list[Detections]
    min_confidence: float

    def detect(self, image_bgr: Image) -> Detections:
        return self.detections[int(image_bgr[0, 0, 0])]


@dataclass(frozen=True)
class Look:
    """When a picture was taken, and who is in it."""

    time_s: float
    detections: Detections


def see(path: Path, detector: Detector, damage: Damage, every: int) -> list[Look]:
    dice = np.random.default_rng(7)
    with Camera(Source(str(path))) as camera:
        return [
            Look(frame.time_s, detector.detect(damage.change(frame.image_bgr, dice)))
            for frame in camera
            if frame.index % every == 0
        ]


def count(
    clip: Clip, looks: list[Look], damage: Damage, confidence: float, seed: int
) -> list[Mark]:
    """Count what is left after losses."""
    dice = np.random.default_rng(seed)
    left = []
    for look in looks:
        one = look.detections
        kept = dice.random(len(one)) >= damage.detections_lost
        left.append(Detections(one.boxes_px[kept], one.scores[kept]))
    pipeline = Pipeline(Seen(left, confidence), run_id="bench", anchor=clip.anchor)
    pipeline.watch({1: damage.move(clip.line)})
    found = []
    for index, look in enumerate(looks):
        if index % damage.every == 0 and dice.random() >= damage.frames_lost:
            number = np.full((1, 1, 1), index)
            frame = Frame(index=index, time_s=look.time_s, image_bgr=number)
            found += pipeline.process(frame)[0]
    return [Mark(one.time_s, one.direction, one.track_id) for one in found]


def stand_on_the_line(jitter_px: float) -> int:
    """Return how often somebody is counted who stands on the line while the box trembles."""
    dice = np.random.default_rng(7)
    counter = LineCounter(A.line)
    return sum(
        counter.update(
            1,
            x=A.line.x1 + dice.normal(0, jitter_px),
            y=300 + dice.normal(0, jitter_px),
            height_px=100.0,
            time_s=number / 10,
        )
        is not None
        for number in range(STANDING_FRAMES)
    )


def table(model: str) -> tuple[bool, str]:
    """Count both clips with a model; return whether nothing is past its limit, and a table."""
    _, detector = load_detector(model)
    is_good, rows = True, []
    for clip in (A, X):
        path, marks = needed(clip)
        seen: dict[object, list[Look]] = {}
        for damage in DAMAGES:
            if damage.change not in seen:
                every = 1 if damage.change is as_it_is else clip.every
                seen[damage.change] = see(path, detector, damage, every)
            is_random = damage.frames_lost or damage.detections_lost
            looks, confidence = seen[damage.change], detector.min_confidence
            evaluations = [
                evaluate(count(clip, looks, damage, confidence, seed), marks)
                for seed in (SEEDS if is_random else SEEDS[:1])
            ]
            right = sorted(len(one.right) for one in evaluations)
            false = max(len(one.false) for one in evaluations)
            median, least = right[len(right) // 2], damage.least if clip is A else len(marks)
            is_good = is_good and median >= least and not false
            worst = f", worst of {len(right)}: {right[0]}" if is_random else ""
            rows.append(
                f"{model:10}  {clip.name:10}  {damage.name:23} {median:3} of {len(marks)}"
                f" (at least {least}), {false} false{worst}"
            )
    return is_good, "\n".join(rows)


def stand() -> bool:
    """Show what is counted of somebody who stands on the line; tell whether that is nothing."""
    falses = {jitter_px: stand_on_the_line(jitter_px) for jitter_px in (1.0, 2.0, 4.0)}
    for jitter_px, false in falses.items():
        print(f"standing, {jitter_px:.0f} px of jitter: {false} false in {STANDING_FRAMES} frames")
    return not any(falses.values())


def needed(clip: Clip) -> tuple[Path, list[Mark]]:
    path = find(assets()[clip.name])
    marks = path.parents[1] / "gt" / clip.marks if path else None
    if path is None or marks is None or not marks.exists():
        raise SystemExit(f"the clip {clip.name} and its marks are not on this machine")
    return path, read_marks(marks, NAMES)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--model", action="append", help="one or more; without, both there are")
    models = parser.parse_args().model or MODELS
    for clip in (A, X):
        needed(clip)
    is_good = stand()
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as processes:
        for is_fine, rows in processes.map(table, models):
            print(rows, flush=True)
            is_good = is_good and is_fine
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
