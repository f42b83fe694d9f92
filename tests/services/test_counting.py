"""A crossing counts once, however often it comes, and from two sides at once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

import occupancy.tables
from common.db import Database
from common.testing.plugin import CloneDatabase
from occupancy.domain import Crossing
from occupancy.repository.cameras import Cameras
from occupancy.service import cameras, counting

CROSSED_AT = datetime(2026, 11, 21, 10, tzinfo=UTC)


@pytest.fixture
async def database(clone_database: CloneDatabase) -> AsyncIterator[Database]:
    async with clone_database(occupancy.tables.SCHEMA) as cloned:
        database = Database.connect(cloned.url, schema="occupancy")
        yield database
        await database.close()


@pytest.fixture
async def crossings(database: Database) -> list[Crossing]:
    """Twenty people who come in by one line."""
    camera = {
        "camera_id": "LOBBY",
        "camera_name": "Lobby",
        "camera_type": "bidirectional",
        "is_active": True,
    }
    line = {
        "line_name": "Door",
        "x1": 0,
        "y1": 0,
        "x2": 0,
        "y2": 100,
        "direction": "bidirectional",
        "confidence_threshold": 0.5,
        "is_active": True,
    }
    async with database.sessions.begin() as session:
        camera_id = (await Cameras(session).add(camera))["id"]
        line_id = (await Cameras(session).add_line({**line, "camera_id": camera_id}))["id"]
    return [
        Crossing(camera_id, "lobby-1", number, line_id, "entry", f"t{number}", 0.8, CROSSED_AT)
        for number in range(1, 21)
    ]


async def count(database: Database, crossings: list[Crossing]) -> None:
    async with database.sessions.begin() as session:
        assert await counting.count_crossings(session, crossings) == {}


async def test_crossings_that_come_again_are_not_counted_again(
    database: Database, crossings: list[Crossing]
) -> None:
    await asyncio.gather(count(database, crossings), count(database, crossings))
    await count(database, crossings[::-1])

    async with database.sessions() as session:
        seen = await cameras.live(session, crossings[0].camera_id)
    assert (seen.entries, seen.exits, seen.unique_persons) == (20, 0, 20)
