"""Crossings come by the thousand, twice, late, and from clocks that are wrong."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import pytest
from long_way import US, hours_of
from sqlalchemy import func, select, text

import doors
from common.db import Database
from common.testing.plugin import CloneDatabase
from doors import Crossing, add_camera
from occupancy.history import (
    MINUTE,
    Minute,
    end_of_hour,
    start_of_day,
    start_of_hour,
    start_of_month,
)
from occupancy.repository import ingest
from occupancy.repository.counts import Counts
from occupancy.repository.history import BEGINNING, FOR_EVER, History
from occupancy.service import cameras as service
from occupancy.service import history
from occupancy.service.recounting import count_day_again
from occupancy.tables import (
    SCHEMA,
    counts,
    crossings,
    edges,
    hours,
    minutes,
    persons,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ZONES = (
    "UTC",
    "Europe/Berlin",
    "Asia/Tehran",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/Havana",
    "America/Sao_Paulo",
    "Pacific/Apia",
)


def many(door: tuple[int, int], numbers: Iterable[int], **changes: Any) -> list[Crossing]:
    """Make crossings a minute apart, in and out in turn."""
    return [
        replace(
            Crossing(
                camera_id=door[0],
                edge_id="edge",
                sequence=number,
                line_id=door[1],
                direction="entry" if number % 3 else "exit",
                track_id=f"t{number}",
                confidence=0.9,
                crossed_at=NOON + number * MINUTE,
            ),
            **changes,
        )
        for number in numbers
    ]


async def count(
    database: Database, told: Sequence[Crossing], arrived_at: datetime | None = None
) -> None:
    async with database.sessions.begin() as session:
        assert await doors.count(session, told, "UTC", arrived_at) == {}


async def totals(database: Database, camera_id: int) -> tuple[int, int, int]:
    async with database.sessions() as session:
        [live] = await Counts(session).live([camera_id])
    return live.entries, live.exits, live.net


async def missing(database: Database, camera_id: int) -> str:
    async with database.sessions() as session:
        row = await session.execute(
            text("SELECT high, missing::text FROM occupancy.edges WHERE camera_id = :camera"),
            {"camera": camera_id},
        )
        high, gaps = row.one()
    return f"{high} {gaps}"


async def test_numbers_are_claimed_once_in_any_order_and_gaps_are_remembered(
    database: Database,
) -> None:
    door = await add_camera(database, None)
    told = many(door, range(1, 31))
    order = [*told[20:25], *told[3:8], *told[20:25], *told[10:12]]

    for batch in (order, order, list(reversed(order))):
        await count(database, batch)
    assert await missing(database, door[0]) == "25 {[1,4),[9,11),[13,21)}"
    assert sum((await totals(database, door[0]))[:2]) == 12

    await count(database, told)
    assert await missing(database, door[0]) == "30 {}"
    assert sum((await totals(database, door[0]))[:2]) == 30


async def test_an_edge_with_endless_gaps_does_not_fill_the_database(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "REMEMBERED_GAPS", 5)
    door = await add_camera(database, None)

    await count(database, many(door, range(2, 42, 2)))

    # The newest five; what comes late for an older one is taken for a repetition.
    assert await missing(database, door[0]) == "40 {[31,32),[33,34),[35,36),[37,38),[39,40)}"
    await count(database, many(door, [1, 39]))
    assert sum((await totals(database, door[0]))[:2]) == 21


async def test_the_first_of_two_with_one_number_counts(database: Database) -> None:
    door = await add_camera(database, None)
    [one] = many(door, [1])
    other = replace(one, direction="exit", crossed_at=one.crossed_at + timedelta(hours=3))

    await count(database, [one, other])
    await count(database, [other])

    assert await totals(database, door[0]) == (1, 0, 1)


async def test_who_a_line_counts_is_decided_by_how_it_was_when_they_crossed(
    database: Database,
) -> None:
    door = await add_camera(database, None)
    now = datetime.now(UTC)
    before, later = now - timedelta(minutes=5), now + timedelta(seconds=30)

    async with database.sessions.begin() as session:
        await service.change_line(session, door[1], {"direction": "exit"})
    async with database.sessions.begin() as session:
        await service.change_camera(session, door[0], {"camera_name": "Nothing that matters"})
    told = [
        *many(door, [1, 2], direction="entry", crossed_at=before),
        *many(door, [3, 4, 5], direction="entry", crossed_at=later),
        *many(door, [6], direction="exit", crossed_at=later),
    ]
    await count(database, told, later)

    assert await totals(database, door[0]) == (2, 1, 1)


@pytest.mark.parametrize(
    ("told_at", "believed"),
    [
        (NOON - timedelta(days=89), True),
        (NOON + timedelta(seconds=59), True),
        (NOON + timedelta(hours=2), False),
        (NOON - timedelta(days=91), False),
        (datetime(1970, 1, 1, tzinfo=UTC), False),
        (datetime(2100, 1, 1, tzinfo=UTC), False),
    ],
    ids=str,
)
async def test_a_clock_that_cannot_be_right_is_not_believed_and_what_it_said_is_kept(
    database: Database, told_at: datetime, *, believed: bool
) -> None:
    door = await add_camera(database, None)

    await count(database, many(door, [1], crossed_at=told_at), NOON)

    async with database.sessions() as session:
        columns = select(crossings.c.crossed_at, crossings.c.told_at)
        row = (await session.execute(columns)).one()
    assert tuple(row) == ((told_at, None) if believed else (NOON, told_at))


def minutes_of(told: Sequence[Crossing], corrected: dict[datetime, int]) -> list[Minute]:
    """Add crossings up to minutes, the long way; corrections are of whole minutes."""
    found = {}
    ordered = sorted(told, key=lambda one: one.crossed_at)
    for start, group in groupby(
        ordered, lambda one: one.crossed_at.replace(second=0, microsecond=0)
    ):
        entries, exits, area, risen, high = 0, 0, 0, 0, 0
        for one in group:
            step = 1 if one.direction == "entry" else -1
            entries, exits = entries + (step > 0), exits + (step < 0)
            area += step * ((start + MINUTE - one.crossed_at) // US)
            risen += step
            high = max(high, risen)
        found[start] = Minute(start, entries, exits, area, high)
    for start, people in corrected.items():
        known = found.get(start) or Minute(start, 0, 0, 0, 0)
        after = [one for one in told if start <= one.crossed_at < start + MINUTE]
        level = people + sum(1 if one.direction == "entry" else -1 for one in after)
        found[start] = replace(known, corrected=level)
    return [found[start] for start in sorted(found)]


@pytest.mark.parametrize("zone", ZONES)
async def test_hours_are_those_of_walking_the_long_way(database: Database, zone: str) -> None:
    door = await add_camera(database, None)
    dice = random.Random(zone)
    # Over a change of the clock of most of them.
    began = datetime(2026, 3, 27 if zone == "Europe/Berlin" else 7, 20, tzinfo=UTC)
    if zone == "Australia/Lord_Howe":
        began = datetime(2026, 4, 3, 20, tzinfo=UTC)
    told = [
        replace(
            one,
            crossed_at=began + timedelta(microseconds=dice.randrange(3 * 86400 * 10**6)),
            direction=dice.choice(("entry", "exit")),
        )
        for one in many(door, range(1, 400))
    ]
    corrected = {began + timedelta(hours=hour): hour for hour in (5, 40, 41)}
    dice.shuffle(told)

    async with database.sessions.begin() as session:
        for at in range(0, 400, 60):
            batch = told[at : at + 60]
            await doors.count(session, batch, zone, began + timedelta(days=5))
        for start, people in corrected.items():
            values = {"camera_id": door[0], "at": start, "occupancy": people, "reason": "reset"}
            assert await history.correct(session, values, ZoneInfo(zone))

    async with database.sessions() as session:
        found = await History(session).hours(door[0], BEGINNING, FOR_EVER)
    assert found == list(hours_of(0, minutes_of(told, corrected), ZoneInfo(zone)))


@pytest.mark.parametrize("zone", ZONES)
async def test_postgres_and_we_agree_where_hours_days_and_months_begin(
    database: Database, zone: str
) -> None:
    here = ZoneInfo(zone)
    dice = random.Random(zone)
    moments = [
        datetime(2010, 1, 1, tzinfo=UTC) + timedelta(minutes=dice.randrange(20 * 525_600))
        for _ in range(1500)
    ]
    # Every half hour of a year, which has all its changes of the clock.
    moments += [datetime(2026, 1, 1, tzinfo=UTC) + n * timedelta(minutes=30) for n in range(17_520)]
    statement = text("""
        SELECT moment, start_of_hour(moment, :zone) AS hour,
            end_of_hour(start_of_hour(moment, :zone), :zone) AS hour_end,
            start_of_day(moment, :zone) AS day, start_of_month(moment, :zone) AS month
        FROM unnest(CAST(:moments AS timestamptz[])) AS moment
    """)
    async with database.sessions() as session:
        await session.execute(text("SET LOCAL search_path = occupancy"))
        rows = (await session.execute(statement, {"zone": zone, "moments": moments})).all()

    wrong = [
        row
        for row in rows
        if (row.hour, row.hour_end, row.day, row.month)
        != (
            start_of_hour(row.moment, here),
            end_of_hour(start_of_hour(row.moment, here), here),
            start_of_day(row.moment.astimezone(here).date(), here),
            start_of_month(row.moment, here),
        )
    ]
    assert wrong == []


async def test_crossings_of_old_months_are_forgotten_and_what_they_added_up_to_stays(
    database: Database,
) -> None:
    door = await add_camera(database, None)
    now = datetime.now(UTC)
    old, young = now - timedelta(days=75), now - timedelta(days=3)
    await count(database, many(door, range(1, 40), crossed_at=old))
    await count(database, many(door, range(40, 60), crossed_at=young))
    # Whatever stands among the rest, as after a long time without a migration, goes too.
    async with database.sessions.begin() as session:
        strays = crossings.insert().values(
            camera_id=door[0],
            crossed_at=datetime(2019, 1, 1, tzinfo=UTC),
            edge_id="stray",
            sequence=1,
            line_id=door[1],
            direction="entry",
            track_id="t",
            confidence=1.0,
            is_counted=False,
        )
        await session.execute(strays)
    before = await stored(database, door[0])

    async with database.sessions.begin() as session:
        cutoff = (now - timedelta(days=31)).replace(
            day=1, hour=0, minute=0, second=0, microsecond=0
        )
        emptied = await History(session).keep_since(cutoff)
        again = await History(session).keep_since(cutoff)

    assert f"crossings_{old:%Y_%m}" in emptied
    assert again == []
    async with database.sessions() as session:
        left = await session.scalar(select(func.count()).select_from(crossings))
    assert left == 20
    after = await stored(database, door[0])
    assert {name: after[name] for name in ("hours", "persons", "now")} == {
        name: before[name] for name in ("hours", "persons", "now")
    }
    # Added up anew, it is the same: what is gone is not taken for never having been.
    async with database.sessions.begin() as session:
        for level in ("hourly", "daily", "monthly"):
            await history.rebuild(session, door[0], level, "UTC")
    assert await stored(database, door[0]) == after


async def stored(database: Database, camera_id: int) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that is kept of a camera."""
    kept: dict[str, list[tuple[Any, ...]]] = {}
    async with database.sessions() as session:
        for table in (crossings, minutes, hours, persons, edges):
            columns = [one for one in table.c if one.name != "missing"]
            rows = await session.execute(
                select(*columns).where(table.c.camera_id == camera_id).order_by(*columns)
            )
            kept[table.name] = [tuple(row) for row in rows]
        columns = [one for one in counts.c if one.name != "updated_at"]
        rows = await session.execute(select(*columns).where(counts.c.camera_id == camera_id))
        kept["now"] = [tuple(row) for row in rows]
    return kept


