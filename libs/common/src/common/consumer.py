"""Takes events from Kafka and makes each effect happen once.

A batch is parsed, claimed, handled and committed in one transaction; then, and only then, its
offsets are committed to Kafka. Whatever dies in between, the batch comes again and the claims say
what was done. A message that is no event, or is refused, is parked: it goes to ``<topic>.dlq``
through the outbox, in the same transaction, with its reason. Too many of these mean that it is we
who are wrong: the consumer stops and says so.
"""

import asyncio
import logging
import random
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final, Generic, TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from msgspec import Struct
from opentelemetry import propagate, trace
from prometheus_client import Counter, Gauge
from sqlalchemy import Column, DateTime, Index, MetaData, Table, Text, delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from common.db import UNAVAILABLE, Database, is_unavailable
from common.errors import AppError, BrokenEvent, Unavailable
from common.events import CloudEvent, Topic
from common.outbox import LARGEST_EVENT_BYTES, Outbox
from common.tasks import end

_log = logging.getLogger(__name__)
_tracer = trace.get_tracer(__name__)
_handled = Counter("consumer_events", "Events by what became of them.", ["topic", "outcome"])
_lag = Gauge("consumer_lag", "Events after the last one handled.", ["topic", "partition"])

Data = TypeVar("Data", bound=Struct)

LONGEST_PAUSE_S: Final = 2.0
PURGE_EVERY_S: Final = 3600.0
LEAVE_S: Final = 5.0
LOOK_FOR_TOPICS_S: Final = 0.5
# Kafka answers twice a second, also when it has nothing; after this long it was away, or we were.
LONGEST_GAP_S: Final = 5.0
# To ask for no partition is to ask for all.
_NO_PARTITION: Final = TopicPartition("", -1)


@dataclass(frozen=True, slots=True)
class Refused(Generic[Data]):
    """An event that is parked, and why."""

    event: CloudEvent[Data]
    reason: AppError


class Batch(list[CloudEvent[Data]]):
    """Events of one topic, in order.

    Args:
        arrived_ms: of each, milliseconds since 1970 at which the broker took it, if its topic is
            stamped on arrival; else when it was written, by the clock of whoever did.
        partitions: of each, the one of the topic on which it was.
    """

    def __init__(
        self,
        events: Iterable[CloudEvent[Data]],
        arrived_ms: Sequence[int],
        partitions: Sequence[int],
    ) -> None:
        super().__init__(events)
        self.arrived_ms = arrived_ms
        self.partitions = partitions


Handle = Callable[[AsyncSession, Batch[Data]], Awaitable[Sequence[Refused[Data]]]]


@dataclass(frozen=True, slots=True)
class Subscription(Generic[Data]):
    """A topic and what is done with its events.

    Args:
        topic: what to take.
        handle: makes the effects of a batch in the given transaction, in the order of the events,
            and names those that it refuses. It raises only for a bug or a database that is away.
        claims: False when the handler itself claims each event, by a key of its own.
    """

    topic: Topic[Data]
    handle: Handle[Data]
    claims: bool = True


class TooManyDeadLetters(Exception):
    """So many messages were parked that the fault must be ours; a person has to look."""


@dataclass(frozen=True, slots=True)
class DeadLetterLimit:
    """Stops at ``in_row`` parked in a row, or at more than ``share`` of the last ``window``."""

    in_row: int = 100
    share: float = 0.01
    window: int = 10_000
    _row: int = 0
    _seen: int = 0
    _parked_at: tuple[int, ...] = ()

    def after(self, outcomes: Sequence[bool]) -> "DeadLetterLimit":
        """Return the limit after these messages, True for each that is to be parked.

        Raises:
            TooManyDeadLetters: the limit is reached; none of these may be parked.
        """
        if not any(outcomes):
            return replace(
                self, _row=0 if outcomes else self._row, _seen=self._seen + len(outcomes)
            )
        row, parked_at = self._row, list(self._parked_at)
        for seen, parked in enumerate(outcomes, self._seen + 1):
            row = row + 1 if parked else 0
            if parked:
                parked_at.append(seen)
                parked_at = [at for at in parked_at if at > seen - self.window]
            if row >= self.in_row or len(parked_at) > self.share * self.window:
                raise TooManyDeadLetters(
                    f"{row} messages in a row and {len(parked_at)} of the last {self.window} could"
                    " not be handled; look at the dead letters, mend the cause, and restart this"
                    " service: it goes on where it stopped"
                )
        seen = self._seen + len(outcomes)
        return replace(self, _row=row, _seen=seen, _parked_at=tuple(parked_at))


