"""The sample service on its own database."""

from collections.abc import AsyncIterator

import pytest
import sample_service

from common.db import Database
from common.testing.plugin import Broker, CloneDatabase, TestDatabase


@pytest.fixture
async def sample(clone_database: CloneDatabase) -> AsyncIterator[TestDatabase]:
    async with clone_database(sample_service.SCHEMA) as database:
        yield database


@pytest.fixture
async def database(sample: TestDatabase) -> AsyncIterator[Database]:
    database = Database.connect(sample.url, schema="sample", pool=20)
    yield database
    await database.close()


@pytest.fixture
async def topics(kafka: Broker) -> Broker:
    await kafka.fresh(sample_service.THINGS, consumed=(sample_service.THINGS,))
    return kafka
