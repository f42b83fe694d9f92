"""How fast the spool takes crossings, and how fast it empties after an outage.

Taking: a crossing is on the disk when `store` returns. Beside it the same bytes are appended to a
bare file and synced, in turns, on the same disk; the median of the turns' ratios counts.

Emptying: 50,000 crossings of 8 cameras go into a real Kafka, while 80 a second, a busy hour at 8
doors, would come. Beside it a bare producer with the same settings sends the same events from
memory. The uplink reads from the disk, notes what it is about to send, and deletes what was
acknowledged, all of it synced.

    uv run python -m benchmarks.spool.run [--folder DIR]

Exits with 1 when a ratio is under its limit.
"""

import argparse
import asyncio
import logging
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner

from common.events import CROSSINGS
from common.testing.servers import free_port, kafka_server, scratch_folder
from common.topics import ensure_topics
from edge_counter.spool import READ_AT_ONCE, DatedCrossing, Spool
from edge_counter.uplink import Uplink
from local_stack.kafka import Kafka
from local_stack.process_groups import ProcessGroups
from local_stack.settings import Settings as LocalSettings

ROUNDS = 15
APPENDS = 150
CAMERAS = 8
WAITING = 50_000
LIVE_PER_S = 10 * CAMERAS
LEAST_OF_BARE_APPENDS = 0.5
LEAST_OF_LIVE = 5.0
LEAST_OF_BARE_PRODUCER = 0.1
NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)


def crossing(number: int) -> DatedCrossing:
    at = NOW + timedelta(milliseconds=number * 100)
    return DatedCrossing(3, "entry" if number % 2 else "exit", f"8f3a19c2-{number}", 0.83, at)


def append_to_spool(spool: Spool) -> float:
    began_s = time.monotonic()
    for number in range(APPENDS):
        spool.store(1, [crossing(number)], None)
    return APPENDS / (time.monotonic() - began_s)


def append_to_file(folder: Path, events: Sequence[bytes]) -> float:
    file = os.open(folder / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    began_s = time.monotonic()
    for event in events:
        os.write(file, event)
        os.fsync(file)
    taken_s = time.monotonic() - began_s
    os.close(file)
    return len(events) / taken_s


def appending(folder: Path) -> bool:
    """Compare appends; tell whether the limit is kept."""
    ours, bare = [], []
    with closing(Spool(folder / "appending", "bench")) as spool:
        append_to_spool(spool)
        events = [entry.event for entry in spool.oldest(after=0, limit=APPENDS)]
        for _ in range(ROUNDS):
            bare.append(append_to_file(folder, events))
            ours.append(append_to_spool(spool))
    # Of each turn: how fast the disk is changes from one to the next.
    ratio = statistics.median(one / other for one, other in zip(ours, bare, strict=True))
    print(
        f"taking    {statistics.median(ours):8.0f} crossings/s, a bare file"
        f" {statistics.median(bare):.0f}: ratio {ratio:.2f} (limit {LEAST_OF_BARE_APPENDS})"
    )
    return ratio >= LEAST_OF_BARE_APPENDS


async def send_bare(kafka: str, events: Sequence[tuple[int, bytes]]) -> float:
    """Send events from memory, each camera's in batches one after another; return the rate."""
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka, acks="all", enable_idempotence=True, max_batch_size=256 * 1024
    )
    await producer.start()
    try:
        partitions = sorted(await producer.partitions_for(CROSSINGS.name))

        async def send(camera: int) -> None:
            key = str(camera).encode()
            partition = DefaultPartitioner()(key, partitions, partitions)
            waiting = [event for one, event in events if one == camera]
            while waiting:
                batch, taken = producer.create_batch(), 0
                while taken < len(waiting) and batch.append(
                    key=key, value=waiting[taken], timestamp=None
                ):
                    taken += 1
                await (await producer.send_batch(batch, CROSSINGS.name, partition=partition))
                waiting = waiting[taken:]

        began_s = time.monotonic()
        await asyncio.gather(*(send(camera) for camera in range(1, CAMERAS + 1)))
        return len(events) / (time.monotonic() - began_s)
    finally:
        await producer.stop()


async def drain(spool: Spool, kafka: str) -> float:
    """Send a spool while crossings go on coming; return how many a second it lost."""
    before = spool.depth()
    uplink = Uplink(spool, kafka)
    task = asyncio.create_task(uplink.run())
    while not uplink.is_connected:  # noqa: ASYNC110 - it has no event for it
        await asyncio.sleep(0.01)
    came, began_s = 0, time.monotonic()
    while spool.depth() > READ_AT_ONCE:
        due = int((time.monotonic() - began_s) * LIVE_PER_S) - came
        for _ in range(due):
            await asyncio.to_thread(spool.store, came % CAMERAS + 1, [crossing(came)], None)
            uplink.wake()
            came += 1
        await asyncio.sleep(0.05)
    rate = (before + came - spool.depth()) / (time.monotonic() - began_s)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return rate


async def draining(folder: Path, kafka: str) -> bool:
    """Empty a spool; tell whether the limits are kept."""
    await ensure_topics(kafka, published=[CROSSINGS])
    with closing(Spool(folder / "draining", "bench")) as spool:
        for begin in range(0, WAITING, 500):
            crossings = [crossing(number) for number in range(begin, begin + 500)]
            for camera in range(1, CAMERAS + 1):
                spool.store(camera, crossings[camera - 1 :: CAMERAS], None)
        rows = spool._connection.execute("SELECT camera_id, event FROM crossing")  # noqa: SLF001
        events = rows.fetchall()
        await send_bare(kafka, events[:5000])
        bare = await send_bare(kafka, events)
        ours = await drain(spool, kafka)
    live, of_bare = ours / LIVE_PER_S, ours / bare
    print(
        f"emptying  {ours:8.0f} crossings/s: {live:.0f} times those of {CAMERAS} busy doors (limit"
        f" {LEAST_OF_LIVE:.0f}); a bare producer {bare:.0f}: ratio {of_bare:.2f} (limit"
        f" {LEAST_OF_BARE_PRODUCER})"
    )
    return live >= LEAST_OF_LIVE and of_bare >= LEAST_OF_BARE_PRODUCER


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--folder", type=Path, help="on the disk to measure; a temporary one")
    options = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # until Kafka has started
    with (
        tempfile.TemporaryDirectory(dir=options.folder) as name,
        ProcessGroups() as groups,
        scratch_folder() as scratch,
    ):
        ok = appending(Path(name))
        broker = Kafka(LocalSettings().servers, scratch / "kafka", free_port(), free_port())
        server = kafka_server(broker, groups)
        server.start()
        try:
            asyncio.run(server.wait_ready())
            ok = asyncio.run(draining(Path(name), broker.address)) and ok
        finally:
            server.kill()
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
