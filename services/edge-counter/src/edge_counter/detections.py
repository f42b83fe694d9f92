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
