"""Every room's state as it is now, in memory: read at once, and pushed the moment it changes.

It changes when Postgres says that something of a room was written (`panel_changes`), when a moment
comes at which time itself changes it, and when nothing was heard of bookings for too long.
"""

import asyncio
import heapq
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
from prometheus_client import Gauge

from common.db import UNAVAILABLE, Database, is_unavailable
from common.follower import Follower
from common.websocket_protocol import text_frame
from panel.domain import Meeting, RoomFacts, RoomState, next_change, state_at
from panel.repository import NEVER, READ_FOR, read_facts, read_hearing

CHANNEL: Final = "panel_changes"
LOOK_EVERY_S: Final = 1.0
ANSWER_WITHIN_S: Final = 2.0
# The wall clock may be set; how long until a moment is asked again at least this often.
LONGEST_SLEEP_S: Final = 1.0
_connected: Final = Gauge("panel_connections", "WebSockets that show a room.")


@dataclass(frozen=True, slots=True)
class Shown:
    """A state, written out once for all who ask.

    Args:
        version: milliseconds since 1970 of the last change; never goes back.
        body: answers a request.
        frame: goes to those who are connected.
    """

    version: int
    body: bytes
    frame: bytes


@dataclass(slots=True)
class _Door:
    """A room, and those who want to know when its state changes."""

    facts: RoomFacts
    state: RoomState
    shown: Shown
    changes_at: datetime
    news: asyncio.Event = field(default_factory=asyncio.Event)
    listeners: set[Callable[[], None]] = field(default_factory=set)


class Board:
    """The states of all rooms.

    Args:
        stale_after: a state of which nothing was heard for so long is shown as offline.
    """

    def __init__(self, database: Database, stale_after: timedelta) -> None:
        self._database = database
        self._stale_after = stale_after
        self._doors: dict[int, _Door] = {}
        self._ids: dict[str, int] = {}
        self._due: list[tuple[datetime, int]] = []
        self._rescheduled = asyncio.Event()
        self._hearing = NEVER
        self._read_at = 0.0
        self._is_loaded = False
        self.is_closed = False
        self._follower = Follower(database, CHANNEL, self._read)

    # --- what is asked ---

    @property
    def is_loaded(self) -> bool:
        """Whether anything is known; a room that is not, may be there all the same."""
        return self._is_loaded

    def find(self, room_id: int | str) -> int | None:
        """Find a room by either of its ids."""
        found = self._ids.get(room_id) if isinstance(room_id, str) else room_id
        return found if found in self._doors else None

    @property
    def newest_room(self) -> int:
        """The highest integer id that is known; rooms are numbered as they are made."""
        return max(self._doors, default=0)

    def shown(self, room_id: int) -> Shown:
        """Return a state."""
        return self._doors[room_id].shown

    @contextmanager
    def listening(self, room_id: int, listener: Callable[[], None]) -> Iterator[None]:
        """Call a listener whenever a room's state has changed, and when the board is closed."""
        listeners = self._doors[room_id].listeners
        listeners.add(listener)
        try:
            with _connected.track_inprogress():
                yield
        finally:
            listeners.discard(listener)

    async def after(self, room_id: int, version: int, wait_s: float) -> Shown:
        """Return a state as soon as it is another than a version, or what it is in the end."""
        deadline = time.monotonic() + wait_s
        while self.shown(room_id).version == version and not self.is_closed:
            try:
                async with asyncio.timeout(deadline - time.monotonic()):
                    await self._doors[room_id].news.wait()
            except TimeoutError:
                break
        return self.shown(room_id)

    def close(self) -> None:
        """Let everybody who waits go."""
        self.is_closed = True
        for door in self._doors.values():
            _tell(door)

    # --- what changes it ---

    async def follow(self) -> None:
        """Show what is written, until cancelled."""
        await self._follower.run()

    async def keep_time(self) -> None:
        """Show what time changes, at its moment, until cancelled."""
        while True:
            now = datetime.now(UTC)
            while self._due and self._due[0][0] <= now:
                moment, room_id = heapq.heappop(self._due)
                door = self._doors[room_id]
                if door.changes_at == moment:
                    self._show(door.facts, now)
            self._rescheduled.clear()
            wait_s = LONGEST_SLEEP_S
            if self._due:
                wait_s = min(wait_s, (self._due[0][0] - datetime.now(UTC)).total_seconds())
            try:
                async with asyncio.timeout(max(0.001, wait_s)):
                    await self._rescheduled.wait()
            except TimeoutError:
                pass

    async def look_for_staleness(self) -> None:
        """Show as offline what may no longer be so, until cancelled."""
        was_fresh = False
        while True:
            try:
                async with asyncio.timeout(ANSWER_WITHIN_S), self._database.sessions() as session:
                    self._hearing = await read_hearing(session, self._stale_after)
                # Meetings of later come into view.
                if time.monotonic() - self._read_at > READ_FOR.total_seconds():
                    await self._follower.catch_up()
            except UNAVAILABLE as error:
                if not is_unavailable(error):
                    raise
            now = datetime.now(UTC)
            is_fresh = self._hearing.since <= now < self._hearing.until
            if is_fresh != was_fresh:
                was_fresh = is_fresh
                for door in list(self._doors.values()):
                    self._show(door.facts, now)
            await asyncio.sleep(LOOK_EVERY_S)

    async def _read(self, room_ids: Sequence[int] | None) -> None:
        now = datetime.now(UTC)
        async with self._database.sessions() as session:
            found = await read_facts(session, room_ids, now)
            if room_ids is None:
                self._hearing = await read_hearing(session, self._stale_after)
        for facts in found:
            self._show(facts, now)
        if room_ids is None:
            self._read_at, self._is_loaded = time.monotonic(), True

    def _show(self, facts: RoomFacts, now: datetime) -> None:
        """Write a room's state out, and tell those who wait if it is another."""
        room_id, door = facts.room.id, self._doors.get(facts.room.id)
        state, changes_at = state_at(facts, now, self._hearing), next_change(facts, now)
        if door is None:
            self._doors[room_id] = _Door(facts, state, _written(state), changes_at)
            self._ids[facts.room.cuid] = room_id
            self._wake_at(changes_at, room_id)
            return
        if changes_at != door.changes_at:
            self._wake_at(changes_at, room_id)
        door.facts, door.changes_at = facts, changes_at
        if replace(state, since=door.state.since) != door.state:
            door.state, door.shown = state, _written(state, above=door.shown.version)
            _tell(door)

    def _wake_at(self, moment: datetime, room_id: int) -> None:
        heapq.heappush(self._due, (moment, room_id))
        self._rescheduled.set()