@dataclass(slots=True)
class _Heard:
    """How far a partition was handled, in seconds of the loop's clock.

    Args:
        since, until: everything that stood on the partition then was handled, and also at every
            moment between, but for gaps of 5 s at most.
        end: where it ended, at a moment that is not yet reached; None: Kafka has yet to say.
        ended_at: that moment.
    """

    since: float
    until: float
    end: int | None = None
    ended_at: float = 0.0

    def reach(self, position: int) -> None:
        """Take note of the offset up to which everything was handled."""
        if self.end is None or position < self.end:
            return
        if self.ended_at - self.until > LONGEST_GAP_S:
            self.since = self.ended_at
        self.until, self.end = self.ended_at, None


def processed_table(metadata: MetaData) -> Table:
    """Describe where a schema's consumers claim events; its migration creates the same."""
    return Table(
        "processed_events",
        metadata,
        Column("consumer", Text, primary_key=True),
        Column("event_id", Text, primary_key=True),
        Column("processed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Index("processed_events_at", "processed_at"),
    )


class Consumer:
    """Runs a service's subscriptions as one consumer group.

    Args:
        group: name of the group, and of the claims.
        database: where effects and claims are written.
        processed: the table of claims.
        outbox: the way to the dead-letter topics.
        subscriptions: one per topic.
        kafka: bootstrap servers.
        instance: the member's own name, which it keeps when it is started again; None: it has none.
        batch: events that a lane takes at once at most.
        lanes: transactions at a time; each handles partitions of its own.
        keep_days: how long claims stay; longer than any topic (90 days) or edge may resend.
    """

    def __init__(
        self,
        group: str,
        *,
        database: Database,
        processed: Table,
        outbox: Outbox,
        subscriptions: Sequence[Subscription[Any]],
        kafka: str,
        instance: str | None = None,
        batch: int = 1000,
        lanes: int = 1,
        keep_days: int = 100,
        limit: DeadLetterLimit | None = None,
    ) -> None:
        self._group = group
        self._database = database
        self._processed = processed
        self._outbox = outbox
        self._subscriptions = {
            subscription.topic.name: subscription for subscription in subscriptions
        }
        self._kafka = kafka
        self._instance = instance
        self._batch = batch
        self._lanes = lanes
        self._keep_days = keep_days
        self._limit = limit or DeadLetterLimit()
        self._stopped_because: str | None = None
        self._heard: dict[TopicPartition, _Heard] = {}

    async def check(self) -> None:
        """Raise Unavailable if it has stopped, and why: somebody has to look."""
        if self._stopped_because is not None:
            raise Unavailable(self._stopped_because)

    def up_to_date(self, topic: Topic[Any], *, for_s: float) -> list[int]:
        """List the partitions of a topic that we have heard to their ends all the time for so long.

        What was not heard on one of these meanwhile was not said: neither Kafka nor the database
        nor this process was away.
        """
        now = asyncio.get_running_loop().time()
        return [
            partition.partition
            for partition, heard in self._heard.items()
            if partition.topic == topic.name
            and now - heard.until <= LONGEST_GAP_S
            and heard.until - heard.since >= for_s
        ]

    async def run(self) -> None:
        """Consume until cancelled; an outage of Postgres or Kafka is waited out."""
        pause = 0.1
        while self._stopped_because is None:
            try:
                await self._consume()
            except TooManyDeadLetters as error:
                self._stopped_because = str(error)
                _log.critical("consumer stopped", extra={"reason": str(error)})
            except (KafkaError, OSError) as error:
                _log.warning("consumer waits", extra={"group": self._group, "reason": str(error)})
                pause = min(pause * 2, LONGEST_PAUSE_S)
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter

    async def _consume(self) -> None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._kafka,
            group_id=self._group,
            group_instance_id=self._instance,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            session_timeout_ms=10_000,
            heartbeat_interval_ms=1_000,
            # A change of partitions on the server is seen this soon.
            metadata_max_age_ms=30_000,
        )
        try:
            await consumer.start()
            missing = await self._subscribe(consumer, set(self._subscriptions))
            lanes = [self._run_lane(consumer, lane) for lane in range(self._lanes)]
            await _until_one_fails(self._keep_tidy(), self._await(consumer, missing), *lanes)
        finally:
            # In the middle of a rebalance the way out is long; the broker will notice by itself.
            with suppress(TimeoutError):
                await asyncio.wait_for(consumer.stop(), LEAVE_S)

    async def _run_lane(self, consumer: AIOKafkaConsumer, lane: int) -> None:
        """Take and handle what is on a lane's partitions, whatever the other lanes do meanwhile."""
        while True:
            mine = [one for one in consumer.assignment() if one.partition % self._lanes == lane]
            batches = await consumer.getmany(
                *(mine or [_NO_PARTITION]), timeout_ms=500, max_records=self._batch
            )
            if batches:
                await self._until_stored(batches)
                await self._commit_offsets(consumer, batches)
            await self._note_how_far(consumer, mine)

    async def _await(self, consumer: AIOKafkaConsumer, missing: set[str]) -> None:
        """Subscribe to topics that are made later."""
        while missing:
            await asyncio.sleep(LOOK_FOR_TOPICS_S)
            missing = await self._subscribe(consumer, missing)

    async def _keep_tidy(self) -> None:
        while True:
            await self._purge()
            await asyncio.sleep(PURGE_EVERY_S)

    async def _subscribe(self, consumer: AIOKafkaConsumer, missing: set[str]) -> set[str]:
        """Take the topics that there are by now; returns those that their owners have yet to make.

        A subscription to a topic that does not exist would hold up all the others.
        """
        there: set[str] = await consumer.topics()
        while not there & self._subscriptions.keys():
            await asyncio.sleep(LOOK_FOR_TOPICS_S)
            there = await consumer.topics()
        if there & missing:
            consumer.subscribe(sorted(there & self._subscriptions.keys()))
        return missing - there

    async def _until_stored(self, batches: "Batches") -> None:
        """Handle a batch; while the database is away, keep it and try again."""
        pause = 0.05
        while True:
            try:
                await self.handle(batches)
            except UNAVAILABLE as error:
                if not is_unavailable(error):
                    raise
                _log.warning("database away", extra={"group": self._group, "reason": str(error)})
                pause = min(pause * 2, LONGEST_PAUSE_S)
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
            else:
                return

    async def handle(self, batches: "Batches") -> None:
        """Make the effects of a batch, park what is refused, in one transaction."""
        outcomes: list[bool] = []
        async with self._database.sessions.begin() as session:
            # In one order, so that all of them lock rows in one.
            for topic, records in sorted(_by_topic(batches).items()):
                parked = await self._handle_topic(session, self._subscriptions[topic], records)
                outcomes += [False] * len(records)
                if parked:
                    for position in parked:
                        outcomes[position - len(records)] = True
                    await self._park(session, [(records[at], parked[at]) for at in sorted(parked)])
                _handled.labels(topic, "parked").inc(len(parked))
                _handled.labels(topic, "handled").inc(len(records) - len(parked))
            self._limit.after(outcomes)
        self._limit = self._limit.after(outcomes)

    async def _handle_topic(
        self, session: AsyncSession, subscription: Subscription[Any], records: "Records"
    ) -> dict[int, AppError]:
        """Make the effects of one topic's records; returns what is refused, by position."""
        places, events, refusals = _decode(subscription.topic, records)
        if subscription.claims:
            # A batch may hold the same event twice; the first one is handled.
            named: dict[str, tuple[int, CloudEvent[Any]]] = {}
            for place, event in zip(places, events, strict=True):
                named.setdefault(_name(event), (place, event))
            fresh = await self._claim(session, list(named)) if named else set()
            found = [one for name, one in named.items() if name in fresh]
            places, events = [place for place, _ in found], [event for _, event in found]
        if events:
            taken = [records[place] for place in places] if len(places) < len(records) else records
            batch = Batch(
                events, [one.timestamp for one in taken], [one.partition for one in taken]
            )
            refused = await self._call(subscription, session, batch)
            if refused:
                place_of = {id(event): at for at, event in zip(places, events, strict=True)}
                refusals |= {place_of[id(one.event)]: one.reason for one in refused}
        return refusals

    async def _call(
        self, subscription: Subscription[Any], session: AsyncSession, batch: Batch[Any]
    ) -> Sequence[Refused[Any]]:
        # The batch is one span, linked to the traces of the requests that its events came from.
        parents = [
            propagate.extract({"traceparent": event.traceparent})
            for event in batch
            if event.traceparent is not None
        ]
        links = [
            trace.Link(trace.get_current_span(parent).get_span_context()) for parent in parents
        ]
        with _tracer.start_as_current_span(f"handle {subscription.topic.name}", links=links):
            return await subscription.handle(session, batch)

    async def _claim(self, session: AsyncSession, event_ids: Sequence[str]) -> set[str]:
        """Claim events in the caller's transaction; returns those not handled before."""
        rows = [{"consumer": self._group, "event_id": event_id} for event_id in sorted(event_ids)]
        claim = insert(self._processed).values(rows).on_conflict_do_nothing()
        return set(await session.scalars(claim.returning(self._processed.c.event_id)))

    async def _park(
        self, session: AsyncSession, refusals: Sequence[tuple[ConsumerRecord, AppError]]
    ) -> None:
        names = {_position(record): (record, reason) for record, reason in refusals}
        fresh = await self._claim(session, list(names)) if names else set()
        for name, (record, reason) in names.items():
            if name not in fresh:
                continue
            _log.error("message parked", extra={"position": name, "reason": str(reason)})
            await self._outbox.put(
                session,
                f"{record.topic}.dlq",
                key=(record.key or b"").decode(errors="replace"),
                # One that Kafka would not take must not stop those behind it.
                payload=(record.value or b"")[:LARGEST_EVENT_BYTES],
                headers={
                    **_cut(record),
                    "reason": str(reason)[:1000],
                    "code": reason.code,
                    "consumer": self._group,
                    "position": name,
                },
            )

    async def _commit_offsets(self, consumer: AIOKafkaConsumer, batches: "Batches") -> None:
        handled = {partition: records[-1].offset + 1 for partition, records in batches.items()}
        try:
            await consumer.commit(handled)
        except (CommitFailedError, IllegalStateError):
            # The partition went to another member meanwhile; it finds the claims.
            _log.info("partitions were reassigned before their offsets were committed")
        for partition, position in handled.items():
            newest = consumer.highwater(partition) if partition in consumer.assignment() else None
            if newest is not None:
                _lag.labels(partition.topic, partition.partition).set(newest - position)

    async def _note_how_far(
        self, consumer: AIOKafkaConsumer, handled: Sequence[TopicPartition]
    ) -> None:
        """Note it of partitions of which everything that was taken is handled."""
        now, assigned = asyncio.get_running_loop().time(), consumer.assignment()
        self._heard = {one: heard for one, heard in self._heard.items() if one in assigned}
        for partition in assigned.intersection(handled):
            newest = consumer.highwater(partition)
            if newest is None:
                continue
            heard = self._heard.setdefault(partition, _Heard(now, now))
            heard.reach(await consumer.position(partition))
            if heard.end is None:
                answered = consumer.last_poll_timestamp(partition) / 1000
                heard.end, heard.ended_at = newest, now - max(0.0, time.time() - answered)

    async def _purge(self) -> None:
        ended = func.now() - func.make_interval(0, 0, 0, self._keep_days)
        try:
            async with self._database.sessions.begin() as session:
                await session.execute(
                    delete(self._processed).where(self._processed.c.processed_at < ended)
                )
        except UNAVAILABLE as error:
            if not is_unavailable(error):
                raise


