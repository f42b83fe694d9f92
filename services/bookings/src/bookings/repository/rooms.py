"""Reads and writes the copy of rooms, with their policies."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from sqlalchemy import Row, Select, case, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from bookings.booking_statements import LOOK_BY_CUID, LOOK_BY_ID
from bookings.domain import Period, Person, Policy, Room
from bookings.repository.rows import Values, store_newer
from bookings.tables import EVERY_ROOM, policies, rooms
from common.db import fetch_hot

_POLICY_FIELDS: Final = tuple(field.name for field in fields(Policy))
_ROOM_FIELDS: Final = tuple(
    "id cuid name building timezone floor capacity is_active is_locked".split()
)
_own, _every = policies.alias("own_policy"), policies.alias("every_policy")
# A room has a policy of its own, or that of every room, or none: then the defaults hold.
POLICY_COLUMNS = [
    case((_own.c.room_id.is_not(None), _own.c[name]), else_=_every.c[name]).label(f"policy_{name}")
    for name in _POLICY_FIELDS
]
HAS_POLICY = func.coalesce(_own.c.room_id, _every.c.room_id).label("policy_room_id")
ROOM_COLUMNS = [column.label(f"room_{column.name}") for column in rooms.c]
ROOMS_WITH_POLICY = rooms.outerjoin(_own, _own.c.room_id == rooms.c.id).outerjoin(
    _every, _every.c.room_id == EVERY_ROOM
)


def room_of(row: Row[Any]) -> Room:
    """Make a room of a row of `ROOM_COLUMNS` and `POLICY_COLUMNS`."""
    policy = (
        Policy(**{name: getattr(row, f"policy_{name}") for name in _POLICY_FIELDS})
        if row.policy_room_id is not None
        else Policy()
    )
    return Room(
        id=row.room_id,
        cuid=row.room_cuid,
        name=row.room_name,
        building=row.room_building,
        timezone=row.room_timezone,
        floor=row.room_floor,
        capacity=row.room_capacity,
        amenities=tuple(row.room_amenities),
        images=tuple(row.room_images),
        is_active=row.room_is_active,
        is_locked=row.room_is_locked,
        restricted_roles=tuple(row.room_restricted_roles),
        policy=policy,
    )


@dataclass(frozen=True, slots=True)
class Look:
    """What else has to be asked before a room is booked; most often nothing.

    Args:
        may_be_closed: a blackout or a holiday touches the days of the period.
    """

    knows_caller: bool
    has_quota: bool
    may_be_closed: bool


def _room_of_look(row: Values) -> Room:
    has_policy = row["policy_room_id"] is not None
    policy = Policy(**{name: row[name] for name in _POLICY_FIELDS}) if has_policy else Policy()
    tuples: dict[str, Any] = {
        name: tuple(row[name]) for name in ("amenities", "images", "restricted_roles")
    }
    plain = {name: row[name] for name in _ROOM_FIELDS}
    return Room(**plain, **tuples, policy=policy)


class Rooms:
    """The copy of rooms, with their policies."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, room_id: int | str) -> Room | None:
        """Find a room by its integer id or its CUID."""
        row = await self._look(room_id, None, None, None, None)
        return _room_of_look(row) if row is not None else None

    async def look(
        self, room_id: int | str, period: Period, person: Person
    ) -> tuple[Room, Look] | None:
        """Find a room for somebody who wants it in a period, and what else there is to ask."""
        row = await self._look(room_id, period.start, period.end, person.role, person.id)
        if row is None:
            return None
        look = Look(row["knows_caller"], row["has_quota"], row["may_be_closed"])
        return _room_of_look(row), look

    async def _look(self, room_id: int | str, *wanted: object) -> Values | None:
        look = LOOK_BY_ID if isinstance(room_id, int) else LOOK_BY_CUID
        return await fetch_hot(self._session, look, room_id, *wanted)

    async def newest_id(self) -> int:
        """Return the highest integer id that a room has."""
        row = await fetch_hot(self._session, "SELECT max(id) AS id FROM bookings.rooms")
        return int(row["id"] or 0) if row is not None else 0

    async def lock(self, room_id: int) -> None:
        """Let nobody else change several bookings of a room until the transaction ends.

        A single insert needs no lock: the constraint judges it. Two transactions that each change
        several rows could wait for each other.
        """
        await self._session.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended('bookings/room', :room))"),
            {"room": room_id},
        )

    async def find(self, room_ids: Collection[int | str]) -> dict[int | str, int]:
        """Find rooms by their integer ids or their CUIDs; returns the integer ids of the known."""
        ids = [one for one in room_ids if isinstance(one, int)]
        cuids = [one for one in room_ids if isinstance(one, str)]
        wanted = or_(rooms.c.id == func.any(ids), rooms.c.cuid == func.any(cuids))
        found: dict[int | str, int] = {}
        for row in await self._session.execute(select(rooms.c.id, rooms.c.cuid).where(wanted)):
            found |= {row.id: row.id, row.cuid: row.id}
        return found

    async def hold(self, room_ids: Collection[int]) -> dict[int, Room]:
        """Let nobody else allocate seats of these rooms, nor change them, until the end.

        Whoever holds several takes them in this order; they can still be booked.
        """
        held: Select[Any] = (
            select(*ROOM_COLUMNS, *POLICY_COLUMNS, HAS_POLICY)
            .select_from(ROOMS_WITH_POLICY)
            .where(rooms.c.id == func.any(list(room_ids)))
            .order_by(rooms.c.id)
            .with_for_update(of=rooms, key_share=True)
        )
        return {row.room_id: room_of(row) for row in await self._session.execute(held)}

    async def store(self, rows: Sequence[Values]) -> None:
        """Take over what their owner tells, unless something newer is known."""
        await store_newer(self._session, rooms, rows)
