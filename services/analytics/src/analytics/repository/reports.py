"""Reads facts of a range of days, and the rooms they are of."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache, lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, Date, cast, func, select, text, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from analytics.domain import Days, Measured, Room
from analytics.repository import ranges
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

    async def by_room(self, span: Days, names: tuple[str, ...]) -> Mapping[int, Measured]:
        """Add measures up, by room; rooms without any are left out."""
        found = await ranges.read_as_one(self._session, _by_room(names), ranges.by_months(span))
        return {room_id: dict(zip(names, measured, strict=True)) for room_id, *measured in found}

    async def total(self, span: Days, names: tuple[str, ...]) -> Measured:
        """Add measures up over all rooms."""
        found = await ranges.read(self._session, _total(names), ranges.by_months(span))
        return {name: int(counted or 0) for name, counted in zip(names, found.one(), strict=True)}

    async def by_week(self, span: Days) -> Mapping[int, Mapping[date, int]]:
        """Add up for how many seconds rooms were booked, by room and Monday of the week."""
        found = await ranges.read(self._session, _BY_WEEK, ranges.by_weeks(span))
        return {
            room_id: dict(zip(starts, booked, strict=True)) for room_id, starts, booked in found
        }


@cache
def _by_room(names: tuple[str, ...]) -> ranges.Rows:
    return ranges.as_one(ranges.added_up(days, months, names))


@cache
def _total(names: tuple[str, ...]) -> ranges.Rows:
    part = ranges.rows_of(days, months, names).subquery()
    return select(*(func.sum(part.c[name]) for name in names))


def _by_week() -> ranges.Rows:
    """Select a row of each room: of each week, reading them would take most of the time."""
    monday = cast(func.date_trunc("week", days.c.start), Date).label("start")
    of_days = select(days.c.room_id, monday, days.c.booked_s)
    at_ends = union_all(
        of_days.where(ranges.between(days, ranges.BEGIN, ranges.FIRST)),
        of_days.where(ranges.between(days, ranges.AFTER, ranges.END)),
    ).subquery()
    summed = select(
        at_ends.c.room_id, at_ends.c.start, func.sum(at_ends.c.booked_s).label("booked_s")
    ).group_by(at_ends.c.room_id, at_ends.c.start)
    whole = select(weeks.c.room_id, weeks.c.start, weeks.c.booked_s)
    is_whole = ranges.between(weeks, ranges.FIRST, ranges.AFTER)
    both = union_all(whole.where(is_whole), summed).subquery()
    return select(
        both.c.room_id,
        func.array_agg(both.c.start),
        func.array_agg(cast(both.c.booked_s, BigInteger)),
    ).group_by(both.c.room_id)


_BY_WEEK: Final = _by_week()


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
