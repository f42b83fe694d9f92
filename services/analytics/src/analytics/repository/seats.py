"""Takes terms and allocations in, and keeps what is allocated of each room, day by day.

How many seats are taken at a time is no sum over allocations. So all of a room's in a term are
swept anew whenever one of them changes: some dozens, in the transaction that changes it.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from analytics.domain import Days
from analytics.tables import terms
from common.copies import take_newest
from common.db import fetch_all_hot

# Who takes rooms or allocations holds it (`tables.clock`): two who changed those of one room at
# once would each sweep without the other's.
_HOLD: Final = text("SELECT at FROM analytics.clock FOR UPDATE")

_TAKE: Final = """
WITH told AS (
    SELECT id, version, term_id, room_id, title, seats, starts::timestamptz[] AS starts,
        ends::timestamptz[] AS ends
    FROM unnest($1::integer[], $2::bigint[], $3::integer[], $4::integer[], $5::text[],
        $6::integer[], $7::text[], $8::text[]
    ) AS told (id, version, term_id, room_id, title, seats, starts, ends)
), changed AS (
    INSERT INTO analytics.allocations AS known (id, version, term_id, room_id, title, seats,
        starts, ends, timezone)
    SELECT told.*, rooms.timezone
    FROM told LEFT JOIN analytics.rooms ON rooms.id = told.room_id
    ORDER BY told.id
    ON CONFLICT (id) DO UPDATE SET
        version = excluded.version, term_id = excluded.term_id, room_id = excluded.room_id,
        title = excluded.title, seats = excluded.seats, starts = excluded.starts,
        ends = excluded.ends, timezone = excluded.timezone
        WHERE known.version < excluded.version
    RETURNING old AS was, new AS is_now
)
SELECT (was).term_id, (was).room_id FROM changed WHERE (was).id IS NOT NULL
UNION SELECT (is_now).term_id, (is_now).room_id FROM changed
"""
_PUT_IN_ROOMS: Final = """
WITH changed AS (
    UPDATE analytics.allocations SET timezone = rooms.timezone
    FROM analytics.rooms
    WHERE rooms.id = ANY($1::integer[]) AND allocations.room_id = rooms.id
        AND allocations.timezone IS DISTINCT FROM rooms.timezone
    RETURNING allocations.term_id, allocations.room_id
)
SELECT DISTINCT term_id, room_id FROM changed
"""

_CHANGED: Final = "unnest($1::integer[], $2::integer[]) AS changed (term_id, room_id)"
_FORGET: Final = f"""
DELETE FROM analytics.seats USING {_CHANGED}
WHERE (seats.term_id, seats.room_id) = (changed.term_id, changed.room_id)
"""  # noqa: S608 - of what stands above
# Each occurrence is cut at local midnights. Of a moment, those who leave come before those who
# arrive. An allocation counts once on a day, also when it touches it twice.
_SWEEP: Final = f"""
WITH parts AS MATERIALIZED (
    SELECT term_id, room_id, id, seats, day,
        greatest(starts_at, analytics.first_of(day, timezone)) AS begins,
        least(ends_at, analytics.first_of(day + 1, timezone)) AS ends
    FROM (
        SELECT term_id, room_id, id, seats, timezone, starts_at, ends_at,
            generate_series(
                (starts_at AT TIME ZONE timezone)::date,
                ((ends_at - interval '1 microsecond') AT TIME ZONE timezone)::date,
                interval '1 day'
            )::date AS day
        FROM {_CHANGED} JOIN analytics.allocations USING (term_id, room_id)
        CROSS JOIN unnest(starts, ends) AS occurrence (starts_at, ends_at)
        WHERE timezone IS NOT NULL
    ) AS lasting
), touching AS (
    SELECT * FROM parts WHERE begins < ends
), levels AS (
    SELECT term_id, room_id, day,
        sum(change) OVER (PARTITION BY term_id, room_id, day ORDER BY moment, change) AS level
    FROM (
        SELECT term_id, room_id, day, begins AS moment, seats AS change FROM touching
        UNION ALL SELECT term_id, room_id, day, ends, -seats FROM touching
    ) AS changes
), peaks AS (
    SELECT term_id, room_id, day, max(level) AS peak FROM levels GROUP BY 1, 2, 3
), sums AS (
    SELECT term_id, room_id, day, sum(seats) AS total, count(*) AS allocations
    FROM (SELECT DISTINCT term_id, room_id, day, id, seats FROM touching) AS each_once
    GROUP BY 1, 2, 3
)
INSERT INTO analytics.seats (term_id, room_id, day, peak, total, allocations)
SELECT term_id, room_id, day, peak, total, allocations
FROM peaks JOIN sums USING (term_id, room_id, day)
"""  # noqa: S608 - likewise

_SEAT_SECONDS: Final = text("""
    SELECT room_id, floor(sum(
        seats * date_part('epoch', least(ends, until) - greatest(starts, since))))::bigint
    FROM (
        SELECT room_id, seats, unnest(starts) AS starts, unnest(ends) AS ends,
            analytics.first_of(CAST(:first AS date), rooms.timezone) AS since,
            analytics.first_of(CAST(:last AS date) + 1, rooms.timezone) AS until
        FROM analytics.allocations JOIN analytics.rooms ON rooms.id = room_id
    ) AS taken
    WHERE starts < until AND ends > since
    GROUP BY room_id
""")


class Seats:
    """Terms and allocations as their topics have told of them, and what follows."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def take_terms(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Keep terms; their days are no matter of the seats."""
        await take_newest(self._session, terms, rows)

    async def take_allocations(self, columns: Sequence[Sequence[Any]]) -> None:
        """Keep allocations that are newer than what is there.

        Args:
            columns: of the statement above, in its order; each allocation once.
        """
        await self._session.execute(_HOLD)
        await self._sweep(await fetch_all_hot(self._session, _TAKE, *columns))

    async def follow_rooms(self, ids: Collection[int]) -> None:
        """Count seats by the days of their rooms, which this transaction has written."""
        await self._sweep(await fetch_all_hot(self._session, _PUT_IN_ROOMS, sorted(ids)))

    async def seat_seconds(self, days: Days) -> Mapping[int, int]:
        """Add up for how long seats are allocated, by room; rooms without any are left out."""
        span = {"first": days.first, "last": days.last}
        return {row[0]: row[1] for row in await self._session.execute(_SEAT_SECONDS, span)}

    async def _sweep(self, changed: Sequence[Mapping[str, Any]]) -> None:
        if changed:
            pairs = [[row[name] for row in changed] for name in ("term_id", "room_id")]
            await fetch_all_hot(self._session, _FORGET, *pairs)
            await fetch_all_hot(self._session, _SWEEP, *pairs)
