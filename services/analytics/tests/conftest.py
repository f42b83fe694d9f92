"""The schema `analytics` on a database of its own."""

from collections.abc import AsyncIterator

import pytest

from analytics.tables import SCHEMA
from common.db import Database
from common.testing.plugin import CloneDatabase


@pytest.fixture
async def database(clone_database: CloneDatabase) -> AsyncIterator[Database]:
    async with clone_database(SCHEMA) as cloned:
        database = Database.connect(cloned.url, schema=SCHEMA.name)
        yield database
        await database.close()
