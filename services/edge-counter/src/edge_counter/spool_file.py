"""The file of the spool: its tables, whether it can be believed, and what becomes of a broken one.

Each row has a checksum: SQLite finds a broken page, but not a bit that has flipped in a number. A
file that cannot be believed is replaced by a new one with what can still be read in it; what was in
it and cannot is noted as a gap. The old one is renamed, and the last such one kept.
"""

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from common.errors import BrokenEvent
from common.events import CROSSINGS, DROPPED, DroppedV1
from edge_counter import gaps, salvage
from edge_counter.errors import SpoolUnavailable
from edge_counter.files import sync_folder
from edge_counter.salvage import Camera, Found, checksum

_log = logging.getLogger(__name__)

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS last_sequence (
    edge_id TEXT, camera_id INTEGER, sequence INTEGER NOT NULL, crc BLOB,
    PRIMARY KEY (edge_id, camera_id)
) STRICT;
CREATE TABLE IF NOT EXISTS crossing (
    -- Never used again, so that a place in the order stays one when all rows are gone.
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    edge_id TEXT NOT NULL, camera_id INTEGER NOT NULL, sequence INTEGER NOT NULL,
    event BLOB NOT NULL, crc BLOB, -- one behind the other: salvage reads them without SQLite
    UNIQUE (edge_id, camera_id, sequence)
) STRICT;
CREATE TABLE IF NOT EXISTS gap (
    position INTEGER PRIMARY KEY, -- in the order of the crossings, none of which has it
    edge_id TEXT NOT NULL, camera_id INTEGER NOT NULL, sequence INTEGER NOT NULL, -- the last
    event BLOB NOT NULL, crc BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS recording (
    camera_id INTEGER, source TEXT,
    run_id TEXT NOT NULL, started_at TEXT NOT NULL, speed REAL NOT NULL,
    frame INTEGER NOT NULL, is_finished INTEGER NOT NULL, seen_at TEXT NOT NULL, crc BLOB,
    PRIMARY KEY (camera_id, source)
) STRICT;
"""
_NEVER_USED: Final = 10**9
_TABLES: Final = ("last_sequence", "crossing", "recording")  # which once had no checksums
# What the machine does to a file that is whole. Anything else is the file's fault.
_OF_THE_MACHINE: Final = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
}


class Broken(Exception):
    """The file cannot be believed.

    Args:
        found: what was read out of it, before SQLite threw any of its log away.
    """

    def __init__(self, why: str, found: Found) -> None:
        super().__init__(why)
        self.found = found


class _Doubtful(Exception):
    """A file that SQLite takes for whole, and that has changed."""


@contextmanager
def unavailable() -> Iterator[None]:
    """Tell a disk that is full or failing from a bug."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise SpoolUnavailable(f"the spool cannot be written: {error}") from error


def row_checksum(*values: object) -> bytes:
    """Return the checksum of a row of numbers and short texts."""
    return checksum("|".join(map(str, values)).encode())


def open_file(path: Path, acknowledged: Callable[[Camera], int]) -> sqlite3.Connection:
    """Open a spool, made if it is missing.

    Args:
        acknowledged: gives the highest number of a camera that Kafka is known to have.

    Raises:
        Broken: it cannot be believed.
        sqlite3.OperationalError: it cannot be used now.
    """
    log = salvage.log_of(path)
    connection = sqlite3.connect(path, check_same_thread=False)
    try:
        _prepare(connection)
        last = _verify(connection)
        _compare(last, salvage.read(log), acknowledged)
    except (sqlite3.DatabaseError, _Doubtful, BrokenEvent, ValueError) as error:
        is_broken = not isinstance(error, sqlite3.DatabaseError) or not _is_of_the_machine(error)
        found = salvage.read(log, path) if is_broken else None
        connection.close()
        if found is None:
            raise
        raise Broken(str(error), found) from error
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA page_size = {salvage.PAGE_BYTES}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    (finding,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if finding != "ok":
        raise _Doubtful(finding)
    connection.executescript(_SCHEMA)
    _add_checksums(connection)


def _compare(last: dict[Camera, int], logged: Found, acknowledged: Callable[[Camera], int]) -> None:
    """Hold what the log says was committed to what SQLite took from it.

    Raises:
        _Doubtful: there was more.
    """
    for camera in logged.cameras():
        highest = logged.last(camera)
        if highest > max(last.get(camera, 0), acknowledged(camera)):
            raise _Doubtful(f"number {highest} was committed, and is not in it")


def _is_of_the_machine(error: sqlite3.DatabaseError) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _OF_THE_MACHINE


def _add_checksums(connection: sqlite3.Connection) -> None:
    """Bring a file of the time before them up to date."""
    for table in _TABLES:
        columns = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        if "crc" not in columns:
            connection.execute(f"ALTER TABLE {table} ADD COLUMN crc BLOB")


def _verify(connection: sqlite3.Connection) -> dict[Camera, int]:
    """Hold every row to its checksum; return the last number of each camera.

    Raises:
        _Doubtful: one does not fit.
        BrokenEvent: a row of the time before checksums is no event.
    """
    last: dict[Camera, int] = {}
    for edge_id, camera_id, sequence, event, crc in connection.execute(
        "SELECT edge_id, camera_id, sequence, event, crc FROM crossing"
    ):
        crossing = CROSSINGS.decode(event).data
        told = crossing.edge_id, crossing.camera_id, crossing.sequence
        if crc not in {None, checksum(event)} or told != (edge_id, camera_id, sequence):
            raise _Doubtful(f"crossing {sequence} has changed")
    for event, crc in connection.execute("SELECT event, crc FROM gap"):
        if crc != checksum(event):
            raise _Doubtful("a gap has changed")
        DROPPED.decode(event)
    for *row, crc in connection.execute("SELECT * FROM last_sequence"):
        if crc not in {None, row_checksum(*row)}:
            raise _Doubtful("a last number has changed")
        last[row[0], row[1]] = row[2]
    for *row, crc in connection.execute("SELECT * FROM recording"):
        if crc not in {None, row_checksum(*row)}:
            raise _Doubtful("how far a recording is has changed")
    return last


def replace(
    path: Path,
    broken: Broken,
    *,
    sent: Callable[[Camera], int],
    acknowledged: Callable[[Camera], int],
    known: set[Camera],
    beyond: int | None,
) -> dict[Camera, int]:
    """Put a new file in the place of a broken one, with all that can be read in that.

    A crash at any point leaves the old file, or the new one complete.

    Args:
        sent: gives the highest number of a camera that was ever handed to Kafka.
        acknowledged: and the highest that Kafka is known to have.
        known: cameras that something else knows of.
        beyond: the number to go on from where nobody knows which have been used.

    Returns:
        How many crossings of each camera are lost.

    Raises:
        sqlite3.OperationalError: it cannot be written now; the old one is still there.
    """
    found = broken.found
    recordings, last = _readable_rows(path)
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    connection = sqlite3.connect(new)
    lost: dict[Camera, int] = {}
    try:
        connection.executescript(_SCHEMA)
        with connection:
            for camera in found.cameras() | set(last) | known:
                done = acknowledged(camera)
                highest = max(found.last(camera), last.get(camera, 0), sent(camera))
                lost[camera] = _refill(connection, camera, found, done, highest)
                set_last(connection, camera, max(highest, beyond or 0))
            connection.executemany(
                "INSERT INTO recording VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", recordings
            )
    finally:
        connection.close()
    aside = set_aside(path)
    told = {
        "reason": str(broken),
        "kept_as": aside,
        "saved": sum(map(len, found.crossings.values())),
        "lost": sum(lost.values()),
    }
    _log.error("spool cannot be read: set aside", extra=told)
    return lost


def _refill(
    connection: sqlite3.Connection, camera: Camera, found: Found, done: int, highest: int
) -> int:
    """Write what is known of one camera's numbers above `done`; return how many are lost."""
    given_up = found.gaps.get(camera, {}).values()
    pieces: list[tuple[int, int, DroppedV1 | bytes]] = [
        *((gap.first_sequence, gap.last_sequence, gap) for gap in given_up),
        *((number, number, event) for number, event in found.crossings.get(camera, {}).items()),
    ]
    next_number, lost = done + 1, 0
    for first, last, piece in sorted(pieces, key=lambda one: (one[0], -one[1])):
        if first < next_number:
            continue  # Kafka has it, or it is in a gap
        lost += _lose(connection, camera, next_number, first - 1)
        if isinstance(piece, bytes):
            add_crossing(connection, camera, first, piece)
        else:
            add_gap(connection, piece)
        next_number = last + 1
    return lost + _lose(connection, camera, next_number, highest)


def _lose(connection: sqlite3.Connection, camera: Camera, first: int, last: int) -> int:
    """Note numbers that are lost, if any are; return how many."""
    count = last - first + 1
    # Numbers once began anew at milliseconds since 1970: those before were never used.
    if not 0 < count < _NEVER_USED:
        return 0
    add_gap(connection, gaps.gap(*camera, first, last, reason="spool_broken"))
    return count


def note_forgotten(
    connection: sqlite3.Connection,
    cameras: set[Camera],
    *,
    sent: Callable[[Camera], int],
    acknowledged: Callable[[Camera], int],
) -> dict[Camera, int]:
    """Note as lost what was sent and a whole file knows nothing of, as one whose log was deleted.

    Returns:
        How many crossings of each camera are lost.

    Raises:
        sqlite3.OperationalError: it cannot be noted now.
    """
    lost = {}
    with connection:
        for camera in cameras:
            row = connection.execute(
                "SELECT sequence FROM last_sequence WHERE edge_id = ? AND camera_id = ?", camera
            ).fetchone()
            last = row[0] if row else 0
            if last >= sent(camera):
                continue
            first = max(last, acknowledged(camera)) + 1
            lost[camera] = _lose(connection, camera, first, sent(camera))
            set_last(connection, camera, sent(camera))
            told = {"camera": camera[1], "last": last, "sent": sent(camera)}
            _log.error("spool is older than what was sent", extra=told)
    return lost


def set_aside(path: Path) -> str:
    """Rename a file and what belongs to it, and put the one that was made for it in its place."""
    aside = f"broken-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}"
    older = [old for old in path.parent.glob(f"{path.name}*broken-*") if old.is_file()]
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(f"{path.name}{suffix}")
        if part.exists():
            part.rename(part.with_name(f"{part.name}.{aside}"))
    path.with_name(f"{path.name}.new").rename(path)
    sync_folder(path.parent)
    for old in older:
        old.unlink()
    return f"{path.name}.{aside}"


def finish_replacing(path: Path) -> None:
    """Finish, or undo, what a crash has interrupted."""
    new = path.with_name(f"{path.name}.new")
    if new.exists() and path.exists():
        new.unlink()
    elif new.exists():
        set_aside(path)


def _readable_rows(path: Path) -> tuple[list[tuple[Any, ...]], dict[Camera, int]]:
    """Return what SQLite can still read of recordings and last numbers, and checksums vouch for."""
    recordings = [row for row in _rows(path, "recording") if row[-1] == row_checksum(*row[:-1])]
    numbers = [row for row in _rows(path, "last_sequence") if row[-1] == row_checksum(*row[:-1])]
    return recordings, {(row[0], row[1]): row[2] for row in numbers}


def _rows(path: Path, table: str) -> Iterator[tuple[Any, ...]]:
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            yield from connection.execute(f"SELECT * FROM {table}")  # noqa: S608 - ours
        finally:
            connection.close()
    except sqlite3.Error:
        return  # as far as it went


def add_crossing(
    connection: sqlite3.Connection, camera: Camera, sequence: int, event: bytes
) -> None:
    connection.execute(
        "INSERT INTO crossing (edge_id, camera_id, sequence, event, crc) VALUES (?, ?, ?, ?, ?)",
        (*camera, sequence, event, checksum(event)),
    )


def add_gap(connection: sqlite3.Connection, gap: DroppedV1, position: int | None = None) -> int:
    """Write a gap at a position, or behind all that there is; return the position."""
    if position is None:
        # Taken as a crossing would take it, so that no crossing ever has it.
        (position,) = connection.execute(
            "INSERT INTO crossing (edge_id, camera_id, sequence, event)"
            " VALUES ('', 0, 0, x'') RETURNING position"
        ).fetchone()
        connection.execute("DELETE FROM crossing WHERE position = ?", (position,))
    event = gaps.encoded(gap)
    connection.execute(
        "INSERT OR REPLACE INTO gap VALUES (?, ?, ?, ?, ?, ?)",
        (position, gap.edge_id, gap.camera_id, gap.last_sequence, event, checksum(event)),
    )
    return int(position)


def set_last(connection: sqlite3.Connection, camera: Camera, sequence: int) -> None:
    """Note the last number used. An update in place writes fewer pages than a replacement."""
    row = (*camera, sequence)
    connection.execute(
        "INSERT INTO last_sequence VALUES (?, ?, ?, ?) ON CONFLICT (edge_id, camera_id)"
        " DO UPDATE SET sequence = excluded.sequence, crc = excluded.crc",
        (*row, row_checksum(*row)),
    )


def room_bytes(connection: sqlite3.Connection) -> tuple[int, int]:
    """Return how much of the file is in use, and how much of it is free."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    return (pages - free) * salvage.PAGE_BYTES, free * salvage.PAGE_BYTES
