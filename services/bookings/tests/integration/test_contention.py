"""Many at once on few slots: one has each, nobody deadlocks, nothing breaks."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from booking_people import room_row
from booking_truth import assert_sound

from bookings.domain import Period
from bookings.repository.rooms import Rooms
from bookings.service import booking as service
from bookings.service import requests
from bookings.service.booking import Change, NewBooking
from bookings.service.requests import Decision, NewOverride
from common.db import AsyncSession, Database
from common.errors import AppError
from common.identity import Identity
from common.testing.plugin import TestDatabase

CLIENTS, SLOTS, STEPS = 64, 50, 12
LONG_SERIES = 366
BEGIN = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
HOUR = timedelta(hours=1)

Work = Callable[[AsyncSession], Awaitable[Any]]


def new(slot: int, *, hours: int = 1, rule: str | None = None) -> NewBooking:
    start = BEGIN + slot * HOUR
    return NewBooking(
        room_id="1",
        title="x",
        description=None,
        period=Period(start, start + hours * HOUR),
        recurrence_rule=rule,
    )


class Crowd:
    """Clients that do what they like, and what became of it."""

    def __init__(self, database: Database, admin: Identity) -> None:
        self.database = database
        self.admin = admin
        self.outcomes: Counter[str] = Counter()
        self.won: Counter[int] = Counter()
        # As many at once as there are connections: waiting for one is not what is tried here.
        self._connections = asyncio.Semaphore(20)

    async def act(self, name: str, work: Work) -> Any:
        try:
            async with self._connections, self.database.sessions.begin() as session:
                done = await work(session)
        except AppError as error:
            if error.status not in {400, 404, 409}:
                raise
            self.outcomes[f"{name} {error.status}"] += 1
            return None
        self.outcomes[f"{name} done"] += 1
        return done

    async def book(self, slot: int) -> str | None:
        made = await self.act("book", lambda one: service.book(one, self.admin, new(slot)))
        if made is None:
            return None
        self.won[slot] += 1
        booking_id: str = made.bookings[0].id
        return booking_id

    async def submit(self, slot: int) -> list[str]:
        return await self.submit_as(new(slot))

    async def submit_as(self, wanted: NewBooking) -> list[str]:
        made = await self.act("submit", lambda one: requests.submit(one, self.admin, wanted))
        return [one.id for one in made.bookings] if made else []

    async def client(self, seed: int) -> None:
        choose = random.Random(seed)
        mine: list[str] = []
        asked = await self.submit(choose.randrange(SLOTS))
        for _ in range(STEPS):
            slot, chance = choose.randrange(SLOTS), choose.random()
            times = new(slot, hours=choose.choice((1, 2))).period
            if chance < 0.3 and asked:
                await self.approve(asked.pop(), times if chance < 0.15 else None)
            elif chance < 0.5 or not mine:
                if (made := await self.book(slot)) is not None:
                    mine.append(made)
            elif chance < 0.7:
                await self.cancel(mine.pop(choose.randrange(len(mine))))
            elif chance < 0.9:
                await self.move(choose.choice(mine), times)
            elif chance < 0.93:
                series = new(slot, rule="FREQ=DAILY;COUNT=2")
                await self.act("series", lambda one, new=series: service.book(one, self.admin, new))
            elif chance < 0.96:
                instead = NewOverride("1", str(self.admin.id), times, "x", "y")
                await self.act(
                    "override", lambda one, new=instead: requests.override(one, self.admin, new)
                )
            else:
                asked += await self.submit(slot)

    async def approve(self, request: str, times: Period | None) -> None:
        yes = Decision(True, "x", times.start, times.end) if times else Decision(True, "x")
        await self.act("approve", lambda one: requests.decide(one, self.admin, request, yes))

    async def cancel(self, booking: str) -> None:
        await self.act("cancel", lambda one: service.cancel(one, self.admin, booking))

    async def move(self, booking: str, times: Period) -> None:
        change = Change(texts={}, start=times.start, end=times.end)
        await self.act("move", lambda one: service.move(one, self.admin, booking, change))


@pytest.fixture
async def crowd(database: Database, admin: Identity) -> Crowd:
    async with database.sessions.begin() as session:
        await Rooms(session).store([room_row(1)])
    return Crowd(database, admin)


async def test_every_slot_has_one_winner(crowd: Crowd, bookings_database: TestDatabase) -> None:
    slots = [slot for slot in range(SLOTS) for _ in range(16)]
    random.Random(1).shuffle(slots)

    await asyncio.gather(*(crowd.book(slot) for slot in slots))

    assert crowd.won == dict.fromkeys(range(SLOTS), 1)
    assert crowd.outcomes == {"book done": SLOTS, "book 409": 15 * SLOTS}
    await assert_sound(bookings_database)


async def test_creating_cancelling_moving_approving_and_overriding_all_at_once(
    crowd: Crowd, bookings_database: TestDatabase
) -> None:
    await asyncio.gather(*(crowd.client(seed) for seed in range(CLIENTS)))

    done = {name for name in crowd.outcomes if name.endswith("done")}
    assert len(done) == 7, crowd.outcomes  # each kind of thing has happened
    await assert_sound(bookings_database)


async def test_a_series_and_an_approval_across_it_do_not_deadlock(
    crowd: Crowd, bookings_database: TestDatabase
) -> None:
    """Each has begun to take what the other wants: one of them has to wait before it begins."""
    rooms = [str(room_id) for room_id in range(2, 26)]
    async with crowd.database.sessions.begin() as session:
        await Rooms(session).store([room_row(int(room)) for room in rooms])
    whole_time = Period(BEGIN, BEGIN + timedelta(days=LONG_SERIES))
    asked = []
    for room in rooms:
        long = replace(new(0), room_id=room, period=whole_time)
        made = await crowd.act(
            "submit", lambda one, new=long: requests.submit(one, crowd.admin, new)
        )
        asked.append(made.bookings[0].id)

    async def approve_later(request: str, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        await crowd.approve(request, None)

    for step, (room, request) in enumerate(zip(rooms, asked, strict=True)):
        series = replace(new(0, rule=f"FREQ=DAILY;COUNT={LONG_SERIES}"), room_id=room)
        await asyncio.gather(
            crowd.act("series", lambda one, new=series: service.book(one, crowd.admin, new)),
            # How far a series has come by then depends on the machine: some meet it halfway.
            approve_later(request, 0.004 * step),
        )

    assert crowd.outcomes["approve done"] + crowd.outcomes["series done"] == len(rooms)
    await assert_sound(bookings_database)