@pytest.mark.parametrize("harm", ["nothing", "lost", "doubled", "moved"])
async def test_a_day_counted_anew_is_the_same_bit_for_bit(database: Database, harm: str) -> None:
    door = await add_camera(database, None)
    dice = random.Random(3)
    told = [
        replace(
            one,
            crossed_at=NOON - timedelta(days=2) + timedelta(seconds=dice.randrange(4 * 86400)),
            track_id=f"t{dice.randrange(150)}",
            direction=dice.choice(("entry", "exit")),
        )
        for one in many(door, range(1, 301))
    ]
    await count(database, told, NOON + timedelta(days=3))
    day = (NOON.replace(hour=0), NOON.replace(hour=0) + timedelta(days=1))
    of_day = [one for one in told if day[0] <= one.crossed_at < day[1]]
    before = await stored(database, door[0])
    of_it = f"camera_id = {door[0]} AND crossed_at >= '{day[0]}' AND crossed_at < '{day[1]}'"
    another = """
        INSERT INTO occupancy.crossings SELECT camera_id, edge_id || '2', sequence, line_id,
            direction, track_id || 'x', confidence, crossed_at, told_at, is_counted
        FROM occupancy.crossings WHERE """
    harms = {
        "nothing": [],
        "lost": [f"DELETE FROM occupancy.crossings WHERE {of_it}"],
        "doubled": [another + of_it],
        "moved": [
            "UPDATE occupancy.minutes SET entries = 7, area = 12 WHERE entries > 0",
            "DELETE FROM occupancy.persons WHERE period = 'day'",
        ],
    }
    async with database.sessions.begin() as session:
        for statement in harms[harm]:
            await session.execute(text(statement))
            # Totals follow what is stored, as if it had been counted.
        if harm in {"lost", "doubled"}:
            await session.execute(
                text("""
                    UPDATE occupancy.counts SET
                        entries = (SELECT count(*) FROM occupancy.crossings
                            WHERE is_counted AND direction = 'entry'),
                        exits = (SELECT count(*) FROM occupancy.crossings
                            WHERE is_counted AND direction = 'exit')
                """)
            )
            for level in ("hourly", "daily", "monthly"):
                await history.rebuild(session, door[0], level, "UTC")

    async with database.sessions.begin() as session:
        again = doors.told(of_day, NOON + timedelta(days=3))
        await count_day_again(session, door[0], day, again, "UTC")

    after = await stored(database, door[0])
    assert after["crossings"] == before["crossings"]
    if harm == "moved":
        # Of other days, minutes are added up anew by the aggregate that was asked for.
        async with database.sessions.begin() as session:
            await history.rebuild(session, door[0], "hourly", "UTC")
            await history.rebuild(session, door[0], "daily", "UTC")
        after = await stored(database, door[0])
    assert after == before


