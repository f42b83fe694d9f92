"""How one camera does. Its player writes it, from a thread; probes and heartbeats read it."""

import time
from dataclasses import dataclass, field
from typing import Final

from prometheus_client import Counter, Gauge

from edge_counter.camera import Frame
from edge_counter.picture import LOOK_EVERY_S, Look, Watch

FRAMES: Final = Counter("edge_frames", "Pictures that were processed.", ["camera"])
SINCE_FRAME: Final = Gauge(
    "edge_seconds_since_frame", "Since the last picture was processed.", ["camera"]
)
FRAMES_WITHIN_S: Final = 10.0


@dataclass(slots=True)
class Problems:
    """What keeps something from its work.

    Args:
        problems: by the part that has one.
    """

    problems: dict[str, str] = field(default_factory=dict)

    def note(self, part: str, problem: str | None) -> bool:
        """Set or clear a part's problem; tell whether that is news."""
        is_news = self.problems.get(part) != problem
        if problem is None:
            self.problems.pop(part, None)
        else:
            self.problems[part] = problem
        return is_news

    def told(self) -> list[str]:
        return [f"{part}: {problem}" for part, problem in sorted(self.problems.copy().items())]


@dataclass(slots=True)
class Vitals(Problems):
    """What is known of a camera. All times are of the monotonic clock.

    Args:
        code: of the camera in Atrium, for metrics and reasons.
        frames_within_s: how old the last processed picture may be.
        frame_at_s: when the last one was processed, at first the start.
        is_finished: the recording has been counted; no picture is missing.
        came, processed: pictures since the start.
        came_at_s: when the last one came; None: none ever did.
        open_since_s: when pictures began to come without a break; None: none come.
        slowest_s: the longest that a picture took from its coming to the end of its processing,
            since a heartbeat last took this figure.
        watch: what the pictures look like.
    """

    code: str = ""
    frames_within_s: float = FRAMES_WITHIN_S
    frame_at_s: float = field(default_factory=time.monotonic)
    is_finished: bool = False
    is_stream: bool = False
    came: int = 0
    processed: int = 0
    came_at_s: float | None = None
    open_since_s: float | None = None
    slowest_s: float = 0.0
    watch: Watch = field(default_factory=Watch)
    _index: int = -1
    _looked_at_s: float | None = None

    def opened(self, *, is_stream: bool) -> None:
        self.is_stream = is_stream
        self._index = -1
        self.open_since_s = time.monotonic()

    def closed(self) -> None:
        self.open_since_s = None

    def saw(self, frame: Frame) -> None:
        """Take note of a picture, and of those before it that were dropped."""
        now_s = time.monotonic()
        self.came += frame.index - self._index
        self._index = frame.index
        self.came_at_s = now_s
        if self._looked_at_s is None or now_s - self._looked_at_s >= LOOK_EVERY_S:
            self._looked_at_s = now_s
            self.watch.see(Look.at(frame.image_bgr), now_s)

    def did(self, lag_s: float) -> None:
        """Take note that the picture has been processed, and how long after its coming."""
        self.frame_at_s = time.monotonic()
        self.processed += 1
        self.slowest_s = max(self.slowest_s, lag_s)
        FRAMES.labels(self.code).inc()

    def seconds_since_frame(self) -> float:
        return time.monotonic() - self.frame_at_s

    def reasons(self) -> list[str]:
        """Return why this camera is not counted; nothing when it is."""
        reasons = self.told()
        late_s = self.seconds_since_frame()
        if not self.is_finished and not self.processed:
            reasons.append("no picture yet")
        elif not self.is_finished and late_s > self.frames_within_s:
            reasons.append(f"no picture for {late_s:.0f} s")
        return reasons

    def show(self) -> None:
        """Begin the camera's metrics."""
        SINCE_FRAME.labels(self.code).set_function(self.seconds_since_frame)

    def hide(self) -> None:
        """End them: the camera has gone."""
        SINCE_FRAME.remove(self.code)
