"""Plays a source into the pipeline and its crossings into the spool, until told to stop."""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Final

from edge_counter import recording
from edge_counter.assets import resolve_source
from edge_counter.budget import FrameBudget
from edge_counter.camera import Camera, Frame, Source
from edge_counter.configuration import Configuration, lines_for
from edge_counter.counting import Line
from edge_counter.decoder import Opened
from edge_counter.detector import Detector
from edge_counter.errors import BadAsset, BadSource, EdgeError, SourceForbidden
from edge_counter.ledger import Ledger
from edge_counter.on_request import Shutter
from edge_counter.pipeline import Anchor, Crossing, Pipeline
from edge_counter.spool import DatedCrossing, Recording, Spool, WhenFull
from edge_counter.vitals import Vitals

_log = logging.getLogger(__name__)

_PAUSE_S: Final = 0.2  # between looks for what is waited for
_FIRST_REOPEN_S: Final = 0.5
# Cameras lock an account after some wrong passwords, for a time that each further one begins anew.
_REFUSED_PAUSE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Playing:
    """How a source is played.

    Args:
        address: a path, an URL or a clip's name; it may hold a password.
        is_looped, speed, take: for files; see the settings.
        silent_after_s, open_within_s, reopen_s: for streams; likewise.
        most_per_s: pictures in which people are looked for.
        when_full: what becomes of crossings when there is no room left.
    """

    address: str = field(repr=False)
    anchor: Anchor
    is_looped: bool
    speed: float
    take: str
    silent_after_s: float
    open_within_s: float
    reopen_s: float
    most_per_s: float
    when_full: WhenFull


