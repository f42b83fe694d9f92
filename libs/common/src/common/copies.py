"""Keeps copies of what others own, as their topics tell of it: the highest version wins."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final, TypeVar

import orjson
from msgspec import Struct
from sqlalchemy import Table, TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from common.consumer import Refused
from common.errors import BrokenEvent
from common.events import BookingV1, CloudEvent, LevelV1
from common.ids import age_of_cuid

LARGEST: Final = 2**63 - 1
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
    ordered = [newest[name] for name in sorted(newest)]
    statement = _newest_of(table, tuple(rows[0]))
    await session.execute(statement, {"rows": orjson.dumps(ordered).decode()})


@cache
def _newest_of(table: Table, names: tuple[str, ...]) -> TextClause:
    """Write what takes any number of rows as one value, which Postgres reads as the table's."""
    [key] = table.primary_key.columns
    listed = ", ".join(names)
    others = ", ".join(f"{name} = excluded.{name}" for name in names if name != key.name)
    return text(f"""
        INSERT INTO {table} AS known ({listed})
        SELECT {listed} FROM jsonb_populate_recordset(NULL::{table}, CAST(:rows AS jsonb))
        ON CONFLICT ({key.name}) DO UPDATE SET {others} WHERE known.version < excluded.version
    """)  # noqa: S608 - of names that stand in the tables


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


def is_datable(moment: datetime) -> bool:
    """Tell whether a moment can be stored, in any zone."""
    return 1900 <= moment.year <= 9000


def wrong_span(begins: datetime, ends: datetime) -> str | None:
    """Say why nothing can last from one moment to another; None: it can."""
    if is_datable(begins) and is_datable(ends) and begins < ends:
        return None
    return f"from {begins} to {ends} is no time"


def wrong_booking(booking: BookingV1) -> str | None:
    """Say why a booking can't be stored; None: it can, but for the time that it holds its room."""
    if not 1 <= len(booking.id) <= 200 or "\0" in booking.id:
        return "a booking's id has 1 to 200 characters and no NUL"
    if booking.version > LARGEST:
        return "the version is too large"
    return wrong_span(booking.starts_at, booking.ends_at)


def wrong_level(level: LevelV1) -> str | None:
    """Say why a level can't be stored; None: it can."""
    return "a number is too large" if max(level.version, level.occupancy) > LARGEST else None


async def find_fresh(
    find: Callable[[Collection[int | str]], Awaitable[Mapping[int | str, Found]]],
    names: Collection[int | str],
    newest: Callable[[], Awaitable[int]],
) -> dict[int | str, Found]:
    """Find copies; of what was made a moment ago they are waited for, until its event has come.

    Args:
        find: looks for some.
        names: integer ids and CUIDs.
        newest: tells the highest integer id of all copies; they count up as things are made.

    Returns:
        by name, what there is.
    """
    found = dict(await find(names))
    missing = set(names) - found.keys()
    if not missing:
        return found
    patience_s = _WAIT_FOR_FRESH_S if await _may_be_fresh(missing, newest) else 0.0
    deadline = time.monotonic() + patience_s
    while True:
        # Once at least: it may have come since our first look.
        found |= await find(missing)
        missing -= found.keys()
        if not missing or time.monotonic() >= deadline:
            return found
        await asyncio.sleep(0.05)


async def _may_be_fresh(names: Collection[int | str], newest: Callable[[], Awaitable[int]]) -> bool:
    if any(isinstance(one, str) and -_FRESH_S < age_of_cuid(one) < _FRESH_S for one in names):
        return True
    ids = [one for one in names if isinstance(one, int)]
    highest = await newest() if ids else 0
    return any(0 < one - highest <= _FRESH_IDS for one in ids)
