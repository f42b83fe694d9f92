"""Each effect happens once: under redelivery, reorder, rebalance, crashes and broken messages."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
import sample_service
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from sample_service import SUBSCRIPTION, THINGS, event, recorded
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from common.consumer import Batch, Consumer, DeadLetterLimit, Subscription
from common.db import Database
from common.errors import Unavailable
from common.events import CloudEvent
from common.ids import new_cuid
from common.tasks import end
from common.testing.plugin import Broker, TestDatabase

Make = Callable[..., Consumer]


@pytest.fixture
def make(database: Database, topics: Broker) -> Make:
    def make_consumer(subscription: Subscription[Any] = SUBSCRIPTION, **options: Any) -> Consumer:
        return Consumer(
            "sample",
            database=database,
            processed=sample_service.processed,
            outbox=sample_service.outbox,
            subscriptions=[subscription],
            kafka=topics.address,
            **options,
        )

    return make_consumer


@asynccontextmanager
async def running(consumer: Consumer) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(consumer.run())
    yield task
    [ended] = await end(task)
    if isinstance(ended, Exception):
        raise ended


async def send(broker: Broker, messages: Sequence[tuple[int, bytes]]) -> None:
    """Send messages, each with the thing that is its key."""
    producer = AIOKafkaProducer(bootstrap_servers=broker.address)
    await producer.start()
    acks = [await producer.send(THINGS.name, raw, key=str(key).encode()) for key, raw in messages]
    await asyncio.gather(*acks)
    await producer.stop()


async def until_recorded(database: Database, count: int) -> list[tuple[int, int]]:
    async with asyncio.timeout(25):
        while len(found := await recorded(database)) < count:
            await asyncio.sleep(0.05)
    return found


async def dead_letters(database: Database) -> list[tuple[bytes, dict[str, str]]]:
    table = sample_service.outbox.table
    async with database.sessions() as session:
        rows = await session.execute(table.select().where(table.c.topic == f"{THINGS.name}.dlq"))
        return [(row.payload, row.headers) for row in rows]


async def claims(database: Database) -> int:
    async with database.sessions() as session:
        found = await session.scalar(select(func.count()).select_from(sample_service.processed))
        return found or 0


async def left_behind(broker: Broker) -> int:
    """Return how many messages will not come again, by the group's offsets."""
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.address)
    await admin.start()
    offsets = await admin.list_consumer_group_offsets("sample")
    await admin.close()
    return sum(found.offset for found in offsets.values() if found.offset > 0)


async def test_an_event_that_comes_again_has_no_second_effect(
    make: Make, database: Database, topics: Broker
) -> None:
    events = [(thing, event(thing, version)) for version in range(50) for thing in range(4)]
    shuffled = random.Random(1).sample(events, len(events))

    async with running(make(batch=17)):
        await send(topics, events)
        await until_recorded(database, 200)
        await send(topics, shuffled)
        await send(topics, [(9, event(9, 9))])
        found = await until_recorded(database, 201)
        # What is behind the last event on its partition needs a moment more.
        await asyncio.sleep(0.5)

    assert found == await recorded(database)
    assert len(set(found)) == 201


async def test_a_batch_that_holds_an_event_twice_counts_it_once(
    make: Make, database: Database, topics: Broker
) -> None:
    await send(topics, [(1, event(1, 1)), (1, event(1, 1)), (1, event(1, 2))])

    async with running(make()):
        found = await until_recorded(database, 2)

    assert found == [(1, 1), (1, 2)]


