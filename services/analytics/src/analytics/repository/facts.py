"""Takes rooms, people and bookings in, and keeps the facts the sum over all bookings.

Measured to be hot: thousands of bookings in one statement. A booking's part of the facts is taken
away as its row was and added as its row is, in the statement that changes the row; two who change
the same booking at once wait for each other there.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from analytics.domain import HOURS
from analytics.tables import MEASURES, ROLES, ROLLUPS, rooms, users
from common.copies import take_newest
from common.db import fetch_all_hot

# A booking has a part in the facts of so many days at most: it may last until the year 9000.
LONGEST_DAYS: Final = 366

# Whoever reads rooms and people here for their bookings, and whoever writes them, wait for each
# other: else a booking and its room that come at the same time would not see each other.
_HOLD_COPIES: Final = text("LOCK TABLE analytics.rooms, analytics.users IN SHARE MODE")

# A room or a person may have more bookings than are counted anew within the usual time.
_HOWEVER_LONG: Final = text("SET LOCAL statement_timeout = 0")

_TAKE: Final = """
WITH told AS (
    SELECT * FROM unnest($1::text[], $2::bigint[], $3::integer[], $4::text[], $5::text[],
        $6::text[], $7::text[], $8::integer[], $9::timestamptz[], $10::timestamptz[],
        $11::timestamptz[], $12::boolean[], $13::boolean[], $14::boolean[], $15::boolean[],
        $16::timestamptz[]
    ) AS told (id, version, room_id, organizer_id, organizer_name, organizer_email, title,
        attendees, starts_at, ends_at, had_until, is_booked, is_counted, is_no_show, is_override,
        created_at)
), changed AS (
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
    RETURNING old AS was, new AS is_now
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

# What one booking adds on one local day; `role`, `begins_in`, `first_hour` and `last_hour` are of
# `parts` below. Of what is counted where it begins, the condition.
_ADDED: Final = {
    "bookings": ("1", "begins"),
    "no_shows": ("1", "begins AND is_no_show"),
    "wasted_s": ("lasts_s", "begins AND is_no_show"),
    "attendees": ("attendees", "begins"),
    "oversized": ("1", "begins AND attendees * 2 < capacity"),
    "undersized": ("1", "begins AND attendees > capacity"),
    **{f"{role}_bookings": ("1", f"begins AND role = '{role}'") for role in ROLES},
    **{f"starts_{hour:02}": ("1", f"begins_in = {hour}") for hour in HOURS},
    "booked_s": ("booked_s", "true"),
    **{f"{role}_booked_s": ("booked_s", f"role = '{role}'") for role in ROLES},
    **{f"touches_{hour:02}": ("1", f"{hour} BETWEEN first_hour AND last_hour") for hour in HOURS},
}
# Not as the arbitrary precision that sums have, which costs as much as all the rest.
_SUMS: Final = ", ".join(
    f"coalesce(sum(sign * {_ADDED[name][0]}) FILTER (WHERE {_ADDED[name][1]}), 0)"
    f"::{'bigint' if name.endswith('_s') else 'integer'} AS {name}"
    for name in MEASURES
)


def _add_to(rollup: str, start: str) -> str:
    """Write what adds the sums of days to a rollup."""
    names = ROLLUPS[rollup]
    listed = ", ".join(names)
    sums = ", ".join(f"sum({name})" for name in names)
    more = ", ".join(f"{name} = known.{name} + excluded.{name}" for name in names)
    return f"""
    INSERT INTO analytics.{rollup} AS known (room_id, start, {listed})
    SELECT room_id, {start} AS start, {sums} FROM sums GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (room_id, start) DO UPDATE SET {more}
"""  # noqa: S608 - of names that stand in the tables


# Hours are those of the clock on the wall, from the one in which a booking begins to the one in
# which it ends. Each step is worked out once, and not in each of the sums.
_COUNT: Final = f""", told_anew AS MATERIALIZED (
    SELECT was, is_now FROM changed
    WHERE ((was).room_id, (was).starts_at, (was).had_until, (was).is_counted, (was).is_no_show,
            (was).attendees, (was).timezone, (was).capacity, (was).role)
        IS DISTINCT FROM ((is_now).room_id, (is_now).starts_at, (is_now).had_until,
            (is_now).is_counted, (is_now).is_no_show, (is_now).attendees, (is_now).timezone,
            (is_now).capacity, (is_now).role)
), moved AS MATERIALIZED (
    SELECT sign, room_id, is_no_show, attendees, capacity, role, timezone, starts_at, until,
        starts_at AT TIME ZONE timezone AS local_start,
        greatest(starts_at, until - interval '1 microsecond') AT TIME ZONE timezone AS local_last
    FROM (
        SELECT sign, (one).room_id, (one).is_no_show, (one).attendees, (one).capacity,
            coalesce(lower((one).role), 'unknown') AS role, (one).timezone, (one).starts_at,
            least((one).had_until, (one).starts_at + interval '{LONGEST_DAYS - 1} days') AS until
        FROM (
            SELECT -1 AS sign, was AS one FROM told_anew UNION ALL SELECT 1, is_now FROM told_anew
        ) AS versions
        WHERE (one).is_counted AND (one).timezone IS NOT NULL
    ) AS counted
), parts AS MATERIALIZED (
    SELECT sign, room_id, day, is_no_show, attendees, capacity, role,
        day = local_start::date AS begins,
        CASE WHEN day = local_start::date THEN date_part('hour', local_start)::integer END
            AS begins_in,
        CASE WHEN day = local_start::date THEN date_part('hour', local_start)::integer ELSE 0 END
            AS first_hour,
        CASE WHEN day = local_last::date THEN date_part('hour', local_last)::integer ELSE 23 END
            AS last_hour,
        floor(date_part('epoch', until - starts_at))::bigint AS lasts_s,
        floor(date_part('epoch', CASE WHEN local_start::date = local_last::date
            THEN until - starts_at
            ELSE least(until, analytics.first_of(day + 1, timezone))
                - greatest(starts_at, analytics.first_of(day, timezone))
            END))::bigint AS booked_s
    FROM (
        SELECT *, generate_series(local_start::date, local_last::date, interval '1 day')::date
            AS day
        FROM moved
    ) AS lasting
), sums AS MATERIALIZED (
    SELECT room_id, day, {_SUMS} FROM parts GROUP BY room_id, day
), by_day AS ({_add_to("days", "day")}
), by_week AS ({_add_to("weeks", "date_trunc('week', day)::date")}
), by_month AS ({_add_to("months", "date_trunc('month', day)::date")}
)
SELECT count(*) AS changed FROM changed
"""  # noqa: S608 - likewise


class Facts:
    """Rooms, people and bookings as their topics have told of them, and what follows."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def take_rooms(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Keep rooms; their bookings are counted by their zones and capacities."""
        await self._session.execute(_HOWEVER_LONG)
        await take_newest(self._session, rooms, rows)
        ids = sorted({row["id"] for row in rows})
        await fetch_all_hot(self._session, _PUT_IN_ROOMS + _COUNT, ids)

    async def take_users(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Keep people; their bookings are counted by their roles."""
        await self._session.execute(_HOWEVER_LONG)
        await take_newest(self._session, users, rows)
        ids = sorted({row["id"] for row in rows})
        await fetch_all_hot(self._session, _GIVE_ROLES + _COUNT, ids)

    async def take_bookings(self, columns: Sequence[Sequence[Any]]) -> None:
        """Keep bookings that are newer than what is there.

        Args:
            columns: of the statement above, in its order; each booking once.
        """
        await self._session.execute(_HOLD_COPIES)
        await fetch_all_hot(self._session, _TAKE + _COUNT, *columns)
