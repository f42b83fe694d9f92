"""Copies of bookings and levels: the newest wins in any order, nothing breaks the consumer."""

import asyncio
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from publishing import booking
from sqlalchemy import select

from common.consumer import Consumer
from common.db import Database
from common.events import BOOKINGS, LEVELS, BookingV1, CloudEvent, LevelV1
from common.ids import new_cuid
from common.tasks import end
from common.testing.plugin import Broker
from common.topics import ensure_topics
from rooms.events import SUBSCRIPTIONS, on_bookings, on_levels
from rooms.tables import outbox, processed, room_bookings, room_levels

NOW = datetime.now(UTC)


def event(data: Any) -> CloudEvent[Any]:
    return CloudEvent(
        specversion="1.0", type="x", id=new_cuid(), source="tests", time=NOW, data=data
    )


def versions(count: int) -> list[BookingV1]:
    """One booking, moved by an hour with each version, held by the odd ones."""
    first = booking(1, NOW, NOW + timedelta(hours=1))
    return [
        msgspec.structs.replace(
            first,
            version=version,
            starts_at=NOW + timedelta(hours=version),
            ends_at=NOW + timedelta(hours=version + 1),
            held_from=NOW + timedelta(hours=version),
            held_until=NOW + timedelta(hours=version + 1),
            holds=version % 2 == 1,
        )
        for version in range(1, count + 1)
    ]


async def take(database: Database, *batches: Sequence[BookingV1]) -> int:
    """Take batches of bookings, each in its transaction; returns how many were refused."""
    refused = 0
    for batch in batches:
        async with database.sessions.begin() as session:
            refused += len(await on_bookings(session, [event(one) for one in batch]))
    return refused


async def stored(database: Database, table: Any) -> list[Any]:
    async with database.sessions() as session:
        return list(await session.execute(select(table)))


@pytest.mark.parametrize("order", list(permutations((1, 2, 3))), ids=str)
async def test_the_highest_version_of_a_booking_wins_in_any_order(
    database: Database, order: tuple[int, ...]
) -> None:
    told = versions(3)

    await take(database, *([told[version - 1]] for version in order))

    [row] = await stored(database, room_bookings)
    assert (row.version, row.holds, row.starts_at) == (3, True, told[2].starts_at)


async def test_a_batch_may_hold_many_versions_of_many_bookings(database: Database) -> None:
    chance = random.Random(5)
    series = [versions(6) for _ in range(20)]
    told = [one for each in series for one in each]
    chance.shuffle(told)
    cut = len(told) // 2

    await take(database, told[:cut], told[cut:], told[:cut])

    rows = await stored(database, room_bookings)
    assert {row.id for row in rows} == {each[0].id for each in series}
    assert {(row.version, row.holds) for row in rows} == {(6, False)}


async def test_the_highest_version_of_a_level_wins_in_any_order(database: Database) -> None:
    levels = [
        LevelV1(room_id=room, version=version, occupancy=version * 10, measured_at=NOW)
        for room in (1, 2)
        for version in (3, 1, 4, 2)
    ]
    for one in (*levels, levels[0]):
        async with database.sessions.begin() as session:
            assert await on_levels(session, [event(one)]) == []

    rows = await stored(database, room_levels)

    assert sorted((row.room_id, row.version, row.occupancy) for row in rows) == [
        (1, 4, 40),
        (2, 4, 40),
    ]


async def test_bookings_are_forgotten_a_day_after_their_end(database: Database) -> None:
    def ended(hours_ago: float) -> BookingV1:
        end = NOW - timedelta(hours=hours_ago)
        return booking(1, end - timedelta(hours=2), end)

    kept = [ended(-5), ended(0), ended(23)]
    # Its buffer goes on for longer than it does.
    buffered = msgspec.structs.replace(ended(30), held_until=NOW - timedelta(hours=20))

    await take(database, [ended(25), ended(1000), *kept, buffered])

    rows = await stored(database, room_bookings)
    assert {row.id for row in rows} == {one.id for one in (*kept, buffered)}


GOOD = booking(1, NOW, NOW + timedelta(hours=1))


@pytest.mark.parametrize(
    "change",
    [
        {"ends_at": GOOD.starts_at},
        {"ends_at": GOOD.starts_at - timedelta(hours=1)},
        {"held_until": GOOD.held_from},
        {"held_from": GOOD.held_until + timedelta(hours=1)},
        {"starts_at": datetime.min.replace(tzinfo=UTC)},
        {"ends_at": datetime.max.replace(tzinfo=UTC)},
        {"held_from": datetime.min.replace(tzinfo=UTC)},
        {"held_until": datetime.max.replace(tzinfo=UTC)},
        {"id": "x\0y"},
        {"id": ""},
        {"id": "x" * 100_000},
        {"version": 2**63},
        {"version": 2**200},
    ],
    ids=lambda change: str(next(iter(change))),
)
async def test_a_booking_that_would_break_the_table_is_refused_and_stops_nothing(
    database: Database, change: dict[str, Any]
) -> None:
    broken = msgspec.structs.replace(GOOD, **change)
    others = [booking(1, NOW, NOW + timedelta(hours=1)) for _ in range(2)]

    refused = await take(database, [others[0], broken, others[1]])

    assert refused == 1
    rows = await stored(database, room_bookings)
    assert {row.id for row in rows} == {one.id for one in others}


@pytest.mark.parametrize("change", [{"version": 2**63}, {"occupancy": 2**63}])
async def test_a_level_that_would_break_the_table_is_refused(
    database: Database, change: dict[str, int]
) -> None:
    values = {"room_id": 1, "version": 1, "occupancy": 1, "measured_at": NOW, **change}

    async with database.sessions.begin() as session:
        [refused] = await on_levels(session, [event(LevelV1(**values))])

    assert refused.reason.status == 400
    assert await stored(database, room_levels) == []


async def test_the_consumer_starts_before_its_topics_are_there(
    database: Database, kafka: Broker
) -> None:
    await kafka._delete([BOOKINGS.name, LEVELS.name])
    consumer = Consumer(
        f"rooms-{new_cuid()}",
        database=database,
        processed=processed,
        outbox=outbox,
        subscriptions=SUBSCRIPTIONS,
        kafka=kafka.address,
    )
    running = asyncio.create_task(consumer.run())
    for absent in (BOOKINGS, LEVELS):
        await asyncio.wait([running], timeout=0.5)
        assert not running.done()
        await ensure_topics(kafka.address, published=[absent])
    producer = AIOKafkaProducer(bootstrap_servers=kafka.address)
    await producer.start()
    level = LevelV1(room_id=7, version=1, occupancy=2, measured_at=NOW)
    raw = LEVELS.encode(level, event_id=new_cuid(), source="tests", subject="room/7", at=NOW)
    await producer.send_and_wait(LEVELS.name, raw, key=b"7")
    await producer.stop()

    async with asyncio.timeout(25):
        while not await stored(database, room_levels):
            assert not running.done()
            await asyncio.sleep(0.1)

    await consumer.check()
    await end(running)
