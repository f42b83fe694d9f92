"""Keeps copies of what others own, as their topics tell of it: the highest version wins."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from msgspec import Struct
from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from common.consumer import Refused
from common.errors import BrokenEvent
from common.events import CloudEvent
from common.ids import age_of_cuid

# What was made just now may be a moment ahead of its event.
_FRESH_S: Final = 60.0
_FRESH_IDS: Final = 1000
_WAIT_FOR_FRESH_S: Final = 2.0

Found = TypeVar("Found")
Data = TypeVar("Data", bound=Struct)


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
    taken = insert(table).values([newest[name] for name in sorted(newest)])
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


async def find_fresh(
    find: Callable[[], Awaitable[Found | None]],
    name: int | str,
    newest: Callable[[], Awaitable[int]],
) -> Found | None:
    """Find a copy; of what was made a moment ago it is waited for, until the event has come.

    Args:
        find: looks for it.
        name: its integer id or its CUID.
        newest: tells the highest integer id of all copies; they count up as things are made.
    """
    found = await find()
    if found is None:
        # It may have come between our look and this one: look once more, whatever this says.
        patience_s = _WAIT_FOR_FRESH_S if await _may_be_fresh(name, newest) else 0.0
        deadline = time.monotonic() + patience_s
        while (found := await find()) is None and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return found


async def _may_be_fresh(name: int | str, newest: Callable[[], Awaitable[int]]) -> bool:
    if isinstance(name, str):
        return -_FRESH_S < age_of_cuid(name) < _FRESH_S
    return 0 < name - await newest() <= _FRESH_IDS
