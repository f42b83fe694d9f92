"""Migrations run once, and an older release lives with a newer schema."""

import asyncpg
import sample_service

from common import migrations
from common.db import create_engine
from common.testing.plugin import TestDatabase


async def test_an_older_release_leaves_a_newer_schema_alone(sample: TestDatabase) -> None:
    schema = sample_service.SCHEMA
    server = await asyncpg.connect(sample.superuser_url)
    await server.execute("UPDATE sample.alembic_version SET version_num = 'of_tomorrow'")
    engine = create_engine(sample.owner_url, application="tests")

    await migrations.migrate(engine, schema.metadata, schema.versions)

    await engine.dispose()
    assert await server.fetchval("SELECT version_num FROM sample.alembic_version") == "of_tomorrow"
    await server.close()
