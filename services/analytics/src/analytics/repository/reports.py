"""Reads facts of a range of days, from as few rows as there are, and the rooms they are of."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Date,
    Result,
    Select,
    Table,
    cast,
    func,
    select,
    text,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession

from analytics.domain import DAY, Days, Measured, Room
from analytics.tables import days, months, rooms, weeks
from common.opening import Opening


class Reports:
    """Rooms and facts, as they are now."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def rooms(self) -> Sequence[Room]:
        """Return every room by name, also those that are no longer in use."""
        state = tuple((await self._session.execute(_STATE)).one())
        if state not in _ROOMS:
            found = await self._session.execute(select(rooms).order_by(rooms.c.name, rooms.c.id))
            _ROOMS.clear()
            _ROOMS[state] = tuple(_room(row) for row in found)
        return _ROOMS[state]

    async def by_room(self, span: Days, names: Sequence[str]) -> Mapping[int, Measured]:
        """Add measures up, by room; rooms without any are left out."""
        part = rows_of(span, days, months, names).subquery()
        sums = (cast(func.sum(part.c[name]), BigInteger).label(name) for name in names)
        of_rooms = select(part.c.room_id, *sums).group_by(part.c.room_id)
        return {
            room_id: dict(zip(names, measured, strict=True))
            for room_id, *measured in await read_as_one(self._session, of_rooms)
        }

    async def total(self, span: Days, names: Sequence[str]) -> Measured:
        """Add measures up over all rooms."""
        part = rows_of(span, days, months, names).subquery()
        sums = select(*(func.sum(part.c[name]) for name in names))
        found = await read_range(self._session, sums)
        return {name: int(counted or 0) for name, counted in zip(names, found.one(), strict=True)}

    async def by_week(self, span: Days) -> Mapping[int, Mapping[date, int]]:
        """Add up for how many seconds rooms were booked, by room and Monday of the week."""
        first, after = _whole_weeks(span)
        monday = cast(func.date_trunc("week", days.c.start), Date).label("start")
        by_day = select(days.c.room_id, monday, days.c.booked_s)
        end = span.last + DAY
        edges = union_all(
            by_day.where(*_from(days, span.first, min(first, end))),
            by_day.where(*_from(days, after, end)),
        ).subquery()
        summed = select(
            edges.c.room_id, edges.c.start, func.sum(edges.c.booked_s).label("booked_s")
        ).group_by(edges.c.room_id, edges.c.start)
        whole = select(weeks.c.room_id, weeks.c.start, weeks.c.booked_s)
        both = union_all(whole.where(*_from(weeks, first, after)), summed).subquery()
        # A row of each room: of each week, reading them would take most of the time.
        of_rooms = select(
            both.c.room_id,
            func.array_agg(both.c.start),
            func.array_agg(cast(both.c.booked_s, BigInteger)),
        ).group_by(both.c.room_id)
        found = await read_range(self._session, of_rooms)
        return {
            room_id: dict(zip(starts, booked, strict=True)) for room_id, starts, booked in found
        }


# Rooms change seldom and are read with each figure. Whatever changes one raises its version, and so
# the sum; of which tables, as a rebuild puts others there.
_STATE: Final = text("""
    SELECT current_database(), CAST(CAST(CAST('analytics.rooms' AS regclass) AS oid) AS bigint),
        count(*), sum(version)
    FROM analytics.rooms
""")
_ROOMS: Final[dict[tuple[Any, ...], Sequence[Room]]] = {}


def _room(row: Any) -> Room:  # noqa: ANN401 - SQLAlchemy's own
    has_windows = row.opens_from is not None and row.opens_until is not None
    first = (row.opens_from, row.opens_until) if has_windows else None
    opening = _opening(row.timezone, row.opens_at, row.closes_at, first, row.recurrence_rule)
    return Room(
        row.id,
        row.cuid,
        row.name,
        row.building_id,
        row.building,
        row.capacity,
        row.is_active,
        opening,
        row.created_at and row.created_at.astimezone(ZoneInfo(row.timezone)).date(),
    )


# One object for all rooms of a building: what is kept for it is found without comparing.
_opening: Final = lru_cache(maxsize=16_384)(Opening)


# Postgres plans a statement that comes often for whatever values, which takes ranges twice the
# time: one day and three years are not read alike. Until the transaction ends.
_PLAN_ANEW: Final = text("SET LOCAL plan_cache_mode = force_custom_plan")


async def read_range(
    session: AsyncSession, statement: Select[Any], given: Mapping[str, Any] | None = None
) -> Result[Any]:
    """Read what belongs to a range of days, by a plan for that range."""
    await session.execute(_PLAN_ANEW)
    return await session.execute(statement, given)


async def read_as_one(
    session: AsyncSession, statement: Select[Any], given: Mapping[str, Any] | None = None
) -> Iterator[tuple[Any, ...]]:
    """Read many rows of a range as one of lists: one by one they'd take as long as to add up."""
    rows = statement.subquery()
    lists = select(*(func.array_agg(column) for column in rows.columns))
    found: Sequence[Any] = (await read_range(session, lists, given)).one()
    return iter(()) if found[0] is None else zip(*found, strict=True)


def rows_of(
    span: Days, by_day: Table, by_month: Table, names: Sequence[str]
) -> CompoundSelect[Any]:
    """Select whole months as such, and by day what is left at both ends; whose comes first.

    What is selected is to be added up: a month of which more than half is in the span is selected
    as a whole, and so are the days that are not, as what they take away.
    """
    first, after = months_of(span)
    whole = _of(by_month, names).where(*_from(by_month, first, after))
    return union_all(whole, *ends_of(span, by_day, names))


def months_of(span: Days) -> tuple[date, date]:
    """Return the months nearest to a span: their first day, and the one after them.

    The two are the same where it takes fewer rows to read each day.
    """
    end = span.last + DAY
    first, after = _nearest_month(span.first), _nearest_month(end)
    at_ends = abs((span.first - first).days) + abs((after - end).days)
    return (first, after) if at_ends < len(span) else (end, end)


def ends_of(
    span: Days, by_day: Table, names: Sequence[str], by: Sequence[str] = ()
) -> Iterator[Select[Any]]:
    """Select the days by which a span differs from its months, at its beginning and its end.

    Args:
        by: what counts are of, besides whose they are.
    """
    (first, after), end = months_of(span), span.last + DAY
    for since, until in ((span.first, first), (after, end)):
        part = _of(by_day, names, by, is_taken_away=until < since)
        yield part.where(*_from(by_day, min(since, until), max(since, until)))


def _of(
    rollup: Table, names: Sequence[str], by: Sequence[str] = (), *, is_taken_away: bool = False
) -> Select[Any]:
    whose, *_ = rollup.primary_key.columns
    counts = (rollup.c[name] for name in names)
    signed = ((-one).label(one.name) for one in counts) if is_taken_away else counts
    return select(whose, *(rollup.c[name] for name in by), *signed)


def _from(rollup: Table, first: date, after: date) -> tuple[ColumnElement[bool], ...]:
    return rollup.c.start >= first, rollup.c.start < after


def _nearest_month(day: date) -> date:
    first, following = day.replace(day=1), _next_month(day)
    return first if day - first <= following - day else following


def _next_month(day: date) -> date:
    return (day.replace(day=1) + 31 * DAY).replace(day=1)


def _whole_weeks(span: Days) -> tuple[date, date]:
    first = span.first + -span.first.weekday() % 7 * DAY
    after = span.last + DAY - (span.last + DAY).weekday() * DAY
    return first, max(first, after)
