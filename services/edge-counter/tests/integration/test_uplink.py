"""The way to a real Kafka, which is killed, and from an edge-counter, which is killed too."""

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord

from common.events import CROSSINGS, DROPPED, Topic
from common.tasks import end
from common.testing.plugin import Broker
from common.testing.servers import Server, free_port, kafka_server
from edge_counter.spool import DatedCrossing, Spool
from edge_counter.uplink import Uplink
from local_stack.kafka import Kafka
from local_stack.process_groups import ProcessGroups

CAMERA = 7
CROSSING = DatedCrossing(3, "entry", "8f3a-55", 0.83, datetime(2026, 11, 21, 10, tzinfo=UTC))


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with closing(Spool(tmp_path / "state", "lobby-1")) as spool:
        yield spool


@asynccontextmanager
async def sending(spool: Spool, kafka: str) -> AsyncIterator[Uplink]:
    uplink = Uplink(spool, kafka)
    task = asyncio.create_task(uplink.run())
    try:
        yield uplink
    finally:
        await end(task)


async def until(is_so: Callable[[], object], within_s: float = 30) -> None:
    async with asyncio.timeout(within_s):
        while not is_so():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def reading(kafka: str, topic: Topic[Any] = CROSSINGS) -> AsyncIterator[AIOKafkaConsumer]:
    """Read a topic; one that was just made may not be known at once."""
    async with asyncio.timeout(20):
        while True:
            consumer = AIOKafkaConsumer(
                topic.name, bootstrap_servers=kafka, auto_offset_reset="earliest"
            )
            await consumer.start()
            if len(consumer.assignment()) == topic.partitions:
                break
            await consumer.stop()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def count(consumer: AIOKafkaConsumer) -> int:
    """Return how many records the topic has, read or not."""
    return sum((await consumer.end_offsets(consumer.assignment())).values())


async def received(kafka: str, topic: Topic[Any] = CROSSINGS) -> list[ConsumerRecord]:
    """Return everything that is on a topic, in the order of each partition."""
    async with reading(kafka, topic) as consumer:
        records: list[ConsumerRecord] = []
        while len(records) < await count(consumer):
            batches = await consumer.getmany(timeout_ms=500)
            records += [record for batch in batches.values() for record in batch]
        return records


def counted(records: list[ConsumerRecord]) -> list[int]:
    """Return the numbers that a consumer counts, which drops all that are not above the last."""
    last, taken = 0, []
    for record in records:
        number = CROSSINGS.decode(record.value).data.sequence
        if number > last:
            last = number
            taken.append(number)
    return taken


def contents(records: list[ConsumerRecord]) -> dict[str, set[bytes]]:
    """Return all contents of each event id."""
    found: dict[str, set[bytes]] = {}
    for record in records:
        found.setdefault(CROSSINGS.decode(record.value).id, set()).add(record.value)
    return found


async def test_the_spool_is_sent_in_order_to_the_cameras_partition_and_emptied(
    spool: Spool, kafka: Broker
) -> None:
    await kafka.fresh(CROSSINGS)
    spool.store(CAMERA, [CROSSING] * 2000, None)

    async with sending(spool, kafka.address):
        await until(lambda: spool.depth() == 0)
    records = await received(kafka.address)

    assert counted(records) == list(range(1, 2001))
    assert len(records) == 2000
    assert {record.key for record in records} == {b"7"}
    assert len({record.partition for record in records}) == 1


async def test_a_new_crossing_is_sent_at_once(spool: Spool, kafka: Broker) -> None:
    await kafka.fresh(CROSSINGS)
    async with sending(spool, kafka.address) as uplink:
        await until(lambda: uplink.is_connected)

        spool.store(CAMERA, [CROSSING], None)
        uplink.wake()

        await until(lambda: spool.depth() == 0, within_s=5)


async def test_a_missing_topic_is_made(spool: Spool, kafka: Broker) -> None:
    await kafka._delete([CROSSINGS.name])
    spool.store(CAMERA, [CROSSING], None)

    async with sending(spool, kafka.address):
        await until(lambda: spool.depth() == 0)

    records = await received(kafka.address)
    assert counted(records) == [1]


