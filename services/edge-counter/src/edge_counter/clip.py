"""Counts the crossings of one line in one file, for `edge-counter count`."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_counter.camera import Camera, Frame, Source
from edge_counter.counting import Line
from edge_counter.detector import Detector
from edge_counter.errors import BadLine, BadSource
from edge_counter.pipeline import Anchor, Crossing, Pipeline
from edge_counter.tracking import Tracks

_LINE: Final = 1


@dataclass(frozen=True, slots=True)
class Step:
    """What is known after a picture.

    Args:
        frames: of the whole file; None where it does not say.
        crossings: all so far.
    """

    frame: Frame
    frames: int | None
    tracks: Tracks
    crossings: list[Crossing]


Watcher = Callable[[Step], None]


def count(
    source: Source,
    line: Line,
    detector: Detector,
    *,
    anchor: Anchor = "foot",
    progress: Watcher,
    annotate: Callable[[Camera], AbstractContextManager[Watcher]] | None = None,
) -> list[Crossing]:
    """Return the crossings of a line in a file, by time.

    Args:
        line: in pixels of the file's pictures.
        progress: told after each picture.
        annotate: makes, once the file is open, another one to be told.

    Raises:
        BadSource: the file cannot be played.
        BadLine: it is not in the picture.
    """
    if source.is_stream:
        raise BadSource(f"{source}: a stream has no end to count to; `edge-counter run` follows it")
    crossings: list[Crossing] = []
    pipeline = Pipeline(detector, run_id=Path(source.address).stem[:40], anchor=anchor)
    pipeline.watch({_LINE: line})
    with Camera(source) as camera, annotate(camera) if annotate else nullcontext() as watcher:
        opened = camera.opened
        if not line.lies_within(opened.width_px, opened.height_px):
            size = f"{opened.width_px}x{opened.height_px}"
            raise BadLine(f"the line is outside the picture, which is {size}")
        for frame in camera:
            crossed, tracks = pipeline.process(frame)
            crossings += crossed
            step = Step(frame, opened.frames, tracks, crossings)
            progress(step)
            if watcher is not None:
                watcher(step)
    return sorted(crossings, key=lambda crossing: crossing.time_s)