async def test_the_role_that_works_makes_no_tables_and_empties_only_crossings(
    clone_database: CloneDatabase,
) -> None:
    async with clone_database(SCHEMA) as cloned:
        server = await asyncpg.connect(cloned.url)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await server.execute("SELECT occupancy.make_months('2031-01-01', '2031-01-01')")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await server.execute("TRUNCATE occupancy.hours")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await server.execute("DROP TABLE occupancy.crossings_rest")
        await server.close()


async def test_a_month_that_comes_late_takes_its_crossings_from_among_the_rest(
    clone_database: CloneDatabase,
) -> None:
    async with clone_database(SCHEMA) as cloned:
        owner = await asyncpg.connect(cloned.owner_url)
        insert = """
            INSERT INTO occupancy.crossings (camera_id, crossed_at, edge_id, sequence, line_id,
                direction, track_id, confidence, is_counted)
            VALUES (1, '2031-05-31T23:59:59.999999Z', 'e', 1, 1, 'entry', 't', 1, true),
                (1, '2031-06-01T00:00:00Z', 'e', 2, 1, 'entry', 't', 1, true)
        """
        await owner.execute(insert)
        for _ in range(2):
            await owner.execute("SELECT occupancy.make_months('2031-05-02', '2031-05-03')")
        rows = await owner.fetch(
            "SELECT tableoid::regclass::text AS part, sequence FROM occupancy.crossings ORDER BY 2"
        )
        await owner.close()
    assert [(row["part"].rpartition(".")[2], row["sequence"]) for row in rows] == [
        ("crossings_2031_05", 1),
        ("crossings_rest", 2),
    ]
