"""Levels late, twice, out of order, among bookings that change: what is measured is right."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from minute_walk import Seen, facts_of, parties_of, presence_of, seen_in
from msgspec.structs import replace
from publishing import booking
from sqlalchemy import Table, delete, insert, select, text, update
from telling import Told, building, camera, crossing, room, take, tell

from analytics.domain import Days
from analytics.repository import doors
from analytics.repository.measuring import Measuring
from analytics.repository.reality import Parties, Reality
from analytics.tables import (
    PARTIES,
    ROLLUPS,
    bookings,
    clock,
    days,
    levels,
    months,
    parties_so_far,
    party_days,
    presence,
    rooms,
    weeks,
)
from common.db import Database
from common.events import BookingV1, CrossingV1, LevelV1, RoomV1

pytestmark = pytest.mark.timeout(300)

# The clocks of Berlin change in the night after it.
BEGIN = datetime(2025, 10, 25, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)
ZONES = ("UTC", "Europe/Berlin", "Asia/Kathmandu")
FACTS = (days, weeks, months, party_days, parties_so_far)
# What is told, or that it is later now.
Step = Told | datetime


def after(minutes: int) -> datetime:
    return BEGIN + timedelta(minutes=minutes)


def level(room_id: int, minute: int, version: int, occupancy: int) -> LevelV1:
    return LevelV1(room_id=room_id, measured_at=after(minute), version=version, occupancy=occupancy)


def booked(room_id: int, minute: int, length_min: int, **changes: Any) -> BookingV1:
    start = after(minute)
    values = {"checkin_until": start + timedelta(minutes=15), **changes}
    return booking(room_id, start, start + timedelta(minutes=length_min), **values)


# Mostly within two days; some so late that the level before no longer holds.
MINUTES = st.one_of(*[st.integers(0, 2 * 24 * 60)] * 3, st.integers(0, 6 * 24 * 60))
ROOM_IDS = st.integers(1, 2)
LEVELS_TOLD = st.builds(level, ROOM_IDS, MINUTES, st.integers(1, 3), st.integers(0, 5))
BOOKINGS_TOLD = st.builds(
    booked,
    ROOM_IDS,
    MINUTES,
    st.one_of(st.integers(1, 300), st.integers(1, 30 * 60)),
    id=st.sampled_from(["one", "two", "three", "four"]),
    version=st.integers(1, 3),
    status=st.sampled_from(["confirmed", "confirmed", "completed", "cancelled", "no_show"]),
    overridden_by=st.sampled_from([None, None, None, "other"]),
)
ROOMS_TOLD = st.builds(
    room, ROOM_IDS, st.integers(1, 3), building=st.sampled_from(ZONES).map(building)
)


def keyed(one: Step) -> Any:
    match one:
        case LevelV1():
            return one.room_id, one.measured_at, one.version
        case BookingV1() | RoomV1():
            return type(one).__name__, one.id, one.version
    return one


@st.composite
def told_in_some_order(draw: st.DrawFn) -> list[list[Step]]:
    """Levels and versions of rooms and bookings, some twice, in batches; and time that passes."""
    steps = draw(
        st.lists(
            st.one_of(LEVELS_TOLD, LEVELS_TOLD, BOOKINGS_TOLD, ROOMS_TOLD, MINUTES.map(after)),
            max_size=25,
        )
    )
    steps += [room(1), room(2), after(draw(st.sampled_from([60, 24 * 60, 30 * 24 * 60])))]
    of_version = {keyed(one): one for one in steps}
    order = draw(st.permutations([of_version[keyed(one)] for one in steps]))
    cuts = sorted(draw(st.lists(st.integers(0, len(order)), max_size=6)))
    return [order[low:high] for low, high in zip([0, *cuts], [*cuts, len(order)], strict=True)]


async def forget(database: Database) -> None:
    async with database.sessions.begin() as session:
        for table in (bookings, rooms, levels, presence, *FACTS):
            await session.execute(delete(table))
        await session.execute(update(clock).values(at=BEGIN - HOUR))


async def play(database: Database, batches: Sequence[Sequence[Step]]) -> None:
    for batch in batches:
        told = [one for one in batch if not isinstance(one, datetime)]
        if told:
            await take(database, [told])
        for now in (one for one in batch if isinstance(one, datetime)):
            await pass_time(database, now)


async def pass_time(database: Database, now: datetime) -> None:
    async with database.sessions.begin() as session:
        await Measuring(session).pass_time(now)


async def measured(database: Database) -> Seen:
    async with database.sessions() as session:
        found = await session.execute(
            select(bookings.c.id, bookings.c.seen, bookings.c.empty_s).where(
                bookings.c.seen.is_not(None)
            )
        )
        return {row.id: (row.seen, row.empty_s) for row in found}


async def there(database: Database) -> dict[tuple[int, date], tuple[int, int]]:
    async with database.sessions() as session:
        found = await session.execute(select(presence).where(presence.c.occupied_s > 0))
        return {(row.room_id, row.day): (row.occupied_s, row.unbooked_s) for row in found}


async def facts(database: Database) -> dict[tuple[int, date], dict[str, int]]:
    async with database.sessions() as session:
        rows = (await session.execute(select(days))).mappings().all()
    found = {
        (row["room_id"], row["start"]): {n: row[n] for n in ROLLUPS["days"] if row[n]}
        for row in rows
    }
    return {key: counted for key, counted in found.items() if counted}


async def parties(database: Database, table: Table) -> dict[tuple[int, date, int], tuple[int, ...]]:
    async with database.sessions() as session:
        rows = (await session.execute(select(table))).mappings().all()
    return {
        (row["room_id"], row["start"], row["size"]): tuple(row[name] for name in PARTIES)
        for row in rows
    }


async def check(database: Database, batches: Sequence[Sequence[Step]]) -> None:
    await forget(database)

    await play(database, batches)

    told = [one for batch in batches for one in batch]
    newest: dict[tuple[type, Any], Any] = {}
    for one in told:
        if isinstance(one, BookingV1 | RoomV1):
            known = newest.setdefault((type(one), one.id), one)
            if known.version < one.version:
                newest[type(one), one.id] = one
    booked_ = [one for one in newest.values() if isinstance(one, BookingV1)]
    rooms_ = {one.id: one for one in newest.values() if isinstance(one, RoomV1)}
    levels_ = list({keyed(one): one for one in told if isinstance(one, LevelV1)}.values())
    now = max(one for one in told if isinstance(one, datetime))
    seen = seen_in(booked_, levels_, now)
    assert await measured(database) == seen
    assert await there(database) == presence_of(booked_, rooms_.values(), levels_)
    assert await facts(database) == facts_of(booked_, rooms_, {}, seen)
    by_day = parties_of(booked_, rooms_, seen)
    assert await parties(database, party_days) == by_day
    so_far: Counter[tuple[int, date, int, int]] = Counter()
    for (room_id, day, size), more in by_day.items():
        for month in range(day.month, 13):
            for place, count in enumerate(more):
                so_far[room_id, date(day.year, month, 1), size, place] += count
    known = await parties(database, parties_so_far)
    assert known == {
        key: tuple(so_far[*key, place] for place in range(4)) for key in {one[:3] for one in so_far}
    }
    # October and the first of November, of which a month is whole and a day is left.
    days_ = Days(date(2025, 10, 1), date(2025, 11, 1))
    async with database.sessions() as session:
        by_room, of_all = await Reality(session).parties(days_, sorted(rooms_))
    of_rooms = {
        room_id: known_of(
            {
                (size, day): more
                for (whose, day, size), more in by_day.items()
                if whose == room_id and days_.first <= day <= days_.last
            }
        )
        for room_id in rooms_
    }
    for room_id, one in of_rooms.items():
        assert by_room.get(room_id, Parties()) == one
    assert of_all == known_of(
        {
            (size, whose, day): more
            for (whose, day, size), more in by_day.items()
            if days_.first <= day <= days_.last
        }
    )


def known_of(counted: Mapping[tuple[int, *tuple[Any, ...]], Sequence[int]]) -> Parties:
    """Add parties up, by their sizes, one by one."""
    seen = sorted(size for (size, *_), more in counted.items() for _ in range(more[0]))
    told = [size for (size, *_), more in counted.items() for _ in range(more[3])]
    came = [size for size in seen if size]
    return Parties(
        measured=len(seen),
        ghosts=seen.count(0),
        no_shows=sum(more[1] for more in counted.values()),
        empty_s=sum(more[2] for more in counted.values()),
        seen_parties=len(came),
        seen_people=sum(came),
        parties=len([size for size in (*came, *told) if size]),
        largest=max((*came, *told), default=0),
        p95=came[-(-95 * len(came) // 100) - 1] if came else None,
    )


async def test_what_is_measured_follows_from_what_was_told_in_whatever_order(
    database: Database,
) -> None:
    loop = asyncio.get_running_loop()

    def run(work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, loop).result(timeout=60)

    @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
    @given(told_in_some_order())
    # A level between two others, told last: somebody had left in the middle of a booking.
    @example(
        [
            [level(1, 0, 1, 2), level(1, 120, 3, 0), after(600)],
            [room(1), room(2), booked(1, 30, 60, id="one")],
            [level(1, 60, 2, 0)],
        ]
    )
    # The level is too old before the booking ends.
    @example([[room(1), room(2), level(1, 0, 1, 2), booked(1, 4300, 60, id="one")], [after(9000)]])
    # It is not over yet, though a level is known from its start.
    @example([[room(1), room(2), level(1, 0, 1, 2), after(60)], [booked(1, 30, 120, id="one")]])
    # It is over before its room is known.
    @example(
        [
            [level(1, 0, 1, 2), booked(1, 30, 60, id="one"), after(120)],
            [room(1), room(2), after(60)],
        ]
    )
    # Whoever was there without a booking was not, as it turns out.
    @example(
        [
            [room(1), room(2), level(1, 0, 1, 2), level(1, 600, 2, 0), after(6000)],
            [booked(1, 30, 300, id="one")],
        ]
    )
    # A booking that goes leaves whoever was there without one; and the room's day is another's.
    @example(
        [
            [room(1), room(2), level(1, 0, 1, 2), level(1, 1200, 2, 0), after(6000)],
            [booked(1, 30, 600, id="one", version=1)],
            [booked(1, 30, 600, id="one", version=2, status="cancelled")],
            [room(1, 2, building=building("Asia/Kathmandu"))],
        ]
    )
    def it_is_right(batches: list[list[Step]]) -> None:
        run(check(database, batches))

    await asyncio.to_thread(it_is_right)


@pytest.mark.parametrize(("small", "large", "p95"), [(19, 1, 2), (18, 2, 9), (0, 1, 9)])
async def test_95_of_a_hundred_parties_are_not_above_it(
    database: Database, small: int, large: int, p95: int
) -> None:
    rows = [
        {"size": 0, "seen": 50, "told": 0},
        {"size": 2, "seen": small, "told": 7},
        {"size": 9, "seen": large, "told": 0},
        {"size": 30, "seen": 0, "told": 1},
    ]
    of_room = {"room_id": 1, "start": date(2025, 10, 1), "no_shows": 0, "empty_s": 0}
    async with database.sessions.begin() as session:
        await session.execute(insert(parties_so_far), [{**of_room, **row} for row in rows])
        by_room, of_all = await Reality(session).parties(
            Days(date(2025, 10, 1), date(2025, 10, 31)), [1, 2]
        )
    assert by_room == {1: of_all}
    assert (of_all.p95, of_all.measured, of_all.ghosts) == (p95, 50 + small + large, 50)
    assert (of_all.seen_parties, of_all.parties) == (small + large, small + large + 8)
    assert (of_all.seen_people, of_all.largest) == (2 * small + 9 * large, 30)


async def waits(database: Database) -> bool:
    async with database.engine.connect() as connection:
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        return bool(await connection.scalar(text(waiting)))


async def test_a_booking_and_a_level_that_come_at_the_same_time_see_each_other(
    database: Database,
) -> None:
    """Neither transaction sees what the other has written, and not yet committed."""

    await forget(database)
    await play(database, [[room(1), level(1, 0, 1, 0), after(600)]])
    told = [booked(1, 0, 60, id="one")], [level(1, 30, 2, 3)]
    for first, second in (told, told[::-1]):
        async with database.sessions.begin() as session:
            for table in (bookings, *FACTS):
                await session.execute(delete(table))
            await session.execute(delete(levels).where(levels.c.version == 2))
        async with database.sessions.begin() as session:
            await tell(session, first)
            other = asyncio.create_task(take(database, [second]))
            async with asyncio.timeout(10):
                while not (other.done() or await waits(database)):
                    await asyncio.sleep(0.01)
        await other
        assert await measured(database) == {"one": (3, 1800)}


async def test_where_no_camera_is_left_nothing_is_measured(database: Database) -> None:
    now = datetime.now(UTC)
    await take(
        database,
        [
            [room(1), camera(1), camera(2, room_id=1)],
            [LevelV1(room_id=1, version=1, occupancy=0, measured_at=now - HOUR)],
            [booking(1, now + HOUR, now + 2 * HOUR, id="one")],
        ],
    )
    await pass_time(database, now + 3 * HOUR)
    assert await measured(database) == {"one": (0, 3600)}

    # The first of two goes, and nothing changes; the second one goes too.
    await take(database, [[camera(1, 2, is_active=False)], [camera(1, 1)]])
    assert await measured(database) == {"one": (0, 3600)}
    await take(database, [[camera(2, 2, room_id=5)]])
    assert await measured(database) == {}

    # What another one sees is a level again.
    later = datetime.now(UTC)
    seen = LevelV1(room_id=1, version=2, occupancy=1, measured_at=later)
    await take(database, [[camera(3, room_id=1)], [seen]])
    assert await measured(database) == {"one": (1, 0)}


@pytest.mark.parametrize(
    "wrong",
    [
        replace(level(1, 0, 1, 0), version=2**63 - 1),
        replace(level(1, 0, 1, 0), occupancy=2**31),
        replace(level(1, 0, 1, 0), measured_at=datetime(1, 1, 1, tzinfo=UTC)),
        camera(1, 2**63),
    ],
    ids=lambda one: type(one).__name__,
)
async def test_what_would_break_the_database_is_parked(database: Database, wrong: Told) -> None:
    good = [room(1), level(1, 0, 1, 2), level(1, 60, 2, 0), camera(2)]

    async with database.sessions.begin() as session:
        assert await tell(session, [wrong, *good]) == [wrong]

    assert await there(database) == {(1, BEGIN.date()): (3600, 3600)}


NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


@st.composite
def crossings_told(draw: st.DrawFn) -> tuple[str, list[list[Told]]]:
    """Crossings, among what is told of their doors; and the zone in which one of these is."""
    found = draw(
        st.lists(
            st.tuples(
                st.integers(1, 12),
                st.sampled_from(["edge-1", "edge-2"]),
                st.integers(1, 2),
            ),
            min_size=1,
            max_size=40,
        )
    )
    made: list[Told] = [
        crossing(
            sequence,
            # A crossing is what its number says, however often it is told.
            NOW - (sequence * 7 + len(edge) + camera_id) * timedelta(hours=9, minutes=15),
            edge_id=edge,
            camera_id=camera_id,
            direction="exit" if (sequence + camera_id) % 3 else "entry",
        )
        for sequence, edge, camera_id in found
    ]
    zones = draw(st.permutations(ZONES))
    others: list[Told] = [
        *(room(1, version, building=building(zone)) for version, zone in enumerate(zones)),
        camera(1, 1, room_id=2),
        camera(1, 2),
        camera(2, camera_type="entry_only", room_id=None),
    ]
    for other in draw(st.permutations(others)):
        made.insert(draw(st.integers(0, len(made))), other)
    cuts = sorted(draw(st.lists(st.integers(0, len(made)), max_size=5)))
    cut = [made[low:high] for low, high in zip([0, *cuts], [*cuts, len(made)], strict=True)]
    return zones[-1], cut


async def test_a_crossing_counts_once_however_late_and_often_it_comes_and_wherever_its_door_is(
    database: Database,
) -> None:
    loop = asyncio.get_running_loop()

    async def check_flow(zone: str, batches: list[list[Told]]) -> None:
        async with database.sessions.begin() as session:
            for name in ("edges", "flow", "door_days", "door_months", "cameras", "rooms"):
                await session.execute(text(f"DELETE FROM analytics.{name}"))
        await take(database, batches)
        expected = {1: ([0] * 24, [0] * 24), 2: ([0] * 24, [0] * 24)}
        told = [one for batch in batches for one in batch if isinstance(one, CrossingV1)]
        once = {(one.camera_id, one.edge_id, one.sequence): one for one in told}
        for one in once.values():
            local = one.crossed_at.astimezone(ZoneInfo(zone if one.camera_id == 1 else "UTC"))
            expected[one.camera_id][one.direction == "exit"][local.hour] += 1
        # Whole months, and days at both ends.
        span = Days(NOW.date() - timedelta(days=75), NOW.date() + timedelta(days=1))
        async with database.sessions() as session:
            found = await Reality(session).flow(span, [1, 2])
        there = {door: through for door, through in expected.items() if any(map(sum, through))}
        assert {door: (list(one.entries), list(one.exits)) for door, one in found.items()} == there

    def run(told: tuple[str, list[list[Told]]]) -> None:
        asyncio.run_coroutine_threadsafe(check_flow(*told), loop).result(timeout=60)

    checked = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))(
        given(crossings_told())(run)
    )
    await asyncio.to_thread(checked)


async def test_doors_at_no_room_go_by_the_clock_of_the_installation(database: Database) -> None:
    at = NOW.replace(hour=12) - timedelta(days=1)
    await take(database, [[camera(1, room_id=None)], [crossing(1, at)]])
    async with database.sessions.begin() as session:
        await doors.Doors(session).follow_zone("Asia/Kathmandu")
    await take(database, [[crossing(2, at)]])

    async with database.sessions() as session:
        days = Days(NOW.date() - timedelta(days=2), NOW.date() + timedelta(days=2))
        found = await Reality(session).flow(days, [1])
    assert found[1].entries[17] == 2


@pytest.mark.parametrize("moves_first", [True, False])
async def test_a_door_that_moves_while_somebody_goes_by_counts_them_by_its_new_clock(
    database: Database, *, moves_first: bool
) -> None:
    """Neither transaction sees what the other has written, and not yet committed."""
    await take(database, [[room(1)], [camera(1)], [crossing(1, NOW - HOUR)]])
    told: list[list[Told]] = [
        [room(1, 2, building=building("Asia/Kathmandu"))],
        [crossing(2, NOW - 2 * HOUR)],
    ]
    first, second = told if moves_first else told[::-1]

    async with database.sessions.begin() as session:
        await tell(session, first)
        other = asyncio.create_task(take(database, [second]))
        async with asyncio.timeout(10):
            while not (other.done() or await waits(database)):
                await asyncio.sleep(0.01)
    await other

    there = ZoneInfo("Asia/Kathmandu")
    hours = [(NOW - hours_ago * HOUR).astimezone(there).hour for hours_ago in (1, 2)]
    async with database.sessions() as session:
        days = Days(NOW.date() - timedelta(days=2), NOW.date() + timedelta(days=2))
        found = await Reality(session).flow(days, [1])
    assert list(found[1].entries) == [hours.count(hour) for hour in range(24)]


async def test_an_edge_with_many_gaps_is_remembered_as_far_as_there_is_room(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "REMEMBERED_GAPS", 2)
    told = [crossing(number, NOW) for number in (2, 4, 6, 8)]
    await take(database, [[camera(1)], told, [crossing(1, NOW), crossing(7, NOW)]])

    async with database.sessions() as session:
        found = await Reality(session).flow(Days(NOW.date(), NOW.date()), [1])
    # Numbers 1 and 3 are no longer known to be missing: taken for told before.
    assert sum(found[1].entries) == 5


async def test_who_crosses_at_a_time_that_cannot_be_is_dated_by_arrival(database: Database) -> None:
    far = datetime(2199, 1, 1, tzinfo=UTC)
    told = [crossing(1, far), crossing(2, NOW - timedelta(days=91)), crossing(3, NOW - HOUR)]
    await take(database, [[camera(1)], told])

    async with database.sessions() as session:
        found = await session.execute(text("SELECT start, entries FROM analytics.flow"))
        by_quarter = {row.start: row.entries for row in found}
    assert sum(by_quarter.values()) == 3
    assert by_quarter.pop(NOW - HOUR) == 1
    assert all(start >= NOW for start in by_quarter)
