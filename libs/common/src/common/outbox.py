"""Events that exist if, and only if, the change that they tell of does.

`Outbox.publish` writes the event in the caller's transaction; `Relay` sends it afterwards, at
least once, and marks it. Consumers make that once by claiming the event's id.

Order. Rows are sent by id among those not yet marked, not by a position in the log. An id is
drawn when the row is inserted, which for one entity is after its row was locked, so the ids of one
entity are in the order of its versions, and a row that becomes visible late is still found.
Transaction ids, which are drawn earlier, do not have that order (docs/adr/0005).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final, TypeVar

from msgspec import Struct
from opentelemetry import propagate
from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Column,
    DateTime,
    Executable,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    bindparam,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncSession

from common.events import Topic

Data = TypeVar("Data", bound=Struct)

# Kafka's brokers refuse a message over 1 MiB; one that can't be sent would hold up all later ones.
LARGEST_EVENT_BYTES: Final = 900_000


def outbox_table(metadata: MetaData) -> Table:
    """Describe the outbox of a schema; its migration creates the same."""
    return Table(
        "outbox",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("topic", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("payload", LargeBinary, nullable=False),
        Column("headers", JSON, nullable=False),
        Column(
            "created_at",
            DateTime(timezone=True),
            nullable=False,
            server_default=func.clock_timestamp(),
        ),
        Column("sent_at", DateTime(timezone=True)),
        Index("outbox_unsent", "id", postgresql_where=text("sent_at IS NULL")),
        Index("outbox_sent", "sent_at", postgresql_where=text("sent_at IS NOT NULL")),
    )


@cache
def _add_to(table: Table) -> Executable:
    """Make the statement that queues messages of a topic; those of one key stay in order."""
    keys = bindparam("keys", type_=ARRAY(Text))
    payloads = bindparam("payloads", type_=ARRAY(LargeBinary))
    given = func.unnest(keys, payloads).table_valued("key", "payload", with_ordinality="place")
    named = given.render_derived()
    topic, headers = bindparam("topic", type_=Text), bindparam("headers", type_=JSON)
    messages = select(topic, named.c.key, named.c.payload, headers).order_by(named.c.place)
    return insert(table).from_select(["topic", "key", "payload", "headers"], messages)


@dataclass(frozen=True, slots=True)
class Outbox:
    """The outbox of one service.

    Args:
        table: its table.
        source: the CloudEvents source of its events.
    """

    table: Table
    source: str

    async def publish(
        self,
        session: AsyncSession,
        topic: Topic[Data],
        data: Data,
        *,
        key: int | str,
        event_id: str,
        subject: str,
        at: datetime,
    ) -> bytes:
        """Queue an event in the caller's transaction, after the change that it tells of.

        Args:
            key: events of one key stay in order.
            event_id: the same for the same fact, whenever and however often it is published.
            at: when it happened, timezone-aware.

        Returns:
            the event as it will stand on the topic.
        """
        payload = self.encode(topic, data, event_id=event_id, subject=subject, at=at)
        await self.put(session, topic.name, key=str(key), payload=payload)
        return payload

    def encode(
        self, topic: Topic[Data], data: Data, *, event_id: str, subject: str, at: datetime
    ) -> bytes:
        """Write an event as it will stand on the topic, with the trace of who is calling."""
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
        return topic.encode(
            data,
            event_id=event_id,
            source=self.source,
            subject=subject,
            at=at,
            traceparent=carrier.get("traceparent"),
        )

    async def put(
        self,
        session: AsyncSession,
        topic: str,
        *,
        key: str,
        payload: bytes,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Queue bytes as they are, for a topic that has no contract of its own."""
        await self.put_all(session, topic, [(key, payload)], headers)

    async def put_all(
        self,
        session: AsyncSession,
        topic: str,
        messages: Sequence[tuple[str, bytes]],
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Queue messages, each with its key; those of one key stay in order."""
        for _, payload in messages:
            if len(payload) > LARGEST_EVENT_BYTES:
                raise ValueError(f"an event of {len(payload)} bytes for {topic} cannot be sent")
        if not messages:
            return
        keys, payloads = zip(*messages, strict=True)
        given = {"topic": topic, "headers": dict(headers or {})}
        added = _add_to(self.table)
        await session.execute(added, {**given, "keys": [*keys], "payloads": [*payloads]})
