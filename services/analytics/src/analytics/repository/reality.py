"""Reads what was measured, beside what was booked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from analytics.domain import HOURS, Days
from analytics.repository.reports import rows_of
from analytics.tables import THROUGH, cameras, door_days, door_months, presence

# A party is who was counted, else who was invited; nobody has come to a ghost or a no-show. The
# 95th of a hundred is the least that so many are not above (nearest rank).
_PARTIES: Final = text("""
    SELECT room_id, count(seen) AS measured, count(*) FILTER (WHERE seen = 0) AS ghosts,
        count(*) FILTER (WHERE is_no_show AND seen IS NOT NULL) AS no_shows,
        coalesce(sum(empty_s), 0)::bigint AS empty_s,
        count(*) FILTER (WHERE seen > 0) AS seen_parties,
        coalesce(sum(seen), 0)::bigint AS seen_people,
        percentile_disc(0.95) WITHIN GROUP (ORDER BY seen) FILTER (WHERE seen > 0) AS p95,
        count(*) FILTER (WHERE party > 0) AS parties,
        coalesce(max(party), 0) AS largest
    FROM (
        SELECT room_id, seen, empty_s, is_no_show,
            coalesce(seen, CASE WHEN is_no_show THEN 0 ELSE attendees END) AS party
        FROM analytics.bookings
        WHERE is_counted AND room_id = ANY(:rooms)
            AND starts_at >= CAST(:first AS date) - interval '1 day'
            AND starts_at < CAST(:last AS date) + interval '2 days'
            AND (starts_at AT TIME ZONE timezone)::date BETWEEN :first AND :last
    ) AS begun
    GROUP BY GROUPING SETS ((room_id), ())
""")


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
        given = {"rooms": room_ids, "first": days.first, "last": days.last}
        by_room: dict[int, Parties] = {}
        total = Parties()
        for room_id, *values in await self._session.execute(_PARTIES, given):
            if room_id is None:
                total = Parties(*values)
            else:
                by_room[room_id] = Parties(*values)
        return by_room, total

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
        sums = (func.sum(part.c[name]) for name in THROUGH)
        found = await self._session.execute(
            select(part.c.camera_id, *sums)
            .where(part.c.camera_id.in_(camera_ids))
            .group_by(part.c.camera_id)
        )
        hours = len(HOURS)
        return {row[0]: Through(row[1 : hours + 1], row[hours + 1 :]) for row in found}
