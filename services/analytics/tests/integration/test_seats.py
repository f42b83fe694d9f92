"""Seats allocated by day, against a look at every five minutes; told late, twice, in any order."""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict
from sqlalchemy import delete, select, text
from telling import Told, allocation, building, room, take, tell, term

from analytics.tables import allocations, rooms, seats, terms
from common.copies import take_newest
from common.db import Database
from common.events import AllocationV1, RoomV1, TermV1

pytestmark = pytest.mark.timeout(300)

# The clocks of Berlin change in the night after it, those of Havana, at midnight, a week later.
BEGIN: Final = datetime(2026, 10, 24, 6, tzinfo=UTC)
STEP: Final = timedelta(minutes=5)
ZONES: Final = ("UTC", "Europe/Berlin", "Asia/Kathmandu", "America/Havana")
Seats = Mapping[tuple[int, int, date], tuple[int, int, int]]


def at(steps: int) -> datetime:
    return BEGIN + steps * STEP


# Ascending moments, each two of them an occurrence: some touch, none overlap.
TIMES = st.lists(st.integers(0, 9 * 288), min_size=2, max_size=6, unique=True).map(
    lambda steps: [
        (at(start), at(end)) for start, end in zip(sorted(steps), sorted(steps)[1:], strict=False)
    ][:: 1 + len(steps) % 2]
)
ROOMS_TOLD = st.builds(
    room,
    st.integers(1, 2),
    st.integers(1, 3),
    building=st.sampled_from(ZONES).map(building),
    is_active=st.booleans(),
)
ALLOCATIONS_TOLD = st.builds(
    allocation,
    st.integers(1, 4),
    st.integers(1, 2),
    st.integers(1, 2),
    st.sampled_from([10, 30, 60]),
    TIMES,
    version=st.integers(1, 3),
    is_deleted=st.sampled_from([False, False, False, True]),
)


@st.composite
def told_in_some_order(draw: st.DrawFn) -> list[list[Told]]:
    """Versions of rooms and allocations, some of them twice, in batches of any size."""
    snapshots = draw(st.lists(st.one_of(ROOMS_TOLD, ALLOCATIONS_TOLD), max_size=14))
    of_version = {(type(one), one.id, one.version): one for one in snapshots}
    told = [of_version[type(one), one.id, one.version] for one in snapshots]
    order = draw(st.permutations(told))
    cuts = sorted(draw(st.lists(st.integers(0, len(order)), max_size=5)))
    return [order[low:high] for low, high in zip([0, *cuts], [*cuts, len(order)], strict=True)]


def the_long_way(batches: Iterable[Iterable[Told]]) -> Seats:
    """Look every five minutes who is there."""
    newest: dict[tuple[type, Any], Any] = {}
    for one in (one for batch in batches for one in batch):
        known = newest.setdefault((type(one), one.id), one)
        if known.version < one.version:
            newest[type(one), one.id] = one
    zones = {
        one.id: ZoneInfo(one.building.timezone)
        for one in newest.values()
        if isinstance(one, RoomV1)
    }
    there: dict[tuple[int, int, date], dict[datetime, dict[int, int]]] = {}
    for one in newest.values():
        if isinstance(one, AllocationV1) and one.room_id in zones and not one.is_deleted:
            for time in one.occurrences:
                moment = time.starts_at
                while moment < time.ends_at:
                    day = moment.astimezone(zones[one.room_id]).date()
                    of_day = there.setdefault((one.term_id, one.room_id, day), {})
                    of_day.setdefault(moment, {})[one.id] = one.allocated_seats
                    moment += STEP
    found = {}
    for key, moments in there.items():
        touching = {name: taken for who in moments.values() for name, taken in who.items()}
        peak = max(sum(who.values()) for who in moments.values())
        found[key] = (peak, sum(touching.values()), len(touching))
    return found


