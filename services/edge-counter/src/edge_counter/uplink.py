"""Sends the spool to Kafka, oldest first, and empties it as Kafka acknowledges."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import groupby
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError
from aiokafka.partitioner import DefaultPartitioner

from common.events import CROSSINGS, DROPPED
from common.topics import ensure_topics
from edge_counter.errors import SpoolUnavailable
from edge_counter.spool import READ_AT_ONCE, Entry, Spool

_log = logging.getLogger(__name__)

_BATCH_BYTES: Final = 256 * 1024
_REQUEST_MS: Final = 15_000
_LONGEST_PAUSE_S: Final = 1.5
_GOODBYE_S: Final = 0.5


class Uplink:
    """The one sender of a spool.

    Args:
        spool: what to send.
        kafka: bootstrap servers.
    """

    def __init__(self, spool: Spool, kafka: str) -> None:
        self._spool = spool
        self._kafka = kafka
        self._acknowledged = 0  # a position; ahead of the spool while that cannot delete
        self._news = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.is_connected = False

    def wake(self) -> None:
        """Tell, from any thread, that the spool has something new."""
        self._loop.call_soon_threadsafe(self._news.set)

    async def run(self) -> None:
        """Send for ever. Kafka away, or without the topic, is waited out."""
        failures = 0
        while True:
            try:
                async with self._producer() as producer:
                    _log.info("kafka connected")
                    failures, self.is_connected = 0, True
                    await self._send_all(producer)
            except KafkaError as error:
                self.is_connected = False
                if failures == 0:
                    reason = str(error) or type(error).__name__
                    _log.warning("kafka away: crossings stay here", extra={"reason": reason})
            failures += 1
            pause_s = min(_LONGEST_PAUSE_S, 0.1 * 2 ** min(failures, 10))
            await asyncio.sleep(pause_s * random.uniform(0.5, 1))  # noqa: S311 - jitter

    @asynccontextmanager
    async def _producer(self) -> AsyncIterator[AIOKafkaProducer]:
        try:
            await ensure_topics(self._kafka, published=[CROSSINGS, DROPPED])
        except TopicAuthorizationFailedError:
            _log.info("not allowed to make the topics: they must be there")
        producer = AIOKafkaProducer(
            bootstrap_servers=self._kafka,
            acks="all",
            enable_idempotence=True,
            max_batch_size=_BATCH_BYTES,
            request_timeout_ms=_REQUEST_MS,
        )
        try:
            await producer.start()
            yield producer
        finally:
            await _stop(producer)

    async def _send_all(self, producer: AIOKafkaProducer) -> None:
        while True:
            self._news.clear()
            entries = await asyncio.to_thread(
                self._spool.oldest, after=self._acknowledged, limit=READ_AT_ONCE
            )
            if entries:
                await asyncio.to_thread(self._spool.about_to_send, entries)
                await self._send(producer, entries)
                await self._forget_through(entries[-1].position)
            else:
                await self._news.wait()

    async def _send(self, producer: AIOKafkaProducer, entries: Sequence[Entry]) -> None:
        """Send all cameras' entries at once, each camera's in their order.

        Raises:
            KafkaError: some may have arrived. None is in flight any more.
        """
        by_camera: dict[int, list[Entry]] = {}
        for entry in entries:
            by_camera.setdefault(entry.camera_id, []).append(entry)
        sent = await asyncio.gather(
            *(self._send_camera(producer, one) for one in by_camera.values()),
            return_exceptions=True,
        )
        for failure in sent:
            if isinstance(failure, BaseException):
                raise failure

    async def _send_camera(self, producer: AIOKafkaProducer, entries: Sequence[Entry]) -> None:
        """Send one camera's entries in batches, each after the one before is acknowledged.

        Consumers drop a number that is not above the last they took: a higher one must never
        arrive before a lower one, also when a batch in between fails. What was given up is told
        before the crossings that follow it.
        """
        key = str(entries[0].camera_id).encode()
        for topic, group in groupby(entries, key=lambda entry: entry.topic.name):
            partitions = sorted(await producer.partitions_for(topic))
            partition = DefaultPartitioner()(key, partitions, partitions)
            rest = list(group)
            while rest:
                batch = producer.create_batch()
                taken = 0
                while taken < len(rest) and batch.append(
                    key=key, value=rest[taken].event, timestamp=None
                ):
                    taken += 1
                await (await producer.send_batch(batch, topic, partition=partition))
                rest = rest[taken:]

    async def _forget_through(self, position: int) -> None:
        self._acknowledged = position
        try:
            await asyncio.to_thread(self._spool.delete_through, position)
        except SpoolUnavailable as error:
            _log.warning("sent crossings stay in the spool", extra={"reason": str(error)})


async def _stop(producer: AIOKafkaProducer) -> None:
    """Close a producer, without waiting for a broker that does not answer."""
    try:
        await asyncio.wait_for(producer.stop(), _GOODBYE_S)
    except (TimeoutError, KafkaError) as error:
        _log.debug("producer not closed cleanly", extra={"reason": type(error).__name__})
