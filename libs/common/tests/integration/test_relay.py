"""What is committed is sent, in order; what is rolled back is not."""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
import sample_service
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaConnectionError
from prometheus_client import REGISTRY
from sample_service import THINGS, add_thing, change_thing, outbox, publish_thing
from sqlalchemy import func, select

from common.db import Database
from common.relay import Relay
from common.tasks import end
from common.testing.plugin import Broker, TestDatabase

THINGS_COUNT = 8


@asynccontextmanager
async def relays(database: Database, broker: Broker, count: int) -> AsyncIterator[None]:
    tasks = [
        asyncio.create_task(Relay(database.engine, outbox, kafka=broker.address, batch=20).run())
        for _ in range(count)
    ]
    yield
    await end(*tasks)


async def everything_sent(database: Database) -> None:
    columns = outbox.table.c
    unsent = select(func.count()).select_from(outbox.table).where(columns.sent_at.is_(None))
    async with asyncio.timeout(30):
        while True:
            async with database.sessions() as session:
                if not await session.scalar(unsent):
                    return
            await asyncio.sleep(0.05)


async def read_topic(broker: Broker) -> list[tuple[int, int]]:
    consumer = AIOKafkaConsumer(
        THINGS.name, bootstrap_servers=broker.address, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        partitions = consumer.assignment()
        ends = await consumer.end_offsets(partitions)
        found = []
        while any([await consumer.position(one) < end for one, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += [THINGS.decode(record.value).data for record in records]
        return [(thing.id, thing.version) for thing in found]
    finally:
        await consumer.stop()


async def write_randomly(database: Database, changes: int) -> set[tuple[int, int]]:
    """Change things in many overlapping transactions, of which some are rolled back."""
    committed: set[tuple[int, int]] = set()

    async def writer(seed: int) -> None:
        choose = random.Random(seed)
        for _ in range(changes):
            thing = choose.randrange(THINGS_COUNT)
            async with database.sessions() as session:
                version = await change_thing(session, thing)
                await sample_service.jitter()
                if choose.random() < 0.3:
                    await session.rollback()
                else:
                    await session.commit()
                    committed.add((thing, version))

    await asyncio.gather(*(writer(seed) for seed in range(8)))
    return committed


def versions_by_thing(events: list[tuple[int, int]]) -> dict[int, list[int]]:
    """Versions in the order of the topic, each at its first delivery."""
    versions: dict[int, list[int]] = defaultdict(list)
    for thing, version in dict.fromkeys(events):
        versions[thing].append(version)
    return versions


async def test_two_relays_send_each_committed_event_once_and_in_order(
    database: Database, topics: Broker
) -> None:
    for thing in range(THINGS_COUNT):
        await add_thing(database, thing)

    async with relays(database, topics, 2):
        committed = await write_randomly(database, changes=40)
        await everything_sent(database)

    events = await read_topic(topics)
    assert sorted(events) == sorted(committed)
    for versions in versions_by_thing(events).values():
        assert versions == sorted(versions)


async def test_nothing_is_lost_or_out_of_order_when_leaders_lose_their_connection(
    database: Database, sample: TestDatabase, topics: Broker
) -> None:
    for thing in range(THINGS_COUNT):
        await add_thing(database, thing)
    server = await asyncpg.connect(sample.superuser_url)

    async def unseat() -> None:
        holders = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
        while True:
            await asyncio.sleep(0.3)
            await server.execute(holders)

    async with relays(database, topics, 2):
        unseating = asyncio.create_task(unseat())
        committed = await write_randomly(database, changes=40)
        unseating.cancel()
        await everything_sent(database)
    await server.close()

    events = await read_topic(topics)
    assert set(events) == committed
    for versions in versions_by_thing(events).values():
        assert versions == sorted(versions)


async def test_a_transaction_that_began_first_but_changed_a_thing_last_is_sent_last(
    database: Database, topics: Broker
) -> None:
    """Its transaction id is the lower one, so that an order by it would turn time around."""
    await add_thing(database, 1)
    await add_thing(database, 2)

    async with database.sessions() as early, database.sessions() as late:
        await change_thing(early, 2)  # draws the lower transaction id
        await change_thing(late, 1)
        await late.commit()
        await change_thing(early, 1)
        await early.commit()
    async with relays(database, topics, 1):
        await everything_sent(database)

    assert versions_by_thing(await read_topic(topics))[1] == [1, 2]


async def test_an_event_that_becomes_visible_late_is_still_sent(
    database: Database, topics: Broker
) -> None:
    async with relays(database, topics, 1), database.sessions() as slow:
        await publish_thing(slow, 1, 1)
        async with database.sessions.begin() as quick:
            await publish_thing(quick, 2, 1)
        await everything_sent(database)
        await slow.commit()
        await everything_sent(database)

    assert set(await read_topic(topics)) == {(1, 1), (2, 1)}


class CutOff:
    """A producer whose broker is gone before it acknowledges."""

    async def send(self, *_: object, **__: object) -> "asyncio.Future[None]":
        lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        lost.set_exception(KafkaConnectionError())
        return lost


async def test_what_kafka_does_not_acknowledge_stays_unsent(
    database: Database, topics: Broker
) -> None:
    async with database.sessions.begin() as session:
        await publish_thing(session, 1, 1)
    relay = Relay(database.engine, outbox, kafka=topics.address)

    async with database.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        with pytest.raises(KafkaConnectionError):
            await relay.send_batch(connection, CutOff())
    async with relays(database, topics, 1):
        await everything_sent(database)

    assert await read_topic(topics) == [(1, 1)]


async def test_an_unsent_event_grows_older_while_kafka_is_away(database: Database) -> None:
    async with database.sessions.begin() as session:
        await publish_thing(session, 1, 1)
    task = asyncio.create_task(Relay(database.engine, outbox, kafka="127.0.0.1:1").run())

    try:
        async with asyncio.timeout(20):
            while (first := oldest_unsent_s()) == 0:
                await asyncio.sleep(0.05)
            while oldest_unsent_s() < first + 0.5:
                await asyncio.sleep(0.05)
    finally:
        task.cancel()


def oldest_unsent_s() -> float:
    value = REGISTRY.get_sample_value("outbox_oldest_unsent_seconds", {"schema": "sample"})
    assert value is not None
    return value
