"""The contract `circle_time`, section 2: rooms and what they show."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Query
from pydantic import AliasChoices, BaseModel, Field

from common.app import JsonResponse, contract_router, success
from common.contracts import Contract
from common.db import Session
from rooms.api.queries import QueryNames, QueryNumber, QueryText
from rooms.domain import Room, Status
from rooms.repository.rooms import RoomFilter, Rooms
from rooms.service import rooms as service

router = contract_router(Contract.CIRCLE_TIME)


class RoomView(BaseModel):
    id: str
    name: str
    building: str
    floor: int
    capacity: int
    amenities: list[str]
    status: Status
    imageUrl: str | None  # noqa: N815 - the document's name


class RoomList(BaseModel):
    success: bool
    data: list[RoomView]


class OneRoom(BaseModel):
    success: bool
    data: RoomView


def _view(room: Room, status: Status) -> dict[str, Any]:
    return {
        "id": room.cuid,
        "name": room.name,
        "building": room.building.name,
        "floor": room.floor,
        "capacity": room.capacity,
        "amenities": [amenity.name for amenity in room.amenities],
        "status": status,
        "imageUrl": room.images[0] if room.images else None,
    }


class RoomQuery(BaseModel):
    """The filters of the room list; older clients write some of them in camel case."""

    search: QueryText = Field(
        None,
        description="Part of the name.",
        validation_alias=AliasChoices("search", "searchQuery"),
    )
    building: QueryText = Field(None, description="Id or name of the building.")
    floor: QueryNumber = None
    min_capacity: QueryNumber = Field(
        None, validation_alias=AliasChoices("min_capacity", "minCapacity")
    )
    amenities: QueryNames = Field((), description="Comma-separated; a room has all of them.")
    status: Status | None = None

    def wanted(self) -> RoomFilter:
        return RoomFilter(
            name=self.search,
            building_is=self.building,
            floor=self.floor,
            min_capacity=self.min_capacity,
            amenities=self.amenities,
        )


@router.get("/api/rooms", response_model=RoomList)
async def list_rooms(session: Session, query: Annotated[RoomQuery, Query()]) -> JsonResponse:
    now = datetime.now(UTC)
    found = await Rooms(session).find_with_status(query.wanted(), now=now, order=["name"])
    shown = [_view(room, status) for room, status in found if query.status in {None, status}]
    return success(shown)


@router.get("/api/rooms/{room_id}", response_model=OneRoom)
async def get_room(room_id: str, session: Session) -> JsonResponse:
    room, status = await service.get_room_with_status(session, room_id, now=datetime.now(UTC))
    return success(_view(room, status))