async def _until_one_fails(*work: Coroutine[Any, Any, None]) -> None:
    """Do work side by side until some of it fails; then all of it ends."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        outcomes = await end(*tasks)
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome


def _name(event: CloudEvent[Any]) -> str:
    """Name an event as CloudEvents does: an id is unique for its source."""
    return f"{event.source} {event.id}"


def _by_topic(batches: "Batches") -> "dict[str, list[ConsumerRecord]]":
    records: dict[str, list[ConsumerRecord]] = defaultdict(list)
    for partition in sorted(batches):
        records[partition.topic] += batches[partition]
    return records


def _decode(
    topic: Topic[Any], records: "Records"
) -> tuple[Sequence[int], list[CloudEvent[Any]], dict[int, AppError]]:
    """Read records; returns where the events are, the events, and what is wrong with the others."""
    with suppress(BrokenEvent):
        all_of_them = topic.decode_all([one.value or b"" for one in records])
        return range(len(records)), all_of_them, {}
    places: list[int] = []
    events: list[CloudEvent[Any]] = []
    refusals: dict[int, AppError] = {}
    for place, record in enumerate(records):
        try:
            events.append(topic.decode(record.value or b""))
        except BrokenEvent as error:
            refusals[place] = error
        else:
            places.append(place)
    return places, events, refusals


def _cut(record: ConsumerRecord) -> dict[str, str]:
    """Say of a message that is too large to be parked whole how large it was."""
    size = len(record.value or b"")
    return {"cut-from-bytes": str(size)} if size > LARGEST_EVENT_BYTES else {}


def _position(record: ConsumerRecord) -> str:
    """Name a message by where it stands, for those that have no id of their own."""
    return f"{record.topic}/{record.partition}/{record.offset}@{record.timestamp}"


Records = Sequence[ConsumerRecord]
Batches = Mapping[TopicPartition, Records]


async def each(
    session: AsyncSession,
    events: Sequence[CloudEvent[Data]],
    handle: Callable[[AsyncSession, CloudEvent[Data]], Awaitable[None]],
) -> list[Refused[Data]]:
    """Handle events one by one, each in a savepoint, so that a refusal undoes only its own."""
    refused = []
    for event in events:
        try:
            async with session.begin_nested():
                await handle(session, event)
        except AppError as reason:
            refused.append(Refused(event, reason))
    return refused
