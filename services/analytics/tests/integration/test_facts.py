"""Events late, twice, out of order, of rooms and people unknown or gone: facts right in the end."""

import asyncio
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from minute_walk import Facts, by_month, by_week, facts_of
from publishing import booking
from sqlalchemy import Table, delete, select, text
from telling import Told, building, room, take, tell, user

from analytics.tables import (
    ROLLUPS,
    bookings,
    days,
    months,
    parties_so_far,
    party_days,
    rooms,
    users,
    weeks,
)
from common.db import Database
from common.events import (
    BookingV1,
    PersonV1,
    RoomV1,
    UserV1,
)

pytestmark = pytest.mark.timeout(300)

T = TypeVar("T")
# The clocks of Berlin change in the night after it, those of Havana a week later.
BEGIN = datetime(2026, 10, 24, 6, tzinfo=UTC)
ZONES = ("UTC", "Europe/Berlin", "Asia/Kathmandu", "America/Havana", "Pacific/Auckland")


def booked(room_id: int, start_min: int, length_min: int, **changes: Any) -> BookingV1:
    """A booking that begins so many minutes after `BEGIN`; released after 15 if nobody comes."""
    start = BEGIN + timedelta(minutes=start_min)
    ada = PersonV1(id="ada", name="Ada", email="ada@example.test")
    values = {"organizer": ada, "checkin_until": start + timedelta(minutes=15), **changes}
    return booking(room_id, start, start + timedelta(minutes=length_min), **values)


ROOM_IDS = st.integers(1, 3)
ROOMS_TOLD = st.builds(
    room,
    ROOM_IDS,
    st.integers(1, 4),
    building=st.sampled_from(ZONES).map(building),
    capacity=st.sampled_from([2, 4, 8]),
    is_active=st.booleans(),
)
USERS_TOLD = st.builds(
    user,
    st.sampled_from(["ada", "bob"]),
    st.integers(1, 3),
    st.sampled_from(["ADMIN", "FACULTY", "STUDENT", "STAFF"]),
)
BOOKINGS_TOLD = st.builds(
    booked,
    ROOM_IDS,
    st.integers(0, 12 * 24 * 60),
    st.one_of(st.integers(1, 300), st.integers(1, 3 * 24 * 60)),
    id=st.sampled_from(["one", "two", "three", "four"]),
    version=st.integers(1, 4),
    organizer=st.sampled_from(
        [PersonV1(id=name, name=name, email=f"{name}@example.test") for name in ("ada", "bob")]
    ),
    attendee_ids=st.sampled_from([[], ["x"], ["ada", "x", "y"], ["a", "b", "c", "d", "e"]]),
    status=st.sampled_from(["pending", "confirmed", "confirmed", "cancelled", "no_show"]),
    overridden_by=st.sampled_from([None, None, None, "other"]),
)


def keyed(one: Told) -> tuple[str, Any, int]:
    return type(one).__name__, one.id, one.version


@st.composite
def told_in_some_order(draw: st.DrawFn) -> list[list[Told]]:
    """Versions of rooms, people and bookings, some of them twice, in batches of any size."""
    snapshots = draw(
        st.lists(st.one_of(ROOMS_TOLD, USERS_TOLD, BOOKINGS_TOLD, BOOKINGS_TOLD), max_size=25)
    )
    # Of a version there is one snapshot only, but it may come more than once.
    of_version = {keyed(one): one for one in snapshots}
    order = draw(st.permutations([of_version[keyed(one)] for one in snapshots]))
    cuts = sorted(draw(st.lists(st.integers(0, len(order)), max_size=6)))
    return [order[low:high] for low, high in zip([0, *cuts], [*cuts, len(order)], strict=True)]


async def stored(database: Database, table: Table) -> Facts:
    async with database.sessions() as session:
        rows = (await session.execute(select(table))).mappings().all()
    facts = {
        (row["room_id"], row["start"]): {
            name: row[name] for name in ROLLUPS[table.name] if row[name]
        }
        for row in rows
    }
    return {key: counted for key, counted in facts.items() if counted}


