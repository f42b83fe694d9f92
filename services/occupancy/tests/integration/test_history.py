"""Hours, persons and corrections, as crossings come in any order, twice, and days late."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

import doors
from common.db import Database
from common.events import LEVELS
from common.identity import Identity, Role
from doors import Crossing, add_camera
from occupancy.repository.counts import Counts
from occupancy.repository.history import History
from occupancy.service import cameras, history
from occupancy.service.history import Headcount
from occupancy.tables import hours, minutes, outbox, persons

ZONE = "Europe/Berlin"
HOUR = timedelta(hours=1)
BERLIN = ZoneInfo(ZONE)
# Two days that a change of the clock lies between.
BEGIN = datetime(2026, 3, 28, 10, tzinfo=UTC)
ADMIN = Identity(kind="user", id="u", role=Role.ADMIN, name="Somebody", email="a@b.c")


def crossings_of(door: tuple[int, int], seed: int, count: int = 300) -> list[Crossing]:
    """Make crossings of two days, in which some people come again."""
    dice = random.Random(seed)
    return [
        Crossing(
            camera_id=door[0],
            edge_id="edge",
            sequence=number,
            line_id=door[1],
            direction=dice.choice(("entry", "entry", "exit")),
            track_id=f"t{dice.randrange(count // 2)}",
            confidence=0.9,
            crossed_at=BEGIN + timedelta(seconds=dice.randrange(2 * 86400), microseconds=number),
        )
        for number in range(1, count + 1)
    ]


async def count(database: Database, crossings: Sequence[Crossing]) -> None:
    async with database.sessions.begin() as session:
        arrived_at = max(crossing.crossed_at for crossing in crossings)
        assert await doors.count(session, crossings, ZONE, arrived_at + timedelta(days=3)) == {}


async def stored(database: Database, camera_id: int) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that is kept of a camera, but for whose it is."""
    kept = {}
    async with database.sessions() as session:
        for table in (minutes, hours, persons):
            columns = [column for column in table.c if column.name != "camera_id"]
            rows = await session.execute(
                select(*columns).where(table.c.camera_id == camera_id).order_by(*columns)
            )
            kept[table.name] = [tuple(row) for row in rows]
        [live] = await Counts(session).live([camera_id])
    kept["now"] = [(live.entries, live.exits, live.net, live.unique_persons)]
    return kept


async def test_the_order_of_crossings_and_how_often_they_come_change_nothing(
    database: Database,
) -> None:
    orderly, wild = [await add_camera(database, None) for _ in range(2)]
    await count(database, crossings_of(orderly, 1))
    dice, late = random.Random(2), crossings_of(wild, 1)
    late += dice.choices(late, k=100)
    dice.shuffle(late)
    for at in range(0, len(late), 37):
        await count(database, late[at : at + 37])

    assert await stored(database, wild[0]) == await stored(database, orderly[0])


async def test_hours_and_persons_are_what_the_crossings_say(database: Database) -> None:
    door = await add_camera(database, None)
    crossings = crossings_of(door, 3)
    await count(database, crossings)

    async with database.sessions() as session:
        kept = History(session)
        found = await kept.hours(door[0], BEGIN, BEGIN + timedelta(days=3))
        seen = {
            period: await kept.persons(door[0], period, BEGIN - timedelta(days=40))
            for period in ("hour", "day", "month")
        }

    assert sum(hour.entries + hour.exits for hour in found) == len(crossings)
    net = sum(1 if one.direction == "entry" else -1 for one in crossings)
    assert found[-1].level == net

    def persons_by(form: str) -> Counter[str]:
        tracks = {
            (one.crossed_at.astimezone(BERLIN).strftime(form), one.track_id) for one in crossings
        }
        return Counter(moment for moment, _ in tracks)

    for period, form in (("hour", "%d %H %z"), ("day", "%d"), ("month", "%m")):
        by_label = {
            start.astimezone(BERLIN).strftime(form): number
            for start, number in seen[period].items()
        }
        assert by_label == persons_by(form)


async def test_adding_up_anew_gives_the_same(database: Database) -> None:
    door = await add_camera(database, None)
    for at in range(0, 300, 50):
        await count(database, crossings_of(door, 4)[at : at + 50])
    before = await stored(database, door[0])

    async with database.sessions.begin() as session:
        for level in ("monthly", "hourly", "daily"):
            await history.rebuild(session, door[0], level, ZONE)

    assert await stored(database, door[0]) == before


async def test_a_headcount_outweighs_what_came_before_it_however_late(database: Database) -> None:
    door = await add_camera(database, None)
    now = datetime.now(UTC)
    earlier, later = crossings_of(door, 5, 20)[:2]
    await count(database, crossings_of(door, 5, 20)[2:])
    async with database.sessions.begin() as session:
        at = await history.calibrate(session, ADMIN, door[0], Headcount(50), ZONE)
    entry = {"direction": "entry"}
    await count(
        database,
        [
            _changed(earlier, crossed_at=now - timedelta(days=1), **entry),
            _changed(later, crossed_at=at + timedelta(seconds=1), **entry),
        ],
    )

    async with database.sessions() as session:
        [live] = await Counts(session).live([door[0]])
        level = await History(session).level_before(door[0], at + timedelta(hours=2))

    assert live.occupancy == level == 51
    assert live.entries + live.exits == 20


