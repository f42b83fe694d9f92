"""A room never has more seats allocated than it has: by a model, and with many writers at once."""

import asyncio
import random
from collections import Counter
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, TypeVar

import asyncpg
import pytest
from booking_people import room_row
from booking_truth import DEADLOCKS
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from bookings.domain import Period
from bookings.repository.allocations import AllocationFilter, Allocations
from bookings.repository.rooms import Rooms
from bookings.service import allocations as service
from bookings.service.terms import create_term
from bookings.service.timetable import Entry, push_timetable
from common.db import AsyncSession, Database
from common.errors import Invalid
from common.identity import Identity
from common.testing.plugin import TestDatabase

pytestmark = pytest.mark.timeout(300)

T = TypeVar("T")
Span = tuple[int, int]
# What is allocated: seats, in hours since the begin, which end where they end.
Seats = tuple[int, tuple[Span, ...]]
BEGIN: Final = datetime(2041, 3, 1, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)
CAPACITY: Final = 10
NAMES: Final = "ABCD"


async def make_term(session: AsyncSession, admin: Identity, code: str) -> int:
    values = {
        "name": "Spring",
        "code": code,
        "start_date": date(2041, 2, 1),
        "end_date": date(2041, 7, 31),
        "is_published": False,
        "is_archived": False,
    }
    return (await create_term(session, admin, values)).id


def peak(of: Iterable[Seats], hour: int) -> int:
    return sum(seats for seats, spans in of for start, end in spans if start <= hour < end)


def spans(start: int, length: int, days: int) -> tuple[Span, ...]:
    return tuple((start + 24 * day, start + length + 24 * day) for day in range(days))


def times(start: int, length: int, days: int) -> dict[str, Any]:
    begin = BEGIN + start * HOUR
    recurring = f"FREQ=DAILY;COUNT={days}" if days > 1 else None
    return {"start_at": begin, "end_at": begin + length * HOUR, "recurrence_rule": recurring}


def entry(name: str, room: int, seats: int, start: int, length: int, days: int) -> Entry:
    when = times(start, length, days)
    return Entry(
        external_id=name,
        room=str(room),
        title=name,
        allocated_seats=seats,
        first=Period(when["start_at"], when["end_at"]),
        recurrence_rule=when["recurrence_rule"],
        exceptions=(),
    )


# --- one writer, and a list of intervals ----------------------------------------------------------

STARTS = st.integers(0, 4)
LENGTHS = st.integers(1, 4)
DAYS = st.integers(1, 2)
SOME_SEATS = st.integers(1, CAPACITY)
WANTED = st.tuples(SOME_SEATS, STARTS, LENGTHS, DAYS)


@dataclass(frozen=True)
class World:
    """What a machine works on; its steps run in the loop of the test."""

    database: Database
    loop: asyncio.AbstractEventLoop
    admin: Identity
    room_ids: Iterator[int]

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=30)