async def test_it_knows_where_it_has_heard_everything_and_for_how_long(
    make: Make, database: Database, topics: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("common.consumer.LONGEST_GAP_S", 1.5)
    free = asyncio.Event()

    async def slow(session: AsyncSession, events: Sequence[CloudEvent[Any]]) -> Any:
        await free.wait()
        return await sample_service.record(session, events)

    async def until(wanted: list[int], for_s: float) -> None:
        async with asyncio.timeout(25):
            while sorted(consumer.up_to_date(THINGS, for_s=for_s)) != wanted:
                await asyncio.sleep(0.05)

    consumer, everywhere = make(Subscription(THINGS, slow)), [0, 1, 2]
    assert consumer.up_to_date(THINGS, for_s=0) == []
    async with running(consumer):
        await until(everywhere, 2.0)
        # What it cannot handle, as while the database is away, keeps it from all the rest.
        await send(topics, [(1, event(1, 1))])
        await until([], 0.0)
        await asyncio.sleep(1.5)
        free.set()
        await until_recorded(database, 1)
        await until(everywhere, 0.0)
        # The time before is lost.
        assert consumer.up_to_date(THINGS, for_s=1.0) == []
        await send(topics, [(thing, event(thing, 2)) for thing in range(100)])
        await until(everywhere, 2.0)
    await asyncio.sleep(1.6)
    assert consumer.up_to_date(THINGS, for_s=0) == []


async def test_a_lane_does_not_wait_for_another(
    make: Make, database: Database, topics: Broker
) -> None:
    free = asyncio.Event()

    async def slow_on_one(session: AsyncSession, events: Batch[Any]) -> Any:
        if 0 in events.partitions:
            await free.wait()
        return await sample_service.record(session, events)

    # Things of every partition, each event a batch of its own.
    things = range(30)
    consumer = make(Subscription(THINGS, slow_on_one), lanes=3, batch=1)
    async with running(consumer):
        await send(topics, [(one, event(one, version)) for version in (1, 2) for one in things])
        async with asyncio.timeout(25):
            while sorted(consumer.up_to_date(THINGS, for_s=0.2)) != [1, 2]:
                await asyncio.sleep(0.05)
        held = 60 - len(await recorded(database))
        assert 0 < held < 60
        free.set()
        assert len(await until_recorded(database, 60)) == 60


async def test_a_crash_between_effect_and_offset_repeats_nothing(
    make: Make, database: Database, topics: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send(topics, [(1, event(1, version)) for version in range(20)])

    async def crash(*_: object) -> None:
        raise SystemError("killed here")

    dying = make()
    monkeypatch.setattr(dying, "_commit_offsets", crash)
    with pytest.raises(SystemError):
        await dying.run()
    first = await recorded(database)
    async with running(make()):
        await send(topics, [(1, event(1, 99))])
        found = await until_recorded(database, 21)

    assert len(first) == 20
    assert len(set(found)) == len(found) == 21


async def test_a_bug_in_the_middle_of_a_batch_leaves_nothing_half_done(
    make: Make, database: Database, topics: Broker
) -> None:
    async def half(session: AsyncSession, events: Sequence[CloudEvent[Any]]) -> Any:
        await sample_service.record(session, events[: len(events) // 2])
        raise ZeroDivisionError

    await send(topics, [(1, event(1, version)) for version in range(20)])

    with pytest.raises(ZeroDivisionError):
        await make(Subscription(THINGS, half)).run()

    assert await recorded(database) == []
    assert (await claims(database), await left_behind(topics)) == (0, 0)
    async with running(make()):
        assert len(await until_recorded(database, 20)) == 20


async def test_a_batch_that_is_given_up_leaves_no_effect(
    make: Make, database: Database, topics: Broker
) -> None:
    await send(topics, [(1, event(1, 1)), (1, b"broken")])

    async with asyncio.timeout(10):
        await make(limit=DeadLetterLimit(in_row=1)).run()

    assert await recorded(database) == []
    async with running(make()):
        assert await until_recorded(database, 1) == [(1, 1)]


async def test_rebalances_in_the_middle_of_the_stream_repeat_and_lose_nothing(
    make: Make, database: Database, topics: Broker
) -> None:
    async def slow(session: AsyncSession, events: Sequence[CloudEvent[Any]]) -> Any:
        await asyncio.sleep(0.02)
        return await sample_service.record(session, events)

    events = [(thing, event(thing, version)) for version in range(150) for thing in range(10)]
    subscription = Subscription(THINGS, slow)

    async def come_and_go() -> None:
        # Not for ever: a group that is rebalanced without end reads nothing.
        for _ in range(4):
            async with running(make(subscription, batch=10)):
                await asyncio.sleep(1.0)

    async with running(make(subscription, batch=10)), asyncio.TaskGroup() as storm:
        storm.create_task(come_and_go())
        await send(topics, events)
        found = await until_recorded(database, len(events))

    assert len(found) == len(set(found)) == len(events)


async def test_a_database_that_drops_its_connections_costs_time_and_nothing_else(
    make: Make, database: Database, sample: TestDatabase, topics: Broker
) -> None:
    server = await asyncpg.connect(sample.superuser_url)
    events = [(thing, event(thing, version)) for version in range(100) for thing in range(5)]

    async def drop() -> None:
        while True:
            await server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'sample'"
            )
            await asyncio.sleep(0.1)

    async with running(make(batch=10)):
        dropping = asyncio.create_task(drop())
        await send(topics, events)
        await asyncio.sleep(1.5)
        dropping.cancel()
        found = await until_recorded(database, len(events))
    await server.close()

    assert len(found) == len(set(found)) == len(events)


BROKEN = {
    "no JSON": b"\xff\xfe",
    "empty": b"",
    "another type": event(1, 1).replace(b"sample.thing.v1", b"sample.other.v1"),
    "a field missing": event(1, 1).replace(b'"version":1', b'"version_":1'),
    "a field of a wrong type": event(1, 1).replace(b'"version":1', b'"version":"1"'),
    "deep nesting": b"[" * 200_000,
    "NUL": event(1, 1).replace(b"sample.thing.v1", b"sample\\u0000.v1"),
    "half a message": event(1, 1)[:-5],
    "large": b'{"specversion":"' + b"1" * 800_000,
}


async def test_broken_and_refused_messages_are_parked_once_with_their_reason(
    make: Make, database: Database, topics: Broker
) -> None:
    messages = [(1, raw) for raw in BROKEN.values()] + [(1, event(-5, 1)), (1, event(7, 7))]
    await send(topics, messages)

    async with running(make()):
        found = await until_recorded(database, 1)
    parked = await dead_letters(database)
    # Their offsets are forgotten, as after the loss of the group: all of them come again.
    async with running(make()):
        await send(topics, [*messages, (1, event(8, 8))])
        await until_recorded(database, 2)

    assert found == [(7, 7)]
    assert [raw for raw, _ in parked] == [raw for _, raw in messages[:-1]]
    assert all(headers["reason"] and headers["position"] for _, headers in parked)
    again = await dead_letters(database)
    # The refused event is claimed by its id; broken messages have none, so each one is parked.
    assert len(again) == 2 * len(parked) - 1


async def test_a_topic_that_nobody_has_made_yet_holds_up_no_other(
    make: Make, database: Database, topics: Broker
) -> None:
    later = replace(THINGS, name=f"{THINGS.name}.{new_cuid()}")
    await send(topics, [(1, event(1, 1))])
    consumer = Consumer(
        "sample",
        database=database,
        processed=sample_service.processed,
        outbox=sample_service.outbox,
        subscriptions=[SUBSCRIPTION, replace(SUBSCRIPTION, topic=later)],
        kafka=topics.address,
    )

    async with running(consumer):
        assert await until_recorded(database, 1) == [(1, 1)]
        await topics.fresh(later)
        producer = AIOKafkaProducer(bootstrap_servers=topics.address)
        await producer.start()
        told = later.encode(
            THINGS.decode(event(2, 2)).data,
            event_id="2/2",
            source="sample",
            subject="2",
            at=datetime.now(UTC),
        )
        await producer.send_and_wait(later.name, told, key=b"2")
        await producer.stop()
        assert await until_recorded(database, 2) == [(1, 1), (2, 2)]


async def test_a_message_too_large_to_be_parked_is_parked_in_part(
    make: Make, database: Database, topics: Broker
) -> None:
    await send(topics, [(1, b"x" * 950_000), (1, event(1, 1))])

    async with running(make()):
        await until_recorded(database, 1)

    [(raw, headers)] = await dead_letters(database)
    assert raw == b"x" * 900_000
    assert headers["cut-from-bytes"] == "950000"


async def test_a_parked_message_that_is_delivered_again_is_not_parked_again(
    make: Make, database: Database, topics: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send(topics, [(1, b"broken"), (1, event(1, 1))])

    async def crash(*_: object) -> None:
        raise SystemError("killed here")

    dying = make()
    monkeypatch.setattr(dying, "_commit_offsets", crash)
    with pytest.raises(SystemError):
        await dying.run()
    async with running(make()):
        await send(topics, [(1, event(1, 2))])
        await until_recorded(database, 2)

    assert len(await dead_letters(database)) == 1


async def test_too_many_broken_messages_stop_the_consumer_before_it_parks_them_all(
    make: Make, database: Database, topics: Broker
) -> None:
    await send(topics, [(1, b"broken")] * 30 + [(1, event(1, 1))])
    consumer = make(limit=DeadLetterLimit(in_row=20), batch=8)

    async with asyncio.timeout(20):
        await consumer.run()

    with pytest.raises(Unavailable, match="restart"):
        await consumer.check()
    assert len(await dead_letters(database)) == 16
    async with running(make()):
        assert await until_recorded(database, 1) == [(1, 1)]
