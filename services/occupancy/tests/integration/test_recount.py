"""`occupancy recount`: a day anew from the topic."""

import asyncio
from datetime import UTC, datetime, timedelta

import click
import pytest
from aiokafka import AIOKafkaProducer

from common.db import Database
from common.events import CROSSINGS, CrossingV1
from common.testing.plugin import Broker
from doors import add_camera
from occupancy.recount import recount
from occupancy.repository.counts import Counts

NOW = datetime.now(UTC)


def crossing(door: tuple[int, int], number: int, at: datetime) -> bytes:
    values = CrossingV1(
        edge_id="edge",
        camera_id=door[0],
        sequence=number,
        line_id=door[1],
        direction="entry",
        track_id=f"t{number}",
        confidence=0.9,
        crossed_at=at,
    )
    return CROSSINGS.encode(
        values, event_id=f"e/{number}", source="edge/edge", subject="camera", at=at
    )


async def test_what_a_day_has_on_the_topic_is_counted_once_and_nothing_else(
    database: Database, kafka: Broker
) -> None:
    await kafka.fresh(CROSSINGS)
    door, other = [await add_camera(database, None) for _ in range(2)]
    noon = NOW.replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)
    told = [crossing(door, number, noon + timedelta(seconds=number)) for number in range(1, 31)]
    told += [crossing(door, 40 + day, noon - timedelta(days=day)) for day in (1, 2)]
    told += [b"no event", told[3], crossing(other, 1, noon)]
    producer = AIOKafkaProducer(bootstrap_servers=kafka.address)
    await producer.start()
    sent = [await producer.send(CROSSINGS.name, raw, key=b"key") for raw in told]
    await asyncio.gather(*sent)
    await producer.stop()

    for _ in range(2):
        counted = await recount(database, kafka.address, noon.date(), door[0], "UTC")
        assert counted == {door[0]: 30}

    async with database.sessions() as session:
        live = {one.camera_id: one.entries for one in await Counts(session).live()}
    assert live == {door[0]: 30, other[0]: 0}


async def test_a_camera_or_a_topic_that_is_not_there_is_named(
    database: Database, kafka: Broker
) -> None:
    with pytest.raises(click.ClickException, match="no such camera"):
        await recount(database, kafka.address, NOW.date(), 99, "UTC")
    await add_camera(database, None)
    with pytest.raises(click.ClickException, match="Kafka can't be read"):
        await recount(database, "127.0.0.1:1", NOW.date(), None, "UTC")
