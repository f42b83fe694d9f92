"""Makes the facts anew from the topics, beside those that are read: `analytics rebuild`.

Rooms, people and cameras first, then bookings and levels, which are measured and counted when all
of them are there; then, with the handlers of every day, whatever else there is and what came
meanwhile. At last everybody waits for a moment, in which the last events are taken and the tables
swapped. The consumer then goes on from where it was, which is no later than what the new tables
have: what comes again changes nothing.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import click
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from analytics.events import SUBSCRIPTIONS, on_bookings_in_bulk, on_levels_in_bulk
from analytics.repository import anew
from analytics.repository.anew import Notes, Position
from analytics.repository.doors import Doors
from analytics.repository.facts import Facts
from analytics.settings import Settings
from analytics.tables import metadata
from common.consumer import Batch, Subscription
from common.db import Database, create_engine, is_unavailable
from common.errors import BrokenEvent
from common.events import BOOKINGS, CAMERAS, CROSSINGS, LEVELS, ROOMS, USERS, Topic
from common.tasks import end

_AT_ONCE: Final = 10_000
_READ_AHEAD: Final = 2
_COUNTED_AT_ONCE: Final = 10_000
_LANES: Final = 2
_SAY_EVERY_S: Final = 2.0
_LONGEST_PAUSE_S: Final = 2.0
_TRIES: Final = 10
_FETCH_BYTES: Final = 8 << 20
# So few events are taken while everybody waits; with more, later.
MOST_HELD: Final = 1000
# And for so long: readers give up after five seconds.
_LONGEST_HELD_S: Final = 2.0
_DISK_FULL: Final = "53100"
AGAIN: Final = "run this again: it goes on where it stopped"

Say = Callable[[str], None]


class Refused(click.ClickException):
    """It can't be done, or not now; the message says what helps."""


@dataclass(slots=True)
class _Work:
    """One run: where it reads and writes, and how far it is."""

    kafka: str
    consumer: AIOKafkaConsumer
    database: Database
    owner: AsyncEngine
    say: Say
    at: dict[TopicPartition, int] = field(default_factory=dict)
    left_out: int = 0


async def rebuild(settings: Settings, *, fresh: bool, say: Say) -> None:
    """Make the tables anew and put them in the place of the others.

    Args:
        fresh: throw away what an earlier run has done.
        say: tells whoever waits.

    Raises:
        Refused: it can't be done, or not now.
    """
    if settings.owner_database_url is None:
        raise Refused("ANALYTICS_OWNER_DATABASE_URL is missing: only the owner swaps tables")
    owner = create_engine(
        settings.owner_database_url.get_secret_value(), application="atrium-rebuild", pool=3
    )
    database = Database.connect(
        settings.database_url.get_secret_value(),
        schema=anew.SCHEMA,
        pool=2,
        hot=1,
        tables=metadata,
    )
    try:
        async with _alone(owner), _reader(settings.kafka) as consumer:
            goes_on = await anew.prepare(owner, anew=fresh)
            if goes_on:
                say("an earlier run was not finished: going on with it")
            await _run(_Work(settings.kafka, consumer, database, owner, say))
    except (anew.NotMigrated, anew.Overtaken) as error:
        raise Refused(str(error)) from error
    except KafkaError as error:
        raise Refused(f"Kafka can't be read: {error!r}; when it answers, {AGAIN}") from error
    except (DBAPIError, OSError) as error:
        if getattr(getattr(error, "orig", None), "sqlstate", None) == _DISK_FULL:
            raise Refused(
                "the disk of the database is full: the new tables need as much as the old ones;"
                f" make room and {AGAIN}, or drop what is in {anew.SCHEMA}"
            ) from error
        if not is_unavailable(error):
            raise
        raise Refused(f"the database does not answer; when it does, {AGAIN}") from error
    finally:
        await database.close()
        await owner.dispose()


async def _run(work: _Work) -> None:
    begins = await _find_place(work)
    async with work.database.sessions() as session:
        done = await Notes(session).done()
    # Each once: what changes a room corrects its bookings, which must be counted by then.
    if "first" not in done:
        await _take(work, _FIRST)
        await _note(work, "first")
    if "filled" not in done:
        for one in _IN_BULK:
            await _take(work, [one])
        await _note(work, "filled")
    if "carried" not in done:
        await _carry_over(work, begins)
    if "counted" not in done:
        work.say("bookings are sorted")
        await anew.index_bookings(work.owner)
        await _count(work)
        await _note(work, "counted")
    await _take(work, SUBSCRIPTIONS)
    if CROSSINGS.name in begins and "crossings" not in done:
        quarters = await anew.carry_crossings_over(work.owner, begins[CROSSINGS.name])
        async with work.database.sessions.begin() as session:
            await Doors(session).count_anew()
            await Notes(session).note("crossings")
        _say_carried(work, begins, CROSSINGS, f"{quarters:,} counts of a quarter of an hour")
    await anew.put_in_order(work.owner)
    await _swap(work)
    if work.left_out:
        work.say(f"{work.left_out:,} messages were no events, or refused, and are left out")
    work.say("done: the new tables are the ones that are read")