def _changed(crossing: Crossing, **values: Any) -> Crossing:
    fields = {name: getattr(crossing, name) for name in Crossing.__dataclass_fields__}
    return Crossing(**{**fields, **values})


async def test_a_crossing_of_days_ago_moves_the_hours_since_and_no_others(
    database: Database,
) -> None:
    door = await add_camera(database, None)
    crossings = sorted(crossings_of(door, 6), key=lambda one: one.crossed_at)
    late = _changed(crossings[100], direction="entry")
    await count(database, [*crossings[:100], *crossings[101:]])
    before = {row[0]: row for row in (await stored(database, door[0]))["hours"]}

    await count(database, [late])

    after = {row[0]: row for row in (await stored(database, door[0]))["hours"]}
    changed = [start for start, row in after.items() if before.get(start) != row]
    own = max(start for start in after if start <= late.crossed_at)
    assert min(changed) == own
    assert sorted(changed) == [start for start in sorted(after) if start >= own]
    assert after[max(after)][-1] == before[max(before)][-1] + 1


async def test_a_nightly_reset_takes_nobody_into_the_next_day(database: Database) -> None:
    door = await add_camera(database, None)
    evening, morning = datetime(2026, 6, 1, 18, tzinfo=UTC), datetime(2026, 6, 2, 6, tzinfo=UTC)
    base = crossings_of(door, 7, 10)
    stay = [_changed(one, direction="entry", crossed_at=evening) for one in base[:5]]
    come = [_changed(one, direction="entry", crossed_at=morning) for one in base[5:8]]
    late = [_changed(one, direction="exit", crossed_at=evening + HOUR) for one in base[8:]]
    await count(database, [*stay, *come])

    now = morning + HOUR
    async with database.sessions.begin() as session:
        first = await history.reset(session, time(4), now, ZONE)
        again = await history.reset(session, time(4), now, ZONE)
    await count(database, late)

    assert (first, again) == (1, 0)
    async with database.sessions() as session:
        [live] = await Counts(session).live([door[0]])
        found = await History(session).hours(door[0], evening, now)
    # 04:00 in Berlin is 02:00 in UTC, where two of five had left and nobody is since.
    levels = {hour.start: hour.level for hour in found}
    assert levels == {
        evening: 5,
        evening + HOUR: 3,
        datetime(2026, 6, 2, 2, tzinfo=UTC): 0,
        morning: 3,
    }
    assert live.occupancy == 3
    before = await stored(database, door[0])
    async with database.sessions.begin() as session:
        await history.rebuild(session, door[0], "hourly", ZONE)
    assert await stored(database, door[0]) == before


async def test_people_in_a_room_follow_a_headcount_and_a_reset(database: Database) -> None:
    door = await add_camera(database, 7)
    async with database.sessions.begin() as session:
        await history.calibrate(session, ADMIN, door[0], Headcount(12), ZONE)
    async with database.sessions.begin() as session:
        await history.reset(session, time(4), datetime.now(UTC) + timedelta(days=1), ZONE)

    async with database.sessions() as session:
        rows = await session.execute(select(outbox.table).order_by(outbox.table.c.id))
        told = [LEVELS.decode(row.payload).data for row in rows]
    assert [(level.room_id, level.occupancy) for level in told] == [(7, 12), (7, 0)]


async def test_headcounts_and_crossings_at_once_do_not_deadlock(database: Database) -> None:
    doors = [await add_camera(database, 7) for _ in range(3)]

    async def calibrate(door: tuple[int, int]) -> None:
        for people in range(8):
            async with database.sessions.begin() as session:
                await history.calibrate(session, ADMIN, door[0], Headcount(people), ZONE)

    async def change(door: tuple[int, int]) -> None:
        for number in range(1, 17):
            place = {"max_occupancy": number, "room_id": 7 + number % 2}
            async with database.sessions.begin() as session:
                await cameras.change_camera(session, door[0], place)

    batches = [
        [crossing for door in doors for crossing in crossings_of(door, 8, 80)[at : at + 10]]
        for at in range(0, 80, 10)
    ]
    async with asyncio.timeout(30):
        await asyncio.gather(
            *(calibrate(door) for door in doors),
            *(change(door) for door in doors),
            *(count(database, batch) for batch in batches),
        )
    for door in doors:
        before = await stored(database, door[0])
        async with database.sessions.begin() as session:
            for level in ("hourly", "daily", "monthly"):
                await history.rebuild(session, door[0], level, ZONE)
        assert await stored(database, door[0]) == before