class Player:
    """Plays one source for ever, reopening it when it fails. `run` is for a thread.

    Args:
        ledger: takes the crossings.
        vitals: told how the camera does.
        configuration: gives the newest one; another object when it has changed.
        stop: set from anywhere, ends it within a fraction of a second.
        shutter: shown each picture.
    """

    def __init__(
        self,
        playing: Playing,
        detector: Detector,
        spool: Spool,
        ledger: Ledger,
        vitals: Vitals,
        *,
        configuration: Callable[[], Configuration],
        stop: threading.Event,
        shutter: Shutter,
    ) -> None:
        self._playing = playing
        self._detector = detector
        self._spool = spool
        self._ledger = ledger
        self._vitals = vitals
        self._configuration = configuration
        self._stop = stop
        self._shutter = shutter
        self._failures = 0
        self._live = Pipeline(detector, run_id=secrets.token_hex(4), anchor=playing.anchor)

    def run(self) -> None:
        while not self._stop.is_set():
            try:
                source = resolve_source(self._playing.address)
                if source.is_stream:
                    self._play_stream(source)
                else:
                    self._play_file(source)
            except (BadAsset, BadSource) as error:
                self._back_off(error)
            finally:
                self._vitals.closed()

    def _back_off(self, error: EdgeError) -> None:
        if self._stop.is_set():
            return
        if self._vitals.note("source", str(error)):
            reason = {"camera": self._vitals.code, "reason": str(error)}
            _log.warning("source failed: trying again", extra=reason)
        is_refused = isinstance(error, SourceForbidden)
        growing_s = _FIRST_REOPEN_S * 2 ** min(self._failures, 10)
        self._stop.wait(_REFUSED_PAUSE_S if is_refused else min(self._playing.reopen_s, growing_s))
        self._failures += 1

    def _play_stream(self, source: Source) -> None:
        with self._camera(source) as camera:
            lines = _Lines(self._configuration, camera.opened, self._vitals)
            self._vitals.opened(is_stream=True)
            for frame in camera:
                self._see(frame)
                if lines.refresh():
                    self._live.watch(lines.usable)
                if not lines.usable:
                    continue
                crossings, _ = self._live.process(frame)
                self._vitals.did(time.monotonic() - frame.time_s)
                self._write([_dated(one, _instant_of_now(one.time_s)) for one in crossings])

    def _write(self, crossings: list[DatedCrossing]) -> None:
        """Hand on what a stream has; it goes on, whether or not there is room."""
        self._ledger.write(crossings)
        if self._ledger.is_full and self._playing.when_full == "drop_oldest":
            self._ledger.give_up_oldest()
        self._wait_for_room()

    def _wait_for_room(self) -> None:
        """Stop counting rather than lose what was counted."""
        while self._ledger.is_full and not self._stop.wait(_PAUSE_S):
            self._ledger.write([])

    def _play_file(self, source: Source) -> None:
        playing, now = self._playing, datetime.now(UTC)
        content = recording.identify(source, playing.take)
        run = self._spool.recording(self._ledger.camera_id, content)
        plan = recording.decide(run, is_looped=playing.is_looped, now=now)
        self._vitals.is_finished = plan == "done"
        if plan == "done":
            _log.info("this file is counted; another EDGE_TAKE counts it once more")
            self._stop.wait()
            return
        with self._camera(source) as camera:
            frames = iter(camera)
            first = next(frames, None)
            if first is None:
                return
            lines = self._lines(camera.opened, first)
            if run is None or plan == "begin":
                opened, now = camera.opened, datetime.now(UTC)
                duration_s = (opened.frames or 0) / opened.frames_per_s
                run = recording.begin(content, speed=playing.speed, duration_s=duration_s, now=now)
            _log.info("file %s", plan, extra={"run": run.run_id, "after_frame": run.frame})
            self._vitals.opened(is_stream=False)
            self._count(chain([first], frames), run, lines)

    def _count(self, frames: Iterable[Frame], run: Recording, lines: "_Lines") -> None:
        pipeline = Pipeline(self._detector, run_id=run.run_id, anchor=self._playing.anchor)
        pipeline.watch(lines.usable)
        budget = FrameBudget(self._playing.most_per_s)
        now = datetime.now(UTC)
        pace = recording.Pace(run, now)
        done = run
        for frame in frames:
            if frame.index > run.frame:
                self._stop.wait(max(0.0, pace.wait_s(frame.time_s)))
            last, now = now, datetime.now(UTC)
            if self._playing.is_looped and now - last > recording.ABANDONED_AFTER:
                return
            self._see(frame)
            if not budget.takes(frame.time_s):
                continue
            if lines.refresh():
                pipeline.watch(lines.usable)
            crossings, _ = pipeline.process(frame)
            self._vitals.did(max(0.0, -pace.wait_s(frame.time_s)))
            if frame.index > run.frame:
                done = replace(run, frame=frame.index, seen_at=now)
                dated = [_dated(one, recording.instant_of(run, one.time_s)) for one in crossings]
                self._ledger.write(dated, done)
                self._wait_for_room()  # a file has time
        finished = replace(done, is_finished=True)
        while not self._stop.is_set() and not self._ledger.write([], finished):
            self._stop.wait(_PAUSE_S)

    def _camera(self, source: Source) -> Camera:
        return Camera(
            source,
            stop=self._stop,
            silent_after_s=self._playing.silent_after_s,
            open_within_s=self._playing.open_within_s,
            most_per_s=self._playing.most_per_s,
        )

    def _lines(self, opened: Opened, first: Frame) -> "_Lines":
        """Wait until there is a line to count on: a file must not pass by uncounted."""
        lines = _Lines(self._configuration, opened, self._vitals)
        lines.refresh()
        while not lines.usable and not self._stop.wait(_PAUSE_S):
            self._shutter.see(first.image_bgr)  # to draw the line on
            lines.refresh()
        return lines

    def _see(self, frame: Frame) -> None:
        self._vitals.saw(frame)
        self._shutter.see(frame.image_bgr)
        self._failures = 0
        if self._vitals.note("source", None):
            _log.info("source is back", extra={"camera": self._vitals.code})


class _Lines:
    """The lines of the newest configuration, for pictures of one size."""

    def __init__(
        self, configuration: Callable[[], Configuration], opened: Opened, vitals: Vitals
    ) -> None:
        self._configuration = configuration
        self._opened = opened
        self._vitals = vitals
        self._seen: Configuration | None = None
        self.usable: dict[int, Line] = {}

    def refresh(self) -> bool:
        """Take over a changed configuration; tell whether it has changed."""
        newest = self._configuration()
        if newest is self._seen:
            return False
        if self._seen is not None:
            self._vitals.watch.begin_anew()
        self._seen = newest
        opened = self._opened
        self.usable, problems = lines_for(newest, opened.width_px, opened.height_px)
        for problem in problems:
            _log.warning("line left out", extra={"camera": self._vitals.code, "reason": problem})
        none = "; ".join(["no line to count on", *problems])
        self._vitals.note("lines", None if self.usable else none)
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
