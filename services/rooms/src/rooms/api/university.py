"""The contract `university`: rooms, buildings, and rooms as administrators keep them."""

import re
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Query, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StrictInt

from common.app import JsonResponse, contract_router, read_by, success
from common.contracts import Contract
from common.db import Session
from common.errors import invalid_field
from common.fields import CLEAN, Name, parse_room_id
from common.identity import Identity, Role
from common.paging import NumberedPage, Pagination, numbered_page_of
from rooms.api.queries import Caller, QueryNumber, QueryText
from rooms.api.times import iso
from rooms.domain import Room
from rooms.repository.rooms import RoomFilter, Rooms
from rooms.service import rooms as service
from rooms.service.rooms import RoomChange

router: APIRouter = contract_router(Contract.UNIVERSITY)

Page = Annotated[NumberedPage, read_by(NumberedPage)]

MOST_EQUIPMENT: Final = 100
MOST_IMAGES: Final = 20
LONGEST_IMAGE: Final = 2000
_ORDER: Final = ("building", "name")


# --- what comes in ------------------------------------------------------------------------------

# Nothing that ends an attribute or is a control; a scheme is looked at on its own.
_IMAGE: Final = re.compile(r"[^\s\x00-\x1f\x7f\"'<>\\`{|}^]+( [^\s\x00-\x1f\x7f\"'<>\\`{|}^]+)*")


def _image(text: str) -> str:
    """Check the address of a picture, or the name of its file."""
    try:
        address = urlsplit(text)
        host = address.hostname
    except ValueError:
        host, address = None, None
    if address is None or _IMAGE.fullmatch(text) is None:
        pass
    elif address.scheme or address.netloc:
        if address.scheme in {"http", "https"} and host and "@" not in address.netloc:
            return text
    elif ":" not in text.split("/", 1)[0] and ".." not in text.split("/"):
        return text
    raise ValueError("An image must be an http or https address, or the name of a file.")


Image = Annotated[str, Field(min_length=1, max_length=LONGEST_IMAGE), CLEAN, AfterValidator(_image)]


class RoomBody(BaseModel):
    """A room as it is written."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    building: Name = Field(description="Name of the building; made when there is none.")
    capacity: Annotated[StrictInt, Field(ge=1, le=1_000_000)]
    equipment: list[Name] = Field([], max_length=MOST_EQUIPMENT)
    images: list[Image] = Field(
        [], max_length=MOST_IMAGES, description="Addresses, or names of files."
    )
    isActive: StrictBool = True  # noqa: N815 - the document's names
    isLocked: StrictBool = False  # noqa: N815
    restrictedRoles: list[Role] | None = Field(  # noqa: N815
        None, max_length=len(Role), description="Who may book it; null: everybody."
    )


class RoomPart(RoomBody):
    """Any of a room's fields; what is left out stays as it is."""

    name: Name = ""
    building: Name = ""
    capacity: Annotated[StrictInt, Field(ge=1, le=1_000_000)] = 0


_COLUMNS: Final = {
    "name": "name",
    "capacity": "capacity",
    "images": "images",
    "isActive": "is_active",
    "isLocked": "is_locked",
}


def _change(body: RoomBody, identity: Identity, request: Request) -> RoomChange:
    """Take what was sent, and nothing that was not."""
    sent = body.model_dump(exclude_unset=True)
    values = {column: sent[name] for name, column in _COLUMNS.items() if name in sent}
    if "restrictedRoles" in sent:
        roles = sent["restrictedRoles"] or []
        values["restricted_roles"] = [role.value for role in dict.fromkeys(roles)]
    return RoomChange(
        values=values,
        building_name=sent.get("building"),
        amenity_names=tuple(dict.fromkeys(sent["equipment"])) if "equipment" in sent else None,
        timezone=request.app.state.settings.timezone,
        by=identity.id,
    )


class RoomQuery(BaseModel):
    """The filters of the room list."""

    capacity: QueryNumber = Field(None, description="Seats at least.")
    building: QueryText = Field(None, description="Part of the building's name.")
    equipment: QueryText = Field(None, description="Name of something that the room has.")


