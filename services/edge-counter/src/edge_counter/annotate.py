"""Draws what was counted into a video, to see why. Needs the extra `annotate`."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import supervision

from edge_counter.camera import Camera
from edge_counter.clip import Step, Watcher
from edge_counter.counting import Line
from edge_counter.errors import BadOutput
from edge_counter.pipeline import Anchor

_TRACE_S: Final = 3.0


@contextmanager
def drawing(camera: Camera, output: Path, line: Line, anchor: Anchor) -> Iterator[Watcher]:
    """Open the video; what is yielded draws one picture into it.

    Raises:
        BadOutput: the file cannot be written.
    """
    opened = camera.opened
    writer = cv2.VideoWriter(
        str(output),
        cv2.CAP_FFMPEG,
        cv2.VideoWriter.fourcc(*"mp4v"),
        opened.frames_per_s,
        (opened.width_px, opened.height_px),
    )
    try:
        if not writer.isOpened():
            raise BadOutput(f"{output}: cannot be written as a video; a name in .mp4 can")
        canvas = _Canvas(line, anchor, trace=max(2, round(_TRACE_S * opened.frames_per_s)))
        yield lambda step: writer.write(canvas.draw(step))
    finally:
        writer.release()


class _Canvas:
    def __init__(self, line: Line, anchor: Anchor, *, trace: int) -> None:
        self._start = supervision.Point(line.x1, line.y1)
        self._end = supervision.Point(line.x2, line.y2)
        by_track = supervision.ColorLookup.TRACK
        position = supervision.Position
        point = position.BOTTOM_CENTER if anchor == "foot" else position.CENTER
        self._boxes = supervision.BoxAnnotator(color_lookup=by_track)
        self._labels = supervision.LabelAnnotator(color_lookup=by_track)
        self._traces = supervision.TraceAnnotator(
            position=point, trace_length=trace, color_lookup=by_track
        )

    def draw(self, step: Step) -> np.ndarray:
        picture = step.frame.image_bgr.copy()
        people = supervision.Detections(
            xyxy=step.tracks.boxes_px,
            confidence=step.tracks.confidences,
            tracker_id=step.tracks.ids,
        )
        picture = self._traces.annotate(picture, people)
        picture = self._boxes.annotate(picture, people)
        labels = [str(track) for track in step.tracks.ids]
        picture = self._labels.annotate(picture, people, labels=labels)
        picture = supervision.draw_line(picture, self._start, self._end)
        totals = Counter(crossing.direction for crossing in step.crossings)
        return supervision.draw_text(
            picture,
            f"entries {totals['entry']}  exits {totals['exit']}",
            supervision.Point(picture.shape[1] / 2, 24),
            text_color=supervision.Color.WHITE,
            background_color=supervision.Color.BLACK,
        )
