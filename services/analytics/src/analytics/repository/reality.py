"""Reads what was measured, beside what was booked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    FromClause,
    Integer,
    Select,
    bindparam,
    cast,
    func,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from analytics.domain import DAY, HOURS, Days
from analytics.repository.reports import ends_of, months_of, read_as_one, read_range, rows_of
from analytics.tables import (
    PARTIES,
    THROUGH,
    cameras,
    door_days,
    door_months,
    parties_so_far,
    party_days,
    presence,
)


@dataclass(frozen=True, slots=True)
class Parties:
    """What is known of the bookings that begin in a range, of a room or of several.

    Args:
        measured: bookings during which cameras looked.
        ghosts, no_shows: of those, where nobody was seen, and where nobody has checked in.
        empty_s: seconds for which rooms were held and empty.
        seen_parties, seen_people: bookings in which somebody was seen, and the most people at once
            of each, added up.
        parties, largest: of those, and where no camera looked, of who was invited.
        p95: of those in which somebody was seen; None: there are none.
    """

    measured: int = 0
    ghosts: int = 0
    no_shows: int = 0
    empty_s: int = 0
    seen_parties: int = 0
    seen_people: int = 0
    parties: int = 0
    largest: int = 0
    p95: int | None = None


@dataclass(frozen=True, slots=True)
class Presence:
    """For how long somebody was in a room, and outside any booking."""

    occupied_s: int
    unbooked_s: int


@dataclass(frozen=True, slots=True)
class Door:
    """A camera, as its owner has last told."""

    id: int
    code: str
    name: str
    type: str
    room_id: int | None


@dataclass(frozen=True, slots=True)
class Through:
    """How many went in and out by a door, by the hour of the clock at it."""

    entries: Sequence[int]
    exits: Sequence[int]


class Reality:
    """What cameras have told, as it is now."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def parties(
        self, days: Days, room_ids: Sequence[int]
    ) -> tuple[Mapping[int, Parties], Parties]:
        """Return what is known by room, and of all of these rooms."""
        rows = list(await read_as_one(self._session, _parties(days), {"rooms": room_ids}))
        if not rows:
            return {}, Parties()
        by_room = {room_id: Parties(*known) for room_id, *known, _ in rows}
        _, *counts, largest, _, p95 = zip(*rows, strict=True)
        return by_room, Parties(*map(sum, counts), max(largest), p95[0])

    async def presence(self, days: Days) -> Mapping[int, Presence]:
        """Add up by room; those of which nothing was measured are left out."""
        sums = func.sum(presence.c.occupied_s), func.sum(presence.c.unbooked_s)
        there = select(presence.c.room_id, *sums).group_by(presence.c.room_id)
        found = await read_range(
            self._session, there.where(presence.c.day.between(days.first, days.last))
        )
        return {row[0]: Presence(int(row[1]), int(row[2])) for row in found}

    async def doors(self) -> list[Door]:
        """Return every camera by name, also those that are no longer in use."""
        wanted = (cameras.c.id, cameras.c.code, cameras.c.name, cameras.c.type, cameras.c.room_id)
        found = await self._session.execute(select(*wanted).order_by(cameras.c.name, cameras.c.id))
        return [Door(*row) for row in found]

    async def flow(self, days: Days, camera_ids: Sequence[int]) -> Mapping[int, Through]:
        """Return how many went by, by camera; those by which nobody went are left out."""
        part = rows_of(days, door_days, door_months, THROUGH).subquery()
        sums = (cast(func.sum(part.c[name]), BigInteger).label(name) for name in THROUGH)
        of_doors = (
            select(part.c.camera_id, *sums)
            .where(part.c.camera_id == func.any(bindparam("cameras", type_=ARRAY(Integer))))
            .group_by(part.c.camera_id)
        )
        found = await read_as_one(self._session, of_doors, {"cameras": camera_ids})
        hours = len(HOURS)
        return {camera_id: Through(counts[:hours], counts[hours:]) for camera_id, *counts in found}


def _parties(days: Days) -> Select[Any]:
    """Select what is known of parties by room, of those among `rooms`, and the p95 of them all."""
    part = _sized(days).subquery()
    sums = (_whole(func.sum(part.c[name])).label(name) for name in PARTIES)
    by_size = (
        select(part.c.room_id, part.c.size, *sums)
        .where(part.c.room_id == func.any(bindparam("rooms", type_=ARRAY(Integer))))
        .group_by(part.c.room_id, part.c.size)
        .having(func.sum(part.c.seen) + func.sum(part.c.told) > 0)
        .cte("by_size")
    )
    room_id, size, seen = by_size.c.room_id, by_size.c.size, by_size.c.seen
    is_party = size > 0
    counts = (
        func.sum(seen),
        func.sum(seen).filter(~is_party),
        func.sum(by_size.c.no_shows),
        func.sum(by_size.c.empty_s),
        func.sum(seen).filter(is_party),
        func.sum(seen * size),
        func.sum(seen + by_size.c.told).filter(is_party),
    )
    named = (_whole(count).label(f"count_{number}") for number, count in enumerate(counts))
    of_rooms = select(room_id, *named, func.max(size).label("largest")).group_by(room_id).subquery()
    came = select(room_id, size, seen).where(is_party, seen > 0).cte("came")
    of_all = select(came.c.size, _whole(func.sum(came.c.seen)).label("seen")).group_by(came.c.size)
    by_room = _p95(came, came.c.room_id).subquery()
    return select(
        of_rooms, by_room.c.p95, _p95(of_all.subquery()).scalar_subquery().label("p95_of_all")
    ).join_from(of_rooms, by_room, by_room.c.room_id == of_rooms.c.room_id, isouter=True)


def _sized(days: Days) -> CompoundSelect[Any]:
    """Select how many parties of a size there were, to be added up: few rows of what is long ago.

    Of each year, what is known at its end, of the last one at the end of the last month; what is
    known at the beginning is taken away.
    """
    ends, begins = [], []
    first, after = months_of(days)
    if first < after:
        last = after - DAY
        ends = [date(year, 12, 1) for year in range(first.year, last.year)] + [last.replace(day=1)]
        begins = [] if first.month == 1 else [(first - DAY).replace(day=1)]
    so_far = select(parties_so_far.c.room_id, parties_so_far.c.size)
    counts = [parties_so_far.c[name] for name in PARTIES]
    return union_all(
        so_far.add_columns(*counts).where(parties_so_far.c.start.in_(ends)),
        so_far.add_columns(*(-one for one in counts)).where(parties_so_far.c.start.in_(begins)),
        *ends_of(days, party_days, PARTIES, by=("size",)),
    )


def _p95(came: FromClause, *of: ColumnElement[Any]) -> Select[Any]:
    """Select the least size that 95 of 100 are not above (nearest rank)."""
    seen = func.sum(came.c.seen)
    up_to_here = seen.over(partition_by=of, order_by=came.c.size).label("up_to_here")
    ranked = select(
        *of, came.c.size, up_to_here, seen.over(partition_by=of).label("of_all")
    ).subquery()
    whose = [ranked.c[one.name] for one in of]
    is_95th = ranked.c.up_to_here * 100 >= ranked.c.of_all * 95
    return select(*whose, func.min(ranked.c.size).label("p95")).where(is_95th).group_by(*whose)


def _whole(counted: ColumnElement[Any]) -> ColumnElement[int]:
    """Say that it is a whole number: what follows from Postgres' own sums is slow."""
    return cast(func.coalesce(counted, 0), BigInteger)
