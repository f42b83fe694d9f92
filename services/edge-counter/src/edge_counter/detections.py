"""The boxes that a detector finds in one picture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]


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


def areas_px2(boxes_px: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the areas of (n, 4) boxes."""
    return (boxes_px[:, 2] - boxes_px[:, 0]) * (boxes_px[:, 3] - boxes_px[:, 1])


def overlaps(
    ones_px: NDArray[np.floating], others_px: NDArray[np.floating]
) -> NDArray[np.floating]:
    """Return the intersection over union of each of n boxes with each of m, as (n, m)."""
    top_left = np.maximum(ones_px[:, None, :2], others_px[None, :, :2])
    bottom_right = np.minimum(ones_px[:, None, 2:], others_px[None, :, 2:])
    shared = np.clip(bottom_right - top_left, 0, None).prod(axis=2)
    union = areas_px2(ones_px)[:, None] + areas_px2(others_px)[None, :] - shared
    return np.asarray(shared / np.maximum(union, 1e-9))