async def stored(database: Database) -> Seats:
    async with database.sessions() as session:
        rows = await session.execute(select(seats))
        return {tuple(row[:3]): tuple(row[3:]) for row in rows}


async def check(database: Database, batches: list[list[Told]]) -> None:
    async with database.sessions.begin() as session:
        for table in (allocations, rooms, seats):
            await session.execute(delete(table))

    await take(database, batches)

    assert await stored(database) == the_long_way(batches)


async def test_seats_are_those_of_the_last_states_in_whatever_order_they_are_told(
    database: Database,
) -> None:
    loop = asyncio.get_running_loop()

    def run(work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, loop).result(timeout=60)

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(told_in_some_order())
    # One leaves as the other arrives, over a night; told before the room.
    @example(
        [
            [allocation(1, 1, 1, 60, [(at(0), at(200))])],
            [allocation(2, 1, 1, 60, [(at(200), at(300)), (at(300), at(310))])],
            [room(1, building=building("Europe/Berlin"))],
        ]
    )
    # One moves to another room, and then to another term.
    @example(
        [
            [room(1), room(2), allocation(1, 1, 1, 60, [(at(0), at(200))])],
            [allocation(1, 1, 2, 60, [(at(0), at(200))], version=2)],
            [allocation(1, 2, 2, 60, [(at(0), at(200))], version=3)],
        ]
    )
    def seats_are_right(batches: list[list[Told]]) -> None:
        run(check(database, batches))

    await asyncio.to_thread(seats_are_right)


async def test_two_who_change_one_room_at_once_each_see_the_others_seats(
    database: Database,
) -> None:
    async def waits() -> bool:
        async with database.engine.connect() as connection:
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            return bool(await connection.scalar(text(waiting)))

    hour = [(at(0), at(12))]
    first, second = allocation(1, 1, 1, 60, hour), allocation(2, 1, 1, 30, hour)
    await take(database, [[room(1)]])
    async with database.sessions.begin() as session:
        await tell(session, [first])
        other = asyncio.create_task(take(database, [[second]]))
        async with asyncio.timeout(10):
            while not (other.done() or await waits()):
                await asyncio.sleep(0.01)
    await other

    assert list((await stored(database)).values()) == [(90, 90, 2)]


NIGHT = [(at(0), at(100))]
FAR = datetime(9500, 1, 1, tzinfo=UTC)
FIRST, LAST = date(2026, 9, 1), date(2027, 2, 28)


@pytest.mark.parametrize(
    "wrong",
    [
        allocation(1, 1, 1, 1, [(at(1), at(1))]),
        allocation(1, 1, 1, 1, [(at(0), at(9)), (at(8), at(10))]),
        allocation(1, 1, 1, 1, [(at(9), at(10)), (at(0), at(1))]),
        allocation(1, 1, 1, 1, [(at(0), at(0) + timedelta(days=3000))]),
        allocation(1, 1, 1, 1, [(FAR, FAR + timedelta(days=1))]),
        allocation(1, 1, 1, 1_000_001, NIGHT),
        allocation(1, 1, 1, 1, NIGHT, version=2**63),
        term(1, LAST, FIRST),
        term(1, FIRST, date(2036, 1, 1)),
        term(1, date(1, 1, 1), date(1, 1, 2)),
        term(1, date.max, date.max),
        term(1, FIRST, LAST, version=2**63),
    ],
)  # fmt: skip
async def test_what_cannot_be_stored_is_refused(
    database: Database, wrong: TermV1 | AllocationV1
) -> None:
    async with database.sessions.begin() as session:
        assert await tell(session, [wrong]) == [wrong]


async def test_more_come_at_once_than_fit_one_statement(database: Database) -> None:
    rows = [asdict(term(number, FIRST, LAST)) for number in range(1, 5001)]

    async with database.sessions.begin() as session:
        await take_newest(session, terms, rows)

    async with database.sessions() as session:
        assert await session.scalar(text("SELECT count(*) FROM analytics.terms")) == 5000
