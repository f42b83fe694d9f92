"""From pictures to crossings: detector, tracker, lines."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from edge_counter.camera import Frame
from edge_counter.counting import Direction, Line, LineCounter
from edge_counter.detector import Detector
from edge_counter.tracking import Tracker, Tracks

Anchor = Literal["foot", "centre"]


@dataclass(frozen=True, slots=True)
class Crossing:
    """Somebody crossed a line.

    Args:
        time_s: on the clock of the frames.
        confidence: the best score that the person's track has had, 0 to 1.
    """

    line_id: int
    direction: Direction
    track_id: str
    confidence: float
    time_s: float


class Pipeline:
    """Everything that remembers people, for one run of a source.

    Args:
        detector: finds them; it remembers nothing.
        run_id: of the run; the same run gives the same track ids.
        anchor: the point of a person's box that crosses: `foot`, the middle of its lower edge,
            or `centre`, for lines that only bodies reach, as where feet are outside the picture.
    """

    def __init__(self, detector: Detector, *, run_id: str, anchor: Anchor = "foot") -> None:
        self._detector = detector
        self._run_id = run_id
        self._is_foot = anchor == "foot"
        self._tracker = Tracker(detector.min_confidence)
        self._counters: dict[int, LineCounter] = {}

    def watch(self, lines: Mapping[int, Line]) -> None:
        """Count on these lines from now on; a line that stays as it is keeps what it knows."""
        self._counters = {
            line_id: counter
            if (counter := self._counters.get(line_id)) and counter.line == line
            else LineCounter(line)
            for line_id, line in lines.items()
        }

    def process(self, frame: Frame) -> tuple[list[Crossing], Tracks]:
        """Take the next picture; return what was crossed in it and who was seen."""
        detections = self._detector.detect(frame.image_bgr)
        tracks = self._tracker.update(detections, frame.time_s)
        crossings = []
        for track, box_px, confidence in zip(
            tracks.ids.tolist(),
            tracks.boxes_px.tolist(),
            tracks.confidences.tolist(),
            strict=True,
        ):
            crossings += self._cross(track, box_px, confidence, frame.time_s)
        for counter in self._counters.values():
            for track in tracks.ended:
                counter.forget(track)
        return crossings, tracks

    def track_id(self, track: int) -> str:
        return f"{self._run_id}-{track}"

    def _cross(
        self, track: int, box_px: list[float], confidence: float, time_s: float
    ) -> list[Crossing]:
        left, top, right, bottom = box_px
        x, y = (left + right) / 2, bottom if self._is_foot else (top + bottom) / 2
        crossings = []
        for line_id, counter in self._counters.items():
            passage = counter.update(track, x=x, y=y, height_px=bottom - top, time_s=time_s)
            if passage is not None:
                crossing = Crossing(
                    line_id=line_id,
                    direction=passage.direction,
                    track_id=self.track_id(track),
                    confidence=min(confidence, 1.0),
                    time_s=passage.time_s,
                )
                crossings.append(crossing)
        return crossings
