"""Plays a source into the pipeline and its crossings into the spool, until told to stop."""

import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from edge_counter import recording
from edge_counter.assets import resolve_source
from edge_counter.camera import Camera, Frame, Source
from edge_counter.configuration import Configuration, lines_for
from edge_counter.counting import Line
from edge_counter.decoder import Opened
from edge_counter.detector import Detector
from edge_counter.errors import BadAsset, BadSource, EdgeError
from edge_counter.health import Health
from edge_counter.ledger import Ledger
from edge_counter.pipeline import Anchor, Crossing, Pipeline
from edge_counter.spool import DatedCrossing, Recording, Spool

_log = logging.getLogger(__name__)

_PAUSE_S: Final = 0.2  # between looks for what is waited for
_LONGEST_REOPEN_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Playing:
    """How a source is played.

    Args:
        address: a path, an URL or a clip's name; it may hold a password.
        is_looped, speed, take: for files; see the settings.
    """

    address: str = field(repr=False)
    anchor: Anchor
    is_looped: bool
    speed: float
    take: str
    silent_after_s: float


class Player:
    """Plays one source for ever, reopening it when it fails. `run` is for a thread.

    Args:
        configuration: gives the newest one; another object when it has changed.
        stored: told after crossings became durable.
        stop: set from anywhere, ends it within a fraction of a second.
    """

    def __init__(
        self,
        playing: Playing,
        detector: Detector,
        spool: Spool,
        health: Health,
        *,
        configuration: Callable[[], Configuration | None],
        stored: Callable[[], None],
        stop: threading.Event,
    ) -> None:
        self._playing = playing
        self._detector = detector
        self._spool = spool
        self._health = health
        self._configuration = configuration
        self._stored = stored
        self._stop = stop
        self._failures = 0
        self._live = Pipeline(detector, run_id=secrets.token_hex(4), anchor=playing.anchor)

    def run(self) -> None:
        camera_id = self._camera_id()
        while not self._stop.is_set():
            try:
                ledger = Ledger(self._spool, camera_id, self._health, self._stored)
                source = resolve_source(self._playing.address)
                if source.is_stream:
                    self._play_stream(source, ledger)
                else:
                    self._play_file(source, ledger, camera_id)
            except (BadAsset, BadSource) as error:
                self._back_off(error)

    def _camera_id(self) -> int:
        """Wait for the first configuration; the camera's id never changes after it."""
        while (configuration := self._configuration()) is None:
            if self._stop.wait(_PAUSE_S):
                return 0
        return configuration.camera.id

    def _back_off(self, error: EdgeError) -> None:
        if self._stop.is_set():
            return
        if self._health.note("source", str(error)):
            _log.warning("source failed: trying again", extra={"reason": str(error)})
        self._stop.wait(min(_LONGEST_REOPEN_S, 0.5 * 2 ** min(self._failures, 10)))
        self._failures += 1

    def _play_stream(self, source: Source, ledger: Ledger) -> None:
        with self._camera(source) as camera:
            lines = self._lines(camera.opened)
            self._live.watch(lines.usable)
            for frame in camera:
                crossings = self._process(self._live, lines, frame)
                ledger.write([_dated(one, _instant_of_now(one.time_s)) for one in crossings])

    def _play_file(self, source: Source, ledger: Ledger, camera_id: int) -> None:
        playing, now = self._playing, datetime.now(UTC)
        content = recording.identify(source, playing.take)
        run = self._spool.recording(camera_id, content)
        plan = recording.decide(run, is_looped=playing.is_looped, now=now)
        self._health.is_finished = plan == "done"
        if plan == "done":
            _log.info("this file is counted; another EDGE_TAKE counts it once more")
            self._stop.wait()
            return
        with self._camera(source) as camera:
            lines = self._lines(camera.opened)
            if run is None or plan == "begin":
                opened, now = camera.opened, datetime.now(UTC)
                duration_s = (opened.frames or 0) / opened.frames_per_s
                run = recording.begin(content, speed=playing.speed, duration_s=duration_s, now=now)
            _log.info("file %s", plan, extra={"run": run.run_id, "after_frame": run.frame})
            self._count(camera, run, lines, ledger)

    def _count(self, camera: Camera, run: Recording, lines: "_Lines", ledger: Ledger) -> None:
        pipeline = Pipeline(self._detector, run_id=run.run_id, anchor=self._playing.anchor)
        pipeline.watch(lines.usable)
        now = datetime.now(UTC)
        pace = recording.Pace(run, now)
        done = run
        for frame in camera:
            if frame.index > run.frame:
                self._stop.wait(max(0.0, pace.wait_s(frame.time_s)))
            last, now = now, datetime.now(UTC)
            if self._playing.is_looped and now - last > recording.ABANDONED_AFTER:
                return
            crossings = self._process(pipeline, lines, frame)
            if frame.index > run.frame:
                done = replace(run, frame=frame.index, seen_at=now)
                dated = [_dated(one, recording.instant_of(run, one.time_s)) for one in crossings]
                ledger.write(dated, done)
        finished = replace(done, is_finished=True)
        while not self._stop.is_set() and not ledger.write([], finished):
            self._stop.wait(_PAUSE_S)

    def _camera(self, source: Source) -> Camera:
        return Camera(source, stop=self._stop, silent_after_s=self._playing.silent_after_s)

    def _lines(self, opened: Opened) -> "_Lines":
        """Wait until there is a line to count on: a file must not pass by uncounted."""
        lines = _Lines(self._configuration, opened, self._health)
        lines.refresh()
        while not lines.usable and not self._stop.wait(_PAUSE_S):
            lines.refresh()
        return lines

    def _process(self, pipeline: Pipeline, lines: "_Lines", frame: Frame) -> list[Crossing]:
        if lines.refresh():
            pipeline.watch(lines.usable)
        crossings, _ = pipeline.process(frame)
        self._health.saw_frame()
        self._failures = 0
        if self._health.note("source", None):
            _log.info("source is back")
        return crossings


class _Lines:
    """The lines of the newest configuration, for pictures of one size."""

    def __init__(
        self, configuration: Callable[[], Configuration | None], opened: Opened, health: Health
    ) -> None:
        self._configuration = configuration
        self._opened = opened
        self._health = health
        self._seen: Configuration | None = None
        self.usable: dict[int, Line] = {}

    def refresh(self) -> bool:
        """Take over a changed configuration; tell whether it has changed."""
        newest = self._configuration()
        if newest is None or newest is self._seen:
            return False
        self._seen = newest
        opened = self._opened
        self.usable, problems = lines_for(newest, opened.width_px, opened.height_px)
        for problem in problems:
            _log.warning("line left out", extra={"reason": problem})
        none = "; ".join(["no line to count on", *problems])
        self._health.note("lines", None if self.usable else none)
        return True


def _dated(crossing: Crossing, crossed_at: datetime) -> DatedCrossing:
    return DatedCrossing(
        line_id=crossing.line_id,
        direction=crossing.direction,
        track_id=crossing.track_id,
        confidence=crossing.confidence,
        crossed_at=crossed_at,
    )


def _instant_of_now(time_s: float) -> datetime:
    """Turn a time of the monotonic clock into an instant."""
    return datetime.now(UTC) - timedelta(seconds=time.monotonic() - time_s)
