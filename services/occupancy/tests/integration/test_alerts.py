"""Alerts at their seams: silence, edges of one camera, cameras out of use, hours of other weeks."""

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count as numbers
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import insert, select, update

from common import migrations, roles
from common.consumer import Batch
from common.db import AsyncSession, Database, create_engine
from common.events import ALERTS, CAMERAS, HEARTBEATS, AlertV1
from common.ids import new_cuid
from doors import Crossing, add_camera, count
from local_stack.postgres import Postgres
from occupancy.equipment import Heartbeat
from occupancy.events import on_heartbeats
from occupancy.repository.heartbeats import REPLACED_AFTER
from occupancy.service import anomalies, cameras, equipment
from occupancy.tables import SCHEMA, heartbeats, hours, outbox

_numbers = numbers(1)
PARTITION, EVERYWHERE, SILENT_AFTER_S = 2, [0, 1, 2, 3, 4, 5], 30.0


def beat(camera_id: int, edge_id: str = "lobby-1", **changes: Any) -> Heartbeat:
    """A good heartbeat, ten seconds after the one before."""
    at = datetime(2026, 11, 21, 12, tzinfo=UTC) + next(_numbers) * timedelta(seconds=10)
    values: dict[str, Any] = {
        "camera_id": camera_id,
        "edge_id": edge_id,
        "partition": PARTITION,
        "arrived_at": at,
        "sent_at": at,
        "started_at": at,
        "picture": "good",
        "reason": None,
        "picture_age_s": None,
        "pictures_per_s": 10.0,
        "processed_per_s": 10.0,
        "lag_s": 0.2,
        "spool_depth": 0,
        "dropped": 0,
        **changes,
    }
    return Heartbeat(**values)


async def take(database: Database, *told: Heartbeat) -> None:
    async with database.sessions.begin() as session:
        assert await equipment.take(session, told) == set()


async def look(database: Database, partitions: list[int] = EVERYWHERE) -> None:
    async with database.sessions.begin() as session:
        await equipment.look_for_silence(session, partitions, SILENT_AFTER_S)


async def age(database: Database, edge_id: str, by: timedelta) -> None:
    """Let an edge have been heard last so long ago."""
    async with database.sessions.begin() as session:
        aged = update(heartbeats).where(heartbeats.c.edge_id == edge_id)
        await session.execute(aged.values(heard_at=datetime.now(UTC) - by))


async def told(database: Database) -> list[AlertV1]:
    """What was published of alerts, in the order of the outbox."""
    table = outbox.table
    found = select(table.c.payload).where(table.c.topic == ALERTS.name).order_by(table.c.id)
    async with database.sessions() as session:
        return [ALERTS.decode(raw).data for raw in await session.scalars(found)]


async def state(database: Database) -> list[str]:
    """The last thing told of each alert: what it says, and whether it is over."""
    newest = {one.id: one for one in await told(database)}
    return [one.message if one.over_at is None else "over" for one in newest.values()]


LONG = timedelta(seconds=SILENT_AFTER_S + 1)


async def test_silence_is_only_judged_where_it_would_have_been_heard(database: Database) -> None:
    camera_id, _ = await add_camera(database, None)
    await take(database, beat(camera_id))
    await look(database)
    await age(database, "lobby-1", LONG)

    await look(database, [])
    await look(database, [0, 1, 3])
    unheard = await state(database)
    await look(database, [PARTITION])
    await look(database, [PARTITION])

    assert unheard == []
    [said] = await state(database)
    assert said.startswith("lobby-1: nothing was heard of it since 2026-11-21 12:")
    await take(database, beat(camera_id))
    assert await state(database) == ["over"]
    assert [one.version for one in await told(database)] == [1, 2]


async def test_an_edge_that_is_heard_while_we_look_is_not_silent(database: Database) -> None:
    camera_id, _ = await add_camera(database, None)
    await take(database, beat(camera_id))
    await age(database, "lobby-1", LONG)

    async with database.sessions.begin() as session:
        await equipment.take(session, [beat(camera_id)])
        looking = asyncio.create_task(look(database))
        # It has seen that the edge is overdue, and waits until nobody else judges the camera.
        done, _ = await asyncio.wait([looking], timeout=0.5)
        assert not done
    await looking

    assert await told(database) == []


async def test_two_edges_of_a_camera_that_are_judged_at_once_are_both_named(
    database: Database,
) -> None:
    camera_id, _ = await add_camera(database, None)
    await take(database, beat(camera_id), beat(camera_id, "lobby-2", picture="dark"))
    await age(database, "lobby-1", LONG)

    async with database.sessions.begin() as session:
        await equipment.take(session, [beat(camera_id, "lobby-2", picture="dark")])
        looking = asyncio.create_task(look(database))
        await asyncio.wait([looking], timeout=0.5)
    await looking

    [said] = await state(database)
    assert said.startswith("lobby-1: nothing was heard")
    assert "; lobby-2: nothing is seen" in said


