"""`analytics rebuild`: the same facts from the topics, whoever dies and whatever comes."""

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from dying_rebuild import LAST, POINTS
from publishing import booking
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection
from telling import Told, allocation, building, camera, crossing, room, take, term, user

from analytics import main as service
from analytics.domain import Days
from analytics.rebuild import rebuild
from analytics.repository import anew
from analytics.repository.measuring import Measuring
from analytics.service import figures
from analytics.settings import Settings
from analytics.tables import ROLLUPS, SCHEMA, bookings, clock, days, levels, metadata
from common import migrations
from common.db import Database, create_engine
from common.events import (
    BOOKINGS,
    CROSSINGS,
    LEVELS,
    LevelV1,
    PersonV1,
    Topic,
)
from common.identity import Signer
from common.ids import new_cuid
from common.tasks import end
from common.testing.plugin import SIGNING_KEY, Broker, CloneDatabase, TestDatabase

pytestmark = pytest.mark.timeout(300)

# All of it is over by now.
BEGIN = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=40)
DAY = timedelta(days=1)
DYING = Path(__file__).parents[1] / "dying_rebuild.py"
TOPICS: tuple[Topic[Any], ...] = SCHEMA.consumed
ZONES = ("UTC", "Europe/Berlin", "Asia/Kathmandu", "America/Havana")
# In each run; the others with `make chaos`.
FEW = ("a batch is committed", "some rooms are counted", "tables are swapped, not committed", LAST)
PEOPLE = [PersonV1(id=name, name=name, email=f"{name}@example.test") for name in ("ada", "bob")]


@pytest.fixture
async def cloned(clone_database: CloneDatabase) -> AsyncIterator[TestDatabase]:
    async with clone_database(SCHEMA) as cloned:
        yield cloned


@pytest.fixture
async def live(cloned: TestDatabase) -> AsyncIterator[Database]:
    database = Database.connect(cloned.url, schema=SCHEMA.name)
    yield database
    await database.close()


@pytest.fixture
async def apart(clone_database: CloneDatabase) -> AsyncIterator[Database]:
    """A database that takes the same, one event after the other, and is never made anew."""
    async with clone_database(SCHEMA) as cloned:
        database = Database.connect(cloned.url, schema=SCHEMA.name)
        yield database
        await database.close()


def settings_of(cloned: TestDatabase, kafka: str) -> Settings:
    values: dict[str, Any] = {
        "database_url": cloned.url,
        "owner_database_url": cloned.owner_url,
        "kafka": kafka,
        "port": 0,
        "identity_public_keys": Signer(SIGNING_KEY).public_key,
    }
    return Settings(**values)


def some(draw: random.Random, count: int) -> list[Told]:
    """What happens in six rooms: all of it in versions, moved, ended, some of it twice."""
    makers = (a_room, a_person, a_booking, a_level, a_camera, a_crossing, a_term, an_allocation)
    return [draw.choices(makers, (1, 1, 10, 10, 1, 5, 1, 3))[0](draw) for _ in range(count)]


def sometime(draw: random.Random) -> datetime:
    return BEGIN + timedelta(minutes=draw.randrange(20 * 24 * 60))


def a_version(draw: random.Random) -> int:
    return draw.randrange(1, 2**40)


def a_room(draw: random.Random) -> Told:
    zone, capacity = draw.choice(ZONES), draw.choice((2, 4, 8))
    number = draw.randrange(1, 6)
    return room(number, a_version(draw), building=building(zone), capacity=capacity)


def a_person(draw: random.Random) -> Told:
    return user(draw.choice(("ada", "bob")), a_version(draw), draw.choice(("STAFF", "STUDENT")))


def a_booking(draw: random.Random) -> Told:
    start = sometime(draw)
    return booking(
        draw.randrange(1, 7),
        start,
        start + timedelta(minutes=draw.randrange(1, 3000)),
        id=f"booking-{draw.randrange(150)}",
        version=a_version(draw),
        organizer=draw.choice(PEOPLE),
        attendee_ids=["x"] * draw.randrange(2) + ["y", "z", "a"],
        status=draw.choice(("confirmed", "confirmed", "cancelled", "no_show")),
        checkin_until=start + timedelta(minutes=15),
        created_at=BEGIN,
    )


def a_level(draw: random.Random) -> Told:
    people = draw.choice((0, 0, 1, 3))
    return level(draw.randrange(1, 7), people, sometime(draw), a_version(draw))


def level(room_id: int, people: int, at: datetime, version: int) -> LevelV1:
    return LevelV1(room_id=room_id, occupancy=people, measured_at=at, version=version)


def a_camera(draw: random.Random) -> Told:
    number = draw.randrange(1, 4)
    return camera(number, a_version(draw), camera_name=draw.choice("abc"))


def a_crossing(draw: random.Random) -> Told:
    return crossing(draw.randrange(1, 200), sometime(draw), camera_id=draw.randrange(1, 4))


def a_term(draw: random.Random) -> Told:
    number, first = draw.randrange(1, 3), BEGIN.date()
    return term(number, first, first + timedelta(days=20), version=a_version(draw))


