"""Measures bookings and days by the levels of rooms, anew wherever a level or a booking changed.

Nothing is added to what was measured before: what is written follows from all levels and bookings
of a place and a time as they are now, in whatever order and however often they came.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from analytics.domain import HOLDS_DAYS
from analytics.repository.counting import COUNT
from common.db import fetch_all_hot, fetch_hot

# Above every version that is told: of its moment, it holds.
NOBODY_LOOKS: Final = 2**63 - 1

_HOLD: Final = text("SELECT at FROM analytics.clock FOR UPDATE")
_MOVE_CLOCK: Final = text("""
    UPDATE analytics.clock SET at = :now WHERE at < :now
    RETURNING old.at AS since, new.at AS until
""")
_ENDED: Final = text("""
    SELECT id FROM analytics.bookings
    WHERE is_counted AND had_until > :since AND had_until <= :until
        AND EXISTS (SELECT FROM analytics.levels WHERE levels.room_id = bookings.room_id)
""")

_TAKE: Final = """
    INSERT INTO analytics.levels (room_id, measured_at, version, occupancy)
    SELECT * FROM unnest($1::integer[], $2::timestamptz[], $3::bigint[], $4::integer[])
        AS told (room_id, measured_at, version, occupancy)
    ORDER BY 1, 2, 3
    ON CONFLICT DO NOTHING
    RETURNING room_id, measured_at
"""

_HOLDS: Final = f"interval '{24 * HOLDS_DAYS} hours'"
# Levels that are new, each between those that were there before and after it.
_BETWEEN: Final = """
WITH fresh AS (
    SELECT DISTINCT * FROM unnest($1::integer[], $2::timestamptz[]) AS told (room_id, at)
), places AS MATERIALIZED (
    SELECT room_id, at, earlier, later
    FROM fresh
    CROSS JOIN LATERAL (
        SELECT max(measured_at) AS earlier FROM analytics.levels
        WHERE levels.room_id = fresh.room_id AND measured_at < at
    ) AS before
    CROSS JOIN LATERAL (
        SELECT min(measured_at) AS later FROM analytics.levels
        WHERE levels.room_id = fresh.room_id AND measured_at > at
    ) AS after
)
"""
_BOOKINGS_BESIDE: Final = f"""{_BETWEEN}
SELECT DISTINCT bookings.id
FROM (
    SELECT room_id, unnest(range_agg(tstzrange(at, least(later, at + {_HOLDS})))) AS span
    FROM places GROUP BY room_id
) AS touched
JOIN analytics.bookings USING (room_id)
WHERE had_until > lower(span) AND starts_at < upper(span) AND is_counted
    AND had_until <= (SELECT at FROM analytics.clock)
"""  # noqa: S608 - of constants
_DAYS_BESIDE: Final = f"""{_BETWEEN}
SELECT DISTINCT room_id, generate_series((since AT TIME ZONE timezone)::date,
    (until AT TIME ZONE timezone)::date, interval '1 day')::date AS day
FROM (
    SELECT room_id, earlier AS since, least(at, earlier + {_HOLDS}) AS until
    FROM places WHERE earlier IS NOT NULL
    UNION ALL
    SELECT room_id, at, least(later, at + {_HOLDS}) FROM places WHERE later IS NOT NULL
) AS touched
JOIN analytics.rooms ON rooms.id = room_id
"""  # noqa: S608 - likewise


def _measure(which: str) -> str:
    """Write what measures some bookings; the level that holds as one begins is its first."""
    return f"""
