"""Fits pictures into the input of a model."""

from typing import Final

import cv2
import numpy as np

from edge_counter.detections import Floats, Image


class Letterbox:
    """Fits pictures of one size into the top left of a (1, 3, h, w) input: blue, green, red.

    It keeps its buffers: new memory for each picture costs more than all the arithmetic.

    Args:
        frame_bgr: the first picture; all others have its size.
        tensor: the input.
        blank: what stands beside the picture, in the input's own scale.
        mean_bgr, deviation_bgr: of the pictures that the model has learnt from, 0 to 255; it
            wants colours as distances from the mean, in deviations. None: 0 to 255, as they are.
    """

    def __init__(
        self,
        frame_bgr: Image,
        tensor: Floats,
        *,
        blank: float,
        mean_bgr: tuple[float, ...] | None = None,
        deviation_bgr: tuple[float, ...] = (1, 1, 1),
    ) -> None:
        height_px, width_px = tensor.shape[2:]
        self.scale: Final[float] = min(
            height_px / frame_bgr.shape[0], width_px / frame_bgr.shape[1]
        )
        rows, columns = (max(1, int(side_px * self.scale)) for side_px in frame_bgr.shape[:2])
        tensor.fill(blank)
        self._filled = tensor[0, :, :rows, :columns]
        self._fitted: Image = np.empty((rows, columns, 3), np.uint8)
        self._planes = [np.empty((rows, columns), np.uint8) for _ in range(3)]
        self._mean = None if mean_bgr is None else np.array(mean_bgr, np.float32)
        self._share = 1 / np.array(deviation_bgr, np.float32)

    def fill(self, frame_bgr: Image) -> None:
        """Put the next picture into the input; what is beside it is left alone."""
        rows, columns = self._fitted.shape[:2]
        cv2.resize(frame_bgr, (columns, rows), dst=self._fitted)
        cv2.split(self._fitted, self._planes)
        for index, plane in enumerate(self._planes):
            if self._mean is None:
                self._filled[index] = plane
            else:
                np.subtract(plane, self._mean[index], out=self._filled[index])
                self._filled[index] *= self._share[index]
