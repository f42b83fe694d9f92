"""Crossings from Kafka to committed aggregates, against a bare drain and a staged COPY.

Three hundred thousand crossings of forty doors, as half a day gives them. In turn, round by round:

    drain     aiokafka's getmany, to nothing
    copy      the same rows, prepared beforehand, copied into an unlogged table and inserted from
              there into one like `crossings`, with its indexes, ON CONFLICT DO NOTHING
    ingest    the service's consumer: decoded, claimed, stored, and added up to counts, minutes,
              hours, persons, levels and alerts, in one durable transaction for each batch

A figure is the median of the rounds' ratios to the slower of the first two.

    uv run python -m benchmarks.ingest.run [--rounds 3] [--events 300000]

Exits with 1 when a figure is past its limit.
"""

import argparse
import asyncio
import random
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from benchmarks.ground import Ground, prepared

from common.consumer import Consumer
from common.db import Database
from common.events import CROSSINGS, CrossingV1
from common.ids import new_cuid
from common.process import collect_seldom
from common.tasks import end
from common.testing.servers import free_port, kafka_server
from common.topics import ensure_topics
from local_stack.kafka import Kafka
from local_stack.settings import Settings as LocalSettings
from occupancy.events import INGEST_BATCH, INGEST_LANES, subscriptions
from occupancy.tables import SCHEMA, outbox, processed

DOORS = 40
BATCH = 5000
LEAST = 0.6
MOST_PYTHON_US = 6.0
ROLE = "occupancy"


@dataclass(frozen=True)
class Bench:
    """Servers with doors in the one and their crossings in the other."""

    ground: Ground
    kafka: str
    crossings: Sequence[CrossingV1]

    @property
    def superuser_url(self) -> str:
        return self.ground.postgres.url("bench")


async def make_doors(url: str) -> list[tuple[int, int]]:
    """Store cameras with a line each, two a room; returns their ids."""
    server: asyncpg.Connection[Any] = await asyncpg.connect(url)
    rows = await server.fetch(
        """
        WITH made AS (
            INSERT INTO occupancy.cameras
                (camera_id, camera_name, camera_type, is_active, room_id, max_occupancy)
            SELECT 'D' || n, 'Door', 'bidirectional', true, n / 2 + 1, 500
            FROM generate_series(1, $1) AS n RETURNING id
        ), drawn AS (
            INSERT INTO occupancy.lines (camera_id, line_name, x1, y1, x2, y2, direction,
                confidence_threshold, is_active)
            SELECT id, 'Door', 0, 0, 1, 0, 'bidirectional', 0.5, true FROM made
            RETURNING id, camera_id
        )
        INSERT INTO occupancy.watches (line_id, since, until, camera_id, entries, exits,
            confidence_threshold)
        SELECT id, '-infinity', 'infinity', camera_id, true, true, 0.5 FROM drawn
        RETURNING camera_id, line_id
        """,
        DOORS,
    )
    await server.close()
    return [(row["camera_id"], row["line_id"]) for row in rows]


