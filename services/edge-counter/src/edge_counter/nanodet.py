"""Reads NanoDet models of the first series, as NanoDet-m (RangiLyu, "NanoDet", 2020)."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge_counter.detections import LEAST_SCORE, Detections, Floats, Shape, without_doubles

# Intersection over union above which two boxes are one person, as its authors have it: with
# less, people who walk past each other become one, and go on as each other.
SAME_PERSON: Final = 0.6

# Of ImageNet's pictures, 0 to 255.
MEAN_BGR: Final = (103.53, 116.28, 123.675)
DEVIATION_BGR: Final = (57.375, 57.12, 58.395)

_STRIDES: Final = (8, 16, 32)
_SIDES: Final = 4  # of a box: left, top, right, bottom


def fits(inputs: Sequence[Shape], outputs: Sequence[Shape]) -> bool:
    """Tell by its inputs and outputs whether a model is a NanoDet."""
    if len(inputs) != 1 or len(inputs[0]) != 4 or len(outputs) != 2 * len(_STRIDES):
        return False
    _, channels, height_px, width_px = inputs[0]
    if channels != 3 or not isinstance(height_px, int) or not isinstance(width_px, int):
        return False
    if any(len(output) != 3 for output in outputs):
        return False
    expected = [(height_px // stride) * (width_px // stride) for stride in _STRIDES]
    values = {output[2] for output in outputs[:3]}, {output[2] for output in outputs[3:]}
    [classes, *more_classes], [distances, *more_distances] = values
    return (
        [output[1] for output in outputs] == 2 * expected
        and not more_classes
        and not more_distances
        and isinstance(classes, int)
        and isinstance(distances, int)
        and distances % _SIDES == 0
    )


def classes_of(outputs: Sequence[Shape]) -> int:
    """Return how many classes of things the model tells apart."""
    return int(outputs[0][2] or 0)


def read(
    outputs: Sequence[Floats], size_px: tuple[int, int], classes: NDArray[np.intp]
) -> Detections:
    """Make boxes, in pixels of the input, from what the model says of each cell.

    That is, for each stride: how surely there is something of each class; then, for each stride,
    how far the box's sides are from the cell's centre. A distance is said as a distribution over
    0, 1, 2, ... cells ("Generalized Focal Loss", Li et al. 2020), of which the mean is taken. The
    cells follow each other row by row.

    Args:
        outputs: of the model.
        size_px: height and width of its input.
        classes: indices of those that are wanted.
    """
    boxes, scores = [], []
    for stride, of_classes, of_sides in zip(_STRIDES, outputs[:3], outputs[3:], strict=True):
        score = of_classes[0][:, classes].max(axis=1)
        likely = np.flatnonzero(score >= LEAST_SCORE)
        row, column = np.divmod(likely, size_px[1] // stride)
        centre = (np.stack([column, row], axis=1) + 0.5) * stride
        steps = of_sides.shape[2] // _SIDES
        distance = _means(of_sides[0][likely].reshape(-1, _SIDES, steps)) * stride
        boxes.append(np.concatenate([centre - distance[:, :2], centre + distance[:, 2:]], axis=1))
        scores.append(score[likely])
    boxes_px, score = np.concatenate(boxes).astype(np.float32), np.concatenate(scores)
    kept = without_doubles(boxes_px, score, SAME_PERSON)
    return Detections(boxes_px[kept], score[kept])


def _means(logits: Floats) -> Floats:
    """Return the means of distributions over 0, 1, 2, ... along the last axis."""
    weights = np.exp(logits - logits.max(axis=2, keepdims=True))
    steps = np.arange(logits.shape[2], dtype=np.float32)
    return np.asarray(weights @ steps / weights.sum(axis=2))
