"""Rooms with their buildings and amenities."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    String,
    cast,
    delete,
    exists,
    func,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by, insert
from sqlalchemy.ext.asyncio import AsyncSession

from common.paging import Slice
from rooms.domain import RESERVED_AHEAD, Amenity, Building, Room, Status, status_of
from rooms.tables import (
    amenities,
    buildings,
    room_amenities,
    room_bookings,
    room_levels,
    rooms,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomFilter:
    """Which rooms are wanted; None and empty mean all of them.

    Args:
        name, building: part of the name, whatever the case.
        building_is: the building's id or whole name.
        search: part of the room's or the building's name.
        amenities: names of which a room must have all, whatever the case.
        amenity_is: the whole name of one that it must have.
        starts_from, ends_by: bounds of the first opening window.
    """

    only_active: bool = False
    name: str | None = None
    building: str | None = None
    building_is: str | None = None
    search: str | None = None
    floor: int | None = None
    min_capacity: int | None = None
    max_capacity: int | None = None
    starts_from: datetime | None = None
    ends_by: datetime | None = None
    amenities: tuple[str, ...] = ()
    amenity_is: str | None = None


# `directory` may order by these; a leading minus turns the order around.
_ORDERS: Final[Mapping[str, ColumnElement[Any]]] = {
    "id": rooms.c.id,
    "name": func.lower(rooms.c.name),
    "capacity": rooms.c.capacity,
    "location": func.lower(buildings.c.name),
    # Of `university`, whose clients do not choose.
    "building": func.lower(buildings.c.name),
    "start_datetime": rooms.c.opens_from,
    "end_datetime": rooms.c.opens_until,
}

# In the order in which they were given.
_given = (room_amenities.c.position, amenities.c.id)
_having = (
    select(
        func.array_agg(aggregate_order_by(amenities.c.id, *_given)).label("amenity_ids"),
        func.array_agg(aggregate_order_by(amenities.c.name, *_given)).label("amenity_names"),
    )
    .join(room_amenities, room_amenities.c.amenity_id == amenities.c.id)
    .where(room_amenities.c.room_id == rooms.c.id)
    .lateral("having")
)
_places = rooms.join(buildings, buildings.c.id == rooms.c.building_id)
_columns = (
    *(column for column in rooms.c if column.name != "building_id"),
    buildings.c.id.label("building_id"),
    buildings.c.name.label("building_name"),
    buildings.c.timezone,
    buildings.c.opens_at,
    buildings.c.closes_at,
    _having.c.amenity_ids,
    _having.c.amenity_names,
)


def _room(row: Row[Any]) -> Room:
    return Room(
        id=row.id,
        cuid=row.cuid,
        version=row.version,
        name=row.name,
        building=Building(
            row.building_id, row.building_name, row.timezone, row.opens_at, row.closes_at
        ),
        floor=row.floor,
        capacity=row.capacity,
        amenities=tuple(map(Amenity, row.amenity_ids or (), row.amenity_names or ())),
        images=tuple(row.images),
        is_active=row.is_active,
        is_locked=row.is_locked,
        restricted_roles=tuple(row.restricted_roles),
        opens_from=row.opens_from,
        opens_until=row.opens_until,
        recurrence_rule=row.recurrence_rule,
        created_at=row.created_at,
    )


def _part_of(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    return column.icontains(text, autoescape=True)


def _building_is(name_or_id: str) -> ColumnElement[bool]:
    by_id = cast(buildings.c.id, String) == name_or_id
    return or_(by_id, func.lower(buildings.c.name) == name_or_id.lower())


def _having_all(names: Sequence[str]) -> ColumnElement[bool]:
    having = (
        select(room_amenities.c.room_id)
        .join(amenities, amenities.c.id == room_amenities.c.amenity_id)
        .where(func.lower(amenities.c.name).in_({name.lower() for name in names}))
        .group_by(room_amenities.c.room_id)
        .having(func.count(func.lower(amenities.c.name).distinct()) == len(set(names)))
    )
    return rooms.c.id.in_(having)


def _having_one(name: str) -> ColumnElement[bool]:
    having = select(room_amenities.c.room_id).join(amenities).where(amenities.c.name == name)
    return rooms.c.id.in_(having)


_CONDITIONS: Final[Mapping[str, Callable[[Any], ColumnElement[bool]]]] = {
    "only_active": lambda _: rooms.c.is_active.is_(True),
    "name": lambda text: _part_of(rooms.c.name, text),
    "building": lambda text: _part_of(buildings.c.name, text),
    "building_is": _building_is,
    "search": lambda text: or_(_part_of(rooms.c.name, text), _part_of(buildings.c.name, text)),
    "floor": lambda floor: rooms.c.floor == floor,
    "min_capacity": lambda seats: rooms.c.capacity >= seats,
    "max_capacity": lambda seats: rooms.c.capacity <= seats,
    "starts_from": lambda moment: rooms.c.opens_from >= moment,
    "ends_by": lambda moment: rooms.c.opens_until <= moment,
    "amenities": _having_all,
    "amenity_is": _having_one,
}


def _conditions(wanted: RoomFilter) -> Iterable[ColumnElement[bool]]:
    for name, condition in _CONDITIONS.items():
        value = getattr(wanted, name)
        if value is not None and value is not False and value not in {"", ()}:
            yield condition(value)


def _ordering(names: Sequence[str]) -> list[ColumnElement[Any]]:
    chosen: list[ColumnElement[Any]] = []
    for name in names:
        column = _ORDERS.get(name.removeprefix("-"))
        if column is not None:
            chosen.append(column.desc() if name.startswith("-") else column.asc())
    return [*chosen, rooms.c.id]


class Rooms:
    """Rooms with their buildings and amenities, in the caller's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def count(self, wanted: RoomFilter) -> int:
        """Count the rooms of a filter."""
        counted = select(func.count()).select_from(_places).where(*_conditions(wanted))
        return int(await self._session.scalar(counted) or 0)

    async def find(
        self, wanted: RoomFilter, *, order: Sequence[str] = (), part: Slice | None = None
    ) -> list[Room]:
        """List the rooms of a filter, or a part of them."""
        found = _rooms(*_conditions(wanted)).order_by(*_ordering(order))
        if part is not None:
            found = found.offset(part.offset).limit(part.limit)
        return [_room(row) for row in await self._session.execute(found)]

    async def find_with_status(
        self, wanted: RoomFilter, *, now: datetime, order: Sequence[str] = ()
    ) -> list[tuple[Room, Status]]:
        """List the rooms of a filter, each with what it shows now."""
        found = _with_status(_rooms(*_conditions(wanted)), now).order_by(*_ordering(order))
        return [(_room(row), _status(row)) for row in await self._session.execute(found)]

    async def get_with_status(
        self, room_id: int | str, *, now: datetime
    ) -> tuple[Room, Status] | None:
        """Find a room by either id, with what it shows now."""
        row = (await self._session.execute(_with_status(_rooms(_id_is(room_id)), now))).first()
        return (_room(row), _status(row)) if row else None

    async def get(self, room_id: int | str, *, lock: bool = False) -> Room | None:
        """Find a room by its integer id or its CUID.

        Args:
            lock: hold the row until the transaction ends, to change it.
        """
        found = _rooms(_id_is(room_id))
        if lock:
            found = found.with_for_update(of=rooms, key_share=True)
        row = (await self._session.execute(found)).first()
        return _room(row) if row else None

    async def of(self, kind: str, entry_id: int) -> list[Room]:
        """List the rooms of a building, or those that have an amenity."""
        having = select(room_amenities.c.room_id).where(room_amenities.c.amenity_id == entry_id)
        refers = rooms.c.building_id == entry_id if kind == "location" else rooms.c.id.in_(having)
        found = _rooms(refers).order_by(rooms.c.id)
        return [_room(row) for row in await self._session.execute(found)]

    async def active_by_building(self) -> list[tuple[str, int]]:
        """Count the active rooms of each building, those without included, by name."""
        active = func.count(rooms.c.id).filter(rooms.c.is_active)
        joined = buildings.outerjoin(rooms, rooms.c.building_id == buildings.c.id)
        counted = (
            select(buildings.c.name, active)
            .select_from(joined)
            .group_by(buildings.c.id)
            .order_by(func.lower(buildings.c.name), buildings.c.id)
        )
        return [(name, count) for name, count in await self._session.execute(counted)]

    async def renew(self, room_ids: Sequence[int]) -> None:
        """Make a new version of rooms whose building or amenities have changed."""
        renewed = update(rooms).where(rooms.c.id.in_(room_ids)).values(version=rooms.c.version + 1)
        await self._session.execute(renewed)

    async def add(self, values: Mapping[str, Any], amenity_ids: Iterable[int]) -> int:
        """Store a room; returns its id."""
        added = insert(rooms).values({**values, "version": 1}).returning(rooms.c.id)
        room_id = int(await self._session.scalar(added) or 0)
        await self._set_amenities(room_id, amenity_ids)
        return room_id

    async def change(
        self, room_id: int, values: Mapping[str, Any], amenity_ids: Iterable[int] | None = None
    ) -> None:
        """Change a room, which becomes a new version of it."""
        changed = (
            update(rooms)
            .where(rooms.c.id == room_id)
            .values({**values, "version": rooms.c.version + 1})
        )
        await self._session.execute(changed)
        if amenity_ids is not None:
            held = delete(room_amenities).where(room_amenities.c.room_id == room_id)
            await self._session.execute(held)
            await self._set_amenities(room_id, amenity_ids)

    async def _set_amenities(self, room_id: int, amenity_ids: Iterable[int]) -> None:
        rows = [
            {"room_id": room_id, "amenity_id": each, "position": position}
            for position, each in enumerate(dict.fromkeys(amenity_ids))
        ]
        if rows:
            await self._session.execute(insert(room_amenities), rows)


