"""What can be done with rooms; each change is told on the topic `rooms.room.v1`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from common.db import AsyncSession
from common.errors import Invalid, NotFound, invalid_field
from common.events import ROOMS, BuildingV1, RoomV1
from common.ids import is_cuid, new_cuid
from rooms.domain import Room, WrongRule, WrongWindow, check_rule, check_window
from rooms.repository import Named, Rooms
from rooms.tables import outbox

_WINDOW: Final = ("opens_from", "opens_until", "recurrence_rule")
_RULE_TEXT: Final = (
    "Recurrence rule must start with FREQ= and use a valid frequency"
    " (DAILY, WEEKLY, MONTHLY, YEARLY)."
)


@dataclass(frozen=True, slots=True)
class RoomChange:
    """What is to be set of a room; what is not named stays as it is.

    Args:
        values: by column.
        amenity_ids: all amenities that it shall have; None: as before.
    """

    values: Mapping[str, Any]
    amenity_ids: tuple[int, ...] | None = None


def parse_room_id(text: str) -> int | str | None:
    """Read a room's id as it stands in a path; None if no room can have it."""
    if text.isascii() and text.isdigit() and 0 < int(text[:11]) < 2**31:
        return int(text)
    return text if is_cuid(text) else None


async def get_room(session: AsyncSession, room_id: str, *, hidden_too: bool) -> Room:
    """Find a room by the id in a path.

    Args:
        hidden_too: inactive rooms are found as well.

    Raises:
        NotFound: there is none, or it is hidden.
    """
    parsed = parse_room_id(room_id)
    room = await Rooms(session).get(parsed) if parsed is not None else None
    if room is None or not (hidden_too or room.is_active):
        raise NotFound("No Room matches the given query.")
    return room


async def create_room(session: AsyncSession, change: RoomChange) -> Room:
    """Make a room.

    Raises:
        Invalid: its window, rule, building or amenities are wrong.
    """
    defaults = {"floor": 0, "images": [], "is_active": True, "is_locked": False}
    values = {**defaults, **change.values, "cuid": new_cuid()}
    await _check(session, values, change)
    room_id = await Rooms(session).add(values, change.amenity_ids or ())
    return await _told(session, room_id)


async def change_room(session: AsyncSession, room_id: str, change: RoomChange) -> Room:
    """Change a room; the change is checked against the room as it would then be.

    Raises:
        NotFound: there is no such room.
        Invalid: its window, rule, building or amenities would be wrong.
    """
    parsed = parse_room_id(room_id)
    room = await Rooms(session).get(parsed, lock=True) if parsed is not None else None
    if room is None:
        raise NotFound("No Room matches the given query.")
    merged = {name: getattr(room, name) for name in _WINDOW} | dict(change.values)
    await _check(session, merged, change)
    await Rooms(session).change(room.id, change.values, change.amenity_ids)
    return await _told(session, room.id)


async def _check(session: AsyncSession, merged: Mapping[str, Any], change: RoomChange) -> None:
    fields: dict[str, list[str]] = {}
    try:
        check_window(merged.get("opens_from"), merged.get("opens_until"))
    except WrongWindow as error:
        fields["end_datetime"] = [str(error)]
    if (rule := merged.get("recurrence_rule")) is not None:
        try:
            check_rule(rule)
        except WrongRule:
            fields["recurrence_rule"] = [_RULE_TEXT]
    if "building_id" in change.values:
        wanted = [change.values["building_id"]]
        if missing := await Named(session, "location").missing(wanted):
            fields["location"] = [_no_object(missing[0])]
    if missing := await Named(session, "amenity").missing(change.amenity_ids or ()):
        fields["amenities_id"] = [_no_object(each) for each in missing]
    if fields:
        raise Invalid("Validation failed", fields=fields)


def _no_object(key: int) -> str:
    return f'Invalid pk "{key}" - object does not exist.'


async def _told(session: AsyncSession, room_id: int) -> Room:
    room = await Rooms(session).get(room_id)
    if room is None:
        raise AssertionError(room_id)
    await _tell(session, [room])
    return room


async def _tell(session: AsyncSession, rooms: Iterable[Room]) -> None:
    for room in rooms:
        await outbox.publish(
            session,
            ROOMS,
            _event(room),
            key=room.id,
            event_id=f"{room.id}/{room.version}",
            subject=f"room/{room.id}",
            at=datetime.now(UTC),
        )


def _event(room: Room) -> RoomV1:
    building = room.building
    return RoomV1(
        id=room.id,
        cuid=room.cuid,
        version=room.version,
        name=room.name,
        building=BuildingV1(
            id=building.id,
            name=building.name,
            timezone=building.timezone,
            opens_at=building.opens_at,
            closes_at=building.closes_at,
        ),
        floor=room.floor,
        capacity=room.capacity,
        amenities=[amenity.name for amenity in room.amenities],
        is_active=room.is_active,
        is_locked=room.is_locked,
        opens_from=room.opens_from,
        opens_until=room.opens_until,
        recurrence_rule=room.recurrence_rule,
    )


# --- buildings and amenities --------------------------------------------------------------------


async def change_named(
    session: AsyncSession, kind: str, entry_id: int, values: Mapping[str, Any]
) -> dict[str, Any]:
    """Change a building or an amenity; its rooms are told as new versions.

    Raises:
        NotFound: there is none of this id.
        Invalid: its name is taken, or it would close before it opens.
    """
    entries = Named(session, kind)
    entry = await entries.get(entry_id, lock=True)
    if entry is None:
        raise _no_match(kind)
    check_hours({**entry, **values})
    if not values:
        return entry
    changed = await entries.change(entry_id, values)
    rooms = Rooms(session)
    await rooms.renew([room.id for room in await rooms.of(kind, entry_id)])
    await _tell(session, await rooms.of(kind, entry_id))
    return changed


async def remove_named(session: AsyncSession, kind: str, entry_id: int) -> None:
    """Delete a building or an amenity.

    Raises:
        NotFound: there is none of this id.
        Invalid: rooms refer to it; they are named.
    """
    entries = Named(session, kind)
    if await entries.get(entry_id, lock=True) is None:
        raise _no_match(kind)
    if not await entries.remove(entry_id):
        names = [room.name for room in await Rooms(session).of(kind, entry_id)]
        shown = ", ".join(names[:20]) + (" …" if len(names) > 20 else "")
        raise Invalid(f"This {kind} is in use by: {shown}.")


def check_hours(building: Mapping[str, Any]) -> None:
    """Refuse a building that closes before it opens.

    Raises:
        Invalid: with the field `closes_at`.
    """
    if "opens_at" in building and building["closes_at"] <= building["opens_at"]:
        raise invalid_field("closes_at", "Closing time must be after opening time.")


def _no_match(kind: str) -> NotFound:
    return NotFound(f"No {kind.capitalize()} matches the given query.")
