"""Takes rooms, people and bookings in, and keeps the facts the sum over all bookings.

Measured to be hot: thousands of bookings in one statement. A booking's part of the facts is taken
away as its row was and added as its row is, in the statement that changes the row; two who change
the same booking at once wait for each other there.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from analytics.repository.counting import COUNT
from analytics.repository.measuring import Measuring
from analytics.tables import rooms, users
from common.copies import take_newest
from common.db import fetch_all_hot

# A room or a person may have more bookings than are counted anew within the usual time.
_HOWEVER_LONG: Final = text("SET LOCAL statement_timeout = 0")

_TOLD: Final = """
WITH told AS (
    SELECT * FROM unnest($1::text[], $2::bigint[], $3::integer[], $4::text[], $5::text[],
        $6::text[], $7::text[], $8::integer[], $9::timestamptz[], $10::timestamptz[],
        $11::timestamptz[], $12::boolean[], $13::boolean[], $14::boolean[], $15::boolean[],
        $16::timestamptz[]
    ) AS told (id, version, room_id, organizer_id, organizer_name, organizer_email, title,
        attendees, starts_at, ends_at, had_until, is_booked, is_counted, is_no_show, is_override,
        created_at)
)"""
_KEEP: Final = """
    INSERT INTO analytics.bookings AS known (id, version, room_id, organizer_id, organizer_name,
        organizer_email, title, attendees, starts_at, ends_at, had_until, is_booked, is_counted,
        is_no_show, is_override, created_at, timezone, capacity, role)
    SELECT told.*, rooms.timezone, rooms.capacity, users.role
    FROM told
    LEFT JOIN analytics.rooms ON rooms.id = told.room_id
    LEFT JOIN analytics.users ON users.id = told.organizer_id
    ORDER BY told.id
    ON CONFLICT (id) DO UPDATE SET
        version = excluded.version, room_id = excluded.room_id,
        organizer_id = excluded.organizer_id, organizer_name = excluded.organizer_name,
        organizer_email = excluded.organizer_email, title = excluded.title,
        attendees = excluded.attendees, starts_at = excluded.starts_at,
        ends_at = excluded.ends_at, had_until = excluded.had_until,
        is_booked = excluded.is_booked, is_counted = excluded.is_counted,
        is_no_show = excluded.is_no_show, is_override = excluded.is_override,
        created_at = excluded.created_at, timezone = excluded.timezone,
        capacity = excluded.capacity, role = excluded.role
        WHERE known.version < excluded.version
"""
_TAKE: Final = f"{_TOLD}, changed AS ({_KEEP} RETURNING old AS was, new AS is_now)"
# Every booking of some rooms as one that was not there before.
_ALL_OF_ROOMS: Final = """
WITH changed AS (
    SELECT NULL::analytics.bookings AS was, bookings AS is_now
    FROM analytics.bookings
    WHERE room_id = ANY($1::integer[])
)
"""
_PUT_IN_ROOMS: Final = """
WITH changed AS (
    UPDATE analytics.bookings SET timezone = rooms.timezone, capacity = rooms.capacity
    FROM analytics.rooms
    WHERE rooms.id = ANY($1::integer[]) AND bookings.room_id = rooms.id
        AND (bookings.timezone, bookings.capacity)
            IS DISTINCT FROM (rooms.timezone, rooms.capacity)
    RETURNING old AS was, new AS is_now
)
"""
_GIVE_ROLES: Final = """
WITH changed AS (
    UPDATE analytics.bookings SET role = users.role
    FROM analytics.users
    WHERE users.id = ANY($1::text[]) AND bookings.organizer_id = users.id
        AND bookings.role IS DISTINCT FROM users.role
    RETURNING old AS was, new AS is_now
)
"""


class Facts:
    """Rooms, people and bookings as their topics have told of them, and what follows."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._measuring = Measuring(session)

    async def take_rooms(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Keep rooms; their bookings are counted by their zones and capacities."""
        await self._session.execute(_HOWEVER_LONG)
        await self._measuring.hold()
        await take_newest(self._session, rooms, rows)
        ids = sorted({row["id"] for row in rows})
        await fetch_all_hot(self._session, _PUT_IN_ROOMS + COUNT, ids)
        await self._measuring.follow_rooms(ids)

    async def take_users(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Keep people; their bookings are counted by their roles."""
        await self._session.execute(_HOWEVER_LONG)
        await self._measuring.hold()
        await take_newest(self._session, users, rows)
        ids = sorted({row["id"] for row in rows})
        await fetch_all_hot(self._session, _GIVE_ROLES + COUNT, ids)

    async def take_bookings(self, columns: Sequence[Sequence[Any]]) -> None:
        """Keep bookings that are newer than what is there.

        Args:
            columns: of the statement above, in its order; each booking once.
        """
        ids = columns[0]
        await self._measuring.hold()
        days = await self._measuring.days_of(ids)
        await fetch_all_hot(self._session, _TAKE + COUNT, *columns)
        await self._measuring.measure(ids)
        await self._measuring.count_days(days + await self._measuring.days_of(ids))

    async def keep_bookings(self, columns: Sequence[Sequence[Any]]) -> None:
        """Keep bookings as above, and leave it to `count_rooms` to measure and count them."""
        await self._measuring.hold()
        await fetch_all_hot(self._session, _TOLD + _KEEP, *columns)

    async def count_rooms(self, room_ids: Sequence[int]) -> None:
        """Measure and count all bookings and days of rooms of which nothing is counted yet.

        Nobody else may write these rooms, their bookings or levels.
        """
        await self._session.execute(_HOWEVER_LONG)
        await self._measuring.measure_rooms(room_ids)
        await fetch_all_hot(self._session, _ALL_OF_ROOMS + COUNT, room_ids)
        await self._measuring.follow_rooms(room_ids)
