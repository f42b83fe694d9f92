"""Reads ranges of days by few rows: those of the nearest months, and of the days between.

Statements are built once, and the ends of a range are their parameters: to build one takes as long
as a quick one takes to run.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Date,
    Result,
    Select,
    Table,
    bindparam,
    cast,
    func,
    select,
    text,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession

from analytics.domain import DAY, Days

# Of any columns.
Rows = Select[*tuple[Any, ...]]
# The first day of a range and the one after it, and of the whole months or weeks that stand for it.
BEGIN, END, FIRST, AFTER = (
    bindparam(name, type_=Date) for name in ("begin", "end", "first", "after")
)
# Postgres plans a statement that comes often for whatever values, which takes ranges twice the
# time: one day and three years are not read alike. Until the transaction ends.
_PLAN_ANEW: Final = text("SET LOCAL plan_cache_mode = force_custom_plan")


async def read(
    session: AsyncSession, statement: Rows, given: Mapping[str, Any]
) -> Result[*tuple[Any, ...]]:
    """Read what belongs to a range of days, by a plan for that range."""
    await session.execute(_PLAN_ANEW)
    return await session.execute(statement, given)


def as_one(rows: Rows) -> Rows:
    """Select rows as one of lists: one by one, reading them would take as long as adding up."""
    return select(*(func.array_agg(column) for column in rows.subquery().columns))


async def read_as_one(
    session: AsyncSession, statement: Rows, given: Mapping[str, Any]
) -> Iterator[tuple[Any, ...]]:
    """Read the rows that were made one of lists."""
    found: Sequence[Any] = (await read(session, statement, given)).one()
    return iter(()) if found[0] is None else zip(*found, strict=True)


def by_months(span: Days) -> dict[str, date]:
    """Return the ends of a range, as `rows_of` has them, with the months nearest to them.

    There are none where it takes fewer rows to read each day.
    """
    begin, end = span.first, span.last + DAY
    first, after = _nearest_month(begin), _nearest_month(end)
    if abs((begin - first).days) + abs((after - end).days) >= len(span):
        first = after = end
    return {"begin": begin, "end": end, "first": first, "after": after}


def by_weeks(span: Days) -> dict[str, date]:
    """Return the ends of a range, with the whole weeks in it; there may be none."""
    begin, end = span.first, span.last + DAY
    first = min(end, begin + -begin.weekday() % 7 * DAY)
    after = max(first, end - end.weekday() * DAY)
    return {"begin": begin, "end": end, "first": first, "after": after}


def added_up(by_day: Table, by_month: Table, names: Sequence[str]) -> Rows:
    """Select the sums of a range by whose they are."""
    part = rows_of(by_day, by_month, names).subquery()
    whose, *_ = part.columns
    return select(whose, *(whole(func.sum(part.c[name])).label(name) for name in names)).group_by(
        whose
    )


def whole(counted: ColumnElement[Any]) -> ColumnElement[int]:
    """Say that it is a whole number, 0 of nothing: what follows from Postgres' own sums is slow."""
    return cast(func.coalesce(counted, 0), BigInteger)


def rows_of(by_day: Table, by_month: Table, names: Sequence[str]) -> CompoundSelect[Any]:
    """Select what is to be added up of a range, of whole months and of days; whose comes first.

    A month of which more than half is in the range is selected as a whole, and its other days too,
    as what they take away.
    """
    whole = _of(by_month, names).where(between(by_month, FIRST, AFTER))
    return union_all(whole, *ends_of(by_day, names))


def ends_of(by_day: Table, names: Sequence[str], by: Sequence[str] = ()) -> Iterator[Rows]:
    """Select the days by which a range differs from its months, at both ends.

    Of either two, one is from a day to an earlier one, and so of no day.

    Args:
        by: what counts are of, besides whose they are.
    """
    added, taken_away = _of(by_day, names, by), _of(by_day, names, by, is_taken_away=True)
    yield added.where(between(by_day, BEGIN, FIRST))
    yield taken_away.where(between(by_day, FIRST, BEGIN))
    yield added.where(between(by_day, AFTER, END))
    yield taken_away.where(between(by_day, END, AFTER))


def between(
    rollup: Table, since: ColumnElement[date], until: ColumnElement[date]
) -> ColumnElement[bool]:
    """Say that a row begins on a day or later, and before another."""
    return (rollup.c.start >= since) & (rollup.c.start < until)


def _of(
    rollup: Table, names: Sequence[str], by: Sequence[str] = (), *, is_taken_away: bool = False
) -> Select[Any]:
    whose, *_ = rollup.primary_key.columns
    counts = (rollup.c[name] for name in names)
    signed = ((-one).label(one.name) for one in counts) if is_taken_away else counts
    return select(whose, *(rollup.c[name] for name in by), *signed)


def _nearest_month(day: date) -> date:
    first = day.replace(day=1)
    following = (first + 31 * DAY).replace(day=1)
    return first if day - first <= following - day else following
