"""Reads and writes allocations, and sweeps the ledger of a room's seats."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Date,
    DateTime,
    Row,
    Select,
    cast,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncSession

from bookings.domain import Period
from bookings.tables import allocations, occurrences, rooms, terms
from bookings.terms import Allocation, Excess
from common.db import fetch_all_hot
from common.paging import Slice

# $1 to $4 what is to come: room, start, end, seats; $5 the allocations that it takes the place of.
# A moment sums what ends and what begins in it: who leaves makes room for who comes.
_SWEEP: Final = """
WITH coming AS (
    SELECT * FROM unnest($1::integer[], $2::timestamptz[], $3::timestamptz[], $4::integer[])
        AS one (room_id, starts_at, ends_at, seats)
), spans AS (
    SELECT room_id, min(starts_at) AS starts_at, max(ends_at) AS ends_at
    FROM coming GROUP BY room_id
), ledger AS (
    SELECT room_id, starts_at, ends_at, 0 AS before, seats AS after FROM coming
    UNION ALL
    SELECT one.room_id, taken.starts_at, taken.ends_at, one.allocated_seats,
        CASE WHEN leaving.id IS NULL THEN one.allocated_seats ELSE 0 END
    FROM spans
    JOIN bookings.allocations one ON one.room_id = spans.room_id
    JOIN bookings.occurrences taken ON taken.allocation_id = one.id
        AND taken.ends_at > spans.starts_at AND taken.starts_at < spans.ends_at
    LEFT JOIN unnest($5::integer[]) AS leaving (id) ON leaving.id = one.id
), moments AS (
    SELECT room_id, at, sum(before) AS before, sum(after) AS after
    FROM (
        SELECT room_id, starts_at AS at, before, after FROM ledger
        UNION ALL
        SELECT room_id, ends_at, -before, -after FROM ledger
    ) AS steps GROUP BY room_id, at
), levels AS (
    SELECT room_id, at, lead(at) OVER in_time AS until,
        sum(before) OVER in_time AS before, sum(after) OVER in_time AS after
    FROM moments WINDOW in_time AS (PARTITION BY room_id ORDER BY at)
)
SELECT levels.room_id, levels.at, levels.until, levels.after::bigint AS seats
FROM levels JOIN bookings.rooms ON rooms.id = levels.room_id
WHERE levels.after > rooms.capacity AND levels.after > levels.before
"""

# An array of days is no column of `unnest`: it comes as Postgres writes it.
_ADD: Final = """
INSERT INTO bookings.allocations (
    term_id, room_id, external_id, title, allocated_seats, starts_at, ends_at, recurrence_rule,
    exceptions
)
SELECT $1, room_id, external_id, title, seats, starts_at, ends_at, rule, exceptions::date[]
FROM unnest(
    $2::integer[], $3::text[], $4::text[], $5::integer[], $6::timestamptz[], $7::timestamptz[],
    $8::text[], $9::text[]
) WITH ORDINALITY AS one (
    room_id, external_id, title, seats, starts_at, ends_at, rule, exceptions, place
) ORDER BY place
RETURNING id, external_id
"""
_CHANGE: Final = """
UPDATE bookings.allocations SET version = one.version, room_id = one.room_id, title = one.title,
    allocated_seats = one.seats, starts_at = one.starts_at, ends_at = one.ends_at,
    recurrence_rule = one.rule, exceptions = one.exceptions::date[]
FROM unnest(
    $1::integer[], $2::integer[], $3::integer[], $4::text[], $5::integer[], $6::timestamptz[],
    $7::timestamptz[], $8::text[], $9::text[]
) AS one (id, version, room_id, title, seats, starts_at, ends_at, rule, exceptions)
WHERE allocations.id = one.id
"""
_ADD_OCCURRENCES: Final = """
INSERT INTO bookings.occurrences (allocation_id, starts_at, ends_at)
SELECT * FROM unnest($1::integer[], $2::timestamptz[], $3::timestamptz[])
"""
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationFilter:
    """Which allocations are wanted; None wants nothing.

    Args:
        room: its integer id or its CUID.
        during: they take place in a part of this period.
        on: they take place on a part of this local day.
        beside: they take place before the first or after the last of these local days.
    """

    id: int | None = None
    term_id: int | None = None
    room: int | str | None = None
    only_published: bool = False
    only_of_timetable: bool = False
    during: Period | None = None
    on: date | None = None
    beside: tuple[date, date] | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what the columns of allocations, rooms and terms must be."""
        wanted: list[ColumnElement[bool]] = []
        if self.id is not None:
            wanted.append(allocations.c.id == self.id)
        if self.term_id is not None:
            wanted.append(allocations.c.term_id == self.term_id)
        if self.room is not None:
            column = rooms.c.id if isinstance(self.room, int) else rooms.c.cuid
            wanted.append(column == self.room)
        if self.only_published:
            wanted.append(terms.c.is_published)
        if self.only_of_timetable:
            wanted.append(allocations.c.external_id.is_not(None))
        taken = occurrences.c
        if self.during is not None:
            after, before = taken.ends_at > self.during.start, taken.starts_at < self.during.end
            wanted.append(_takes_place(after, before))
        if self.on is not None:
            start, end = _midnight(self.on), _midnight(self.on + _DAY)
            # No zone is further away than a day, and that much the index knows.
            near = taken.ends_at > datetime.combine(self.on - _DAY, time.min, UTC)
            wanted.append(_takes_place(near, taken.ends_at > start, taken.starts_at < end))
        if self.beside is not None:
            start, end = _midnight(self.beside[0]), _midnight(self.beside[1] + _DAY)
            wanted.append(_takes_place(or_(taken.starts_at < start, taken.ends_at > end)))
        return wanted


