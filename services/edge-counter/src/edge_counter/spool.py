"""Keeps crossings on disk until Kafka has them, and numbers them without gap or repetition.

A crossing is committed, synced, before anybody else learns of it. How far a recording was
processed is committed with its crossings, so that a restart knows which of them are out.

When there is no room left, the oldest crossings that Kafka has never been handed are given up, and
a gap in their place says which, or, as the operator wishes, the new ones wait. The file itself,
and what becomes of a broken one: `spool_file`.
"""

import logging
import os
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

from prometheus_client import Counter as Metric

from common.events import CROSSINGS, DROPPED, CrossingV1, DroppedV1, Topic
from edge_counter import gaps, spool_file
from edge_counter.counting import Direction
from edge_counter.errors import SpoolUnavailable
from edge_counter.files import own
from edge_counter.gaps import Loss
from edge_counter.marks import Marks
from edge_counter.reserve import Reserve
from edge_counter.salvage import Camera, checksum
from edge_counter.spool_file import unavailable

_log = logging.getLogger(__name__)

WhenFull = Literal["drop_oldest", "block"]

DROPPED_CROSSINGS: Final = Metric("edge_crossings_dropped", "Crossings given up.", ["reason"])
MOST_MB: Final = 256
READ_AT_ONCE: Final = 1000
_DROP_AT_ONCE: Final = 100
_SPARE_BYTES: Final = 256 * 1024
_MB: Final = 1024 * 1024


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
    """A crossing, or a gap, as it goes to Kafka, byte for byte the same each time.

    Args:
        sequence: of a gap, its last one.
    """

    position: int
    edge_id: str
    camera_id: int
    sequence: int
    event: bytes
    topic: Topic[Any] = CROSSINGS


