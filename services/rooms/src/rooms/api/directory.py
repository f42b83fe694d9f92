"""The contract `directory`: rooms."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import Query, Request
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, StringConstraints

from common.app import JsonResponse, contract_router, read_by
from common.contracts import Contract
from common.db import Session
from common.fields import CLEAN, Instant, Integer, IntegerId, Name
from common.identity import Identity
from common.paging import PageLinks, PageQuery, page_of
from rooms.api.queries import Caller, QueryMoment, QueryNames, QueryNumber, QueryText
from rooms.api.times import iso
from rooms.domain import Room
from rooms.repository.rooms import RoomFilter, Rooms
from rooms.service import rooms as service
from rooms.service.rooms import RoomChange

router = contract_router(Contract.DIRECTORY)

MOST_AMENITIES: Final = 100
NOT_FOUND: Final = "No Room matches the given query."


# --- what comes in ------------------------------------------------------------------------------


class RoomBody(BaseModel):
    """A room as it is written; a part of it with PUT and PATCH."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    location: IntegerId = Field(validation_alias=AliasChoices("location", "location_id"))
    capacity: Annotated[Integer, Field(ge=1, le=1_000_000)]
    amenities_id: list[IntegerId] = Field(max_length=MOST_AMENITIES)
    start_datetime: Instant
    end_datetime: Instant
    recurrence_rule: Annotated[str, StringConstraints(max_length=500), CLEAN] | None = None
    is_active: bool = True


class RoomPart(RoomBody):
    """Any of a room's fields; what is left out stays as it is."""

    name: Name = ""
    location: IntegerId = Field(0, validation_alias=AliasChoices("location", "location_id"))
    capacity: Annotated[Integer, Field(ge=1, le=1_000_000)] = 0
    amenities_id: list[IntegerId] = Field([], max_length=MOST_AMENITIES)
    start_datetime: Instant = datetime.min.replace(tzinfo=UTC)
    end_datetime: Instant = datetime.min.replace(tzinfo=UTC)


_COLUMNS: Final = {
    "location": "building_id",
    "start_datetime": "opens_from",
    "end_datetime": "opens_until",
}


def _change(body: RoomBody, identity: Identity) -> RoomChange:
    """Take what was sent, and nothing that was not."""
    sent = body.model_dump(exclude_unset=True)
    amenity_ids = sent.pop("amenities_id", None)
    if "recurrence_rule" in sent:
        sent["recurrence_rule"] = sent["recurrence_rule"] or None
    values = {_COLUMNS.get(name, name): value for name, value in sent.items()}
    return RoomChange(
        values=values,
        amenity_ids=None if amenity_ids is None else tuple(sorted(set(amenity_ids))),
        by=identity.id,
    )


# --- what goes out ------------------------------------------------------------------------------


class NamedView(BaseModel):
    id: int
    name: str


class RoomView(BaseModel):
    """A room, its fields in the document's order."""

    id: int
    name: str
    img: str | None
    location: NamedView
    capacity: int
    amenities: list[NamedView]
    start_datetime: datetime | None
    end_datetime: datetime | None
    recurrence_rule: str | None
    is_active: bool


class RoomPage(PageLinks):
    results: list[RoomView]


def _view(room: Room) -> dict[str, Any]:
    return {
        "id": room.id,
        "name": room.name,
        "img": room.images[0] if room.images else None,
        "location": {"id": room.building.id, "name": room.building.name},
        "capacity": room.capacity,
        "amenities": [
            {"id": amenity.id, "name": amenity.name}
            for amenity in sorted(room.amenities, key=lambda amenity: amenity.id)
        ],
        "start_datetime": iso(room.opens_from),
        "end_datetime": iso(room.opens_until),
        "recurrence_rule": room.recurrence_rule,
        "is_active": room.is_active,
    }


# --- the routes ---------------------------------------------------------------------------------


class RoomQuery(BaseModel):
    """The filters of the room list."""

    name: QueryText = Field(None, description="Part of the name.")
    location: QueryText = Field(None, description="Part of the location's name.")
    min_capacity: QueryNumber = None
    max_capacity: QueryNumber = None
    min_datetime: QueryMoment = Field(None, description="Its first window starts then or later.")
    max_datetime: QueryMoment = Field(None, description="Its first window ends then or earlier.")
    amenity: QueryNames = Field((), description="Names, comma-separated; a room has all of them.")
    amenities: QueryNames = Field((), description="Another name for `amenity`.")
    search: QueryText = Field(None, description="Part of the name or of the location's name.")
    ordering: QueryNames = Field((), description="Names of fields; - before one turns it around.")

    def wanted(self, identity: Identity) -> RoomFilter:
        """Return the filter; those who are not signed in see active rooms only."""
        return RoomFilter(
            only_active=identity.kind == "anonymous",
            name=self.name,
            building=self.location,
            search=self.search,
            min_capacity=self.min_capacity,
            max_capacity=self.max_capacity,
            starts_from=self.min_datetime,
            ends_by=self.max_datetime,
            amenities=self.amenity or self.amenities,
        )


@router.get("/api/rooms/", response_model=RoomPage)
async def list_rooms(
    session: Session,
    identity: Caller,
    request: Request,
    query: Annotated[RoomQuery, Query()],
    page: Annotated[PageQuery, read_by(PageQuery)],
) -> JsonResponse:
    rooms, wanted = Rooms(session), query.wanted(identity)
    answer = await page_of(
        request,
        page,
        count=lambda: rooms.count(wanted),
        find=lambda part: rooms.find(wanted, order=query.ordering, part=part),
    )
    return JsonResponse({**answer, "results": [_view(room) for room in answer["results"]]})


@router.post("/api/rooms/", status_code=201, response_model=RoomView)
async def create_room(body: RoomBody, session: Session, identity: Caller) -> JsonResponse:
    return JsonResponse(_view(await service.create_room(session, _change(body, identity))), 201)


@router.get("/api/rooms/{room_id}/", response_model=RoomView)
async def retrieve_room(room_id: str, session: Session, identity: Caller) -> JsonResponse:
    hidden_too = identity.kind != "anonymous"
    room = await service.get_room(session, room_id, hidden_too=hidden_too, not_found=NOT_FOUND)
    return JsonResponse(_view(room))


@router.put("/api/rooms/{room_id}/", response_model=RoomView)
@router.patch("/api/rooms/{room_id}/", response_model=RoomView)
async def update_room(
    room_id: str, body: RoomPart, session: Session, identity: Caller
) -> JsonResponse:
    change = _change(body, identity)
    return JsonResponse(
        _view(await service.change_room(session, room_id, change, not_found=NOT_FOUND))
    )
