"""Reads crossings out of a broken spool, from its bytes and without SQLite.

An event stands in one piece in its page, and behind it the checksum that its row has for it. So it
is found wherever it is, in the database or in the write-ahead log, however broken everything
around it may be, and is taken only if each of its bits is as it was.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Final

from common.errors import BrokenEvent
from common.events import CROSSINGS, DROPPED, CrossingV1, DroppedV1

PAGE_BYTES: Final = 4096
_LOG_HEAD_BYTES: Final = 32
_FRAME_HEAD: Final = struct.Struct(">6I")  # page, pages after a commit or 0, two salts, checksums
_CHECK_BYTES: Final = 4
_EVENT: Final = re.compile(
    rb'\{"specversion":"1\.0","type":"edge\.(?:crossing|dropped)\.v1".{1,2000}?\}\}', re.DOTALL
)

Camera = tuple[str, int]  # edge and camera


def checksum(event: bytes) -> bytes:
    return zlib.crc32(event).to_bytes(_CHECK_BYTES, "big")


@dataclass(slots=True)
class Found:
    """What was read.

    Args:
        crossings: events by number.
        torn: numbers of which there are two stories; neither is to be believed.
        gaps: what had been given up, by first number; of several that begin alike the longest.
    """

    crossings: dict[Camera, dict[int, bytes]] = field(default_factory=dict)
    torn: set[tuple[Camera, int]] = field(default_factory=set)
    gaps: dict[Camera, dict[int, DroppedV1]] = field(default_factory=dict)

    def add_crossing(self, crossing: CrossingV1, event: bytes) -> None:
        camera = crossing.edge_id, crossing.camera_id
        known = self.crossings.setdefault(camera, {}).setdefault(crossing.sequence, event)
        if known != event:
            self.torn.add((camera, crossing.sequence))

    def add_gap(self, gap: DroppedV1) -> None:
        gaps = self.gaps.setdefault((gap.edge_id, gap.camera_id), {})
        known = gaps.get(gap.first_sequence)
        if known is None or known.last_sequence < gap.last_sequence:
            gaps[gap.first_sequence] = gap

    def cameras(self) -> set[Camera]:
        return {*self.crossings, *self.gaps}

    def last(self, camera: Camera) -> int:
        """Return the highest number of a camera that was found; 0 for none."""
        gaps = self.gaps.get(camera, {}).values()
        return max([0, *self.crossings.get(camera, {}), *(gap.last_sequence for gap in gaps)])


def log_of(database: Path) -> bytes:
    """Return the write-ahead log, which SQLite throws away beside a database that is cut off."""
    try:
        return database.with_name(f"{database.name}-wal").read_bytes()
    except FileNotFoundError:
        return b""


def read(log: bytes, database: Path | None = None) -> Found:
    """Read what a write-ahead log says was committed, and a database in whatever state it is."""
    found = Found()
    for piece in [*([_mapped(database)] if database else []), *committed(log)]:
        for event in events(piece):
            try:
                if b'"type":"edge.crossing.v1"' in event[:60]:
                    found.add_crossing(CROSSINGS.decode(event).data, event)
                else:
                    found.add_gap(DROPPED.decode(event).data)
            except BrokenEvent:
                continue  # of another version, or no event at all
    for camera, number in found.torn:
        del found.crossings[camera][number]
    return found


def events(piece: bytes | mmap) -> Iterator[bytes]:
    """Give the whole events in some bytes."""
    match = _EVENT.search(piece)
    while match:
        event = match.group()
        is_whole = piece[match.end() : match.end() + _CHECK_BYTES] == checksum(event)
        if is_whole:
            yield event
        # What is broken may have swallowed the beginning of the next one.
        match = _EVENT.search(piece, match.end() if is_whole else match.start() + 1)


def committed(log: bytes) -> Iterator[bytes]:
    """Give the pages of a write-ahead log that a commit follows, whatever its checksums say.

    A transaction that a kill interrupted has no commit: its crossings were never told to anybody,
    and a recording counts them once more.
    """
    size = _FRAME_HEAD.size + PAGE_BYTES
    starts = range(_LOG_HEAD_BYTES, len(log) - size + 1, size)
    heads = [_FRAME_HEAD.unpack_from(log, start) for start in starts]
    last_commit = {head[2:4]: index for index, head in enumerate(heads) if head[1]}
    for index, (start, head) in enumerate(zip(starts, heads, strict=True)):
        if index <= last_commit.get(head[2:4], -1):
            yield log[start + _FRAME_HEAD.size : start + size]


def _mapped(path: Path) -> bytes | mmap:
    """Return a file that may be larger than one wants to hold."""
    with path.open("rb") as file:
        return mmap(file.fileno(), 0, access=ACCESS_READ) if path.stat().st_size else b""
