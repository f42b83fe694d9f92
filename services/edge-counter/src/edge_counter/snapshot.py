"""Draws one picture of a source with a ruler and lines, for a person who places lines in it.

The only command that keeps a picture of a camera, and only because somebody has asked for it.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from edge_counter.camera import Camera, Source
from edge_counter.counting import Line
from edge_counter.detections import Image
from edge_counter.errors import BadLine, BadOutput

_STEPS_PX: Final = (10, 20, 25, 50, 100, 200, 250, 500)
_FONT: Final = cv2.FONT_HERSHEY_SIMPLEX
_RULER_BGR: Final = (32, 32, 32)
_TEXT_BGR: Final = (255, 255, 255)
_LINE_BGR: Final = (0, 220, 255)
_SIDE_BGR: Final = {"ENTRY": (90, 200, 60), "EXIT": (60, 90, 240)}
_GRID: Final = 0.28  # how much of the grid shows through the picture

Point = tuple[float, float]


def take(source: Source) -> Image:
    """Return a source's first picture.

    Raises:
        BadSource: it gives none.
    """
    with Camera(source) as camera:
        return next(iter(camera)).image_bgr.copy()


def write(picture_bgr: Image, output: Path, *, is_forced: bool) -> None:
    """Write a picture for its owner alone.

    Raises:
        BadOutput: something is there already, or it cannot be written.
    """
    if output.suffix.lower() != ".png":
        raise BadOutput(f"{output}: a name in .png is needed")
    if output.exists() and not is_forced:
        raise BadOutput(f"{output}: there is a file already; --force writes over it")
    _, data = cv2.imencode(".png", picture_bgr)
    try:
        output.unlink(missing_ok=True)
        output.touch(mode=0o600)
        output.write_bytes(data.tobytes())
    except OSError as error:
        raise BadOutput(f"{output}: cannot be written ({error.strerror})") from error


def draw(picture_bgr: Image, lines: Sequence[Line]) -> Image:
    """Return the picture with a grid, rulers around it, and lines with their sides.

    Pixels keep their places: the rulers stand outside of the picture.

    Raises:
        BadLine: one is not in the picture.
    """
    height_px, width_px = picture_bgr.shape[:2]
    for line in lines:
        if not line.lies_within(width_px, height_px):
            size = f"{width_px}x{height_px}"
            raise BadLine(f"the line {_ends(line)} is outside the picture, which is {size}")
    pen = _Pen(picture_bgr)
    pen.grid()
    for number, line in enumerate(lines, 1):
        pen.line(line, number)
    return pen.with_rulers()


def _ends(line: Line) -> str:
    return f"{line.x1:g},{line.y1:g},{line.x2:g},{line.y2:g}"


class _Pen:
    """Draws in sizes that suit the picture."""

    def __init__(self, picture_bgr: Image) -> None:
        self._picture = picture_bgr.copy()
        self._height_px, self._width_px = picture_bgr.shape[:2]
        across_px = max(self._height_px, self._width_px)
        self._scale = max(0.4, across_px / 1600)  # of letters
        self._thick = max(1, round(across_px / 640))
        number_px = 1.2 * self._size_px(f"{across_px}")[0]
        self._step_px = next((one for one in _STEPS_PX if one > number_px), _STEPS_PX[-1])
        self._margin_px = math.ceil(46 * self._scale / 0.5)

    def grid(self) -> None:
        grid = self._picture.copy()
        for x in range(0, self._width_px, self._step_px):
            cv2.line(grid, (x, 0), (x, self._height_px - 1), _TEXT_BGR, 1)
        for y in range(0, self._height_px, self._step_px):
            cv2.line(grid, (0, y), (self._width_px - 1, y), _TEXT_BGR, 1)
        cv2.addWeighted(grid, _GRID, self._picture, 1 - _GRID, 0, dst=self._picture)

    def line(self, line: Line, number: int) -> None:
        """Draw a line from a to b, and arrows across it to the sides where people come to be."""
        a, b = (line.x1, line.y1), (line.x2, line.y2)
        self._stroke(a, b, _LINE_BGR)
        along = (b[0] - a[0]) / line.length_px, (b[1] - a[1]) / line.length_px
        to_left = along[1], -along[0]  # as seen on the screen, y down; an entry goes there
        reach_px = max(self._height_px, self._width_px) / 11
        for name, sign, share in (("ENTRY", 1, 0.4), ("EXIT", -1, 0.6)):
            start = _moved(a, along, share * line.length_px)
            end = _moved(start, to_left, sign * reach_px)
            self._arrow(_moved(start, to_left, -sign * reach_px / 3), end, _SIDE_BGR[name])
            away = to_left[0] * sign, to_left[1] * sign
            self._label(name, end, away, _SIDE_BGR[name])
        for name, point, sign in (("a", a, -1), ("b", b, 1)):
            cv2.circle(self._picture, _whole(point), 3 * self._thick, _LINE_BGR, -1, cv2.LINE_AA)
            said = f"{name}{number} {point[0]:g},{point[1]:g}"
            self._label(said, point, (along[0] * sign, along[1] * sign), _LINE_BGR)

    def with_rulers(self) -> Image:
        margin_px = self._margin_px
        sheet = np.full(
            (self._height_px + 2 * margin_px, self._width_px + 2 * margin_px, 3),
            _RULER_BGR,
            np.uint8,
        )
        inside = slice(margin_px, -margin_px)
        sheet[inside, inside] = self._picture
        for x in range(0, self._width_px + 1, self._step_px):
            for y in (margin_px / 2, self._height_px + 1.5 * margin_px):
                self._text(sheet, f"{x}", (margin_px + x, y), _TEXT_BGR)
        for y in range(0, self._height_px + 1, self._step_px):
            for x_px in (margin_px / 2, self._width_px + 1.5 * margin_px):
                self._text(sheet, f"{y}", (x_px, margin_px + y), _TEXT_BGR)
        return sheet

    def _stroke(self, start: Point, end: Point, colour: tuple[int, ...]) -> None:
        for shade, thick in ((_RULER_BGR, 2 * self._thick + 2), (colour, 2 * self._thick)):
            cv2.line(self._picture, _whole(start), _whole(end), shade, thick, cv2.LINE_AA)

    def _arrow(self, start: Point, end: Point, colour: tuple[int, ...]) -> None:
        tip = 0.25
        for shade, thick in ((_RULER_BGR, 2 * self._thick + 2), (colour, 2 * self._thick)):
            cv2.arrowedLine(
                self._picture, _whole(start), _whole(end), shade, thick, cv2.LINE_AA, 0, tip
            )

    def _label(self, said: str, point: Point, away: Point, colour: tuple[int, ...]) -> None:
        """Write on dark ground, beyond a point on the way away, within the picture."""
        width_px, height_px = self._size_px(said)
        half_px = width_px / 2 + height_px / 2, height_px
        clear_px = 4 * self._thick
        x, y = (
            min(max(place + step * (half + clear_px), half), side - half)
            for place, step, half, side in zip(
                point, away, half_px, (self._width_px, self._height_px), strict=True
            )
        )
        corner, other = (_whole((x + sign * half_px[0], y + sign * half_px[1])) for sign in (-1, 1))
        cv2.rectangle(self._picture, corner, other, _RULER_BGR, -1)
        self._text(self._picture, said, (x, y), colour)

    def _size_px(self, said: str) -> tuple[int, int]:
        """Return the width and height of a text."""
        (width_px, height_px), _ = cv2.getTextSize(said, _FONT, self._scale, self._thick)
        return width_px, height_px

    def _text(self, picture: Image, said: str, centre: Point, colour: tuple[int, ...]) -> None:
        width_px, height_px = self._size_px(said)
        at = _whole((centre[0] - width_px / 2, centre[1] + height_px / 2))
        cv2.putText(picture, said, at, _FONT, self._scale, colour, self._thick, cv2.LINE_AA)


def _moved(point: Point, way: Point, by_px: float) -> Point:
    return point[0] + by_px * way[0], point[1] + by_px * way[1]


def _whole(point: Point) -> tuple[int, int]:
    return round(point[0]), round(point[1])
