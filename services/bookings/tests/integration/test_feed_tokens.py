"""A calendar is opened by its token alone, of which the database only has the hash."""

import hashlib
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from booking_people import person

from bookings.domain import Period
from bookings.service import booking as bookings
from bookings.service import feeds
from bookings.service.booking import NewBooking
from common.db import Database
from common.errors import Conflict, NotFound
from common.identity import Identity, Role
from common.testing.plugin import TestDatabase

HOUR = timedelta(hours=1)


async def made(database: Database, who: Identity, room: str | None = None) -> tuple[str, str]:
    async with database.sessions.begin() as session:
        feed, token = await feeds.make(session, who, room)
    return feed.id, token


async def opened(database: Database, token: str) -> bytes:
    async with database.sessions.begin() as session:
        return await feeds.calendar(session, token)


async def test_the_token_stands_nowhere(
    database: Database, bookings_database: TestDatabase, admin: Identity
) -> None:
    _, token = await made(database, admin)
    connection = await asyncpg.connect(bookings_database.url)
    row = await connection.fetchrow("SELECT * FROM bookings.feeds")
    await connection.close()

    assert row is not None
    assert row["token_hash"] == hashlib.sha256(token.encode()).digest()
    assert token.encode() not in b"".join(str(value).encode() for value in row.values())
    assert len(token) >= 4 + 43


async def test_only_its_maker_revokes_it(database: Database, admin: Identity) -> None:
    feed_id, token = await made(database, admin)
    stranger = await person(database, Role.ADMIN)

    async with database.sessions() as session:
        with pytest.raises(NotFound):
            await feeds.revoke(session, stranger, feed_id)

    assert await opened(database, token)


async def test_a_disabled_account_s_calendar_is_gone(
    database: Database, bookings_database: TestDatabase, admin: Identity
) -> None:
    _, token = await made(database, admin)
    connection = await asyncpg.connect(bookings_database.url)
    await connection.execute("UPDATE bookings.users SET is_active = false")
    await connection.close()

    with pytest.raises(NotFound):
        await opened(database, token)


async def test_nobody_has_any_number_of_them(
    database: Database, admin: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "MOST_FEEDS", 2)  # fifty take a while
    await made(database, admin)
    await made(database, admin)

    with pytest.raises(Conflict):
        await made(database, admin)


async def test_what_is_over_for_long_or_cancelled_for_long_is_gone(
    database: Database, bookings_database: TestDatabase, room: str, admin: Identity
) -> None:
    _, token = await made(database, admin, room)
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + 24 * HOUR
    titles = ["old", "kept", "cancelled", "cancelled long ago", "far", "alive"]
    async with database.sessions.begin() as session:
        for hour, title in enumerate(titles):
            period = Period(start + hour * HOUR, start + (hour + 1) * HOUR)
            new = NewBooking(room_id=room, title=title, description=None, period=period)
            await bookings.book(session, admin, new)
    connection = await asyncpg.connect(bookings_database.url)
    await connection.execute(
        "UPDATE bookings.bookings SET held = tstzrange('-infinity', ends_at), status = 'no_show',"
        " changed_at = now() WHERE title IN ('old', 'kept')"
    )
    for title, change in {
        "old": "starts_at = now() - interval '91 days'",
        "kept": "starts_at = now() - interval '89 days'",
        "cancelled": "status = 'cancelled', changed_at = now() - interval '29 days'",
        "cancelled long ago": "status = 'cancelled', changed_at = now() - interval '31 days'",
        "far": "starts_at = now() + interval '732 days', ends_at = now() + interval '733 days',"
        " held = tstzrange(now() + interval '732 days', now() + interval '733 days')",
    }.items():
        await connection.execute(f"UPDATE bookings.bookings SET {change} WHERE title = $1", title)
    await connection.close()

    body = (await opened(database, token)).decode()

    shown = [line.removeprefix("SUMMARY:") for line in body.split("\r\n") if "SUMMARY" in line]
    assert sorted(shown) == ["alive", "cancelled", "kept"]