def an_allocation(draw: random.Random) -> Told:
    start = sometime(draw)
    times = [(start + n * DAY, start + n * DAY + timedelta(hours=2)) for n in range(3)]
    number, seats = draw.randrange(1, 40), draw.randrange(1, 20)
    return allocation(
        number,
        draw.randrange(1, 3),
        draw.randrange(1, 7),
        seats,
        times,
        version=a_version(draw),
        is_deleted=draw.random() < 0.1,
    )


async def publish(kafka: Broker, told: Iterable[Told | bytes]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka.address)
    await producer.start()
    sent = []
    for one in told:
        topic, key, raw = BOOKINGS, b"1", one
        if not isinstance(one, bytes):
            topic = next(each for each in TOPICS if each.data is type(one))
            key = str(getattr(one, topic.key)).encode()
            raw = topic.encode(
                one, event_id=new_cuid(), source="t", subject="s", at=datetime.now(UTC)
            )
        sent.append(await producer.send(topic.name, raw, key=key))
    await asyncio.gather(*sent)
    await producer.stop()


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[None]:
    """Run the service's own workers, past its port; none of them may fail."""
    parts = service.build(settings)
    tasks = [asyncio.create_task(work()) for work in parts.workers]
    try:
        yield
        assert not [task for task in tasks if task.done()]
    finally:
        await end(*tasks)
        await parts.close()


async def contents(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Return the tables' rows, but for those of rollups in which everything is zero."""
    found = {}
    async with database.sessions() as session:
        for table in (one for one in anew.MADE if one is not clock):
            measures = ROLLUPS.get(table.name, ())
            rows = (await session.execute(select(table))).mappings().all()
            kept = [row for row in rows if not measures or any(row[name] for name in measures)]
            found[table.name] = sorted(tuple(row.values()) for row in kept)
    return found


async def pass_time(database: Database) -> None:
    async with database.sessions.begin() as session:
        await Measuring(session).pass_time(datetime.now(UTC))


async def until_equal(live: Database, apart: Database) -> None:
    """Wait until both have the same; says what differs if they never have."""
    expected = await contents(apart)
    with suppress(TimeoutError):
        async with asyncio.timeout(60):
            while await contents(live) != expected:
                await asyncio.sleep(0.2)
    assert await contents(live) == expected


async def run_dying(settings: Settings, point: str) -> int:
    assert settings.owner_database_url is not None
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(DYING),
        point,
        env={
            **os.environ,
            "ANALYTICS_DATABASE_URL": settings.database_url.get_secret_value(),
            "ANALYTICS_OWNER_DATABASE_URL": settings.owner_database_url.get_secret_value(),
            "ANALYTICS_PORT": "0",
            "ATRIUM_IDENTITY_PUBLIC_KEYS": "",
            "ATRIUM_KAFKA": settings.kafka,
        },
    )
    return await process.wait()


@pytest.mark.parametrize(
    "points", [FEW, pytest.param([*POINTS], marks=pytest.mark.chaos)], ids=["few", "all"]
)
async def test_killed_anywhere_while_others_write_and_read_it_ends_with_what_the_live_tables_have(
    cloned: TestDatabase,
    live: Database,
    apart: Database,
    kafka: Broker,
    points: Sequence[str],
) -> None:
    seed = random.randrange(2**32)
    draw, settings = random.Random(seed), settings_of(cloned, kafka.address)
    await kafka.fresh(*TOPICS, consumed=TOPICS)
    await pass_time(apart)

    async def both(told: Sequence[Told]) -> None:
        await publish(kafka, told)
        await take(apart, [told])

    async def read() -> None:
        while True:
            async with live.sessions() as session:
                shown = await figures.kpis(session, Days(BEGIN.date(), BEGIN.date() + 30 * DAY))
            assert shown[-1]["value"] > 0
            await asyncio.sleep(0.01)

    enough = asyncio.Event()

    async def write() -> None:
        while not enough.is_set():
            await both(some(draw, 5))
            await asyncio.sleep(0.1)

    await publish(kafka, [b"no event"])
    await both(some(draw, 400))
    async with running(settings):
        await until_equal(live, apart)
        # What nobody has told of, and is wrong: it is not there afterwards.
        async with live.sessions.begin() as session:
            await session.execute(update(days).values(bookings=days.c.bookings + 1))
        reading = asyncio.create_task(read())
        for point in points:
            enough.clear()
            writing = asyncio.create_task(write())
            died = await run_dying(settings, point)
            assert died == (0 if point == LAST else -signal.SIGKILL), (point, seed)
            enough.set()
            await writing
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
        await until_equal(live, apart)

    owner = create_engine(cloned.owner_url, application="tests")
    assert await migrations.differences(owner, metadata) == []
    async with owner.connect() as connection:
        left = "SELECT count(*) FROM pg_tables WHERE schemaname = 'analytics_next'"
        assert await connection.scalar(text(left)) == 0
    await owner.dispose()