def _takes_place(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(occurrences.c.allocation_id == allocations.c.id, *conditions)


def _midnight(day: date) -> ColumnElement[datetime]:
    """Return when a day begins in the zone of the room's building."""
    return func.timezone(rooms.c.timezone, cast(literal(day, Date), DateTime))


_FROM: Final = allocations.join(rooms, rooms.c.id == allocations.c.room_id).join(
    terms, terms.c.id == allocations.c.term_id
)
_STARTS: Final = func.array(
    select(occurrences.c.starts_at)
    .where(occurrences.c.allocation_id == allocations.c.id)
    .order_by(occurrences.c.starts_at)
    .scalar_subquery()
).label("starts")


def _find(wanted: AllocationFilter) -> Select[Any]:
    found = select(allocations, rooms.c.cuid.label("room_cuid"), _STARTS).select_from(_FROM)
    return found.where(*wanted.conditions())


def _allocation_of(row: Row[Any]) -> Allocation:
    first = Period(row.starts_at, row.ends_at)
    length = first.length
    return Allocation(
        id=row.id,
        version=row.version,
        term_id=row.term_id,
        room_id=row.room_id,
        room_cuid=row.room_cuid,
        external_id=row.external_id,
        title=row.title,
        allocated_seats=row.allocated_seats,
        first=first,
        recurrence_rule=row.recurrence_rule,
        exceptions=tuple(row.exceptions),
        occurrences=tuple(Period(start, start + length) for start in row.starts),
    )


class Allocations:
    """Seats of rooms, allocated in terms."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def count(self, wanted: AllocationFilter) -> int:
        """Count allocations."""
        counted = select(func.count()).select_from(_FROM).where(*wanted.conditions())
        return int(await self._session.scalar(counted) or 0)

    async def find(self, wanted: AllocationFilter, part: Slice | None = None) -> list[Allocation]:
        """List a part of some allocations, by their first start."""
        found = _find(wanted).order_by(allocations.c.starts_at, allocations.c.id)
        if part is not None:
            found = found.offset(part.offset).limit(part.limit)
        return [_allocation_of(row) for row in await self._session.execute(found)]

    async def get(self, allocation_id: int, *, only_published: bool = False) -> Allocation | None:
        """Find one."""
        wanted = AllocationFilter(id=allocation_id, only_published=only_published)
        row = (await self._session.execute(_find(wanted))).first()
        return _allocation_of(row) if row else None

    async def be_patient(self) -> None:
        """Wait longer for locks than others do: for somebody who writes a whole timetable."""
        await self._session.execute(text("SET LOCAL lock_timeout = '20s'"))

    async def excesses(
        self, coming: Sequence[Allocation], leaving: Sequence[int]
    ) -> Mapping[int, list[Excess]]:
        """List by room when it would have too few seats, if some came and others left.

        A room that has lost seats may have too few of them already: that counts only where it
        would be worse. The rooms must be held until the transaction ends.
        """
        taken = [(one, period) for one in coming for period in one.occurrences]
        rows = await fetch_all_hot(
            self._session,
            _SWEEP,
            [one.room_id for one, _ in taken],
            [period.start for _, period in taken],
            [period.end for _, period in taken],
            [one.allocated_seats for one, _ in taken],
            leaving,
        )
        found: dict[int, list[Excess]] = {}
        for row in rows:
            excess = Excess(Period(row["at"], row["until"]), row["seats"])
            found.setdefault(row["room_id"], []).append(excess)
        return found

    async def add(self, new: Sequence[Allocation]) -> list[Allocation]:
        """Store allocations of one term, all but one with an external id; returns them with ids."""
        if not new:
            return []
        columns = _columns(new)
        external_ids = [one.external_id for one in new]
        rows = await fetch_all_hot(
            self._session, _ADD, new[0].term_id, columns[0], external_ids, *columns[1:]
        )
        ids = {row["external_id"]: row["id"] for row in rows}
        made = [replace(one, id=ids[one.external_id]) for one in new]
        await self._add_occurrences(made)
        return made

    async def change(self, changed: Sequence[Allocation]) -> None:
        """Store allocations as they are now."""
        if not changed:
            return
        ids = [one.id for one in changed]
        versions = [one.version for one in changed]
        await fetch_all_hot(self._session, _CHANGE, ids, versions, *_columns(changed))
        gone = delete(occurrences).where(occurrences.c.allocation_id == func.any(ids))
        await self._session.execute(gone)
        await self._add_occurrences(changed)

    async def remove(self, ids: Sequence[int]) -> None:
        """Delete allocations."""
        await self._session.execute(delete(allocations).where(allocations.c.id == func.any(ids)))

    async def _add_occurrences(self, of: Iterable[Allocation]) -> None:
        taken = [(one.id, period) for one in of for period in one.occurrences]
        await fetch_all_hot(
            self._session,
            _ADD_OCCURRENCES,
            [allocation_id for allocation_id, _ in taken],
            [period.start for _, period in taken],
            [period.end for _, period in taken],
        )


def _columns(of: Sequence[Allocation]) -> list[list[Any]]:
    return [
        [one.room_id for one in of],
        [one.title for one in of],
        [one.allocated_seats for one in of],
        [one.first.start for one in of],
        [one.first.end for one in of],
        [one.recurrence_rule for one in of],
        [f"{{{','.join(map(str, one.exceptions))}}}" for one in of],
    ]
