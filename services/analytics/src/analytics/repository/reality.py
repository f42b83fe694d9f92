"""Reads what was measured, beside what was booked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Date,
    FromClause,
    Integer,
    bindparam,
    func,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from analytics.domain import DAY, HOURS, Days
from analytics.repository import ranges
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
        given = {**_so_far(days), "rooms": room_ids}
        rows = list(await ranges.read_as_one(self._session, _PARTIES, given))
        if not rows:
            return {}, Parties()
        by_room = {room_id: Parties(*known) for room_id, *known, _ in rows}
        _, *counts, largest, _, p95 = zip(*rows, strict=True)
        of_all = [*(sum(of_rooms) for of_rooms in counts), max(largest), p95[0]]
        return by_room, Parties(*of_all)

    async def presence(self, days: Days) -> Mapping[int, Presence]:
        """Add up by room; those of which nothing was measured are left out."""
        found = await ranges.read(self._session, _PRESENCE, ranges.by_months(days))
        return {row[0]: Presence(int(row[1]), int(row[2])) for row in found}

    async def doors(self) -> list[Door]:
        """Return every camera by name, also those that are no longer in use."""
        wanted = (cameras.c.id, cameras.c.code, cameras.c.name, cameras.c.type, cameras.c.room_id)
        found = await self._session.execute(select(*wanted).order_by(cameras.c.name, cameras.c.id))
        return [Door(*row) for row in found]

    async def flow(self, days: Days, camera_ids: Sequence[int]) -> Mapping[int, Through]:
        """Return how many went by, by camera; those by which nobody went are left out."""
        given = {**ranges.by_months(days), "cameras": camera_ids}
        found = await ranges.read_as_one(self._session, _FLOW, given)
        hours = len(HOURS)
        return {camera_id: Through(counts[:hours], counts[hours:]) for camera_id, *counts in found}


def _parties() -> ranges.Rows:
    """Select what is known of parties by room, of those among `rooms`, and the p95 of them all."""
    part = _sized().subquery()
    sums = (ranges.whole(func.sum(part.c[name])).label(name) for name in PARTIES)
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
    named = (ranges.whole(count).label(f"count_{number}") for number, count in enumerate(counts))
    of_rooms = select(room_id, *named, func.max(size).label("largest")).group_by(room_id).subquery()
    came = select(room_id, size, seen).where(is_party, seen > 0).cte("came")
    of_all = select(came.c.size, ranges.whole(func.sum(came.c.seen)).label("seen")).group_by(
        came.c.size
    )
    by_room = _p95(came, came.c.room_id).subquery()
    return select(
        of_rooms, by_room.c.p95, _p95(of_all.subquery()).scalar_subquery().label("p95_of_all")
    ).join_from(of_rooms, by_room, by_room.c.room_id == of_rooms.c.room_id, isouter=True)


def _sized() -> CompoundSelect[Any]:
    """Select how many parties of a size there were, to be added up: few rows of what is long ago.

    What was known as the range began is taken away.
    """
    counts = [parties_so_far.c[name] for name in PARTIES]
    known = select(parties_so_far.c.room_id, parties_so_far.c.size)
    return union_all(
        known.add_columns(*counts).where(parties_so_far.c.start == func.any(_dates("known_by"))),
        known.add_columns(*(-one for one in counts)).where(
            parties_so_far.c.start == func.any(_dates("known_before"))
        ),
        *ranges.ends_of(party_days, PARTIES, by=("size",)),
    )


def _so_far(days: Days) -> dict[str, Any]:
    """Return the ends of a range, and the months by whose ends its parties are known.

    Those are the Decembers of its years and, of the last year, its last month.
    """
    ends = ranges.by_months(days)
    first, after = ends["first"], ends["after"]
    if first == after:
        return {**ends, "known_by": [], "known_before": []}
    last = after - DAY
    decembers = [date(year, 12, 1) for year in range(first.year, last.year)]
    before = [] if first.month == 1 else [(first - DAY).replace(day=1)]
    return {**ends, "known_by": [*decembers, last.replace(day=1)], "known_before": before}


def _dates(name: str) -> ColumnElement[Any]:
    return bindparam(name, type_=ARRAY(Date))


def _p95(came: FromClause, *of: ColumnElement[Any]) -> ranges.Rows:
    """Select the least size that 95 of 100 are not above (nearest rank)."""
    seen = func.sum(came.c.seen)
    up_to_here = seen.over(partition_by=of, order_by=came.c.size).label("up_to_here")
    ranked = select(
        *of, came.c.size, up_to_here, seen.over(partition_by=of).label("of_all")
    ).subquery()
    whose = [ranked.c[one.name] for one in of]
    is_95th = ranked.c.up_to_here * 100 >= ranked.c.of_all * 95
    return select(*whose, func.min(ranked.c.size).label("p95")).where(is_95th).group_by(*whose)


def _presence() -> ranges.Rows:
    sums = func.sum(presence.c.occupied_s), func.sum(presence.c.unbooked_s)
    is_in = (presence.c.day >= ranges.BEGIN) & (presence.c.day < ranges.END)
    return select(presence.c.room_id, *sums).where(is_in).group_by(presence.c.room_id)


def _flow() -> ranges.Rows:
    of_cameras = ranges.added_up(door_days, door_months, THROUGH)
    camera_id, *_ = of_cameras.selected_columns
    return of_cameras.where(camera_id == func.any(bindparam("cameras", type_=ARRAY(Integer))))


_PARTIES: Final = ranges.as_one(_parties())
_PRESENCE: Final = _presence()
_FLOW: Final = ranges.as_one(_flow())
