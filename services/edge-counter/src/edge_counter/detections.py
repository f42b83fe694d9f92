"""The boxes that a detector finds in one picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]
Shape = Sequence[int | str | None]  # of a model's input or output; a name or None is free

LEAST_SCORE: Final = 0.2  # under it the tracker uses no box


@dataclass(frozen=True, slots=True)
class Detections:
    """People in one picture.

    Args:
        boxes_px: (n, 4), left, top, right, bottom, inside the picture.
        scores: (n,), 0 to 1, how sure the detector is.
    """

    boxes_px: Floats
    scores: Floats

    def __len__(self) -> int:
        return len(self.scores)


def overlaps(
    ones_px: NDArray[np.floating], others_px: NDArray[np.floating]
) -> NDArray[np.floating]:
    """Return the intersection over union of each of n boxes with each of m, as (n, m)."""
    left, top, right, bottom = ones_px.T[:, :, None]
    other_left, other_top, other_right, other_bottom = others_px.T[:, None, :]
    width = np.minimum(right, other_right) - np.maximum(left, other_left)
    height = np.minimum(bottom, other_bottom) - np.maximum(top, other_top)
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    area = (right - left) * (bottom - top)
    other_area = (other_right - other_left) * (other_bottom - other_top)
    return np.asarray(shared / np.maximum(area + other_area - shared, 1e-9))


def without_doubles(boxes_px: Floats, scores: Floats, same_person: float) -> NDArray[np.intp]:
    """Return the indices of boxes that no better box covers, best first: greedy NMS.

    Args:
        same_person: intersection over union above which two boxes are one person.
    """
    order = np.argsort(-scores, kind="stable")
    covers = np.triu(overlaps(boxes_px[order], boxes_px[order]) > same_person, 1)
    is_kept = np.ones(len(order), np.bool_)
    for index in np.flatnonzero(covers.any(axis=1)):
        if is_kept[index]:
            is_kept &= ~covers[index]
    return order[is_kept]
