"""Who is where now, in memory: read at once, and told to whoever listens.

Postgres says whose counts have changed (`NOTIFY occupancy_live`, by trigger, with the transaction
that changed them); these are read again and written out once, for all who ask. While the database
does not answer nothing is shown from here.
"""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from prometheus_client import Gauge

from common.db import Database
from common.follower import Follower
from occupancy.domain import Live, people_in
from occupancy.repository.counts import Counts

_streams: Final = Gauge("occupancy_streams", "Dashboards that listen.")

CHANNEL: Final = "occupancy_live"
# A stream says at most so often what has changed, and something at least so often.
COALESCE_S: Final = 0.1
SILENT_S: Final = 15.0


def live_view(live: Live) -> dict[str, Any]:
    """Write a camera's counts as the document does."""
    return {
        "camera_id": live.camera_id,
        "current_occupancy": live.occupancy,
        "total_entries": live.entries,
        "total_exits": live.exits,
        "unique_persons": live.unique_persons,
        "last_updated": live.updated_at,
        "occupancy_low": live.low,
        "occupancy_high": live.high,
    }


def facility_view(cameras: Collection[Live]) -> dict[str, Any]:
    """Write the active cameras' counts together as the document does."""
    return {
        "facility_occupancy": people_in(cameras),
        "total_entries_all_cameras": sum(live.entries for live in cameras),
        "total_exits_all_cameras": sum(live.exits for live in cameras),
        "cameras_active": len(cameras),
        "last_updated": max((live.updated_at for live in cameras), default=datetime.now(UTC)),
    }


def room_view(room_id: int, cameras: Collection[Live]) -> dict[str, Any]:
    """Write the counts of the cameras at a room's doors together."""
    net, error = sum(live.net for live in cameras), sum(live.error for live in cameras)
    return {
        "room_id": room_id,
        "current_occupancy": max(0, net),
        "occupancy_low": max(0, net - error),
        "occupancy_high": max(0, net + error),
        "cameras_active": len(cameras),
        "last_updated": max((live.updated_at for live in cameras), default=datetime.now(UTC)),
    }


def as_json(view: dict[str, Any]) -> bytes:
    """Write JSON with moments in UTC, to the millisecond."""
    shown = {
        name: value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if isinstance(value, datetime)
        else value
        for name, value in view.items()
    }
    return orjson.dumps(shown)


@dataclass(frozen=True, slots=True)
class Shown:
    """What is answered, and its ETag."""

    body: bytes
    etag: bytes

    @classmethod
    def of(cls, view: dict[str, Any]) -> "Shown":
        body = as_json(view)
        return cls(body, b'"%b"' % hashlib.blake2b(body, digest_size=12).hexdigest().encode())


@dataclass(frozen=True, slots=True)
class _Entry:
    number: int
    live: Live
    shown: Shown


class Board:
    """Every camera's counts as they are now.

    Changes are numbered; a number means something only to the board that gave it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._name = secrets.token_hex(4)
        # In the order of their last change.
        self._entries: dict[int, _Entry] = {}
        # Each room's, and the number of its last change.
        self._rooms: dict[int, tuple[int, Shown]] = {}
        self._facility: Shown | None = None
        self._number = 0
        self._is_closed = False
        self._news = asyncio.Event()
        self._follower = Follower(database, CHANNEL, self._read)

    def camera(self, camera_id: int) -> Shown | None:
        """Return a camera's counts; None if they are not known here."""
        entry = self._entries.get(camera_id) if self._follower.is_current else None
        return entry.shown if entry is not None else None

    @property
    def facility(self) -> Shown | None:
        """The active cameras' counts together; None if they are not known here."""
        return self._facility if self._follower.is_current else None

    async def catch_up(self) -> None:
        """Show what was committed until now."""
        await self._follower.catch_up()

    async def run(self) -> None:
        """Follow the database until cancelled; an outage is waited out."""
        await self._follower.run()

    def close(self) -> None:
        """End every stream."""
        self._is_closed = True
        self._tell()

    async def _read(self, camera_ids: Sequence[int] | None) -> None:
        async with self._database.sessions() as session:
            found = await Counts(session).live(camera_ids, also_inactive=True)
        self._write(found)

    def _write(self, found: Sequence[Live]) -> None:
        touched: set[int | None] = set()
        for live in found:
            known = self._entries.get(live.camera_id)
            if known is not None and known.live == live:
                continue
            self._number += 1
            touched |= {live.room_id, known.live.room_id if known is not None else None}
            entry = _Entry(self._number, live, Shown.of(live_view(live)))
            self._entries.pop(live.camera_id, None)
            self._entries[live.camera_id] = entry
        # A facility without cameras is told of as well.
        self._number = max(1, self._number)
        active = [entry.live for entry in self._entries.values() if entry.live.is_active]
        self._facility = Shown.of(facility_view(active))
        at_doors: dict[int, list[Live]] = {room: [] for room in touched if room is not None}
        for live in active:
            if live.room_id in at_doors:
                at_doors[live.room_id].append(live)
        for room, cameras in at_doors.items():
            self._rooms[room] = (self._number, Shown.of(room_view(room, cameras)))
        self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    # --- streams --------------------------------------------------------------------------------

    async def stream(self, last_event_id: str) -> AsyncIterator[bytes]:
        """Write server-sent events: everything, or what has changed since an event, then changes.

        Who reads slowly gets fewer events, not older ones.

        Args:
            last_event_id: of the last event that a client has had from a stream before.
        """
        seen = self._number_of(last_event_id)
        with _streams.track_inprogress():
            yield b"retry: 2000\n\n"
            while not self._is_closed:
                news = self._news
                if self._follower.is_current and self._number > seen:
                    yield self._events(seen)
                    seen = self._number
                    await asyncio.sleep(COALESCE_S)
                    continue
                try:
                    async with asyncio.timeout(SILENT_S):
                        await news.wait()
                except TimeoutError:
                    yield b": still here\n\n"

    def _number_of(self, event_id: str) -> int:
        name, _, number = event_id.partition("-")
        if name != self._name or not number.isdecimal() or int(number) > self._number:
            return 0
        return int(number)

    def _events(self, seen: int) -> bytes:
        written: list[bytes] = []
        for entry in reversed(self._entries.values()):
            if entry.number <= seen:
                break
            if entry.live.is_active:
                written.append(self._event(entry.number, b"camera", entry.shown.body))
            elif seen:
                gone = orjson.dumps({"camera_id": entry.live.camera_id})
                written.append(self._event(entry.number, b"removed", gone))
        assert self._facility is not None  # noqa: S101 - it is written with the first entries
        # Who reads no further than these has still to be told what comes behind them.
        rooms = [
            self._event(seen, b"room", shown.body)
            for number, shown in self._rooms.values()
            if number > seen
        ]
        # Oldest first, so that the last number that a client keeps is the highest.
        facility = self._event(self._number, b"facility", self._facility.body)
        return b"".join([*rooms, *reversed(written), facility])

    def _event(self, number: int, kind: bytes, data: bytes) -> bytes:
        return b"id: %b-%d\nevent: %b\ndata: %b\n\n" % (self._name.encode(), number, kind, data)