class OneRoom(RuleBasedStateMachine):
    world: World
    written = Bundle("written")

    def __init__(self) -> None:
        super().__init__()
        self.room = next(self.world.room_ids)
        self.capacity, self.version = CAPACITY, 1
        self.by_hand: dict[int, Seats] = {}
        self.pushed: dict[str, Seats] = {}
        self.act(lambda session, _: self._resize(session))
        self.term = self.act(lambda session, who: make_term(session, who, str(self.room)))

    async def _resize(self, session: AsyncSession) -> None:
        row = room_row(self.room, capacity=self.capacity, version=self.version)
        await Rooms(session).store([row])

    def act(self, work: Any) -> Any:
        """Do something in a transaction; None if it was refused for want of seats."""

        async def transaction() -> Any:
            async with self.world.database.sessions.begin() as session:
                return await work(session, self.world.admin)

        try:
            return self.world.run(transaction())
        except Invalid as refused:
            if list(refused.fields or ()) != ["allocated_seats"]:
                raise
            return None

    def fits(self, before: Iterable[Seats], after: Iterable[Seats]) -> bool:
        """Nowhere are there too many, but where there were as many already."""
        before, after = list(before), list(after)
        return all(
            peak(after, hour) <= max(self.capacity, peak(before, hour)) for hour in range(48)
        )

    def all(self) -> list[Seats]:
        return [*self.by_hand.values(), *self.pushed.values()]

    @rule(target=written, wanted=WANTED)
    def create(self, wanted: tuple[int, int, int, int]) -> Any:
        seats, *when = wanted
        values = {"term": self.term, "room": str(self.room), "title": "x", "allocated_seats": seats}
        values |= times(*when)

        made = self.act(lambda session, who: service.create_allocation(session, who, values))

        new = seats, spans(*when)
        assert (made is not None) is self.fits(self.all(), [*self.all(), new])
        if made is None:
            return multiple()
        self.by_hand[made.id] = new
        return made.id

    @rule(one=written, wanted=WANTED, only_seats=st.booleans())
    def change(self, one: int, wanted: tuple[int, int, int, int], *, only_seats: bool) -> None:
        seats, *when = wanted
        values = {"allocated_seats": seats} | ({} if only_seats else times(*when))

        made = self.act(lambda session, who: service.change_allocation(session, who, one, values))

        new = seats, self.by_hand[one][1] if only_seats else spans(*when)
        after = {**self.by_hand, one: new}
        assert (made is not None) is self.fits(self.all(), [*after.values(), *self.pushed.values()])
        if made is not None:
            self.by_hand = after

    @rule(one=consumes(written))
    def remove(self, one: int) -> None:
        self.act(lambda session, who: service.remove_allocation(session, who, one))
        del self.by_hand[one]

    @rule(timetable=st.dictionaries(st.sampled_from(NAMES), WANTED), dry_run=st.booleans())
    def push(self, timetable: Mapping[str, tuple[int, int, int, int]], *, dry_run: bool) -> None:
        entries = [entry(name, self.room, *wanted) for name, wanted in timetable.items()]

        found = self.act(
            lambda session, who: push_timetable(session, who, self.term, entries, dry_run=dry_run)
        )

        new = {name: (seats, spans(*when)) for name, (seats, *when) in timetable.items()}
        fits = self.fits(self.all(), [*self.by_hand.values(), *new.values()])
        assert (not found.conflicts) is fits
        same = {name for name in new if self.pushed.get(name) == new[name]}
        assert {one.external_id for one in found.unchanged} == same
        assert {one.external_id for one in found.created} == new.keys() - self.pushed.keys()
        assert {one.external_id for one in found.removed} == self.pushed.keys() - new.keys()
        if fits and not dry_run:
            self.pushed = new

    @rule(capacity=st.integers(CAPACITY // 2, 2 * CAPACITY))
    def resize(self, capacity: int) -> None:
        self.capacity, self.version = capacity, self.version + 1
        self.act(lambda session, _: self._resize(session))

    @invariant()
    def what_is_allocated_is_what_the_model_says(self) -> None:
        async def stored(session: AsyncSession, _: Identity) -> list[Seats]:
            found = await Allocations(session).find(AllocationFilter(room=self.room))
            return [
                (
                    one.allocated_seats,
                    tuple(
                        ((at.start - BEGIN) // HOUR, (at.end - BEGIN) // HOUR)
                        for at in one.occurrences
                    ),
                )
                for one in found
            ]

        assert sorted(self.act(stored)) == sorted(self.all())


async def test_seats_are_those_of_a_list_of_intervals(database: Database, admin: Identity) -> None:
    world = World(database, asyncio.get_running_loop(), admin, iter(range(1, 10_000)))
    machine = type("Machine", (OneRoom,), {"world": world})
    few = settings(
        max_examples=15,
        stateful_step_count=15,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        # A failing run is short as it is, and a shorter one takes minutes to find.
        phases=[Phase.generate],
    )

    await asyncio.to_thread(run_state_machine_as_test, machine, settings=few)


async def test_who_leaves_makes_room_also_in_a_room_that_has_lost_seats(
    database: Database, admin: Identity
) -> None:
    async with database.sessions.begin() as session:
        await Rooms(session).store([room_row(1, capacity=10)])
        term = await make_term(session, admin, "T")

    async def stored() -> dict[str, int]:
        async with database.sessions() as session:
            found = await Allocations(session).find(AllocationFilter(term_id=term))
        return {one.title: one.allocated_seats for one in found}

    async def push(**seats: int) -> list[str]:
        """Push allocations that are all at one time; returns those that conflict."""
        entries = [entry(name, 1, some, 0, 1, 1) for name, some in seats.items()]
        before = await stored()
        async with database.sessions.begin() as session:
            found = await push_timetable(session, admin, term, entries, dry_run=False)
        assert await stored() == (before if found.conflicts else seats)
        return [one.external_id for one in found.conflicts]

    assert await push(A=6, B=5) == ["A", "B"]
    assert await push(A=6, B=4) == []
    assert await push(A=6, C=3, D=2) == ["C", "D"]
    assert await push(A=6, C=3, D=1) == []
    async with database.sessions.begin() as session:
        await Rooms(session).store([room_row(1, capacity=5, version=2)])
    assert await push(A=5, C=3, D=1) == []
    assert await push(A=4, C=5, D=1) == ["C"]
    assert await push(A=4, C=4, D=1) == []
    assert await push(E=6) == []
    assert await push(E=6, F=1) == ["F"]


async def test_a_timetable_that_takes_too_long_to_expand_is_refused(
    database: Database, admin: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rule may be looked through to the end of time; here the patience ends before it begins."""
    monkeypatch.setattr("bookings.service.timetable._RECKONING_S", -1.0)
    async with database.sessions.begin() as session:
        term = await make_term(session, admin, "T")
        some = [entry("A", 1, 1, 0, 1, 1)]
        with pytest.raises(Invalid, match="take too long to expand"):
            await push_timetable(session, admin, term, some, dry_run=False)


# --- many writers ---------------------------------------------------------------------------------

ROOMS: Final = range(1, 5)
_FULLEST: Final = text("""
    SELECT max(seats) FROM (
        SELECT sum(delta) OVER (PARTITION BY room_id ORDER BY at, delta) AS seats
        FROM bookings.allocations JOIN bookings.occurrences ON allocation_id = allocations.id
        CROSS JOIN LATERAL (
            VALUES (occurrences.starts_at, allocated_seats), (occurrences.ends_at, -allocated_seats)
        ) AS step (at, delta)
    ) AS levels
""")


# What is wrong of each allocation's events: versions left out or out of order, or a last one that
# says something else than there is.
_MISTOLD: Final = """
    WITH told AS (
        SELECT key::integer AS id, convert_from(payload, 'UTF8')::jsonb -> 'data' AS data,
            row_number() OVER (PARTITION BY key ORDER BY id) AS place,
            row_number() OVER (PARTITION BY key ORDER BY id DESC) AS from_last
        FROM bookings.outbox WHERE topic = 'bookings.allocation.v1'
    )
    SELECT count(*) FROM told FULL JOIN bookings.allocations USING (id)
    WHERE place IS DISTINCT FROM (data ->> 'version')::integer OR data IS NULL
        OR from_last = 1 AND ROW (
            (data ->> 'is_deleted')::boolean, (data ->> 'allocated_seats')::integer,
            (data ->> 'room_id')::integer
        ) IS DISTINCT FROM ROW (
            version IS NULL, coalesce(allocated_seats, (data ->> 'allocated_seats')::integer),
            coalesce(room_id, (data ->> 'room_id')::integer)
        )
"""


async def assert_told(database: TestDatabase) -> None:
    """Nobody deadlocked, and each version was told in its order."""
    server = await asyncpg.connect(database.superuser_url)
    try:
        await server.execute("SELECT pg_stat_force_next_flush()")
        assert await server.fetchval(DEADLOCKS) == 0
        assert await server.fetchval(_MISTOLD) == 0
    finally:
        await server.close()


class Writers:
    """Who writes, each in one of several terms, and what became of it."""

    def __init__(self, database: Database, admin: Identity, terms: list[int]) -> None:
        self.database = database
        self.admin = admin
        self.terms = terms
        self.outcomes: Counter[str] = Counter()
        # As many at once as there are connections: waiting for one is not what is tried here.
        self._connections = asyncio.Semaphore(20)

    async def act(self, work: Any) -> Any:
        try:
            async with self._connections, self.database.sessions.begin() as session:
                return await work(session)
        except Invalid:
            self.outcomes["refused"] += 1
            return None

    async def create(self, term: int, room: int, seats: int, start: int, length: int = 1) -> Any:
        values = {"term": term, "room": str(room), "title": "x", "allocated_seats": seats}
        values |= times(start, length, 3)
        made = await self.act(lambda one: service.create_allocation(one, self.admin, values))
        self.outcomes["created"] += made is not None
        return made

    async def push(self, term: int, entries: list[Entry]) -> Any:
        found = await self.act(
            lambda one: push_timetable(one, self.admin, term, entries, dry_run=False)
        )
        self.outcomes["refused push" if found.conflicts else "pushed"] += 1
        return found

    async def write(self, seed: int) -> None:
        """Do this and that."""
        choose = random.Random(seed)
        term = choose.choice(self.terms)
        mine: list[int] = []
        for _ in range(8):
            seats, start, length = choose.randint(1, 6), choose.randrange(6), choose.randint(1, 3)
            chance = choose.random()
            if chance < 0.4 or not mine:
                made = await self.create(term, choose.choice(ROOMS), seats, start, length)
                mine += [made.id] if made else []
            elif chance < 0.6:
                values = {"room": str(choose.choice(ROOMS)), "allocated_seats": seats}
                one = choose.choice(mine)
                await self.act(
                    lambda session, one=one, values=values: service.change_allocation(
                        session, self.admin, one, values
                    )
                )
            elif chance < 0.7:
                one = mine.pop()
                await self.act(
                    lambda session, one=one: service.remove_allocation(session, self.admin, one)
                )
            else:
                rooms = choose.sample(ROOMS, len(ROOMS))
                await self.push(
                    term, [entry(f"R{room}", room, seats, start, length, 3) for room in rooms]
                )

    async def fullest(self) -> int:
        async with self.database.sessions() as session:
            return int(await session.scalar(_FULLEST) or 0)


@pytest.fixture
async def writers(database: Database, admin: Identity) -> Writers:
    async with database.sessions.begin() as session:
        await Rooms(session).store([room_row(room, capacity=CAPACITY) for room in ROOMS])
        terms = [await make_term(session, admin, f"T{number}") for number in range(8)]
    return Writers(database, admin, terms)


async def test_of_many_who_want_the_last_seats_as_many_get_them_as_there_are(
    writers: Writers,
) -> None:
    """Eight terms want three seats each, of ten: three get them, in each hour of each room."""
    wanted = [(term, room, hour) for term in writers.terms for room in ROOMS for hour in range(3)]
    random.Random(1).shuffle(wanted)

    await asyncio.gather(*(writers.create(term, room, 3, hour) for term, room, hour in wanted))

    assert await writers.fullest() == 9
    assert writers.outcomes["created"] == len(ROOMS) * 3 * 3


async def test_writing_all_at_once_fills_no_room_blocks_nobody_and_is_told(
    writers: Writers, bookings_database: TestDatabase
) -> None:
    await asyncio.gather(*(writers.write(seed) for seed in range(16)))

    assert await writers.fullest() <= CAPACITY
    await assert_told(bookings_database)
    assert min(writers.outcomes[name] for name in ("created", "refused", "pushed")) > 0


async def test_of_two_timetables_at_once_one_stays_whole(
    writers: Writers, database: Database
) -> None:
    """In rooms of their own: only the term is the same."""

    def timetable(name: str, hour: int) -> list[Entry]:
        rooms = ROOMS[:2] if name == "A" else ROOMS[2:]
        return [entry(f"{name}{room}", room, 6, hour, 1, 3) for room in rooms]

    pushes = [
        writers.push(term, timetable(name, hour))
        for hour, term in enumerate(writers.terms)
        for name in "AB"
    ]
    await asyncio.gather(*pushes)

    assert writers.outcomes == {"pushed": len(pushes)}
    async with database.sessions() as session:
        stored = await Allocations(session).find(AllocationFilter())
    assert Counter(one.term_id for one in stored) == dict.fromkeys(writers.terms, 2)