def _id_is(room_id: int | str) -> ColumnElement[bool]:
    return (rooms.c.id if isinstance(room_id, int) else rooms.c.cuid) == room_id


def _with_status(found: Select[Any], now: datetime) -> Select[Any]:
    """Add whether a room is in use, and whether it is about to be."""
    columns = room_bookings.c
    soon = func.tstzrange(now, now + RESERVED_AHEAD, "[]")
    running = select(columns.id).where(
        columns.room_id == rooms.c.id,
        columns.is_confirmed,
        columns.holds,
        func.tstzrange(columns.starts_at, columns.ends_at).op("&&")(soon),
    )
    checked_in = running.where(columns.is_checked_in, columns.starts_at <= now)
    people = select(room_levels.c.room_id).where(
        room_levels.c.room_id == rooms.c.id, room_levels.c.occupancy > 0
    )
    return found.add_columns(
        or_(exists(checked_in), exists(people)).label("is_occupied"),
        exists(running).label("is_reserved"),
    )


def _status(row: Row[Any]) -> Status:
    return status_of(
        is_bookable=row.is_active and not row.is_locked,
        is_occupied=row.is_occupied,
        is_reserved=row.is_reserved,
    )


def _rooms(*conditions: ColumnElement[bool]) -> Select[Any]:
    joined = _places.outerjoin(_having, true())
    return select(*_columns).select_from(joined).where(*conditions)
