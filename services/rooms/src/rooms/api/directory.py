"""The contract `directory`: rooms, locations, amenities."""

from datetime import UTC, datetime, time
from typing import Annotated, Any, Final

from fastapi import Depends, Query, Request, Response
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, StringConstraints

from common.app import JsonResponse, caller, contract_router
from common.contracts import Contract
from common.db import Session
from common.errors import NotFound
from common.fields import CLEAN, Instant, Integer, IntegerId, Name, ZoneName
from common.identity import Identity
from rooms import service
from rooms.api.paging import PageLinks, PageQuery, page_of
from rooms.api.queries import QueryMoment, QueryNames, QueryNumber, QueryText
from rooms.domain import Room
from rooms.repository import Named, RoomFilter, Rooms
from rooms.service import RoomChange

router = contract_router(Contract.DIRECTORY)

Caller = Annotated[Identity, Depends(caller)]
MOST_AMENITIES: Final = 100


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


class LocationBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name
    timezone: ZoneName | None = None
    opens_at: time = time(7)
    closes_at: time = time(19)


class LocationPart(LocationBody):
    name: Name = ""


class AmenityBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name


class AmenityPart(AmenityBody):
    name: Name = ""


_COLUMNS: Final = {
    "location": "building_id",
    "start_datetime": "opens_from",
    "end_datetime": "opens_until",
}


def _change(body: RoomBody) -> RoomChange:
    """Take what was sent, and nothing that was not."""
    sent = body.model_dump(exclude_unset=True)
    amenity_ids = sent.pop("amenities_id", None)
    if "recurrence_rule" in sent:
        sent["recurrence_rule"] = sent["recurrence_rule"] or None
    values = {_COLUMNS.get(name, name): value for name, value in sent.items()}
    return RoomChange(values, None if amenity_ids is None else tuple(amenity_ids))


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


class NamedPage(PageLinks):
    results: list[NamedView]


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None


def _view(room: Room) -> dict[str, Any]:
    return {
        "id": room.id,
        "name": room.name,
        "img": room.images[0] if room.images else None,
        "location": {"id": room.building.id, "name": room.building.name},
        "capacity": room.capacity,
        "amenities": [{"id": amenity.id, "name": amenity.name} for amenity in room.amenities],
        "start_datetime": _iso(room.opens_from),
        "end_datetime": _iso(room.opens_until),
        "recurrence_rule": room.recurrence_rule,
        "is_active": room.is_active,
    }


# --- rooms --------------------------------------------------------------------------------------


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
    page: Annotated[PageQuery, Depends()],
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
async def create_room(body: RoomBody, session: Session) -> JsonResponse:
    return JsonResponse(_view(await service.create_room(session, _change(body))), 201)


@router.get("/api/rooms/{room_id}/", response_model=RoomView)
async def retrieve_room(room_id: str, session: Session, identity: Caller) -> JsonResponse:
    hidden_too = identity.kind != "anonymous"
    return JsonResponse(_view(await service.get_room(session, room_id, hidden_too=hidden_too)))


@router.put("/api/rooms/{room_id}/", response_model=RoomView)
@router.patch("/api/rooms/{room_id}/", response_model=RoomView)
async def update_room(room_id: str, body: RoomPart, session: Session) -> JsonResponse:
    return JsonResponse(_view(await service.change_room(session, room_id, _change(body))))


# --- locations and amenities --------------------------------------------------------------------


def _named_view(entry: dict[str, Any]) -> dict[str, Any]:
    return {"id": entry["id"], "name": entry["name"]}


def _entry_id(text: str, kind: str) -> int:
    parsed = service.parse_room_id(text)
    if not isinstance(parsed, int):
        raise NotFound(f"No {kind.capitalize()} matches the given query.")
    return parsed


async def _list(session: Session, request: Request, page: PageQuery, kind: str) -> JsonResponse:
    entries = Named(session, kind)
    answer = await page_of(request, page, count=entries.count, find=entries.find)
    return JsonResponse({**answer, "results": [_named_view(one) for one in answer["results"]]})


async def _retrieve(session: Session, kind: str, text: str) -> JsonResponse:
    entry = await Named(session, kind).get(_entry_id(text, kind))
    if entry is None:
        raise NotFound(f"No {kind.capitalize()} matches the given query.")
    return JsonResponse(_named_view(entry))


async def _update(session: Session, kind: str, text: str, body: BaseModel) -> JsonResponse:
    values = body.model_dump(exclude_unset=True, exclude_none=True)
    entry_id = _entry_id(text, kind)
    return JsonResponse(_named_view(await service.change_named(session, kind, entry_id, values)))


async def _remove(session: Session, kind: str, text: str) -> Response:
    await service.remove_named(session, kind, _entry_id(text, kind))
    return Response(status_code=204)


@router.get("/api/locations/", response_model=NamedPage)
async def list_locations(
    session: Session, request: Request, page: Annotated[PageQuery, Depends()]
) -> JsonResponse:
    return await _list(session, request, page, "location")


@router.post("/api/locations/", status_code=201, response_model=NamedView)
async def create_location(body: LocationBody, session: Session, request: Request) -> JsonResponse:
    values = body.model_dump()
    values["timezone"] = body.timezone or request.app.state.settings.timezone
    service.check_hours(values)
    return JsonResponse(_named_view(await Named(session, "location").add(values)), 201)


@router.get("/api/locations/{location_id}/", response_model=NamedView)
async def retrieve_location(location_id: str, session: Session) -> JsonResponse:
    return await _retrieve(session, "location", location_id)


@router.put("/api/locations/{location_id}/", response_model=NamedView)
@router.patch("/api/locations/{location_id}/", response_model=NamedView)
async def update_location(location_id: str, body: LocationPart, session: Session) -> JsonResponse:
    return await _update(session, "location", location_id, body)


@router.delete("/api/locations/{location_id}/", status_code=204)
async def delete_location(location_id: str, session: Session) -> Response:
    return await _remove(session, "location", location_id)


@router.get("/api/amenities/", response_model=NamedPage)
async def list_amenities(
    session: Session, request: Request, page: Annotated[PageQuery, Depends()]
) -> JsonResponse:
    return await _list(session, request, page, "amenity")


@router.post("/api/amenities/", status_code=201, response_model=NamedView)
async def create_amenity(body: AmenityBody, session: Session) -> JsonResponse:
    return JsonResponse(_named_view(await Named(session, "amenity").add(body.model_dump())), 201)


@router.get("/api/amenities/{amenity_id}/", response_model=NamedView)
async def retrieve_amenity(amenity_id: str, session: Session) -> JsonResponse:
    return await _retrieve(session, "amenity", amenity_id)


@router.put("/api/amenities/{amenity_id}/", response_model=NamedView)
@router.patch("/api/amenities/{amenity_id}/", response_model=NamedView)
async def update_amenity(amenity_id: str, body: AmenityPart, session: Session) -> JsonResponse:
    return await _update(session, "amenity", amenity_id, body)


@router.delete("/api/amenities/{amenity_id}/", status_code=204)
async def delete_amenity(amenity_id: str, session: Session) -> Response:
    return await _remove(session, "amenity", amenity_id)