async def test_an_edge_that_has_a_successor_is_forgotten_after_a_day(database: Database) -> None:
    camera_id, _ = await add_camera(database, None)
    await take(database, beat(camera_id), beat(camera_id, "lobby-2"))
    await age(database, "lobby-1", REPLACED_AFTER - timedelta(minutes=1))
    await look(database)
    before = await state(database)
    await age(database, "lobby-1", REPLACED_AFTER + timedelta(minutes=1))
    await look(database)

    assert len(before) == 1
    assert before[0].startswith("lobby-1: nothing was heard")
    assert await state(database) == ["over"]
    # The last one of a camera stays, however long it is silent.
    await age(database, "lobby-2", REPLACED_AFTER + timedelta(minutes=1))
    await look(database)
    await look(database)
    assert (await state(database))[1].startswith("lobby-2: nothing was heard")


async def test_a_heartbeat_that_comes_again_is_one_heartbeat(database: Database) -> None:
    camera_id, _ = await add_camera(database, None)
    dark = beat(camera_id, picture="dark")

    await take(database, dark, dark)
    await take(database, dark)
    once = await state(database)
    await take(database, dark, beat(camera_id, picture="dark"))

    assert once == []
    assert len(await state(database)) == 1


async def test_whatever_a_strange_counter_writes_is_taken_or_parked(database: Database) -> None:
    camera_id, _ = await add_camera(database, None)
    good = {
        "edge_id": "lobby-1",
        "camera_id": camera_id,
        "sent_at": "2026-11-21T12:00:00Z",
        "started_at": "2026-11-21T12:00:00Z",
        "picture": "dark",
        "pictures_per_s": 1e308,
        "processed_per_s": 0.0,
        "lag_s": 1e300,
        "spool_depth": 10**18,
    }
    strange: list[dict[str, Any]] = [
        {},
        {"sent_at": "0001-01-01T00:00:00+14:00", "started_at": "9999-12-31T23:59:59-12:00"},
        {"spool_depth": 2**64 - 1, "dropped": 2**64 - 1},
        {"reason": "nothing\u0007 to\u202e see", "picture_age_s": 5e-324},
        {"camera_id": 2_000_000_000},
    ]
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    told = [
        HEARTBEATS.decode(
            json.dumps(
                {
                    "specversion": "1.0",
                    "type": HEARTBEATS.name,
                    "id": str(number),
                    "source": "strange",
                    "time": "2026-11-21T12:00:00Z",
                    "data": {**good, **changes},
                }
            ).encode()
        )
        for number, changes in enumerate(strange)
    ]

    async with database.sessions.begin() as session:
        batch = Batch(told, [now_ms, -1, 2**60, -1, -1], [0] * 5)
        refused = await on_heartbeats(session, batch)

    assert [one.event.id for one in refused] == ["4"]
    [said] = await state(database)
    assert "nothing is seen" in said
    assert "(nothing to see)" in said


async def test_many_cameras_are_one_batch(database: Database) -> None:
    made = [(await add_camera(database, None))[0] for _ in range(20)]

    await take(database, *(beat(one, picture="dark") for one in made for _ in range(2)))
    async with database.sessions.begin() as session:
        assert await equipment.take(session, [beat(made[0]), beat(2_000_000_000)]) == {
            2_000_000_000
        }

    assert len(await told(database)) == 20


async def put(database: Database, camera_id: int, **values: Any) -> None:
    async with database.sessions.begin() as session:
        await cameras.change_camera(session, camera_id, values)


async def test_a_camera_that_is_back_in_use_has_time_to_be_heard(database: Database) -> None:
    camera_id, _ = await add_camera(database, None)
    await take(database, beat(camera_id, picture="dark"), beat(camera_id, picture="dark"))
    await put(database, camera_id, is_active=False)
    await age(database, "lobby-1", LONG)
    await look(database)
    await put(database, camera_id, is_active=True)
    await look(database)

    assert await state(database) == ["over"]
    await age(database, "lobby-1", LONG)
    await look(database)
    assert len(await state(database)) == 2


async def test_nothing_is_raised_by_who_works_while_a_camera_goes_out_of_use(
    database: Database,
) -> None:
    door = await add_camera(database, None, max_occupancy=1)
    await take(database, beat(door[0], picture="dark"))
    now = datetime.now(UTC)

    async def cross(session: AsyncSession, number: int) -> None:
        people = [
            Crossing(door[0], "e", number + one, door[1], "entry", f"t{one}", 0.9, now)
            for one in range(5)
        ]
        assert await count(session, people) == {}

    async def darken(session: AsyncSession) -> None:
        await equipment.take(session, [beat(door[0], picture="dark") for _ in range(2)])

    async def at_once(work: Callable[[AsyncSession], Awaitable[None]]) -> None:
        async with database.sessions.begin() as session:
            await work(session)
            other = asyncio.create_task(put(database, door[0], is_active=False))
            await asyncio.wait([other], timeout=0.5)
        await other

    await at_once(lambda session: cross(session, 1))
    assert await state(database) == ["over", "over"]
    await put(database, door[0], is_active=True)
    await at_once(darken)
    await put(database, door[0], max_occupancy=2)
    async with database.sessions.begin() as session:
        await cross(session, 100)

    assert set(await state(database)) == {"over"}


MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
HOUR, WEEK = timedelta(hours=1), timedelta(days=7)


