"""The contract `circle_time`, section 2: the list of rooms."""

from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import AliasChoices, BaseModel, Field

from common.app import JsonResponse, contract_router
from common.contracts import Contract
from common.db import Session
from rooms.api.queries import QueryNames, QueryNumber, QueryText
from rooms.domain import Room, Status, status_of
from rooms.repository import RoomFilter, Rooms

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


def _view(room: Room) -> dict[str, Any]:
    return {
        "id": room.cuid,
        "name": room.name,
        "building": room.building.name,
        "floor": room.floor,
        "capacity": room.capacity,
        "amenities": [amenity.name for amenity in room.amenities],
        "status": status_of(room),
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
    status: Literal["available", "occupied", "reserved", "maintenance"] | None = None

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
    found = await Rooms(session).find(query.wanted(), order=["name"])
    shown = [_view(room) for room in found if query.status in {None, status_of(room)}]
    return JsonResponse({"success": True, "data": shown})