def _tell(door: _Door) -> None:
    news, door.news = door.news, asyncio.Event()
    news.set()
    for listener in tuple(door.listeners):
        listener()


def _written(state: RoomState, above: int = 0) -> Shown:
    version = max(int(state.since.timestamp() * 1000), above + 1)
    state = replace(state, since=datetime.fromtimestamp(version / 1000, UTC))
    data = orjson.dumps(state_view(state), option=orjson.OPT_UTC_Z)
    beside = b'"data":%b,"version":%d,"timezone":"%b"' % (
        data,
        version,
        state.room.timezone.encode(),
    )
    return Shown(
        version,
        b'{"success":true,%b}' % beside,
        text_frame(b'{"type":"room_state_update",%b}' % beside),
    )


def state_view(state: RoomState) -> dict[str, Any]:
    """Write a state as the document does, with how many people are counted there."""
    room = state.room
    return {
        "room": {
            "id": room.cuid,
            "name": room.name,
            "building": room.building,
            "floor": room.floor,
            "capacity": room.capacity,
        },
        "status": state.status,
        "currentMeeting": _meeting_view(state.current) if state.current else None,
        "nextMeeting": _meeting_view(state.next) if state.next else None,
        "upcomingMeetings": [_meeting_view(one) for one in state.upcoming],
        "lastUpdated": state.since,
        "occupancy": state.occupancy,
    }


def _meeting_view(meeting: Meeting) -> dict[str, Any]:
    return {
        "id": meeting.id,
        "title": meeting.title,
        "organizer": meeting.organizer,
        "organizerEmail": meeting.organizer_email,
        "startTime": meeting.starts_at,
        "endTime": meeting.ends_at,
        "attendeeCount": meeting.attendee_count,
        "checkedIn": meeting.checked_in_at is not None,
        "checkedInAt": meeting.checked_in_at,
        "checkInUntil": meeting.checkin_until,
    }
