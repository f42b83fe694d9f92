"""A room that was made just now is known before its event has come."""

import asyncio
from datetime import UTC, datetime, timedelta

from booking_people import room_row

from bookings.domain import Period
from bookings.repository.rooms import Rooms
from bookings.service import booking
from common.db import Database
from common.errors import Conflict
from common.identity import Identity
from common.testing.plugin import TestDatabase

POOL = 2
CLIENTS = 8


async def test_who_waits_for_it_keeps_no_connection_from_others(
    bookings_database: TestDatabase, database: Database, room: str, admin: Identity
) -> None:
    start = datetime.now(UTC) + timedelta(hours=1)
    wanted = booking.NewBooking(
        room_id=str(int(room) + 1),
        title="First",
        description=None,
        period=Period(start, start + timedelta(hours=1)),
    )
    small = Database.connect(bookings_database.url, schema="bookings", pool=POOL)

    async def book() -> bool:
        async with small.sessions() as session:
            try:
                await booking.book(session, admin, wanted)
            except Conflict:
                return False
            return True

    async with asyncio.timeout(1.5):
        booking_it = asyncio.gather(*(book() for _ in range(CLIENTS)))
        await asyncio.sleep(0.3)
        async with small.sessions.begin() as session:
            await Rooms(session).store([room_row(int(room) + 1)])
        won = await booking_it
    await small.close()

    assert sorted(won) == [*[False] * (CLIENTS - 1), True]
