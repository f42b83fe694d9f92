"""Heartbeats on a real Kafka."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer

from common.events import HEARTBEATS, HeartbeatV1
from common.testing.plugin import Broker


@asynccontextmanager
async def hearing(kafka: Broker) -> AsyncIterator[Callable[[], Any]]:
    """Give what waits for the next heartbeat on the topic."""
    await kafka.fresh(HEARTBEATS)
    consumer = AIOKafkaConsumer(
        HEARTBEATS.name, bootstrap_servers=kafka.address, auto_offset_reset="earliest"
    )
    await consumer.start()
    keys = []

    async def next_beat() -> HeartbeatV1:
        async with asyncio.timeout(20):
            record = await consumer.getone()
        event = HEARTBEATS.decode(record.value)
        keys.append((record.key, event.id))
        assert record.key == b"7"
        assert len(set(keys)) == len(keys)
        return event.data

    try:
        yield next_beat
    finally:
        await consumer.stop()


async def test_a_camera_tells_how_it_does_until_its_clip_is_over(
    make_edge: Callable[..., Any], walkers_clip: Path, kafka: Broker
) -> None:
    edge = make_edge(str(walkers_clip), EDGE_HEARTBEAT_S="1", ATRIUM_KAFKA=kafka.address)
    async with hearing(kafka) as next_beat:
        edge.start()
        beats = [await next_beat()]
        while beats[-1].reason != "the recording is counted to its end":
            beats.append(await next_beat())
    edge.stop()

    good = [beat for beat in beats if beat.picture == "good"]
    assert max(beat.processed_per_s for beat in good) > 5
    assert all(beat.picture_age_s is not None and beat.picture_age_s < 5 for beat in good)
    assert beats[-1].picture == "none"
    assert {beat.edge_id for beat in beats} == {"lobby-1"}
    assert len({beat.started_at for beat in beats}) == 1


async def test_old_heartbeats_are_not_kept_for_a_kafka_that_is_away(
    make_edge: Callable[..., Any], walkers_clip: Path, kafka: Broker
) -> None:
    """The crossings are: they come when it is back, and the heartbeats begin with the newest."""
    edge = make_edge(str(walkers_clip), EDGE_HEARTBEAT_S="1", EDGE_SPEED="5")
    edge.start()
    async with asyncio.timeout(30):
        while not edge.is_finished() or "heartbeats not sent" not in edge.log():
            await asyncio.sleep(0.05)
    edge.stop()
    assert len(edge.events()) == 5

    edge.settings["ATRIUM_KAFKA"] = kafka.address
    async with hearing(kafka) as next_beat:
        edge.start()
        first = await next_beat()
    async with asyncio.timeout(30):
        while edge.events():
            await asyncio.sleep(0.05)
    edge.stop()

    assert first.picture == "none"
    assert json.loads((edge.state / "sent.json").read_bytes())["lobby-1/7"] == 5
