"""Statements on connections of the driver: each answer goes to who asked, whatever happens."""

import asyncio

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from common.db import Database, fetch_hot, is_unavailable
from common.testing.plugin import TestDatabase
from common.testing.servers import free_port

ECHO = "SELECT $1::integer AS said, pg_sleep($2)::text"


async def echo(database: Database, number: int, seconds: float = 0.0) -> object:
    async with database.sessions() as session:
        row = await fetch_hot(session, ECHO, number, seconds)
    assert row is not None
    return row["said"]


async def echo_all(database: Database, count: int) -> list[object] | None:
    """Return what each was told; None if the database is away."""
    said = await asyncio.gather(
        *(echo(database, number) for number in range(count)), return_exceptions=True
    )
    errors = [one for one in said if isinstance(one, BaseException)]
    assert all(is_unavailable(error) for error in errors)
    return None if errors else list(said)


async def test_any_number_of_callers_share_a_few_connections(sample: TestDatabase) -> None:
    database = Database.connect(sample.url, schema="sample", hot=2)

    said = await asyncio.gather(*(echo(database, number, 0.01) for number in range(20)))
    connection = await asyncpg.connect(sample.superuser_url)
    opened = await connection.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND application_name = $2",
        sample.name,
        "atrium-sample",
    )
    await connection.close()
    await database.close()

    assert said == list(range(20))
    assert opened == 2


async def test_who_is_cancelled_leaves_nobody_their_answer(sample: TestDatabase) -> None:
    database = Database.connect(sample.url, schema="sample", hot=1)
    await echo(database, 1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await echo(database, 2, 1.0)

    assert await echo(database, 3) == 3
    await database.close()


async def test_a_refused_statement_is_undone_and_leaves_its_connection_whole(
    sample: TestDatabase,
) -> None:
    database = Database.connect(sample.url, schema="sample", hot=1)
    twice = "INSERT INTO sample.things (id, version) SELECT $1, 1 FROM generate_series(1, 2)"
    async with database.sessions() as session:
        with pytest.raises(DBAPIError) as refused:
            await fetch_hot(session, twice, 7)
        kept = await fetch_hot(session, "SELECT count(*) AS rows FROM sample.things")
    await database.close()

    assert not is_unavailable(refused.value)
    assert kept is not None
    assert kept["rows"] == 0


async def test_it_is_part_of_a_transaction_that_has_begun(sample: TestDatabase) -> None:
    database = Database.connect(sample.url, schema="sample")
    add = "INSERT INTO sample.things (id, version) VALUES ($1, 1) RETURNING id"
    async with database.sessions() as session:
        await session.connection()
        await fetch_hot(session, add, 1)
    async with database.sessions() as session:
        await fetch_hot(session, add, 2)
    async with database.sessions() as session:
        kept = await fetch_hot(session, "SELECT array_agg(id) AS ids FROM sample.things")
    await database.close()

    assert kept is not None
    assert kept["ids"] == [2]


async def test_connections_that_the_server_ended_are_replaced(sample: TestDatabase) -> None:
    database = Database.connect(sample.url, schema="sample", hot=3)
    server = await asyncpg.connect(sample.superuser_url)
    end_all = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = $1 AND application_name = 'atrium-sample'"
    )
    await asyncio.gather(*(echo(database, number, 0.05) for number in range(3)))
    waiting = asyncio.create_task(echo(database, 4, 30.0))
    await asyncio.sleep(0.1)

    await server.fetch(end_all, sample.name)
    with pytest.raises(DBAPIError) as ended:
        await waiting
    async with asyncio.timeout(5):
        while (said := await echo_all(database, 6)) is None:
            await asyncio.sleep(0.05)  # the driver may not have read yet that they are gone
    await server.close()
    await database.close()

    assert is_unavailable(ended.value)
    assert said == list(range(6))


async def test_a_server_that_is_away_is_unavailable() -> None:
    url = f"postgresql://sample:secret@127.0.0.1:{free_port()}/sample"
    database = Database.connect(url, schema="sample")
    with pytest.raises(OSError, match=r"refused|failed") as away:
        await echo(database, 1)

    assert is_unavailable(away.value)
