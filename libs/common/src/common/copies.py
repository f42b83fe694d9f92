"""Keeps copies of what others own, as their topics tell of it: the highest version wins."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from msgspec import Struct
from sqlalchemy import Column, Table
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from common.consumer import Refused
from common.errors import BrokenEvent
from common.events import CloudEvent

Data = TypeVar("Data", bound=Struct)
# In one statement, of the driver.
_MOST_VALUES: Final = 32_767


async def take_newest(
    session: AsyncSession, table: Table, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Store rows that are newer than what is there, in whatever order and however often they come.

    Args:
        table: with a primary key of one column, and a column `version`.
        rows: all with the same columns; at least one.
    """
    [key] = table.primary_key.columns
    newest: dict[Any, Mapping[str, Any]] = {}
    for row in rows:
        if row[key.name] not in newest or newest[row[key.name]]["version"] < row["version"]:
            newest[row[key.name]] = row
    # In one order, so that two who take the same rows wait and do not block each other.
    ordered = [newest[name] for name in sorted(newest)]
    at_once = _MOST_VALUES // len(rows[0])
    for first in range(0, len(ordered), at_once):
        await _take(session, table, key, ordered[first : first + at_once])


async def _take(
    session: AsyncSession, table: Table, key: Column[Any], rows: Sequence[Mapping[str, Any]]
) -> None:
    taken = insert(table).values(rows)
    others = {
        name: column
        for name, column in taken.excluded.items()
        if name in rows[0] and name != key.name
    }
    await session.execute(
        taken.on_conflict_do_update(
            index_elements=[key], set_=others, where=table.c.version < taken.excluded.version
        )
    )


def sort_out(
    events: Sequence[CloudEvent[Data]], wrong: Callable[[Data], str | None]
) -> tuple[list[Data], list[Refused[Data]]]:
    """Part what can be stored from what would break the database.

    Args:
        wrong: says why something can't be stored; None: it can.
    """
    good, refused = [], []
    for event in events:
        reason = wrong(event.data)
        if reason is None:
            good.append(event.data)
        else:
            refused.append(Refused(event, BrokenEvent(reason)))
    return good, refused
