"""The bookings service's schema with a room and people, and who calls."""

from collections.abc import AsyncIterator

import pytest
from booking_people import person, room_row

from bookings.repository.rooms import Rooms
from bookings.tables import SCHEMA
from common.db import Database
from common.identity import Identity, Role
from common.testing.plugin import CloneDatabase, TestDatabase


@pytest.fixture
async def bookings_database(clone_database: CloneDatabase) -> AsyncIterator[TestDatabase]:
    async with clone_database(SCHEMA) as database:
        yield database


@pytest.fixture
async def database(bookings_database: TestDatabase) -> AsyncIterator[Database]:
    database = Database.connect(bookings_database.url, schema="bookings", pool=20)
    yield database
    await database.close()


@pytest.fixture
async def room(database: Database) -> str:
    """The id of a room, as it stands in a body."""
    async with database.sessions.begin() as session:
        await Rooms(session).store([room_row(1)])
    return "1"


@pytest.fixture
async def admin(database: Database) -> Identity:
    return await person(database, Role.ADMIN)