async def test_nobody_waits_for_a_kafka_that_stalls_while_tables_are_swapped(
    cloned: TestDatabase,
    live: Database,
    apart: Database,
    kafka: Broker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It answers nothing for longer than readers wait for a table."""
    await kafka.fresh(*TOPICS)
    await pass_time(live)
    told = some(random.Random(1), 100)
    await publish(kafka, told)
    await take(apart, [told])
    hold, stalls = anew.hold, [6.0]

    async def hold_and_stall(connection: AsyncConnection) -> None:
        await hold(connection)
        if stalls:
            kafka.server.stall()
            asyncio.get_running_loop().call_later(stalls.pop(), kafka.server.go_on)

    monkeypatch.setattr(anew, "hold", hold_and_stall)
    said: list[str] = []
    work = rebuild(settings_of(cloned, kafka.address), fresh=False, say=said.append)
    rebuilding = asyncio.create_task(work)
    try:
        while not rebuilding.done():
            async with live.sessions() as session:
                await figures.kpis(session, Days(BEGIN.date(), BEGIN.date() + 30 * DAY))
            await asyncio.sleep(0.01)
        await rebuilding
    finally:
        # Others use it, whatever has failed here.
        kafka.server.go_on()
        await end(rebuilding)
    assert "Kafka answers slowly" in " ".join(said)
    await pass_time(apart)
    assert await contents(live) == await contents(apart), said


async def test_what_topics_have_lost_is_taken_over_and_said(
    cloned: TestDatabase, live: Database, apart: Database, kafka: Broker
) -> None:
    await kafka.fresh(*TOPICS)
    await pass_time(live)
    await pass_time(apart)
    now, ancient = datetime.now(UTC), datetime(2020, 1, 1, 9, tzinfo=UTC)
    hour, older = timedelta(hours=1), now - timedelta(days=80)
    copies: list[Told] = [room(1), user("ada", role="STAFF"), camera(1)]
    lost: list[Told] = [
        *(
            booking(1, ancient, ancient + hour, id=f"lost-{n}", created_at=ancient)
            for n in range(5)
        ),
        level(1, 2, ancient, 1),
        level(1, 0, ancient + 2 * hour, 2),
        *(crossing(number, older) for number in (1, 2, 3, 5)),
    ]
    kept: list[Told] = [
        booking(1, now - 2 * hour, now - hour, id="kept", created_at=now),
        level(1, 1, now - 2 * hour, 3),
        level(1, 0, now - hour, 4),
        *(crossing(number, now) for number in (6, 7)),
    ]
    await publish(kafka, [*copies, *lost])
    await take(live, [[*copies, *lost], kept])
    await take(apart, [[*copies, *lost], kept])
    # The topic tells of a camera that it is not in use; and no more that it was.
    await take(live, [[camera(2)], [unused := camera(2, 2, is_active=False)]])
    await take(apart, [[unused]])
    # Made since the topics begin, and not on them: nobody has told of it.
    made_up = booking(1, now, now + hour, id="made-up", created_at=now + DAY)
    await take(live, [[made_up, level(1, 7, now + hour, 5)]])
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.address)
    await admin.start()
    partitions = [
        TopicPartition(topic.name, number)
        for topic in (BOOKINGS, LEVELS, CROSSINGS)
        for number in range(topic.partitions)
    ]
    await admin.delete_records({one: RecordsToDelete(before_offset=-1) for one in partitions})
    await admin.close()
    await publish(kafka, [unused, *kept])
    said: list[str] = []

    await rebuild(settings_of(cloned, kafka.address), fresh=False, say=said.append)

    # What comes once more was counted, the fourth that never came was not.
    await take(live, [[crossing(number, older) for number in (3, 4, 5, 6)]])
    await take(apart, [[crossing(4, older)]])
    found, expected = await contents(live), await contents(apart)
    [nobody_looks] = [row for row in found[levels.name] if row[-1] is None]
    found[levels.name].remove(nobody_looks)
    assert nobody_looks[0] == 2
    assert found == expected, said
    for what in (": 5 bookings from before", ": 3 levels from before", ": 1 counts of a quarter"):
        assert any(what in line for line in said), "\n".join([what, *said])


async def test_what_can_not_be_done_is_refused_with_what_helps(
    cloned: TestDatabase, live: Database, kafka: Broker
) -> None:
    settings = settings_of(cloned, kafka.address)

    async def refused(settings: Settings = settings) -> str:
        with pytest.raises(click.ClickException) as caught:
            await rebuild(settings, fresh=False, say=lambda _: None)
        return caught.value.message

    await kafka.fresh(*TOPICS)
    await publish(kafka, [user("ada")])
    owner = create_engine(cloned.owner_url, application="tests")
    async with owner.connect() as other:
        await other.execute(anew.GUARD)
        assert "another rebuild runs" in await refused()
    await owner.dispose()
    assert "Kafka can't be read" in await refused(settings_of(cloned, "127.0.0.1:1"))
    ownerless = settings.model_copy(update={"owner_database_url": None})
    assert "ANALYTICS_OWNER_DATABASE_URL" in await refused(ownerless)
    async with live.sessions() as session:
        assert (await session.execute(select(bookings))).first() is None