class Spool:
    """The crossings of one edge-counter that Kafka does not have yet. Any thread may use it.

    Args:
        folder: made if it is missing; only one process may use it.
        edge_id: who reports.
        most_mb: what the crossings may take.
        when_full: what becomes of crossings then, or when the disk is full.

    Raises:
        StateInUse: another process uses the folder.
        SpoolUnavailable: it cannot be opened now, as on a full disk.
    """

    def __init__(
        self,
        folder: Path,
        edge_id: str,
        *,
        most_mb: float = MOST_MB,
        when_full: WhenFull = "drop_oldest",
    ) -> None:
        self._path = folder / "spool.sqlite3"
        self._edge_id = edge_id
        self._most_bytes = int(most_mb * _MB)
        self._when_full = when_full
        self._lock = threading.Lock()
        self._owned = own(folder)
        self._sent = Marks(folder / "sent.json", is_synced=True)
        self._acknowledged = Marks(folder / "acknowledged.json", is_synced=False)
        self._reserve = Reserve(folder / "reserve")
        self._was_set_aside = False
        self._dropped: Counter[int] = Counter()
        self._growing: dict[Camera, int] = {}  # positions of gaps that nobody has read yet
        self._reserve.restore()
        with unavailable():
            try:
                self._connection = self._open()
            except sqlite3.OperationalError:
                self._reserve.release()
                self._connection = self._open()
            self._depths = self._count()
            self._handed_out = self._position_of_sent()

    def store(
        self,
        camera_id: int,
        crossings: Sequence[DatedCrossing],
        recording: Recording | None,
        *,
        lost: Loss | None = None,
    ) -> None:
        """Number crossings and make them durable, together with how far their recording is.

        Args:
            lost: crossings before these that were given up already; they get numbers too.

        Raises:
            SpoolUnavailable: nothing of it was stored; try again.
        """
        camera = self._edge_id, camera_id
        with self._lock:
            least = 0
            while True:
                try:
                    dropped = self._try_to_store(camera, crossings, recording, lost, least)
                    break
                except SpoolUnavailable:
                    self._reclaim()
                    if self._when_full == "block" or not self._droppable(least + 1)[least:]:
                        raise
                    least = 2 * least or _DROP_AT_ONCE
            self._depths[camera_id] += len(crossings)
            self._note_dropped(dropped)
            if lost:
                self._dropped[camera_id] += lost.crossings
                DROPPED_CROSSINGS.labels("spool_full").inc(lost.crossings)
            self._reserve.restore()

    def _try_to_store(
        self,
        camera: Camera,
        crossings: Sequence[DatedCrossing],
        recording: Recording | None,
        lost: Loss | None,
        least: int,
    ) -> dict[Camera, DroppedV1]:
        """Store in one transaction, after dropping at least so many; return what was dropped.

        Raises:
            SpoolUnavailable: nothing has changed.
        """
        growing = self._growing.copy()
        try:
            with unavailable(), self._connection as connection:
                dropped = self._make_room(least)
                if recording is not None:
                    self._store_recording(camera[1], recording)
                if not (crossings or lost):
                    return dropped
                last = self._last_sequence(camera)
                if lost:
                    first, last = last + 1, last + lost.crossings
                    gap = gaps.gap(*camera, first, last, reason="spool_full", loss=lost)
                    self._growing[camera] = spool_file.add_gap(connection, gap)
                for sequence, crossing in enumerate(crossings, last + 1):
                    event = self._event(camera[1], sequence, crossing)
                    spool_file.add_crossing(connection, camera, sequence, event)
                spool_file.set_last(connection, camera, last + len(crossings))
        except BaseException:
            self._growing = growing
            raise
        return dropped

    def _make_room(self, least: int) -> dict[Camera, DroppedV1]:
        """Give up the oldest crossings, in the caller's transaction, if there is no room."""
        used, free = spool_file.room_bytes(self._connection)
        is_over = used > self._most_bytes
        # What was freed of the reserve is for deleting, not for crossings.
        is_tight = is_over or (not self._reserve.restore() and free < _SPARE_BYTES)
        if is_tight and self._when_full == "block":
            what = "the spool (EDGE_SPOOL_MAX_MB)" if is_over else "the disk"
            raise SpoolUnavailable(f"{what} is full: crossings wait in memory")
        number = max(least, _DROP_AT_ONCE if is_tight else 0)
        return self._drop(number) if number else {}

    def _droppable(self, number: int) -> list[tuple[int, bytes]]:
        """Return position and event of the oldest that Kafka was never handed."""
        return self._connection.execute(
            "SELECT position, event FROM crossing WHERE position > ? ORDER BY position LIMIT ?",
            (self._handed_out, number),
        ).fetchall()

    def _drop(self, number: int) -> dict[Camera, DroppedV1]:
        """Give crossings up, in the caller's transaction; their gaps stand in their place."""
        rows = self._droppable(number)
        given_up: dict[Camera, list[tuple[int, CrossingV1]]] = {}
        for position, event in rows:
            crossing = CROSSINGS.decode(event).data
            camera = crossing.edge_id, crossing.camera_id
            given_up.setdefault(camera, []).append((position, crossing))
        self._connection.executemany(
            "DELETE FROM crossing WHERE position = ?", [(position,) for position, _ in rows]
        )
        dropped = {}
        for camera, gone in given_up.items():
            first, last = gone[0][1].sequence, gone[-1][1].sequence
            loss = gaps.loss_of(crossing for _, crossing in gone)
            gap = gaps.gap(*camera, first, last, reason="spool_full", loss=loss)
            dropped[camera] = gap
            self._add_or_grow(camera, gap, gone[0][0])
        return dropped

    def _add_or_grow(self, camera: Camera, gap: DroppedV1, position: int) -> None:
        """Write a gap, joined with the one before it while nobody has read that."""
        before = self._growing.get(camera)
        if before is not None:
            (event,) = self._connection.execute(
                "SELECT event FROM gap WHERE position = ?", (before,)
            ).fetchone()
            known = DROPPED.decode(event).data
            if known.last_sequence + 1 == gap.first_sequence:
                gap, position = gaps.merged(known, gap), before
        self._growing[camera] = spool_file.add_gap(self._connection, gap, position)

    def _note_dropped(self, dropped: dict[Camera, DroppedV1]) -> None:
        for (_, camera_id), gap in dropped.items():
            count = gap.last_sequence - gap.first_sequence + 1
            if not self._dropped[camera_id]:
                _log.error("no room: the oldest crossings are given up", extra={"id": camera_id})
            self._dropped[camera_id] += count
            self._depths[camera_id] -= count
            DROPPED_CROSSINGS.labels("spool_full").inc(count)

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

    def oldest(self, *, after: int, limit: int = READ_AT_ONCE) -> list[Entry]:
        """Hand out the oldest crossings and gaps behind a position; they stay as they are now.

        Raises:
            sqlite3.DatabaseError: the file has broken; the next start mends it.
        """
        with self._lock:
            rows = self._connection.execute(
                "SELECT position, edge_id, camera_id, sequence, event, 0, crc FROM crossing"
                " WHERE position > ?1 UNION ALL"
                " SELECT position, edge_id, camera_id, sequence, event, 1, crc FROM gap"
                " WHERE position > ?1 ORDER BY position LIMIT ?2",
                (after, limit),
            ).fetchall()
            if rows:
                self._handed_out = max(self._handed_out, rows[-1][0])
                self._growing = {
                    camera: position
                    for camera, position in self._growing.items()
                    if position > self._handed_out
                }
        return [_entry(row) for row in rows]

    def depth(self, camera_id: int | None = None) -> int:
        """Return how many crossings, of one camera or of all, Kafka has not acknowledged."""
        with self._lock:
            return self._depths[camera_id] if camera_id is not None else self._depths.total()

    def dropped(self, camera_id: int) -> int:
        """Return how many crossings of a camera were given up since this run began."""
        with self._lock:
            return self._dropped[camera_id]

    def about_to_send(self, entries: Sequence[Entry]) -> None:
        """Note, before Kafka sees them, that these numbers are used for good."""
        with self._lock:
            self._sent.raise_to(
                {_key((entry.edge_id, entry.camera_id)): entry.sequence for entry in entries}
            )

    def delete_through(self, position: int) -> None:
        """Drop what Kafka has acknowledged, up to a position.

        Raises:
            SpoolUnavailable: it stays; sending it again would do no harm.
        """
        with self._lock:
            try:
                self._delete_through(position)
            except SpoolUnavailable:
                self._reclaim()
                self._delete_through(position)
            self._reserve.restore()

    def _reclaim(self) -> None:
        """Find room for one more transaction: the reserve, and the log from its beginning."""
        self._reserve.release()
        try:
            self._connection.execute("PRAGMA wal_checkpoint(RESTART)")
        except sqlite3.OperationalError as error:
            _log.debug("log not begun anew", extra={"reason": str(error)})

    def _delete_through(self, position: int) -> None:
        done: dict[str, int] = {}
        gone: Counter[int] = Counter()
        with unavailable(), self._connection as connection:
            for table in ("crossing", "gap"):
                for edge_id, camera_id, sequence in connection.execute(
                    f"DELETE FROM {table} WHERE position <= ?"  # noqa: S608 - ours
                    " RETURNING edge_id, camera_id, sequence",
                    (position,),
                ):
                    key = _key((edge_id, camera_id))
                    done[key] = max(done.get(key, 0), sequence)
                    gone[camera_id] += table == "crossing"
        self._depths -= gone
        self._acknowledged.raise_to(done)

    def close(self) -> None:
        with self._lock:
            self._connection.close()
            os.close(self._owned)

    def _open(self) -> sqlite3.Connection:
        spool_file.finish_replacing(self._path)
        try:
            connection = spool_file.open_file(self._path, self._done)
        except spool_file.Broken as broken:
            self._was_set_aside = True
            lost = self._replace(broken)
            connection = spool_file.open_file(self._path, self._done)
        else:
            lost = spool_file.note_forgotten(
                connection, self._cameras(), sent=self._highest_sent, acknowledged=self._done
            )
        for (_, camera_id), count in lost.items():
            self._dropped[camera_id] += count
            DROPPED_CROSSINGS.labels("spool_broken").inc(count)
        return connection

    def _replace(self, broken: spool_file.Broken) -> dict[Camera, int]:
        is_unknown = self._sent.is_lost(is_expected=True)
        return spool_file.replace(
            self._path,
            broken,
            sent=self._highest_sent,
            acknowledged=self._done,
            known=self._cameras(),
            beyond=_beyond_all() if is_unknown else None,
        )

    def _cameras(self) -> set[Camera]:
        """Return all cameras of which there is a mark."""
        keys = (key.rpartition("/") for key in self._sent.keys() | self._acknowledged.keys())
        return {(edge_id, int(camera_id)) for edge_id, _, camera_id in keys}

    def _highest_sent(self, camera: Camera) -> int:
        return self._sent.highest(_key(camera))

    def _done(self, camera: Camera) -> int:
        """Return the highest number of a camera that Kafka surely has.

        Where nobody has noted it, all have but those that can have been on their way.
        """
        if self._acknowledged.is_lost(is_expected=True):
            return max(0, self._highest_sent(camera) - READ_AT_ONCE)
        return self._acknowledged.highest(_key(camera))

    def _count(self) -> Counter[int]:
        rows = self._connection.execute("SELECT camera_id, count(*) FROM crossing GROUP BY 1")
        return Counter(dict(rows.fetchall()))

    def _position_of_sent(self) -> int:
        """Return the position up to which Kafka may have been handed crossings before."""
        positions = [
            self._connection.execute(
                "SELECT max(position) FROM crossing"
                " WHERE edge_id = ? AND camera_id = ? AND sequence <= ?",
                (*camera, self._highest_sent(camera)),
            ).fetchone()[0]
            for camera in self._cameras()
        ]
        return max(int(position or 0) for position in (0, *positions))

    def _last_sequence(self, camera: Camera) -> int:
        """Return the last number used; the next ones are never used for anything else.

        It is not under what was sent: opening the file has seen to that. With both files lost
        nobody knows it.
        """
        row: tuple[int] | None = self._connection.execute(
            "SELECT sequence FROM last_sequence WHERE edge_id = ? AND camera_id = ?", camera
        ).fetchone()
        last = row[0] if row else 0
        if row is None and self._sent.is_lost(is_expected=self._was_set_aside):
            return _beyond_all()
        return last

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
        row = (
            camera_id,
            recording.source,
            recording.run_id,
            recording.started_at.isoformat(),
            float(recording.speed),
            recording.frame,
            int(recording.is_finished),
            recording.seen_at.isoformat(),
        )
        self._connection.execute(
            "INSERT OR REPLACE INTO recording VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*row, spool_file.row_checksum(*row)),
        )


def _entry(row: tuple[Any, ...]) -> Entry:
    *place, event, is_gap, crc = row
    if crc not in {None, checksum(event)}:
        raise sqlite3.DatabaseError("an event has changed on the disk")
    position, edge_id, camera_id, sequence = place
    topic = DROPPED if is_gap else CROSSINGS
    return Entry(position, edge_id, camera_id, sequence, event, topic)


def _beyond_all() -> int:
    """Return a number that is beyond what counting by one can have reached."""
    return time.time_ns() // 1_000_000


def _key(camera: Camera) -> str:
    edge_id, camera_id = camera
    return f"{edge_id}/{camera_id}"