async def _note(work: _Work, step: str) -> None:
    async with work.database.sessions.begin() as session:
        await Notes(session).note(step)


# What bookings and levels are counted by.
_FIRST: Final = [one for one in SUBSCRIPTIONS if one.topic in (USERS, ROOMS, CAMERAS)]
# Most of what there is.
_IN_BULK: Final[Sequence[Subscription[Any]]] = [
    Subscription(BOOKINGS, on_bookings_in_bulk, claims=False),
    Subscription(LEVELS, on_levels_in_bulk, claims=False),
    *(one for one in SUBSCRIPTIONS if one.topic is CROSSINGS),
]


# --- taking events ------------------------------------------------------------------------------


async def _find_place(work: _Work) -> Mapping[str, datetime]:
    """Find out where each partition goes on.

    Returns:
        when topics begin that have lost what was before.

    Raises:
        Refused: a topic is missing, or has lost what is not taken yet.
    """
    topics = [one.topic for one in SUBSCRIPTIONS]
    partitions = await _partitions(work.kafka, [one.name for one in topics])
    begins = await work.consumer.beginning_offsets(partitions)
    ends = await work.consumer.end_offsets(partitions)
    compacted = {one.name for one in topics if one.compacted}
    async with work.database.sessions.begin() as session:
        known = await Notes(session).positions()
        new = {
            (one.topic, one.partition): Position(
                begins[one],
                None if one.topic in compacted else await _begins_at(work, one, begins, ends),
            )
            for one in partitions
            if (one.topic, one.partition) not in known
        }
        await Notes(session).begin(new)
        known |= new
    for one in partitions:
        position = known[one.topic, one.partition].next_offset
        if not (position <= ends[one] and (one.topic in compacted or begins[one] <= position)):
            raise Refused(
                f"{one.topic} goes from {begins[one]} to {ends[one]}, and an earlier run went to"
                f" {position}: begin anew, with --anew"
            )
        work.at[one] = position
    lost: dict[str, datetime] = {}
    for (topic, _), one in known.items():
        if one.begins_at is not None:
            lost[topic] = max(one.begins_at, lost.get(topic, one.begins_at))
    return lost


async def _partitions(kafka: str, names: Sequence[str]) -> list[TopicPartition]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    try:
        await admin.start()
        described = await admin.describe_topics(list(names))
    finally:
        await admin.close()
    found = [
        TopicPartition(topic["topic"], one["partition"])
        for topic in described
        for one in topic["partitions"]
    ]
    if missing := sorted(set(names) - {one.topic for one in found}):
        raise Refused(f"Kafka has no topic {', '.join(missing)}: start the services that own them")
    return sorted(found)


async def _begins_at(
    work: _Work,
    partition: TopicPartition,
    begins: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
) -> datetime | None:
    """Return when the oldest event was written that a partition still has, if it had older ones."""
    if begins[partition] == 0:
        return None
    if begins[partition] == ends[partition]:
        return datetime.now(UTC)
    work.consumer.assign([partition])
    work.consumer.seek(partition, begins[partition])
    record = await work.consumer.getone(partition)
    return datetime.fromtimestamp(record.timestamp / 1000, UTC)


async def _take(work: _Work, subscriptions: Sequence[Subscription[Any]]) -> None:
    """Take what stands on topics by now."""
    of_topic = {one.topic.name: one for one in subscriptions}
    partitions = [one for one in work.at if one.topic in of_topic]
    ends = await work.consumer.end_offsets(partitions)
    progress = _Progress(work.say, ", ".join(sorted(of_topic)), _to_go(work, ends))
    queue: _Queue = asyncio.Queue(_READ_AHEAD)
    read = asyncio.create_task(_collect(work, of_topic, ends, queue))
    try:
        while (taken := await _next(queue, read)) is not None:
            await _until_stored(work, of_topic, taken)
            progress.add(taken.count)
    finally:
        await end(read)
    progress.finish()


