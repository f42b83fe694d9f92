"""A crossing counts once, however often it comes, and from two sides at once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

import doors
import occupancy.tables
from common.db import Database
from common.testing.plugin import CloneDatabase
from doors import Crossing
from occupancy.service import cameras

CROSSED_AT = datetime(2026, 11, 21, 10, tzinfo=UTC)


@pytest.fixture
async def database(clone_database: CloneDatabase) -> AsyncIterator[Database]:
    async with clone_database(occupancy.tables.SCHEMA) as cloned:
        database = Database.connect(cloned.url, schema="occupancy")
        yield database
        await database.close()


async def count(database: Database, crossings: list[Crossing]) -> None:
    async with database.sessions.begin() as session:
        assert await doors.count(session, crossings) == {}


async def test_crossings_that_come_again_are_not_counted_again(database: Database) -> None:
    camera_id, line_id = await doors.add_camera(database, None)
    crossings = [
        Crossing(camera_id, "lobby-1", number, line_id, "entry", f"t{number}", 0.8, CROSSED_AT)
        for number in range(1, 21)
    ]

    await asyncio.gather(count(database, crossings), count(database, crossings))
    await count(database, crossings[::-1])

    async with database.sessions() as session:
        seen = await cameras.live(session, camera_id)
    assert (seen.entries, seen.exits, seen.unique_persons) == (20, 0, 20)