async def test_what_was_given_up_is_told_on_a_topic_of_its_own(
    tmp_path: Path, kafka: Broker
) -> None:
    await kafka.fresh(CROSSINGS, DROPPED)
    with closing(Spool(tmp_path / "small", "lobby-1", most_mb=1)) as spool:
        for camera in (CAMERA, 8) * 200:
            spool.store(camera, [CROSSING] * 20, None)
        given_up = {camera: spool.dropped(camera) for camera in (CAMERA, 8)}

        async with sending(spool, kafka.address):
            await until(lambda: spool.depth() == 0)
    crossings = [CROSSINGS.decode(one.value).data for one in await received(kafka.address)]
    told = await received(kafka.address, DROPPED)

    for camera in (CAMERA, 8):
        (gap,) = [DROPPED.decode(one.value).data for one in told if one.key == f"{camera}".encode()]
        numbers = [one.sequence for one in crossings if one.camera_id == camera]
        assert (gap.first_sequence, gap.last_sequence) == (1, given_up[camera])
        assert (gap.entries, gap.exits) == (given_up[camera], 0)
        assert numbers == list(range(given_up[camera] + 1, 4001))


@pytest.fixture
def own_kafka(
    servers_dir: Path, tmp_path: Path, process_groups: ProcessGroups
) -> Iterator[tuple[str, Server]]:
    """A broker that this test may kill; it does not run yet."""
    broker = Kafka(servers_dir, tmp_path / "kafka", free_port(), free_port())
    server = kafka_server(broker, process_groups)
    yield broker.address, server
    server.kill()


async def test_kafka_that_is_away_or_killed_costs_nothing(
    spool: Spool, own_kafka: tuple[str, Server]
) -> None:
    address, server = own_kafka
    spool.store(CAMERA, [CROSSING] * 10, None)

    async with sending(spool, address) as uplink:
        await asyncio.sleep(0.5)  # long enough to fail more than once
        assert not uplink.is_connected
        server.start()
        await until(lambda: spool.depth() == 0)
        for _ in range(20):
            spool.store(CAMERA, [CROSSING] * 100, None)
            uplink.wake()
            await asyncio.sleep(0)
        server.kill()
        spool.store(CAMERA, [CROSSING] * 10, None)
        uplink.wake()
        server.start()
        await until(lambda: spool.depth() == 0)
        records = await received(address)

    assert counted(records) == list(range(1, 2021))
    assert {len(one) for one in contents(records).values()} == {1}


async def test_a_crossing_that_kafka_does_not_acknowledge_stays_here(
    spool: Spool, own_kafka: tuple[str, Server]
) -> None:
    address, server = own_kafka
    spool.store(CAMERA, [CROSSING], None)
    server.start()

    async with sending(spool, address) as uplink:
        await until(lambda: spool.depth() == 0)
        assert counted(await received(address)) == [1]
        server.kill()
        spool.store(CAMERA, [CROSSING], None)
        uplink.wake()
        await asyncio.sleep(1)  # long enough to be sent

        assert spool.depth() == 1


SENDER = """
import asyncio, sys
from pathlib import Path
from edge_counter.spool import Spool
from edge_counter.uplink import Uplink
async def main():
    await Uplink(Spool(Path(sys.argv[1]), "lobby-1"), sys.argv[2]).run()
asyncio.run(main())
"""


def depth(state: Path) -> int:
    """Look into the spool of another process."""
    with closing(sqlite3.connect(f"file:{state}/spool.sqlite3?mode=ro", uri=True)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM crossing").fetchone()
    return int(count)


def has_sent_from(state: Path, before: int) -> bool:
    return depth(state) < before


@asynccontextmanager
async def sender(state: Path, kafka: str) -> AsyncIterator[None]:
    """Send from another process, which is killed with -9 at the end."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", SENDER, str(state), kafka)
    try:
        yield
    finally:
        process.kill()
        await process.wait()


async def test_a_killed_sender_repeats_at_most_and_changes_nothing(
    tmp_path: Path, kafka: Broker
) -> None:
    await kafka.fresh(CROSSINGS)
    state = tmp_path / "state"
    with closing(Spool(state, "lobby-1")) as spool:
        spool.store(CAMERA, [CROSSING] * 20_000, None)
    for _ in range(4):
        before = depth(state)
        async with sender(state, kafka.address):
            await until(partial(has_sent_from, state, before))
    with closing(Spool(state, "lobby-1")) as spool:
        assert 0 < spool.depth() < 20_000
        async with sending(spool, kafka.address):
            await until(lambda: spool.depth() == 0)
    records = await received(kafka.address)

    assert counted(records) == list(range(1, 20_001))
    assert {len(one) for one in contents(records).values()} == {1}