WITH measured AS MATERIALIZED (
    SELECT bookings.id, found.seen, found.empty_s
    FROM analytics.bookings
    LEFT JOIN LATERAL (
        SELECT max(occupancy) AS seen, floor(date_part('epoch',
            coalesce(sum(until - since) FILTER (WHERE occupancy = 0), interval '0')))::bigint
            AS empty_s
        FROM (
            SELECT occupancy, greatest(measured_at, starts_at) AS since,
                least(lead(measured_at) OVER (ORDER BY measured_at, version),
                    measured_at + {_HOLDS}, had_until) AS until
            FROM analytics.levels
            WHERE levels.room_id = bookings.room_id AND measured_at < had_until
                AND measured_at >= (
                    SELECT max(measured_at) FROM analytics.levels AS first
                    WHERE first.room_id = bookings.room_id AND measured_at <= starts_at
                )
        ) AS holding
        WHERE since < until
        HAVING sum(until - since) = had_until - starts_at AND bool_and(occupancy IS NOT NULL)
    ) AS found ON is_counted AND had_until <= (SELECT at FROM analytics.clock)
    WHERE {which}
), changed AS (
    UPDATE analytics.bookings SET seen = measured.seen, empty_s = measured.empty_s
    FROM measured
    WHERE bookings.id = measured.id AND (bookings.seen, bookings.empty_s)
        IS DISTINCT FROM (measured.seen, measured.empty_s)
    RETURNING old AS was, new AS is_now
)
"""  # noqa: S608 - likewise


_MEASURE: Final = _measure("bookings.id = ANY($1::text[])")
_MEASURE_ROOMS: Final = f"""{_measure("bookings.room_id = ANY($1::integer[])")}
SELECT count(*) FROM changed
"""  # noqa: S608 - likewise

_DAYS_OF_BOOKINGS: Final = """
SELECT DISTINCT room_id, day
FROM analytics.bookings JOIN analytics.presence USING (room_id)
WHERE bookings.id = ANY($1::text[]) AND is_counted
    AND day BETWEEN (starts_at AT TIME ZONE presence.timezone)::date
        AND (had_until AT TIME ZONE presence.timezone)::date
"""
# Of rooms whose days are not yet counted, or by another zone.
_FORGET_DAYS: Final = text("""
    DELETE FROM analytics.presence USING analytics.rooms
    WHERE rooms.id = ANY(:rooms) AND presence.room_id = rooms.id
        AND presence.timezone <> rooms.timezone
""")
_DAYS_OF_ROOMS: Final = f"""
SELECT DISTINCT room_id, generate_series((since AT TIME ZONE timezone)::date,
    (least(next, since + {_HOLDS}) AT TIME ZONE timezone)::date, interval '1 day')::date AS day
FROM (
    SELECT room_id, timezone, measured_at AS since,
        lead(measured_at) OVER (PARTITION BY room_id ORDER BY measured_at, levels.version) AS next
    FROM analytics.levels JOIN analytics.rooms ON rooms.id = room_id
    WHERE room_id = ANY($1::integer[])
        AND NOT EXISTS (SELECT FROM analytics.presence WHERE presence.room_id = rooms.id)
) AS holding
WHERE next IS NOT NULL
"""  # noqa: S608 - likewise
# Of the last level of a room nobody knows how long it held.
_COUNT_DAYS: Final = f"""
WITH told AS MATERIALIZED (
    SELECT room_id, day, timezone, analytics.first_of(day, timezone) AS begins,
        analytics.first_of(day + 1, timezone) AS ends
    FROM (
        SELECT DISTINCT * FROM unnest($1::integer[], $2::date[]) AS one (room_id, day)
    ) AS named
    JOIN analytics.rooms ON rooms.id = room_id
), there AS MATERIALIZED (
    SELECT room_id, day, timezone, coalesce(occupied, '{{}}') AS occupied,
        coalesce(occupied - held, occupied, '{{}}') AS unbooked
    FROM told
    CROSS JOIN LATERAL (
        SELECT range_agg(tstzrange(greatest(since, begins), least(until, ends))) AS occupied
        FROM (
            SELECT occupancy, measured_at AS since,
                lead(measured_at) OVER (ORDER BY measured_at, version) AS next,
                least(lead(measured_at) OVER (ORDER BY measured_at, version),
                    measured_at + {_HOLDS}) AS until
            FROM analytics.levels
            WHERE levels.room_id = told.room_id
                AND measured_at >= coalesce((
                    SELECT max(measured_at) FROM analytics.levels AS first
                    WHERE first.room_id = told.room_id AND measured_at <= begins
                ), begins)
                AND measured_at <= coalesce((
                    SELECT min(measured_at) FROM analytics.levels AS last
                    WHERE last.room_id = told.room_id AND measured_at >= ends
                ), ends)
        ) AS holding
        WHERE occupancy > 0 AND next IS NOT NULL
            AND greatest(since, begins) < least(until, ends)
    ) AS of_levels
    CROSS JOIN LATERAL (
        SELECT range_agg(tstzrange(starts_at, had_until)) AS held
        FROM analytics.bookings
        WHERE bookings.room_id = told.room_id AND is_counted AND starts_at < ends
            AND had_until > begins
    ) AS of_bookings
)
INSERT INTO analytics.presence AS known (room_id, day, timezone, occupied_s, unbooked_s)
SELECT room_id, day, timezone, analytics.seconds_of(occupied), analytics.seconds_of(unbooked)
FROM there ORDER BY room_id, day
ON CONFLICT (room_id, day) DO UPDATE SET timezone = excluded.timezone,
    occupied_s = excluded.occupied_s, unbooked_s = excluded.unbooked_s
