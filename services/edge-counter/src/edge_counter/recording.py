"""Files, each counted exactly once, whatever kills the process in between.

The spool notes, in one transaction with the crossings, the picture up to which a file was
counted. A restart plays the file again from its first picture, as fast as it can, which brings
tracker and lines back to where they were, and drops the crossings up to that picture. Track ids
derive from the run and instants from its start, so that everything comes out as if nothing had
happened.
"""

import secrets
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from edge_counter.camera import Source
from edge_counter.errors import SourceMissing
from edge_counter.spool import Recording

ABANDONED_AFTER: Final = timedelta(seconds=60)


def identify(source: Source, take: str) -> str:
    """Name a file's content; another take makes it another recording.

    Raises:
        SourceMissing: there is no such file.
    """
    file = Path(source.address).resolve()
    try:
        facts = file.stat()
    except OSError as error:
        raise SourceMissing(f"{source}: {error.strerror}") from error
    return f"{file} {facts.st_size} {facts.st_mtime_ns} {take}"


def decide(
    found: Recording | None, *, is_looped: bool, now: datetime
) -> Literal["begin", "resume", "done"]:
    """Tell what to do with a file.

    One that is played in a loop stands for a live camera: when it stood still for over a minute,
    as on a laptop that slept, it begins anew instead of catching up.
    """
    if found is None:
        return "begin"
    if found.is_finished:
        return "begin" if is_looped else "done"
    if is_looped and now - found.seen_at > ABANDONED_AFTER:
        return "begin"
    return "resume"


def begin(source: str, *, speed: float, duration_s: float, now: datetime) -> Recording:
    """Make a new run. One as fast as it can is dated as if it had been recorded just now.

    Args:
        duration_s: of the whole file, 0 if it does not say.
    """
    return Recording(
        source=source,
        run_id=secrets.token_hex(4),
        started_at=now if speed else now - timedelta(seconds=duration_s),
        speed=speed,
        frame=-1,
        is_finished=False,
        seen_at=now,
    )


def instant_of(run: Recording, time_s: float) -> datetime:
    """Return when something in a file happened, for its run; the same after any restart."""
    return run.started_at + timedelta(seconds=time_s / (run.speed or 1))


class Pace:
    """Holds a run to its speed; after a restart it is behind and catches up.

    Runs on the monotonic clock, so that setting the wall clock neither stops nor hurries it.
    """

    def __init__(self, run: Recording, now: datetime) -> None:
        self._speed = run.speed
        since_start_s = max(0.0, (now - run.started_at).total_seconds())
        self._began_at_s = time.monotonic() - since_start_s

    def wait_s(self, time_s: float) -> float:
        """Return how long a picture is still to wait for; not above 0 when it is due."""
        if not self._speed:
            return 0.0
        return self._began_at_s + time_s / self._speed - time.monotonic()
