"""Draws everybody's path past a line into one picture, to see where a line should be."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from edge_counter.camera import Camera
from edge_counter.clip import Step, Watcher
from edge_counter.counting import Line
from edge_counter.detections import Image
from edge_counter.errors import BadOutput
from edge_counter.pipeline import Anchor, Crossing

_LINE_BGR: Final = (255, 255, 255)
_CROSSED_BGR: Final = {"entry": (80, 200, 80), "exit": (60, 120, 240)}
_OTHER_BGR: Final = (170, 170, 170)
_DIMMED: Final = 0.55


@contextmanager
def drawing(_camera: Camera, output: Path, line: Line, anchor: Anchor) -> Iterator[Watcher]:
    """Watch a clip; when it is over, the picture is written.

    Raises:
        BadOutput: the file cannot be written.
    """
    paths = _Paths(line, anchor)
    yield paths.watch
    picture = paths.draw()
    try:
        is_written = picture is None or cv2.imwrite(str(output), picture)
    except cv2.error:
        is_written = False
    if not is_written:
        raise BadOutput(f"{output}: cannot be written as a picture; a name in .png can")


class _Paths:
    def __init__(self, line: Line, anchor: Anchor) -> None:
        self._line = line
        self._is_foot = anchor == "foot"
        self._points: dict[int, list[tuple[int, int]]] = defaultdict(list)
        self._first: Image | None = None
        self._crossings: list[Crossing] = []

    def watch(self, step: Step) -> None:
        if self._first is None:
            self._first = step.frame.image_bgr.copy()
        for track, (left, top, right, bottom) in zip(
            step.tracks.ids.tolist(), step.tracks.boxes_px.tolist(), strict=True
        ):
            y = bottom if self._is_foot else (top + bottom) / 2
            self._points[track].append((round((left + right) / 2), round(y)))
        self._crossings = step.crossings

    def draw(self) -> Image | None:
        if self._first is None:
            return None
        picture = (self._first * _DIMMED).astype(np.uint8)
        # The pipeline names a track by its run and its number.
        directions = {
            int(one.track_id.rpartition("-")[2]): one.direction for one in self._crossings
        }
        # Who crossed comes last, on top of everybody else.
        for track in sorted(self._points, key=lambda one: one in directions):
            colour = _CROSSED_BGR.get(directions.get(track, ""), _OTHER_BGR)
            points = np.array(self._points[track], np.int32).reshape(-1, 1, 2)
            cv2.polylines(picture, [points], isClosed=False, color=colour, thickness=2)
            cv2.circle(picture, self._points[track][-1], 4, colour, -1)
        ends = [(round(x), round(y)) for x, y in self._ends()]
        cv2.line(picture, ends[0], ends[1], _LINE_BGR, 2)
        cv2.putText(picture, "a", ends[0], cv2.FONT_HERSHEY_SIMPLEX, 0.7, _LINE_BGR, 2)
        cv2.putText(picture, "b", ends[1], cv2.FONT_HERSHEY_SIMPLEX, 0.7, _LINE_BGR, 2)
        return picture

    def _ends(self) -> tuple[tuple[float, float], tuple[float, float]]:
        return (self._line.x1, self._line.y1), (self._line.x2, self._line.y2)
