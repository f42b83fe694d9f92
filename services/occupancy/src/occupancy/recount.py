"""Counts a day anew from the topic: `occupancy recount`.

For a day of which crossings were lost here, by a restored backup or a hand that slipped. The topic
has what edges have said; what was counted of it is the same each time, because lines are taken as
they were then, and moments by when the broker took them.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import click
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from common.consumer import Batch
from common.db import Database
from common.errors import BrokenEvent, Invalid
from common.events import CROSSINGS, CloudEvent, CrossingV1
from occupancy.domain import AHEAD, Crossings
from occupancy.events import crossings_of
from occupancy.history import start_of_day
from occupancy.repository.history import History
from occupancy.service.recounting import count_day_again

_READ_AT_ONCE: Final = 10_000
_SAY_EVERY: Final = 100_000
DAY: Final = timedelta(days=1)


class Unreadable(click.ClickException):
    """The topic no longer has all of the day, or can't be read."""


async def recount(
    database: Database, kafka: str, day: date, camera_id: int | None, default_zone: str
) -> Mapping[int, int]:
    """Count a local day of one camera, or of all, anew; returns how many crossings each has now.

    Args:
        kafka: bootstrap servers.
        default_zone: of cameras that are in no room.

    Raises:
        Unreadable: the topic begins later than the day, or Kafka is away.
    """
    async with database.sessions() as session:
        zones = await History(session).zones(
            None if camera_id is None else [camera_id], default_zone
        )
    if not zones:
        raise click.ClickException("there is no such camera")
    spans = {one: _span(day, zone) for one, zone in zones.items()}
    found = await _read(kafka, spans)
    for one, span in sorted(spans.items()):
        try:
            async with database.sessions.begin() as session:
                await count_day_again(session, one, span, found.get(one), default_zone)
        except Invalid as error:
            raise click.ClickException(str(error)) from error
    return {one: len(found[one]) if one in found else 0 for one in spans}


def _span(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    return start_of_day(day, zone), start_of_day(day + DAY, zone)


async def _read(kafka: str, spans: Mapping[int, tuple[datetime, datetime]]) -> dict[int, Crossings]:
    """Read the crossings of cameras within their spans, each once, in the order of the topic."""
    since = min(span[0] for span in spans.values())
    found: dict[int, dict[tuple[str, int], tuple[CloudEvent[CrossingV1], int]]] = {}
    async for event, arrived_ms in _events_since(kafka, since):
        one = event.data
        span = spans.get(one.camera_id)
        if span is None:
            continue
        batch = Batch([event], [arrived_ms], [0])
        if span[0] <= crossings_of(batch).dated[0] < span[1]:
            of_camera = found.setdefault(one.camera_id, {})
            of_camera.setdefault((one.edge_id, one.sequence), (event, arrived_ms))
    together = {}
    for camera_id, of_camera in found.items():
        events, arrived = zip(*of_camera.values(), strict=True)
        together[camera_id] = crossings_of(Batch(events, list(arrived), [0] * len(events)))
    return together


async def _events_since(
    kafka: str, since: datetime
) -> AsyncIterator[tuple[CloudEvent[CrossingV1], int]]:
    """Read what came since shortly before some moment, up to now; what is no event is left out."""
    try:
        async with _reader(kafka) as consumer:
            partitions = await _partitions(kafka)
            consumer.assign(partitions)
            begin_ms = int((since - AHEAD).timestamp() * 1000)
            offsets = await consumer.offsets_for_times(dict.fromkeys(partitions, begin_ms))
            first = await consumer.beginning_offsets(partitions)
            ends = await consumer.end_offsets(partitions)
            for partition in partitions:
                begin = offsets[partition]
                position = ends[partition] if begin is None else begin.offset
                if 0 < first[partition] == position and position < ends[partition]:
                    raise Unreadable(f"{partition.topic} no longer has all of that day")
                consumer.seek(partition, position)
            left = {one for one in partitions if await consumer.position(one) < ends[one]}
            seen = 0
            while left:
                batches = await consumer.getmany(*left, timeout_ms=500, max_records=_READ_AT_ONCE)
                for records in batches.values():
                    for record in records:
                        try:
                            yield CROSSINGS.decode(record.value or b""), record.timestamp
                        except BrokenEvent:
                            continue
                    seen += len(records)
                    if seen // _SAY_EVERY > (seen - len(records)) // _SAY_EVERY:
                        click.echo(f"{seen:,} crossings read", err=True)
                left = {one for one in left if await consumer.position(one) < ends[one]}
    except KafkaError as error:
        raise Unreadable(f"Kafka can't be read: {error}") from error


async def _partitions(kafka: str) -> list[TopicPartition]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    try:
        await admin.start()
        [topic] = await admin.describe_topics([CROSSINGS.name])
    finally:
        await admin.close()
    numbers = sorted(one["partition"] for one in topic["partitions"])
    if not numbers:
        raise Unreadable(f"Kafka has no topic {CROSSINGS.name}")
    return [TopicPartition(CROSSINGS.name, number) for number in numbers]


@asynccontextmanager
async def _reader(kafka: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka,
        enable_auto_commit=False,
        isolation_level="read_committed",
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()