def _room_id(text: str) -> str:
    """Check the form of an id: a CUID, or the room's integer of the other contracts.

    Raises:
        Invalid: it is neither.
    """
    if parse_room_id(text) is None and not (text.isascii() and text.isdigit()):
        raise invalid_field("id", "Invalid room ID format")
    return text


# --- what goes out ------------------------------------------------------------------------------


class ListedRoom(BaseModel):
    """A room, its fields in the document's order."""

    id: str
    name: str
    building: str
    capacity: int
    equipment: list[str]
    images: list[str]
    isActive: bool  # noqa: N815
    isLocked: bool  # noqa: N815
    restrictedRoles: list[Role] | None  # noqa: N815


class RoomDetail(ListedRoom):
    createdAt: str  # noqa: N815


class RoomPage(BaseModel):
    data: list[ListedRoom]
    pagination: Pagination


class RoomList(BaseModel):
    success: bool
    data: RoomPage


class OneRoom(BaseModel):
    success: bool
    data: RoomDetail


class BuildingView(BaseModel):
    name: str
    roomCount: int  # noqa: N815


class BuildingList(BaseModel):
    success: bool
    data: list[BuildingView]


def _listed(room: Room) -> dict[str, Any]:
    return {
        "id": room.cuid,
        "name": room.name,
        "building": room.building.name,
        "capacity": room.capacity,
        "equipment": [amenity.name for amenity in room.amenities],
        "images": room.images,
        "isActive": room.is_active,
        "isLocked": room.is_locked,
        "restrictedRoles": room.restricted_roles or None,
    }


def _detail(room: Room) -> dict[str, Any]:
    return {**_listed(room), "createdAt": iso(room.created_at.replace(microsecond=0))}


async def _page(session: Session, wanted: RoomFilter, page: NumberedPage) -> JsonResponse:
    rooms = Rooms(session)
    found, pagination = await numbered_page_of(
        page,
        count=lambda: rooms.count(wanted),
        find=lambda part: rooms.find(wanted, order=_ORDER, part=part),
    )
    return success({"data": [_listed(room) for room in found], "pagination": pagination})


# --- for everybody ------------------------------------------------------------------------------


@router.get("/api/rooms", response_model=RoomList)
async def list_rooms(
    session: Session, query: Annotated[RoomQuery, Query()], page: Page
) -> JsonResponse:
    wanted = RoomFilter(
        only_active=True,
        building=query.building,
        min_capacity=query.capacity,
        amenity_is=query.equipment,
    )
    return await _page(session, wanted, page)


@router.get("/api/rooms/{room_id}", response_model=OneRoom)
async def retrieve_room(room_id: str, session: Session) -> JsonResponse:
    return success(_detail(await service.get_room(session, _room_id(room_id))))


@router.get("/api/buildings", response_model=BuildingList)
async def list_buildings(session: Session) -> JsonResponse:
    counted = await Rooms(session).active_by_building()
    return success([{"name": name, "roomCount": rooms} for name, rooms in counted])


# --- for administrators -------------------------------------------------------------------------


@router.get("/api/admin/rooms", response_model=RoomList)
async def list_all_rooms(session: Session, page: Page) -> JsonResponse:
    return await _page(session, RoomFilter(), page)


@router.post("/api/admin/rooms", status_code=201, response_model=OneRoom)
async def create_room(
    body: RoomBody, session: Session, identity: Caller, request: Request
) -> JsonResponse:
    room = await service.create_room(session, _change(body, identity, request))
    return success(_detail(room), 201)


@router.get("/api/admin/rooms/{room_id}", response_model=OneRoom)
async def show_room(room_id: str, session: Session) -> JsonResponse:
    """Show a room as this contract has it in both editions; also an inactive one."""
    return await retrieve_room(room_id, session)


@router.put("/api/admin/rooms/{room_id}", response_model=OneRoom)
async def update_room(
    room_id: str, body: RoomPart, session: Session, identity: Caller, request: Request
) -> JsonResponse:
    change = _change(body, identity, request)
    return success(_detail(await service.change_room(session, _room_id(room_id), change)))


@router.delete("/api/admin/rooms/{room_id}", response_model=OneRoom)
async def deactivate_room(room_id: str, session: Session, identity: Caller) -> JsonResponse:
    change = RoomChange(values={"is_active": False}, by=identity.id)
    return success(_detail(await service.change_room(session, _room_id(room_id), change)))