def _to_go(work: _Work, ends: Mapping[TopicPartition, int]) -> int:
    return sum(max(0, last - work.at[one]) for one, last in ends.items())


@dataclass(frozen=True, slots=True)
class _Taken:
    """What was read at once.

    Args:
        batches: events, by topic.
        up_to: the offset of the event that comes next, by partition.
        count: of the messages, of which some may be no events.
    """

    batches: Mapping[str, Batch[Any]]
    up_to: Mapping[TopicPartition, int]
    count: int


_Queue = asyncio.Queue[_Taken | None]


async def _collect(
    work: _Work,
    of_topic: Mapping[str, Subscription[Any]],
    ends: Mapping[TopicPartition, int],
    queue: _Queue,
) -> None:
    """Read partitions up to their ends, ahead of who stores."""
    left = {one for one, last in ends.items() if work.at[one] < last}
    if left:
        work.consumer.assign(sorted(left))
    for one in left:
        work.consumer.seek(one, work.at[one])
    while left:
        found = await work.consumer.getmany(*left, timeout_ms=500, max_records=_AT_ONCE)
        if found:
            await queue.put(_read(of_topic, found))
        left = {one for one in left if await work.consumer.position(one) < ends[one]}
    await queue.put(None)


def _read(
    of_topic: Mapping[str, Subscription[Any]],
    found: Mapping[TopicPartition, Sequence[ConsumerRecord]],
) -> _Taken:
    together: dict[str, list[ConsumerRecord]] = defaultdict(list)
    for one in sorted(found):
        together[one.topic] += found[one]
    return _Taken(
        {name: _decode(of_topic[name].topic, records) for name, records in together.items()},
        {one: records[-1].offset + 1 for one, records in found.items()},
        sum(len(records) for records in found.values()),
    )


def _decode(topic: Topic[Any], records: Sequence[ConsumerRecord]) -> Batch[Any]:
    """Read records; what is no event stands among the dead letters since it first came."""
    good, events = list(records), list[Any]()
    try:
        events = topic.decode_all([one.value or b"" for one in records])
    except BrokenEvent:
        good = []
        for one in records:
            with suppress(BrokenEvent):
                events.append(topic.decode(one.value or b""))
                good.append(one)
    return Batch(events, [one.timestamp for one in good], [one.partition for one in good])


async def _next(queue: _Queue, read: "asyncio.Task[None]") -> _Taken | None:
    """Return what was read; raises what reading raises."""
    take = asyncio.create_task(queue.get())
    await asyncio.wait({take, read}, return_when=asyncio.FIRST_COMPLETED)
    if not take.done() and read.done() and (error := read.exception()) is not None:
        take.cancel()
        raise error
    return await take


async def _until_stored(
    work: _Work, of_topic: Mapping[str, Subscription[Any]], taken: _Taken
) -> None:
    """Store events with how far they go; waits for a database that is away for some seconds."""
    for number in range(_TRIES + 1):
        try:
            refused = await _store(work, of_topic, taken)
        except (DBAPIError, OSError) as error:
            state = getattr(getattr(error, "orig", None), "sqlstate", None)
            if not is_unavailable(error) or state == _DISK_FULL or number == _TRIES:
                raise
            work.say("the database does not answer: trying again")
            await asyncio.sleep(min(0.1 * 2**number, _LONGEST_PAUSE_S))
        else:
            events = sum(len(batch) for batch in taken.batches.values())
            work.left_out += taken.count - events + refused
            work.at |= taken.up_to
            return


async def _store(work: _Work, of_topic: Mapping[str, Subscription[Any]], taken: _Taken) -> int:
    """Store events in one transaction; returns how many are refused."""
    refused = 0
    async with work.database.sessions.begin() as session:
        for name, batch in sorted(taken.batches.items()):
            if batch:
                refused += len(await of_topic[name].handle(session, batch))
        for one, up_to in sorted(taken.up_to.items()):
            await Notes(session).move((one.topic, one.partition), work.at[one], up_to)
    return refused


# --- what follows -------------------------------------------------------------------------------


async def _carry_over(work: _Work, begins: Mapping[str, datetime]) -> None:
    of_bookings, of_levels = await anew.carry_over(
        work.owner, begins.get(BOOKINGS.name), begins.get(LEVELS.name)
    )
    _say_carried(work, begins, BOOKINGS, f"{of_bookings:,} bookings")
    _say_carried(work, begins, LEVELS, f"{of_levels:,} levels")


