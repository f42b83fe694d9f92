"""Rooms: found, made, changed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from common.db import AsyncSession
from common.errors import Invalid, NotFound
from common.events import ROOMS, BuildingV1, RoomV1
from common.fields import parse_room_id
from common.ids import new_cuid
from common.recurrence import WrongRule, parse_rule
from rooms.domain import CLOSES_AT, OPENS_AT, Room, Status, WrongWindow, check_window
from rooms.repository.named import Named
from rooms.repository.rooms import Rooms
from rooms.tables import outbox

NOT_FOUND: Final = "Room not found"
_WINDOW: Final = ("opens_from", "opens_until", "recurrence_rule")
_REQUIRED: Final = "This field is required."
_RULE_TEXT: Final = (
    "Recurrence rule must start with FREQ= and use a valid frequency"
    " (DAILY, WEEKLY, MONTHLY, YEARLY)."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomChange:
    """What is to be set of a room; what is not named stays as it is.

    Args:
        values: by column.
        amenity_ids: all amenities that it shall have; None: as before.
        building_name, amenity_names: in place of ids; what there is none of is made.
        timezone: of a building that is made, with the usual hours.
        by: the user who wants it.
    """

    values: Mapping[str, Any]
    amenity_ids: tuple[int, ...] | None = None
    building_name: str | None = None
    amenity_names: tuple[str, ...] | None = None
    timezone: str = "UTC"
    by: str | None = None


async def get_room(
    session: AsyncSession, room_id: str, *, hidden_too: bool = True, not_found: str = NOT_FOUND
) -> Room:
    """Find a room by the id in a path.

    Args:
        hidden_too: inactive rooms are found as well.

    Raises:
        NotFound: there is none, or it is hidden.
    """
    parsed = parse_room_id(room_id)
    room = await Rooms(session).get(parsed) if parsed is not None else None
    if room is None or not (hidden_too or room.is_active):
        raise NotFound(not_found)
    return room


async def get_room_with_status(
    session: AsyncSession, room_id: str, *, now: datetime
) -> tuple[Room, Status]:
    """Find a room by the id in a path, with what it shows.

    Args:
        now: aware.

    Raises:
        NotFound: there is none.
    """
    parsed = parse_room_id(room_id)
    found = await Rooms(session).get_with_status(parsed, now=now) if parsed is not None else None
    if found is None:
        raise NotFound(NOT_FOUND)
    return found


async def create_room(session: AsyncSession, change: RoomChange) -> Room:
    """Make a room.

    Raises:
        Invalid: its window, rule, building or amenities are wrong.
    """
    referred, fields = await _references(session, change)
    defaults = {"floor": 0, "images": [], "is_active": True, "is_locked": False}
    values = {**defaults, **referred.values, "cuid": new_cuid()}
    _refuse(fields | _wrong_window(values))
    room_id = await Rooms(session).add(values, referred.amenity_ids or ())
    return await _told(session, room_id, change.by)


async def change_room(
    session: AsyncSession, room_id: str, change: RoomChange, *, not_found: str = NOT_FOUND
) -> Room:
    """Change a room; the change is checked against the room as it would then be.

    Raises:
        NotFound: there is no such room.
        Invalid: its window, rule, building or amenities would be wrong.
    """
    # Before the room itself, as everybody locks them who changes a building or an amenity.
    referred, fields = await _references(session, change)
    parsed = parse_room_id(room_id)
    room = await Rooms(session).get(parsed, lock=True) if parsed is not None else None
    if room is None:
        raise NotFound(not_found)
    merged = {**{name: getattr(room, name) for name in _WINDOW}, **change.values}
    _refuse(fields | _wrong_window(merged))
    if not referred.values and referred.amenity_ids is None:
        return room
    await Rooms(session).change(room.id, referred.values, referred.amenity_ids)
    return await _told(session, room.id, change.by)


Fields = dict[str, list[str]]


async def _references(session: AsyncSession, change: RoomChange) -> tuple[RoomChange, Fields]:
    """Find what a change refers to, hold it, and name what there is none of."""
    fields: Fields = {}
    values, amenity_ids = dict(change.values), change.amenity_ids
    buildings, amenities = Named(session, "location"), Named(session, "amenity")
    if change.building_name is not None:
        hours = {"timezone": change.timezone, "opens_at": OPENS_AT, "closes_at": CLOSES_AT}
        [values["building_id"]] = await buildings.ensure([change.building_name], hours)
    elif missing := await buildings.missing(
        [values["building_id"]] if "building_id" in values else []
    ):
        fields["location"] = [_no_object(missing[0])]
    if change.amenity_names is not None:
        amenity_ids = tuple(await amenities.ensure(change.amenity_names, {}))
    elif missing := await amenities.missing(amenity_ids or ()):
        fields["amenities_id"] = [_no_object(each) for each in missing]
    return RoomChange(values=values, amenity_ids=amenity_ids), fields


def _no_object(key: int) -> str:
    return f'Invalid pk "{key}" - object does not exist.'


def _wrong_window(merged: Mapping[str, Any]) -> Fields:
    fields: Fields = {}
    try:
        check_window(merged.get("opens_from"), merged.get("opens_until"))
    except WrongWindow as error:
        fields["end_datetime"] = [str(error)]
    if (rule := merged.get("recurrence_rule")) is not None:
        try:
            parse_rule(rule)
        except WrongRule:
            fields["recurrence_rule"] = [_RULE_TEXT]
        if merged.get("opens_from") is None:
            # A rule repeats a window, and there is none.
            fields |= {"start_datetime": [_REQUIRED], "end_datetime": [_REQUIRED]}
    return fields


def _refuse(fields: Fields) -> None:
    if fields:
        raise Invalid("Validation failed", fields=fields)


async def _told(session: AsyncSession, room_id: int, by: str | None) -> Room:
    room = await Rooms(session).get(room_id)
    if room is None:
        raise AssertionError(room_id)
    await tell(session, [room], by)
    return room


async def tell(session: AsyncSession, rooms: Iterable[Room], by: str | None) -> None:
    """Publish rooms as they now are.

    Args:
        by: the user who has changed them.
    """
    for room in rooms:
        await outbox.publish(
            session,
            ROOMS,
            _event(room, by),
            key=room.id,
            event_id=f"{room.id}/{room.version}",
            subject=f"room/{room.id}",
            at=datetime.now(UTC),
        )


def _event(room: Room, by: str | None) -> RoomV1:
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
        images=list(room.images),
        restricted_roles=list(room.restricted_roles),
        created_at=room.created_at,
        changed_by=by,
    )
