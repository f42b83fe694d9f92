"""What the repositories share: rows, and what of them is wanted."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table
from sqlalchemy.dialects.postgresql import Range, insert
from sqlalchemy.ext.asyncio import AsyncSession

from bookings.domain import Period

Values = Mapping[str, Any]


async def store_newer(session: AsyncSession, table: Table, rows: Sequence[Values]) -> None:
    """Store rows by id, unless a newer version of them is known."""
    newest: dict[Any, Values] = {}
    for row in rows:
        known = newest.get(row["id"])
        if known is None or known["version"] < row["version"]:
            newest[row["id"]] = row
    if not newest:
        return
    # Sorted, so that two consumers do not wait for each other.
    told = insert(table).values([newest[key] for key in sorted(newest)])
    changed = {column.name: told.excluded[column.name] for column in table.c if column.name != "id"}
    newer = table.c.version < told.excluded.version
    await session.execute(
        told.on_conflict_do_update(index_elements=["id"], set_=changed, where=newer)
    )


def having(table: Table, values: Values) -> list[ColumnElement[bool]]:
    """Return the conditions that columns have values; None wants nothing."""
    return [table.c[name] == value for name, value in values.items() if value is not None]


def range_of(period: Period) -> Range[datetime]:
    """Write a period as Postgres stores it."""
    return Range(period.start, period.end)