def _say_carried(work: _Work, begins: Mapping[str, datetime], topic: Topic[Any], what: str) -> None:
    if topic.name in begins:
        work.say(
            f"{topic.name} begins on {begins[topic.name]:%Y-%m-%d %H:%M} UTC: {what} from before"
            " that, of which it tells nothing, are taken over as the live tables have them"
        )


async def _count(work: _Work) -> None:
    """Measure and count bookings, some rooms at a time, on two connections."""
    async with work.database.sessions() as session:
        rooms = await Notes(session).uncounted()
    whole = sum(count for _, count in rooms)
    progress = _Progress(work.say, "bookings and levels are counted", whole)
    parts = iter(_parts(rooms))

    async def lane() -> None:
        for room_ids, count in parts:
            await _count_some(work, room_ids)
            progress.add(count)

    await asyncio.gather(*(lane() for _ in range(_LANES)))
    progress.finish()


async def _count_some(work: _Work, room_ids: Sequence[int]) -> None:
    async with work.database.sessions.begin() as session:
        await Facts(session).count_rooms(room_ids)
        await Notes(session).counted(room_ids)


def _parts(rooms: Sequence[tuple[int, int]]) -> Iterator[tuple[list[int], int]]:
    """Part rooms, with about as much to count in each part; gives how much too."""
    room_ids: list[int] = []
    count = 0
    for room_id, there in rooms:
        room_ids.append(room_id)
        count += there
        if count >= _COUNTED_AT_ONCE:
            yield room_ids, count
            room_ids, count = [], 0
    if room_ids:
        yield room_ids, count


async def _swap(work: _Work) -> None:
    """Take what came meanwhile and swap, until both succeed in one moment."""
    for number in range(1, 1000):
        await _take(work, SUBSCRIPTIONS)
        try:
            async with work.owner.begin() as connection:
                await anew.hold(connection)
                async with asyncio.timeout(_LONGEST_HELD_S):
                    is_all_taken = await _take_if_few(work)
                if is_all_taken:
                    await anew.swap(connection)
                    return
        except TimeoutError:
            work.say("Kafka answers slowly, and whoever reads must not wait for it: trying again")
            await _find_where(work)
        except DBAPIError as error:
            if not is_unavailable(error):
                raise
            if number % 10 == 0:
                work.say("somebody reads or writes the tables at length: trying again")
            await asyncio.sleep(0.2)
    raise Refused(f"the tables were never free for a moment: {AGAIN}")


async def _take_if_few(work: _Work) -> bool:
    """Take what is left, unless it is much; tells whether all of it is taken.

    Whoever has written to the live tables has ended: what they have taken stands on the topics.
    """
    ends = await work.consumer.end_offsets(list(work.at))
    if _to_go(work, ends) > MOST_HELD:
        return False
    await _take(work, SUBSCRIPTIONS)
    return True


async def _find_where(work: _Work) -> None:
    """Find out how far was taken: whoever was interrupted may have stored what it does not know."""
    async with work.database.sessions() as session:
        known = await Notes(session).positions()
    work.at |= {TopicPartition(*one): position.next_offset for one, position in known.items()}


# --- around it ----------------------------------------------------------------------------------


class _Progress:
    """Says now and then how far a step is."""

    def __init__(self, say: Say, what: str, whole: int) -> None:
        self._say, self._what, self._whole = say, what, whole
        self._done, self._began = 0, time.monotonic()
        self._said_at = self._began

    def add(self, count: int) -> None:
        self._done += count
        now = time.monotonic()
        if now - self._said_at >= _SAY_EVERY_S:
            self._said_at = now
            self._tell(now)

    def finish(self) -> None:
        if self._done:
            self._tell(time.monotonic())

    def _tell(self, now: float) -> None:
        rate = self._done / max(now - self._began, 0.001)
        left = max(0, self._whole - self._done)
        self._say(f"{self._what}: {self._done:,} done, {left:,} to go, {rate:,.0f}/s")


@asynccontextmanager
async def _alone(owner: AsyncEngine) -> AsyncIterator[None]:
    """See to it that nobody else rebuilds; a killed one is forgotten with its connection."""
    async with owner.connect() as connection:
        lock = await connection.execution_options(isolation_level="AUTOCOMMIT")
        if not await lock.scalar(anew.GUARD):
            raise Refused("another rebuild runs: wait for it, or end it and run this again")
        yield


@asynccontextmanager
async def _reader(kafka: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
        max_partition_fetch_bytes=_FETCH_BYTES,
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()
