"""`edge-counter run` with a detector that needs no model: people are white boxes."""

import asyncio

import cv2
import numpy as np

from common.log import set_up_logging
from edge_counter import edge
from edge_counter.detections import Detections, Image
from edge_counter.settings import Settings


class Blobs:
    """Finds white boxes on dark ground."""

    min_confidence = 0.6

    def detect(self, frame_bgr: Image) -> Detections:
        white = (frame_bgr[:, :, 0] > 160).astype(np.uint8)
        count, _, stats, _ = cv2.connectedComponentsWithStats(white)
        boxes = stats[1:, :4].astype(np.float32)
        boxes[:, 2:] += boxes[:, :2]
        is_big = stats[1:, cv2.CC_STAT_AREA] > 200
        return Detections(boxes[is_big], np.full(count - 1, 0.9, np.float32)[is_big])


if __name__ == "__main__":
    set_up_logging("edge-counter", style="text")
    asyncio.run(edge.run(Settings(), Blobs))