RETURNING room_id
"""  # noqa: S608 - likewise

LocalDays = list[tuple[int, date]]


class Measuring:
    """Levels as their topic has told of them, and what follows for bookings and days."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def hold(self) -> None:
        """Let nobody else take any of these until the transaction ends.

        Else a booking and its room, organizer or level that come at the same time would not see
        each other. Crossings are of nobody's concern.
        """
        await self._session.execute(_HOLD)

    async def take_levels(self, columns: Sequence[Sequence[Any]]) -> None:
        """Keep levels, and measure anew what they are of.

        Args:
            columns: room ids, when they were measured, versions, people; null: nobody looks.
        """
        fresh = await self.keep_levels(columns)
        if not fresh:
            return
        places = [row["room_id"] for row in fresh], [row["measured_at"] for row in fresh]
        beside = await fetch_all_hot(self._session, _BOOKINGS_BESIDE, *places)
        await self.measure([row["id"] for row in beside])
        days = await fetch_all_hot(self._session, _DAYS_BESIDE, *places)
        await self.count_days([(row["room_id"], row["day"]) for row in days])

    async def keep_levels(self, columns: Sequence[Sequence[Any]]) -> Sequence[Mapping[str, Any]]:
        """Keep levels as above, and measure nothing; returns where and when those are that are new.

        That is left to `measure_rooms` and `follow_rooms`.
        """
        await self.hold()
        return await fetch_all_hot(self._session, _TAKE, *columns)

    async def pass_time(self, now: datetime) -> None:
        """Measure the bookings that are over by now."""
        moved = (await self._session.execute(_MOVE_CLOCK, {"now": now})).one_or_none()
        if moved is not None:
            span = {"since": moved.since, "until": moved.until}
            await self.measure(list(await self._session.scalars(_ENDED, span)))

    async def measure(self, booking_ids: Sequence[str]) -> None:
        """Measure bookings anew; the facts follow."""
        if booking_ids:
            await fetch_hot(self._session, _MEASURE + COUNT, sorted(booking_ids))

    async def measure_rooms(self, room_ids: Sequence[int]) -> None:
        """Measure all bookings of rooms anew, of which none is in the facts yet."""
        await fetch_all_hot(self._session, _MEASURE_ROOMS, room_ids)

    async def days_of(self, booking_ids: Sequence[str]) -> LocalDays:
        """List the measured days on which bookings are."""
        rows = await fetch_all_hot(self._session, _DAYS_OF_BOOKINGS, booking_ids)
        return [(row["room_id"], row["day"]) for row in rows]

    async def count_days(self, days: LocalDays) -> None:
        """Add up anew for how long somebody was in rooms on local days."""
        if days:
            rooms, dates = zip(*days, strict=True)
            await fetch_hot(self._session, _COUNT_DAYS, rooms, dates)

    async def follow_rooms(self, room_ids: Sequence[int]) -> None:
        """Add days up anew of rooms that are known only now, or are in another zone."""
        await self._session.execute(_FORGET_DAYS, {"rooms": room_ids})
        rows = await fetch_all_hot(self._session, _DAYS_OF_ROOMS, room_ids)
        await self.count_days([(row["room_id"], row["day"]) for row in rows])
