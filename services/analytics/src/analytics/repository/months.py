"""Reads facts a month at a time, in one snapshot, some rows at a time: for other tools."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.db import Database

AT_ONCE: Final = 20_000

# Each row with the local day to which it belongs, by which it is put into a month.
_SOURCES: Final[Mapping[str, str]] = {
    "bookings": """
        SELECT *, (starts_at AT TIME ZONE timezone)::date AS day
        FROM analytics.bookings
        WHERE is_counted AND timezone IS NOT NULL
            AND starts_at >= CAST(:first AS date) - 2 AND starts_at < CAST(:after AS date) + 2
    """,
    "days": "SELECT *, start AS day FROM analytics.days",
    "allocations": """
        SELECT id, term_id, room_id, title, seats, starts_at, ends_at,
            (starts_at AT TIME ZONE timezone)::date AS day
        FROM analytics.allocations CROSS JOIN unnest(starts, ends) AS once (starts_at, ends_at)
        WHERE timezone IS NOT NULL
    """,
    "seats": "SELECT * FROM analytics.seats",
    "terms": "SELECT * FROM analytics.terms WHERE NOT is_deleted",
    "rooms": "SELECT * FROM analytics.rooms",
}
# Not by month: as they are now.
WHOLE: Final = frozenset({"terms", "rooms"})
_EVER: Final = {"first": date(1, 1, 3), "after": date(9999, 12, 1)}


class Months:
    """What there is by month, all of it as it was at one moment."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def listed(self, name: str) -> Collection[date]:
        """Return the first days of the months that something has rows of."""
        source = _SOURCES[name]
        found = await self._connection.execute(
            text(f"SELECT DISTINCT date_trunc('month', day)::date FROM ({source}) AS source"),  # noqa: S608 - of what stands above
            _EVER if ":first" in source else {},
        )
        return set(found.scalars())

    async def rows(
        self, name: str, columns: Sequence[str], months: tuple[date, date] | None
    ) -> AsyncIterator[Sequence[Sequence[Any]]]:
        """Read what belongs to a time, in the order of the columns, 20,000 rows at a time.

        Args:
            months: the first day, and the one after the last; None: of what is not by month.
        """
        within = "" if months is None else "WHERE day >= :first AND day < :after"
        listed = ", ".join(columns)
        order = ", ".join(
            column for column in ("day", "id", "term_id", "room_id") if column in columns
        )
        wanted = f"SELECT {listed} FROM ({_SOURCES[name]}) AS source {within} ORDER BY {order}"  # noqa: S608 - likewise
        span = {} if months is None else dict(zip(("first", "after"), months, strict=True))
        found = await self._connection.stream(text(wanted), span)
        async for part in found.partitions(AT_ONCE):
            yield part


@asynccontextmanager
async def snapshot(database: Database) -> AsyncIterator[Months]:
    """Look at all of it as it is at one moment, whatever is written meanwhile."""
    async with database.engine.connect() as connection:
        frozen = await connection.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        yield Months(frozen)
