"""Sends what stands in an outbox to Kafka. One leader a schema; the others stand by."""

import asyncio
import logging
import random
import time
from collections.abc import Sequence
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from prometheus_client import Counter, Gauge
from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from common.db import UNAVAILABLE, is_unavailable
from common.outbox import Outbox

_log = logging.getLogger(__name__)
_sent = Counter("outbox_sent", "Events sent to Kafka and marked.", ["schema"])
_unsent_age = Gauge("outbox_oldest_unsent_seconds", "Age of the oldest unsent event.", ["schema"])

POLL_S: Final = 0.1
STAND_BY_S: Final = 1.0
LONGEST_PAUSE_S: Final = 2.0
PURGE_EVERY_S: Final = 3600.0


class Relay:
    """Sends one outbox, in order, at least once.

    Args:
        engine: connected as the service's role; one connection is kept while leading.
        outbox: what to send.
        kafka: bootstrap servers.
        batch: rows read, sent and marked together.
        keep_days: how long sent rows stay, to be replayed.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        outbox: Outbox,
        *,
        kafka: str,
        batch: int = 500,
        keep_days: int = 7,
    ) -> None:
        self._engine = engine
        self._table = outbox.table
        self._schema = str(outbox.table.schema)
        self._kafka = kafka
        self._batch = batch
        self._keep_days = keep_days
        # Unix time at which the oldest unsent event was written; it ages while nothing moves.
        self._oldest_at: float | None = None
        _unsent_age.labels(self._schema).set_function(self._oldest_age)

    async def run(self) -> None:
        """Send until cancelled; an outage of Postgres or Kafka is waited out."""
        pause = POLL_S
        while True:
            try:
                await self._lead()
                pause = STAND_BY_S
            except (KafkaError, *UNAVAILABLE) as error:
                if not isinstance(error, KafkaError) and not is_unavailable(error):
                    raise
                _log.warning("outbox waits", extra={"schema": self._schema, "reason": str(error)})
                pause = min(pause * 2, LONGEST_PAUSE_S)
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter

    async def _lead(self) -> None:
        """Become leader and send; returns at once when another leads."""
        async with self._engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            # Held by the connection: it ends with it, also when this process is killed.
            lock = func.pg_try_advisory_lock(func.hashtextextended(f"relay/{self._schema}", 0))
            if not await connection.scalar(select(lock)):
                return
            try:
                await self._send_all(connection)
            finally:
                # The pool would keep the connection, and the lock with it.
                await connection.invalidate()

    async def _send_all(self, connection: AsyncConnection) -> None:
        # A producer that failed is thrown away with what it still had queued: every unmarked row
        # is read again, in order.
        producer = AIOKafkaProducer(
            bootstrap_servers=self._kafka, enable_idempotence=True, acks="all", linger_ms=2
        )
        try:
            await self._look(connection)
            await producer.start()
            purge_at = 0.0
            while True:
                sent = await self.send_batch(connection, producer)
                now = asyncio.get_running_loop().time()
                if now >= purge_at:
                    await self._purge(connection)
                    purge_at = now + PURGE_EVERY_S
                if not sent:
                    await asyncio.sleep(POLL_S)
        finally:
            await producer.stop()

    async def _look(self, connection: AsyncConnection) -> None:
        """Know how long events have waited, also while Kafka is away."""
        rows = await self._unsent(connection)
        self._oldest_at = time.time() - float(rows[0].age_s) if rows else None

    async def send_batch(self, connection: AsyncConnection, producer: AIOKafkaProducer) -> int:
        """Send the oldest unsent rows and mark them; returns how many there were."""
        rows = await self._unsent(connection)
        self._oldest_at = time.time() - float(rows[0].age_s) if rows else None
        if not rows:
            return 0
        await _send(producer, rows)
        marked = (
            update(self._table)
            .where(self._table.c.id.in_([row.id for row in rows]))
            .values(sent_at=func.clock_timestamp())
        )
        await connection.execute(marked)
        _sent.labels(self._schema).inc(len(rows))
        return len(rows)

    def _oldest_age(self) -> float:
        return max(0.0, time.time() - self._oldest_at) if self._oldest_at is not None else 0.0

    async def _unsent(self, connection: AsyncConnection) -> Sequence[Row[Any]]:
        columns = self._table.c
        age_s = func.extract("epoch", func.clock_timestamp() - columns.created_at).label("age_s")
        oldest = (
            select(columns.id, columns.topic, columns.key, columns.payload, columns.headers, age_s)
            .where(columns.sent_at.is_(None))
            .order_by(columns.id)
            .limit(self._batch)
        )
        return (await connection.execute(oldest)).all()

    async def _purge(self, connection: AsyncConnection) -> None:
        ended = func.clock_timestamp() - func.make_interval(0, 0, 0, self._keep_days)
        await connection.execute(delete(self._table).where(self._table.c.sent_at < ended))


async def _send(producer: AIOKafkaProducer, rows: Sequence[Row[Any]]) -> None:
    """Send rows in order and wait until the broker has all of them."""
    acknowledgements = [
        await producer.send(
            row.topic,
            row.payload,
            key=row.key.encode(),
            headers=[(name, value.encode()) for name, value in row.headers.items()],
        )
        for row in rows
    ]
    await asyncio.gather(*acknowledgements)
