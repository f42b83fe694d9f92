"""Feeds and reads YOLOX models (Ge et al., "YOLOX: Exceeding YOLO Series in 2021")."""

from collections.abc import Sequence
from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_counter.detections import Detections, Floats, Image, overlaps

Shape = Sequence[int | str | None]  # a name or None stands for a free dimension

LEAST_SCORE: Final = 0.2  # under it the tracker uses no box
SAME_PERSON: Final = 0.45  # intersection over union from which two boxes are one person

_STRIDES: Final = (8, 16, 32)
COARSEST_PX: Final = _STRIDES[-1]
_OBJECT, _PERSON = 4, 5  # columns; people are the first class, as in COCO


def fits(inputs: Sequence[Shape], outputs: Sequence[Shape]) -> bool:
    """Tell by its inputs and outputs whether a model is a YOLOX."""
    if len(inputs) != 1 or len(outputs) != 1 or len(inputs[0]) != 4 or len(outputs[0]) != 3:
        return False
    _, channels, height_px, width_px = inputs[0]
    _, cells, values = outputs[0]
    if channels != 3 or not isinstance(height_px, int) or not isinstance(width_px, int):
        return False
    expected = sum((height_px // stride) * (width_px // stride) for stride in _STRIDES)
    return cells == expected and isinstance(values, int) and values > _PERSON


def letterbox(frame_bgr: Image, tensor: Floats) -> float:
    """Fit a picture into the top left of a (1, 3, h, w) input; what is beside it is left alone.

    Blue, green, red, 0 to 255, as exports of YOLOX 0.1.1 and later want it.

    Returns:
        The scale from the picture to the input.
    """
    height_px, width_px = tensor.shape[2:]
    scale: float = min(height_px / frame_bgr.shape[0], width_px / frame_bgr.shape[1])
    rows, columns = (max(1, int(side_px * scale)) for side_px in frame_bgr.shape[:2])
    fitted = cv2.resize(frame_bgr, (columns, rows))
    for plane, channel in enumerate(cv2.split(fitted)):
        tensor[0, plane, :rows, :columns] = channel
    return scale


def read(outputs: Sequence[Floats], size_px: tuple[int, int]) -> Detections:
    """Make boxes of people, in pixels of the input, from what the model says of each cell.

    That is: offset of the centre from the cell's corner, in cells; logarithm of the size, in
    cells; how surely there is something; how surely it is of each class. The cells of each
    stride follow each other row by row.

    Args:
        outputs: of the model.
        size_px: height and width of its input.
    """
    raw = outputs[0][0]
    scores = raw[:, _OBJECT] * raw[:, _PERSON]
    likely = np.flatnonzero(scores >= LEAST_SCORE)
    cells, strides = _grid(size_px)
    centre = (raw[likely, :2] + cells[likely]) * strides[likely]
    half = np.exp(raw[likely, 2:4]) * strides[likely] / 2
    boxes_px = np.concatenate([centre - half, centre + half], axis=1)
    kept = without_doubles(boxes_px, scores[likely])
    return Detections(boxes_px[kept], scores[likely][kept])


def without_doubles(boxes_px: Floats, scores: Floats) -> NDArray[np.intp]:
    """Return the indices of boxes that no better box covers, best first: greedy NMS."""
    order = np.argsort(-scores, kind="stable")
    covers = np.triu(overlaps(boxes_px[order], boxes_px[order]) > SAME_PERSON, 1)
    is_kept = np.ones(len(order), np.bool_)
    for index in np.flatnonzero(covers.any(axis=1)):
        if is_kept[index]:
            is_kept &= ~covers[index]
    return order[is_kept]


@cache
def _grid(size_px: tuple[int, int]) -> tuple[Floats, Floats]:
    """Return the (n, 2) corners of all cells, x and y in cells, and their (n, 1) strides."""
    cells, strides = [], []
    for stride in _STRIDES:
        rows, columns = np.mgrid[: size_px[0] // stride, : size_px[1] // stride]
        cells.append(np.stack([columns.ravel(), rows.ravel()], axis=1))
        strides.append(np.full((rows.size, 1), stride))
    return np.concatenate(cells).astype(np.float32), np.concatenate(strides).astype(np.float32)