async def store(database: Database, camera_id: int, entries: dict[datetime, int]) -> None:
    rows = [
        {
            "camera_id": camera_id,
            "start": start,
            "end": start + HOUR,
            "entries": number,
            "exits": number,
            "area": 0,
            "peak": 1,
            "level": 0,
        }
        for start, number in entries.items()
    ]
    async with database.sessions.begin() as session:
        await session.execute(insert(hours), rows)


async def compare(database: Database, now: datetime) -> None:
    async with database.sessions.begin() as session:
        await anomalies.look(session, now, "UTC")


async def test_an_unusual_hour_is_told_once_and_over_when_one_is_usual_again(
    database: Database,
) -> None:
    crowded, usual, new, idle = [(await add_camera(database, None))[0] for _ in range(4)]
    await add_camera(database, None, is_active=False)
    weeks = {MONDAY - number * WEEK: 20 for number in range(1, 9)}
    await store(database, crowded, {**weeks, MONDAY: 90, MONDAY + HOUR: 3})
    await store(database, usual, {**weeks, MONDAY: 25})
    await store(database, new, {MONDAY - WEEK: 1, MONDAY: 500})
    await store(database, idle, weeks)
    end = MONDAY + HOUR

    await compare(database, MONDAY + HOUR / 2)
    running = await told(database)
    for minute in range(0, 60, 20):
        await compare(database, end + timedelta(minutes=minute))
    during = await told(database)
    await compare(database, end + HOUR)

    assert [(one.camera_id, one.version) for one in running] == [(crowded, 1)]
    assert running[0].message.startswith("90 entries since 09:00; on the last 8 Mondays")
    assert during[:1] == running
    # Of the camera that nobody passed for a week nothing is said: it did not count.
    assert {one.camera_id for one in during} == {crowded}
    assert [one.over_at is None for one in await told(database)] == [True, False]


async def test_quiet_is_told_where_others_were_counted_within_the_week(
    database: Database,
) -> None:
    camera_id, _ = await add_camera(database, None)
    weeks = {MONDAY - number * WEEK: 20 for number in range(1, 9)}
    await store(database, camera_id, {**weeks, MONDAY - 24 * HOUR: 4})

    await compare(database, MONDAY + HOUR / 2)
    assert await told(database) == []
    await compare(database, MONDAY + HOUR)
    [said] = await state(database)

    assert said.startswith("No entries from 09:00 to 10:00; on the last 8 Mondays at that hour 20")
    # Those who were counted late.
    await store(database, camera_id, {MONDAY: 18})
    await compare(database, MONDAY + HOUR)
    assert await state(database) == ["over"]


async def test_an_anomaly_is_not_raised_while_a_camera_goes_out_of_use(database: Database) -> None:
    camera_id, _ = await add_camera(database, None)
    weeks = {MONDAY - number * WEEK: 20 for number in range(1, 9)}
    await store(database, camera_id, {**weeks, MONDAY: 90})

    async with database.sessions.begin() as session:
        await anomalies.look(session, MONDAY + HOUR, "UTC")
        other = asyncio.create_task(put(database, camera_id, is_active=False))
        done, _ = await asyncio.wait([other], timeout=0.5)
        assert not done
    await other

    assert await state(database) == ["over"]


async def test_cameras_of_before_are_told_by_the_migration(
    postgres: Postgres, tmp_path: Path
) -> None:
    name = f"before_{new_cuid()[1:9]}".translate(str.maketrans("0123456789", "abcdefghij"))
    password = roles.SchemaPasswords("tests-only", "tests-only")
    await roles.ensure(postgres.url(), {"occupancy": password}, database=name)
    address = f"postgresql://occupancy_owner:tests-only@127.0.0.1:{postgres.port}/{name}"
    engine = create_engine(address, application="tests")
    versions = shutil.copytree(SCHEMA.versions, tmp_path / "versions")
    for file in list(versions.glob("*.py")):
        if file.name >= "2026-11-21-2130":
            file.unlink()
    before = replace(SCHEMA, versions=versions)
    await migrations.migrate(engine, before.metadata, before.versions)
    server = await asyncpg.connect(postgres.url(name))
    await server.execute(
        "INSERT INTO occupancy.cameras (camera_id, camera_name, camera_type, is_active, room_id)"
        " VALUES ('A', 'Gate', 'entry_only', true, 4), ('B', 'Gate', 'exit_only', false, NULL)"
    )
    await migrations.migrate(engine, SCHEMA.metadata, SCHEMA.versions)
    told = await server.fetch("SELECT topic, key, payload FROM occupancy.outbox ORDER BY id")

    await engine.dispose()
    await server.close()
    root = await asyncpg.connect(postgres.url())
    await root.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await root.close()
    assert [(one["topic"], one["key"]) for one in told] == [
        (CAMERAS.name, "1"),
        (CAMERAS.name, "2"),
    ]
    events = [CAMERAS.decode(one["payload"]) for one in told]
    assert [event.id for event in events] == ["1/1", "2/1"]
    assert [event.data.camera_id for event in events] == ["A", "B"]
    assert events[0].data.room_id == 4
