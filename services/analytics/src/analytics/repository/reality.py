"""Reads what was measured, beside what was booked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Integer, Select, bindparam, cast, func, null, select, union_all
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from analytics.domain import HOURS, Days
from analytics.repository.reports import read_as_one, rows_of
from analytics.tables import (
    PARTIES,
    THROUGH,
    cameras,
    door_days,
    door_months,
    party_days,
    party_months,
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
        p95: of those; None: nobody was seen.
        parties, largest: of those, and where no camera looked, of who was invited.
    """

    measured: int = 0
    ghosts: int = 0
    no_shows: int = 0
    empty_s: int = 0
    seen_parties: int = 0
    seen_people: int = 0
    p95: int | None = None
    parties: int = 0
    largest: int = 0


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
        known = await read_as_one(self._session, _parties(days), {"rooms": room_ids})
        by_room = {room_id: Parties(*values) for room_id, *values in known}
        return by_room, by_room.pop(None, Parties())

    async def presence(self, days: Days) -> Mapping[int, Presence]:
        """Add up by room; those of which nothing was measured are left out."""
        sums = func.sum(presence.c.occupied_s), func.sum(presence.c.unbooked_s)
        found = await self._session.execute(
            select(presence.c.room_id, *sums)
            .where(presence.c.day.between(days.first, days.last))
            .group_by(presence.c.room_id)
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
    """Select the parties by room and, without one, of all of `rooms`, from how many had a size.

    The 95th of a hundred is the least that so many are not above (nearest rank).
    """
    part = rows_of(days, party_days, party_months, ("size", *PARTIES)).subquery()
    sums = [cast(func.sum(part.c[name]), BigInteger).label(name) for name in PARTIES]
    # Added up once, over all rooms: to look for each of so many rows' room among those asked for,
    # and to add up a second time for all of them, takes as long again.
    of_rooms = (
        select(part.c.room_id, part.c.size, *sums).group_by(part.c.room_id, part.c.size).cte()
    )
    asked = of_rooms.c.room_id == func.any(bindparam("rooms", type_=ARRAY(Integer)))
    of_all = [cast(func.sum(of_rooms.c[name]), BigInteger) for name in PARTIES]
    by_size = union_all(
        select(of_rooms).where(asked),
        select(cast(null(), Integer), of_rooms.c.size, *of_all)
        .where(asked)
        .group_by(of_rooms.c.size),
    ).cte("by_size")
    came = func.sum(by_size.c.seen).filter(by_size.c.size > 0)
    ranked = select(
        by_size,
        came.over(partition_by=by_size.c.room_id, order_by=by_size.c.size).label("up_to_here"),
        came.over(partition_by=by_size.c.room_id).label("of_all"),
    ).subquery()
    seen, size, told = ranked.c.seen, ranked.c.size, ranked.c.told
    is_party = size > 0
    is_95th = ranked.c.up_to_here * 100 >= ranked.c.of_all * 95
    p95 = func.min(size).filter(is_party, seen > 0, is_95th)
    counts = (
        func.sum(seen),
        func.sum(seen).filter(~is_party),
        func.sum(ranked.c.no_shows),
        func.sum(ranked.c.empty_s),
        func.sum(seen).filter(is_party),
        func.sum(seen * size),
        p95,
        func.sum(seen + told).filter(is_party),
        func.max(size).filter(is_party),
    )
    # Of nobody there is no 95th; of all others there are none.
    whole = (one if one is p95 else func.coalesce(cast(one, BigInteger), 0) for one in counts)
    return select(ranked.c.room_id, *whole).group_by(ranked.c.room_id)
