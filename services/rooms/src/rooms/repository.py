"""Reads and writes the schema `rooms`."""

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
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from common.errors import invalid_field
from rooms.domain import Amenity, Building, Room
from rooms.tables import amenities, buildings, room_amenities, rooms

_NAMED: Final = {"location": buildings, "amenity": amenities}


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomFilter:
    """Which rooms are wanted; None and empty mean all of them.

    Args:
        name, building: part of the name, whatever the case.
        building_is: the building's id or whole name.
        search: part of the room's or the building's name.
        amenities: names of which a room must have all, whatever the case.
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


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a list: ``limit`` entries after the first ``offset``."""

    offset: int
    limit: int


# `directory` may order by these; a leading minus turns the order around.
_ORDERS: Final[Mapping[str, ColumnElement[Any]]] = {
    "id": rooms.c.id,
    "name": func.lower(rooms.c.name),
    "capacity": rooms.c.capacity,
    "location": func.lower(buildings.c.name),
    "start_datetime": rooms.c.opens_from,
    "end_datetime": rooms.c.opens_until,
}

_amenities_of_room = (
    select(
        func.array_agg(
            aggregate_order_by(
                func.jsonb_build_array(amenities.c.id, amenities.c.name), amenities.c.id
            )
        )
    )
    .join(room_amenities, room_amenities.c.amenity_id == amenities.c.id)
    .where(room_amenities.c.room_id == rooms.c.id)
    .scalar_subquery()
    .label("amenities")
)
_room_columns = (
    *(column for column in rooms.c if column.name not in {"building_id", "created_at"}),
    buildings.c.id.label("building_id"),
    buildings.c.name.label("building_name"),
    buildings.c.timezone,
    buildings.c.opens_at,
    buildings.c.closes_at,
    _amenities_of_room,
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
        amenities=tuple(Amenity(*pair) for pair in row.amenities or ()),
        images=tuple(row.images),
        is_active=row.is_active,
        is_locked=row.is_locked,
        opens_from=row.opens_from,
        opens_until=row.opens_until,
        recurrence_rule=row.recurrence_rule,
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
        counted = self._of(wanted, select(func.count()))
        return int(await self._session.scalar(counted) or 0)

    async def find(
        self, wanted: RoomFilter, *, order: Sequence[str] = (), part: Slice | None = None
    ) -> list[Room]:
        """List the rooms of a filter, or a part of them."""
        found = self._of(wanted, select(*_room_columns)).order_by(*_ordering(order))
        if part is not None:
            found = found.offset(part.offset).limit(part.limit)
        return [_room(row) for row in await self._session.execute(found)]

    def _of(self, wanted: RoomFilter, statement: Select[Any]) -> Select[Any]:
        joined = rooms.join(buildings, buildings.c.id == rooms.c.building_id)
        return statement.select_from(joined).where(*_conditions(wanted))

    async def get(self, room_id: int | str, *, lock: bool = False) -> Room | None:
        """Find a room by its integer id or its CUID.

        Args:
            lock: hold the row until the transaction ends, to change it.
        """
        column = rooms.c.id if isinstance(room_id, int) else rooms.c.cuid
        found = self._of(RoomFilter(), select(*_room_columns)).where(column == room_id)
        if lock:
            found = found.with_for_update(of=rooms)
        row = (await self._session.execute(found)).first()
        return _room(row) if row else None

    async def of(self, kind: str, entry_id: int) -> list[Room]:
        """List the rooms of a building, or those that have an amenity."""
        having = select(room_amenities.c.room_id).where(room_amenities.c.amenity_id == entry_id)
        refers = rooms.c.building_id == entry_id if kind == "location" else rooms.c.id.in_(having)
        found = self._of(RoomFilter(), select(*_room_columns)).where(refers)
        return [_room(row) for row in await self._session.execute(found.order_by(rooms.c.id))]

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
        rows = [{"room_id": room_id, "amenity_id": each} for each in sorted(set(amenity_ids))]
        if rows:
            await self._session.execute(insert(room_amenities), rows)


class Named:
    """Buildings or amenities: things with a name that rooms refer to.

    Args:
        kind: `location` or `amenity`, as `directory` calls them.
    """

    def __init__(self, session: AsyncSession, kind: str) -> None:
        self._session = session
        self._kind = kind
        self._table = _NAMED[kind]

    async def count(self) -> int:
        """Count all of them."""
        return int(await self._session.scalar(select(func.count()).select_from(self._table)) or 0)

    async def find(self, part: Slice) -> list[dict[str, Any]]:
        """List a part of them by id."""
        found = select(self._table).order_by(self._table.c.id)
        rows = await self._session.execute(found.offset(part.offset).limit(part.limit))
        return [dict(row) for row in rows.mappings()]

    async def get(self, entry_id: int, *, lock: bool = False) -> dict[str, Any] | None:
        """Find one; ``lock`` holds its row until the transaction ends."""
        found = select(self._table).where(self._table.c.id == entry_id)
        rows = await self._session.execute(found.with_for_update() if lock else found)
        row = rows.mappings().first()
        return dict(row) if row else None

    async def missing(self, entry_ids: Iterable[int]) -> list[int]:
        """Tell which of these ids there are none of; the others stay until the transaction ends."""
        wanted = set(entry_ids)
        found = (
            select(self._table.c.id)
            .where(self._table.c.id.in_(wanted))
            .with_for_update(key_share=True, read=True)
        )
        return sorted(wanted - set(await self._session.scalars(found)))

    async def add(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Store one.

        Raises:
            Invalid: there is one of this name.
        """
        added = insert(self._table).values(values).on_conflict_do_nothing().returning(self._table)
        row = (await self._session.execute(added)).mappings().first()
        if row is None:
            raise self._name_taken()
        return dict(row)

    async def change(self, entry_id: int, values: Mapping[str, Any]) -> dict[str, Any]:
        """Change one that exists.

        Raises:
            Invalid: there is another one of this name.
        """
        changed = (
            update(self._table)
            .where(self._table.c.id == entry_id)
            .values(values)
            .returning(self._table)
        )
        try:
            async with self._session.begin_nested():
                return dict((await self._session.execute(changed)).mappings().one())
        except IntegrityError as error:
            raise self._name_taken() from error

    async def remove(self, entry_id: int) -> bool:
        """Delete one; False if a room refers to it."""
        try:
            async with self._session.begin_nested():
                await self._session.execute(delete(self._table).where(self._table.c.id == entry_id))
        except IntegrityError:
            return False
        return True

    def _name_taken(self) -> Exception:
        return invalid_field("name", f"{self._kind} with this name already exists.")