def in_the_end(batches: Sequence[Sequence[Told]], kind: type[T]) -> dict[Any, T]:
    found: dict[Any, Any] = {}
    for one in (one for batch in batches for one in batch if isinstance(one, kind)):
        if one.id not in found or found[one.id].version < one.version:
            found[one.id] = one
    return found


async def forget(database: Database) -> None:
    async with database.sessions.begin() as session:
        for table in (bookings, rooms, users, days, weeks, months, party_days, parties_so_far):
            await session.execute(delete(table))


async def check(database: Database, batches: Sequence[Sequence[Told]]) -> None:
    await forget(database)

    await take(database, batches)

    expected = facts_of(
        in_the_end(batches, BookingV1).values(),
        in_the_end(batches, RoomV1),
        in_the_end(batches, UserV1),
    )
    assert await stored(database, days) == expected
    assert await stored(database, weeks) == by_week(expected)
    assert await stored(database, months) == by_month(expected)


async def test_facts_are_those_of_the_last_states_in_whatever_order_they_are_told(
    database: Database,
) -> None:
    loop = asyncio.get_running_loop()

    def run(work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, loop).result(timeout=60)

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(told_in_some_order())
    # Over the hour that Berlin has twice, told before its room, by somebody not yet known.
    @example(
        [
            [booked(1, 18 * 60 + 10, 35)],
            [room(1, building=building("Europe/Berlin"))],
            [user("ada")],
        ]
    )
    def facts_are_right(batches: list[list[Told]]) -> None:
        run(check(database, batches))

    await asyncio.to_thread(facts_are_right)


async def test_a_booking_and_its_room_that_come_at_the_same_time_see_each_other(
    database: Database,
) -> None:
    """Neither transaction sees what the other has written, and not yet committed."""

    async def waits() -> bool:
        async with database.engine.connect() as connection:
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            return bool(await connection.scalar(text(waiting)))

    told = [booked(1, 0, 60)], [room(1)]
    for first, second in (told, told[::-1]):
        other: asyncio.Task[None] | None = None
        async with database.sessions.begin() as session:
            assert not await tell(session, first)
            other = asyncio.create_task(take(database, [second]))
            async with asyncio.timeout(10):
                while not (other.done() or await waits()):
                    await asyncio.sleep(0.01)
        await other
        assert (await stored(database, days))[1, BEGIN.date()]["booked_s"] == 3600
        await forget(database)


@pytest.mark.parametrize(
    "wrong",
    [
        room(1, building=building("Mars/Olympus")),
        room(1, version=2**63),
        room(1, capacity=2**31),
        room(1, created_at=datetime(1, 1, 1, tzinfo=UTC)),
        msgspec.structs.replace(user("ada"), version=2**63),
        booked(1, 0, 60, version=2**63),
        booked(1, 0, 60, id="x" * 300),
        booked(1, 0, -60),
        msgspec.structs.replace(booked(1, 0, 60), ends_at=datetime.max.replace(tzinfo=UTC)),
    ],
    ids=lambda one: type(one).__name__,
)
async def test_what_would_break_the_database_is_parked_and_what_came_with_it_is_taken(
    database: Database, wrong: Told
) -> None:
    good: Sequence[Told] = [room(2), user("bob"), booked(2, 0, 60)]

    async with database.sessions.begin() as session:
        assert await tell(session, [wrong, *good]) == [wrong]

    assert (await stored(database, days))[2, BEGIN.date()]["booked_s"] == 3600


async def test_a_booking_until_the_end_of_days_counts_for_a_year(database: Database) -> None:
    for_ever = msgspec.structs.replace(booked(1, 0, 60), ends_at=datetime(9000, 1, 1, tzinfo=UTC))

    await take(database, [[room(1), for_ever]])

    assert len(await stored(database, days)) == 366
