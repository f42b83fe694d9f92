"""Whatever is done in whatever order, a room's bookings are what a list of intervals says."""

import asyncio
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from booking_people import room_row
from hypothesis import HealthCheck, settings
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

from bookings.domain import Period, Policy
from bookings.repository.bookings import BookingFilter, Bookings
from bookings.repository.rooms import Rooms
from bookings.repository.rules import Entries
from bookings.service import booking as service
from bookings.service import requests
from bookings.service.booking import Change, NewBooking
from bookings.service.requests import Decision, NewOverride
from bookings.tables import policies
from common.db import AsyncSession, Database
from common.errors import Conflict
from common.identity import Identity

pytestmark = pytest.mark.timeout(300)

T = TypeVar("T")
BEGIN = (datetime.now(UTC) + timedelta(days=2)).replace(hour=0, minute=0, second=0, microsecond=0)
MINUTES = timedelta(minutes=1)
BUFFER = 10
STARTS = st.integers(0, 40)
LENGTHS = st.integers(1, 8)
Span = tuple[int, int]


def period(start: int, length: int) -> Period:
    begin = BEGIN + 15 * start * MINUTES
    return Period(begin, begin + 15 * length * MINUTES)


def held(start: int, length: int) -> Span:
    """In minutes: what a booking keeps, with the room's buffer after it."""
    return 15 * start, 15 * (start + length) + BUFFER


def overlap(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]


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
    booked = Bundle("booked")
    waiting = Bundle("waiting")

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[str, Span] = {}
        self.asked: dict[str, Span] = {}
        self.room = next(self.world.room_ids)
        self.world.run(self._make_room())

    async def _make_room(self) -> None:
        async with self.world.database.sessions.begin() as session:
            await Rooms(session).store([room_row(self.room)])
            policy = Policy(buffer_after=BUFFER)
            values = {name: getattr(policy, name) for name in Policy.__dataclass_fields__}
            await Entries(session, policies).add({"room_id": self.room, **values})

    def act(self, work: Any) -> Any:
        """Do something in a transaction; None if it was refused because the room is taken."""

        async def transaction() -> Any:
            async with self.world.database.sessions.begin() as session:
                return await work(session, self.world.admin)

        try:
            return self.world.run(transaction())
        except Conflict:
            return None

    def free(self, span: Span, besides: str | None = None) -> bool:
        return not any(
            overlap(span, other) for known, other in self.held.items() if known != besides
        )

    def new(self, start: int, length: int, rule: str | None = None) -> NewBooking:
        return NewBooking(
            room_id=str(self.room),
            title="x",
            description=None,
            period=period(start, length),
            recurrence_rule=rule,
        )

    @rule(target=booked, start=STARTS, length=LENGTHS)
    def book(self, start: int, length: int) -> Any:
        made = self.act(lambda session, who: service.book(session, who, self.new(start, length)))
        assert (made is not None) is self.free(held(start, length))
        if made is None:
            return multiple()
        self.held[made.bookings[0].id] = held(start, length)
        return made.bookings[0].id

    @rule(target=booked, start=STARTS, length=LENGTHS, count=st.integers(2, 4))
    def book_series(self, start: int, length: int, count: int) -> Any:
        new = self.new(start, length, f"FREQ=DAILY;COUNT={count}")
        made = self.act(lambda session, who: service.book(session, who, new))
        spans = [held(start + 96 * day, length) for day in range(count)]
        free = [span for span in spans if self.free(span)]
        ids = [one.id for one in made.bookings] if made else []
        assert len(ids) == len(free)
        self.held |= dict(zip(ids, free, strict=True))
        return multiple(*ids)

    @rule(target=waiting, start=STARTS, length=LENGTHS)
    def submit(self, start: int, length: int) -> Any:
        made = self.act(lambda session, who: requests.submit(session, who, self.new(start, length)))
        assert (made is not None) is self.free(held(start, length))
        if made is None:
            return multiple()
        self.asked[made.bookings[0].id] = held(start, length)
        return made.bookings[0].id

    @rule(target=booked, request=consumes(waiting), start=st.none() | STARTS, length=LENGTHS)
    def approve(self, request: str, start: int | None, length: int) -> Any:
        span = self.asked.pop(request) if start is None else held(start, length)
        times = period(start, length) if start is not None else None
        decision = Decision(True, "x", times.start, times.end) if times else Decision(True, "x")
        decided = self.act(lambda session, who: requests.decide(session, who, request, decision))
        assert (decided is not None) is self.free(span)
        if decided is None:
            return multiple()
        self.held[request] = span
        return request

    @rule(booking=consumes(booked))
    def cancel(self, booking: str) -> None:
        done = self.act(lambda session, who: service.cancel(session, who, booking))
        # One that an override has displaced still can be cancelled; it holds nothing.
        assert done == 1
        self.held.pop(booking, None)

    @rule(booking=booked, start=STARTS, length=LENGTHS)
    def move(self, booking: str, start: int, length: int) -> None:
        times = period(start, length)
        change = Change(texts={}, start=times.start, end=times.end)
        moved = self.act(lambda session, who: service.move(session, who, booking, change))
        span = held(start, length)
        possible = booking in self.held and self.free(span, besides=booking)
        assert (moved is not None) is possible
        if possible:
            self.held[booking] = span

    @rule(target=booked, start=STARTS, length=LENGTHS)
    def override(self, start: int, length: int) -> Any:
        new = NewOverride(str(self.room), str(self.world.admin.id), period(start, length), "x", "y")
        made = self.act(lambda session, who: requests.override(session, who, new))
        span = held(start, length)
        self.held = {known: other for known, other in self.held.items() if not overlap(span, other)}
        self.held[made.id] = span
        return made.id

    @invariant()
    def the_room_is_held_as_the_model_says(self) -> None:
        async def holders(session: AsyncSession, _: Identity) -> dict[str, Span]:
            wanted = BookingFilter(
                room_id=self.room,
                held_during=Period(BEGIN - 99 * MINUTES, BEGIN + timedelta(days=9)),
            )
            found = await Bookings(session).find(wanted)
            return {
                one.id: (
                    (one.held.start - BEGIN) // MINUTES,
                    (one.held.end - BEGIN) // MINUTES,
                )
                for one in found
            }

        assert self.act(holders) == self.held


async def test_bookings_are_what_a_list_of_intervals_says(
    database: Database, admin: Identity
) -> None:
    world = World(database, asyncio.get_running_loop(), admin, iter(range(1, 1_000_000)))
    machine = type("Machine", (OneRoom,), {"world": world})
    limits = settings(
        max_examples=15,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    await asyncio.to_thread(run_state_machine_as_test, machine, settings=limits)
