"""Reads YOLOX models (Ge et al., "YOLOX: Exceeding YOLO Series in 2021")."""

from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge_counter.detections import LEAST_SCORE, Detections, Floats, Shape, without_doubles

SAME_PERSON: Final = 0.45  # intersection over union above which two boxes are one person

_STRIDES: Final = (8, 16, 32)
COARSEST_PX: Final = _STRIDES[-1]
_OBJECT, _FIRST_CLASS = 4, 5  # columns


def fits(inputs: Sequence[Shape], outputs: Sequence[Shape]) -> bool:
    """Tell by its inputs and outputs whether a model is a YOLOX."""
    if len(inputs) != 1 or len(outputs) != 1 or len(inputs[0]) != 4 or len(outputs[0]) != 3:
        return False
    _, channels, height_px, width_px = inputs[0]
    _, cells, values = outputs[0]
    if channels != 3 or not isinstance(height_px, int) or not isinstance(width_px, int):
        return False
    expected = sum((height_px // stride) * (width_px // stride) for stride in _STRIDES)
    return cells == expected and isinstance(values, int) and values > _FIRST_CLASS


def classes_of(outputs: Sequence[Shape]) -> int:
    """Return how many classes of things the model tells apart."""
    return int(outputs[0][2] or 0) - _FIRST_CLASS


def read(
    outputs: Sequence[Floats], size_px: tuple[int, int], classes: NDArray[np.intp]
) -> Detections:
    """Make boxes, in pixels of the input, from what the model says of each cell.

    That is: offset of the centre from the cell's corner, in cells; logarithm of the size, in
    cells; how surely there is something; how surely it is of each class. The cells of each
    stride follow each other row by row.

    Args:
        outputs: of the model.
        size_px: height and width of its input.
        classes: indices of those that are wanted.
    """
    raw = outputs[0][0]
    scores = raw[:, _OBJECT] * raw[:, _FIRST_CLASS + classes].max(axis=1)
    likely = np.flatnonzero(scores >= LEAST_SCORE)
    cells, strides = _grid(size_px)
    centre = (raw[likely, :2] + cells[likely]) * strides[likely]
    half = np.exp(raw[likely, 2:4]) * strides[likely] / 2
    boxes_px = np.concatenate([centre - half, centre + half], axis=1)
    kept = without_doubles(boxes_px, scores[likely], SAME_PERSON)
    return Detections(boxes_px[kept], scores[likely][kept])


@cache
def _grid(size_px: tuple[int, int]) -> tuple[Floats, Floats]:
    """Return the (n, 2) corners of all cells, x and y in cells, and their (n, 1) strides."""
    cells, strides = [], []
    for stride in _STRIDES:
        rows, columns = np.mgrid[: size_px[0] // stride, : size_px[1] // stride]
        cells.append(np.stack([columns.ravel(), rows.ravel()], axis=1))
        strides.append(np.full((rows.size, 1), stride))
    return np.concatenate(cells).astype(np.float32), np.concatenate(strides).astype(np.float32)
