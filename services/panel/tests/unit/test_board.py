"""A board tells of what has changed, and keeps no more than it needs."""

import asyncio
import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from panel.board import Board
from panel.domain import Hearing, Room, RoomFacts

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ROOM = Room(1, "c1", "Aula", "Main", 0, 10, "UTC", is_bookable=True)


def board() -> Board:
    nowhere: Any = None
    made = Board(nowhere, timedelta(minutes=1))
    made._hearing = Hearing(NOW - timedelta(days=9), NOW + timedelta(days=9))
    return made


async def test_a_busy_room_is_told_of_each_time_and_wakes_the_board_once() -> None:
    doors, told = board(), []
    facts = RoomFacts(ROOM, (), NOW - timedelta(hours=1), 0)
    doors._show(facts, NOW)
    with doors.listening(1, lambda: told.append(doors.shown(1).version)):
        for number in range(1, 1001):
            # Some of them within one millisecond.
            changed_at = NOW + timedelta(microseconds=400 * number)
            doors._show(replace(facts, changed_at=changed_at, occupancy=number), changed_at)

    assert len(doors._due) == 1
    assert len(told) == 1000
    assert all(earlier < later for earlier, later in itertools.pairwise(told))
    assert b'"occupancy":1000' in doors.shown(1).body


async def test_what_looks_the_same_is_told_to_nobody() -> None:
    doors, told = board(), []
    facts = RoomFacts(ROOM, (), NOW - timedelta(hours=1), None)
    doors._show(facts, NOW)
    before = doors.shown(1)
    with doors.listening(1, lambda: told.append(1)):
        doors._show(replace(facts, changed_at=NOW), NOW + timedelta(seconds=1))
    assert (told, doors.shown(1)) == ([], before)


async def test_who_waits_for_another_state_is_let_go_when_the_board_closes() -> None:
    doors = board()
    doors._show(RoomFacts(ROOM, (), NOW, None), NOW)
    waiting = asyncio.create_task(doors.after(1, doors.shown(1).version, 20))
    await asyncio.sleep(0.05)
    doors.close()

    assert await asyncio.wait_for(waiting, 1) == doors.shown(1)