def make_crossings(doors: Sequence[tuple[int, int]], count: int) -> list[CrossingV1]:
    """Let people come and go at all doors, ten a minute and door."""
    dice = random.Random(1)  # noqa: S311 - the same each time
    began = datetime.now(UTC) - timedelta(hours=12)
    last = dict.fromkeys(doors, 0)
    found = []
    for number in range(count):
        door = doors[dice.randrange(len(doors))]
        last[door] += 1
        found.append(
            CrossingV1(
                edge_id=f"edge-{door[0]}",
                camera_id=door[0],
                sequence=last[door],
                line_id=door[1],
                direction="entry" if dice.random() < 0.5 else "exit",
                # One in four comes back while the tracker still knows who it is.
                track_id=f"8f3a-{last[door] - (dice.random() < 0.25)}",
                confidence=0.5 + dice.random() / 2,
                crossed_at=began + timedelta(microseconds=number * 60_000_000 // (10 * len(doors))),
            )
        )
    return found


async def publish(kafka: str, crossings: Sequence[CrossingV1]) -> None:
    """Write crossings as edges do, each door's in order."""
    await ensure_topics(kafka, published=SCHEMA.published, consumed=SCHEMA.consumed)
    producer = AIOKafkaProducer(bootstrap_servers=kafka, linger_ms=20, max_batch_size=262_144)
    await producer.start()
    sent = []
    for one in crossings:
        raw = CROSSINGS.encode(
            one,
            event_id=f"{one.edge_id}/{one.camera_id}/{one.sequence}",
            source=f"edge/{one.edge_id}",
            subject=f"camera/{one.camera_id}",
            at=one.crossed_at,
        )
        sent.append(await producer.send(CROSSINGS.name, raw, key=str(one.camera_id).encode()))
    await asyncio.gather(*sent)
    await producer.stop()


async def drain(bench: Bench) -> tuple[float, float]:
    """Read the whole topic to nothing; returns events a second, and microseconds of Python."""
    consumer = AIOKafkaConsumer(
        CROSSINGS.name,
        bootstrap_servers=bench.kafka,
        group_id=new_cuid(),
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    seen, began, cpu = 0, 0.0, 0.0
    while seen < len(bench.crossings):
        batches = await consumer.getmany(timeout_ms=500, max_records=BATCH)
        if batches and not seen:
            began, cpu = time.perf_counter(), time.process_time()
            seen = sum(len(records) for records in batches.values())
            first = seen
            continue
        seen += sum(len(records) for records in batches.values())
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    await consumer.stop()
    return (seen - first) / seconds, cpu / (seen - first) * 1e6


COLUMNS = (
    "camera_id",
    "crossed_at",
    "edge_id",
    "sequence",
    "line_id",
    "direction",
    "track_id",
    "confidence",
    "is_counted",
)


async def copy(bench: Bench) -> float:
    """Copy and insert the rows alone; returns rows a second."""
    rows = [
        tuple(True if name == "is_counted" else getattr(one, name) for name in COLUMNS)
        for one in bench.crossings
    ]
    server: asyncpg.Connection[Any] = await asyncpg.connect(bench.superuser_url)
    await server.execute("DROP TABLE IF EXISTS target, staged")
    await server.execute("CREATE TABLE target (LIKE occupancy.crossings INCLUDING ALL)")
    await server.execute("CREATE UNLOGGED TABLE staged (LIKE occupancy.crossings)")
    names = ", ".join(COLUMNS)
    insert = f"INSERT INTO target ({names}) SELECT {names} FROM staged ON CONFLICT DO NOTHING"  # noqa: S608 - our own names
    began = time.perf_counter()
    for at in range(0, len(rows), BATCH):
        async with server.transaction():
            await server.copy_records_to_table(
                "staged", records=rows[at : at + BATCH], columns=list(COLUMNS)
            )
            await server.execute(insert)
            await server.execute("TRUNCATE staged")
    rate = len(rows) / (time.perf_counter() - began)
    assert await server.fetchval("SELECT count(*) FROM target") == len(rows)
    await server.close()
    return rate


async def ingest(bench: Bench) -> tuple[float, float]:
    """Let the service take the topic in; returns events a second, and microseconds of Python."""
    server: asyncpg.Connection[Any] = await asyncpg.connect(bench.superuser_url)
    await server.execute(
        "TRUNCATE occupancy.crossings, occupancy.edges, occupancy.counts, occupancy.minutes,"
        " occupancy.hours, occupancy.persons, occupancy.levels, occupancy.alerts, occupancy.outbox"
    )
    database = Database.connect(bench.ground.address(ROLE), schema=SCHEMA.name)
    consumer = Consumer(
        new_cuid(),
        database=database,
        processed=processed,
        outbox=outbox,
        subscriptions=[one for one in subscriptions("UTC") if one.topic is CROSSINGS],
        kafka=bench.kafka,
        batch=INGEST_BATCH,
        lanes=INGEST_LANES,
    )
    counted = "SELECT sum(entries + exits)::bigint FROM occupancy.counts"
    task = asyncio.create_task(consumer.run())

    async def until(number: int) -> int:
        while (seen := await server.fetchval(counted) or 0) < number:
            if task.done():
                raise AssertionError(task.result())
            await asyncio.sleep(0.05)
        return int(seen)

    first = await until(1)
    began, cpu = time.perf_counter(), time.process_time()
    seen = await until(len(bench.crossings))
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    await end(task)
    await database.close()
    await server.close()
    return (seen - first) / seconds, cpu / (seen - first) * 1e6


async def measure(ground: Ground, arguments: argparse.Namespace) -> int:
    broker = Kafka(LocalSettings().servers, ground.folder / "kafka", free_port(), free_port())
    server = kafka_server(broker, ground.groups)
    server.start()
    try:
        await server.wait_ready()
        doors = await make_doors(ground.postgres.url("bench"))
        crossings = make_crossings(doors, arguments.events)
        await publish(broker.address, crossings)
        return await in_turn(Bench(ground, broker.address, crossings), arguments.rounds)
    finally:
        server.kill()


async def in_turn(bench: Bench, rounds: int) -> int:
    ratios, python_us, drain_us = [], [], []
    for number in range(1, rounds + 1):
        (drained, drain_cpu_us), copied = await drain(bench), await copy(bench)
        taken, cpu_us = await ingest(bench)
        ratios.append(taken / min(drained, copied))
        python_us.append(cpu_us)
        drain_us.append(drain_cpu_us)
        print(
            f"round {number}: drain {drained:,.0f}/s  copy {copied:,.0f}/s  ingest {taken:,.0f}/s"
            f"  {ratios[-1]:.2f} of the slower  {cpu_us:.1f} us of Python an event"
        )
    ratio, cost = statistics.median(ratios), statistics.median(python_us)
    print(f"ingest: {ratio:.2f} of the slower of drain and copy (limit {LEAST})")
    bare = statistics.median(drain_us)
    print(
        f"Python: {cost:.1f} us an event (limit {MOST_PYTHON_US:.0f}), {bare:.1f} of the bare drain"
    )
    return int(ratio < LEAST or cost > MOST_PYTHON_US)


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure how fast crossings are taken in.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--events", type=int, default=300_000)
    arguments = parser.parse_args()
    collect_seldom()
    with prepared(SCHEMA) as ground:
        return uvloop.run(measure(ground, arguments))


if __name__ == "__main__":
    sys.exit(main())
