"""Keeps crossings on disk until Kafka has them, and numbers them without gap or repetition.

A crossing is committed, synced, before anybody else learns of it. How far a recording was
processed is committed with its crossings, so that a restart knows which of them are out.

A spool that cannot be read is renamed and a new one begun. Its numbers must not be used again
for other crossings: `sent_marks` remembers those that have left this machine.
"""

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from common.events import CROSSINGS, CrossingV1
from edge_counter.counting import Direction
from edge_counter.errors import SpoolUnavailable
from edge_counter.files import own
from edge_counter.sent_marks import SentMarks

_log = logging.getLogger(__name__)

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS last_sequence (
    edge_id TEXT, camera_id INTEGER, sequence INTEGER NOT NULL,
    PRIMARY KEY (edge_id, camera_id)
) STRICT;
CREATE TABLE IF NOT EXISTS crossing (
    -- Never used again, so that a place in the order stays one when all rows are gone.
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    edge_id TEXT NOT NULL, camera_id INTEGER NOT NULL, sequence INTEGER NOT NULL,
    event BLOB NOT NULL,
    UNIQUE (edge_id, camera_id, sequence)
) STRICT;
CREATE TABLE IF NOT EXISTS recording (
    camera_id INTEGER, source TEXT,
    run_id TEXT NOT NULL, started_at TEXT NOT NULL, speed REAL NOT NULL,
    frame INTEGER NOT NULL, is_finished INTEGER NOT NULL, seen_at TEXT NOT NULL,
    PRIMARY KEY (camera_id, source)
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class DatedCrossing:
    """A crossing that is to be reported."""

    line_id: int
    direction: Direction
    track_id: str
    confidence: float
    crossed_at: datetime


@dataclass(frozen=True, slots=True)
class Recording:
    """How far a file was processed.

    Args:
        source: identifies the file's content.
        run_id: of this playing of it; a loop makes a new one.
        started_at: instant of its first picture.
        speed: pictures' seconds per second; 0 is as fast as it can.
        frame: index of the last picture whose crossings are in the spool; -1 before the first.
        seen_at: when it was last worked on.
    """

    source: str
    run_id: str
    started_at: datetime
    speed: float
    frame: int
    is_finished: bool
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """A crossing as it goes to Kafka, byte for byte the same each time."""

    position: int
    edge_id: str
    camera_id: int
    sequence: int
    event: bytes


class Spool:
    """The crossings of one edge-counter that Kafka does not have yet. Any thread may use it.

    Args:
        folder: made if it is missing; only one process may use it.
        edge_id: who reports.

    Raises:
        StateInUse: another process uses the folder.
        SpoolUnavailable: it cannot be opened now, as on a full disk.
    """

    def __init__(self, folder: Path, edge_id: str) -> None:
        self._folder = folder
        self._edge_id = edge_id
        self._lock = threading.Lock()
        self._owned = own(folder)
        self._sent = SentMarks(folder / "sent.json")
        self._was_set_aside = False
        with _unavailable():
            self._connection = self._open(folder / "spool.sqlite3")

    def store(
        self, camera_id: int, crossings: Sequence[DatedCrossing], recording: Recording | None
    ) -> None:
        """Number crossings and make them durable, together with how far their recording is.

        Raises:
            SpoolUnavailable: nothing of it was stored; try again.
        """
        with self._lock, _unavailable(), self._connection as connection:
            if recording is not None:
                self._store_recording(camera_id, recording)
            if not crossings:
                return
            last = self._last_sequence(camera_id)
            for sequence, crossing in enumerate(crossings, last + 1):
                connection.execute(
                    "INSERT INTO crossing (edge_id, camera_id, sequence, event)"
                    " VALUES (?, ?, ?, ?)",
                    (
                        self._edge_id,
                        camera_id,
                        sequence,
                        self._event(camera_id, sequence, crossing),
                    ),
                )
            connection.execute(
                "INSERT OR REPLACE INTO last_sequence VALUES (?, ?, ?)",
                (self._edge_id, camera_id, last + len(crossings)),
            )

    def recording(self, camera_id: int, source: str) -> Recording | None:
        """Return how far a file was processed, if it ever was."""
        with self._lock:
            row = self._connection.execute(
                "SELECT run_id, started_at, speed, frame, is_finished, seen_at FROM recording"
                " WHERE camera_id = ? AND source = ?",
                (camera_id, source),
            ).fetchone()
        if row is None:
            return None
        run_id, started_at, speed, frame, is_finished, seen_at = row
        return Recording(
            source=source,
            run_id=run_id,
            started_at=datetime.fromisoformat(started_at),
            speed=speed,
            frame=frame,
            is_finished=bool(is_finished),
            seen_at=datetime.fromisoformat(seen_at),
        )

    def oldest(self, *, after: int, limit: int) -> list[Entry]:
        """Return the oldest crossings behind a position."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT position, edge_id, camera_id, sequence, event FROM crossing"
                " WHERE position > ? ORDER BY position LIMIT ?",
                (after, limit),
            ).fetchall()
        return [Entry(*row) for row in rows]

    def depth(self, camera_id: int | None = None) -> int:
        """Return how many crossings, of one camera or of all, Kafka has not acknowledged."""
        with self._lock:
            (count,) = self._connection.execute(
                "SELECT count(*) FROM crossing WHERE camera_id = ?1 OR ?1 IS NULL", (camera_id,)
            ).fetchone()
        return int(count)

    def dropped(self, _camera_id: int) -> int:
        """Return how many crossings of a camera were given up since this run began."""
        return 0

    def about_to_send(self, entries: Sequence[Entry]) -> None:
        """Note, before Kafka sees them, that these numbers are used for good."""
        with self._lock:
            self._sent.raise_to(
                {_key(entry.edge_id, entry.camera_id): entry.sequence for entry in entries}
            )

    def delete_through(self, position: int) -> None:
        """Drop what Kafka has acknowledged, up to a position.

        Raises:
            SpoolUnavailable: it stays; sending it again would do no harm.
        """
        with self._lock, _unavailable(), self._connection as connection:
            connection.execute("DELETE FROM crossing WHERE position <= ?", (position,))

    def close(self) -> None:
        with self._lock:
            self._connection.close()
            os.close(self._owned)

    def _open(self, path: Path) -> sqlite3.Connection:
        try:
            return _connect(path)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            aside = f"broken-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}"
            for part in sorted(self._folder.glob(f"{path.name}*")):
                if "broken-" not in part.name:
                    part.rename(part.with_name(f"{part.name}.{aside}"))
            _log.error(
                "spool cannot be read: set aside, crossings in it are not sent",
                extra={"reason": str(error), "kept_as": f"{path.name}.{aside}"},
            )
            self._was_set_aside = True
            return _connect(path)

    def _last_sequence(self, camera_id: int) -> int:
        """Return the last number used; the next ones are never used for anything else.

        With both files lost nobody knows it. Milliseconds since 1970 are beyond what counting
        by one can have reached.
        """
        row = self._connection.execute(
            "SELECT sequence FROM last_sequence WHERE edge_id = ? AND camera_id = ?",
            (self._edge_id, camera_id),
        ).fetchone()
        sent = self._sent.highest(_key(self._edge_id, camera_id))
        if row is None and self._sent.is_lost(is_expected=self._was_set_aside):
            return time.time_ns() // 1_000_000
        last = row[0] if row else 0
        if last < sent:
            _log.error("spool is older than what was sent", extra={"last": last, "sent": sent})
        return max(last, sent)

    def _event(self, camera_id: int, sequence: int, crossing: DatedCrossing) -> bytes:
        return CROSSINGS.encode(
            CrossingV1(
                edge_id=self._edge_id,
                camera_id=camera_id,
                sequence=sequence,
                line_id=crossing.line_id,
                direction=crossing.direction,
                track_id=crossing.track_id,
                confidence=crossing.confidence,
                crossed_at=crossing.crossed_at,
            ),
            event_id=f"{self._edge_id}/{camera_id}/{sequence}",
            source=f"edge/{self._edge_id}",
            subject=f"camera/{camera_id}",
            at=crossing.crossed_at,
        )

    def _store_recording(self, camera_id: int, recording: Recording) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO recording VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                camera_id,
                recording.source,
                recording.run_id,
                recording.started_at.isoformat(),
                recording.speed,
                recording.frame,
                recording.is_finished,
                recording.seen_at.isoformat(),
            ),
        )


def _connect(path: Path) -> sqlite3.Connection:
    """Open a database, made if it is missing.

    Raises:
        sqlite3.OperationalError: it cannot be used now.
        sqlite3.DatabaseError: it is broken.
    """
    connection = sqlite3.connect(path, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        (finding,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if finding != "ok":
            raise sqlite3.DatabaseError(finding)
        connection.executescript(_SCHEMA)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


@contextmanager
def _unavailable() -> Iterator[None]:
    """Tell a disk that is full or failing from a bug."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise SpoolUnavailable(f"the spool cannot be written: {error}") from error


def _key(edge_id: str, camera_id: int) -> str:
    return f"{edge_id}/{camera_id}"
