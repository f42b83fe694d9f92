"""The contract `directory`: locations and amenities."""

from collections.abc import Callable
from datetime import time
from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict

from common.app import JsonResponse, contract_router, read_by
from common.contracts import Contract
from common.db import Session
from common.errors import NotFound
from common.fields import LocalTime, Name, ZoneName, parse_room_id
from common.identity import Identity
from common.paging import PageLinks, PageQuery, page_of
from rooms.api.directory import NamedView
from rooms.api.queries import Caller
from rooms.domain import CLOSES_AT, OPENS_AT
from rooms.repository.named import Named
from rooms.service import named as service

router = contract_router(Contract.DIRECTORY)

View = Callable[[dict[str, Any]], dict[str, Any]]


class LocationBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name
    timezone: ZoneName | None = None
    opens_at: LocalTime = OPENS_AT
    closes_at: LocalTime = CLOSES_AT


class LocationPart(LocationBody):
    name: Name = ""


class AmenityBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name


class AmenityPart(AmenityBody):
    name: Name = ""


class NamedPage(PageLinks):
    results: list[NamedView]


class WholeLocation(NamedView):
    """A building with its hours; times of day are local."""

    timezone: str
    opens_at: time
    closes_at: time


class LocationPage(PageLinks):
    results: list[WholeLocation | NamedView]


Whole = Annotated[bool, Query(description="With the time zone and the hours.")]


def _named_view(entry: dict[str, Any]) -> dict[str, Any]:
    return {"id": entry["id"], "name": entry["name"]}


def _entry_id(text: str, kind: str) -> int:
    parsed = parse_room_id(text)
    if not isinstance(parsed, int):
        raise NotFound(f"No {kind.capitalize()} matches the given query.")
    return parsed


def _whole_view(building: dict[str, Any]) -> dict[str, Any]:
    hours = {name: building[name].isoformat("minutes") for name in ("opens_at", "closes_at")}
    return {**_named_view(building), "timezone": building["timezone"], **hours}


async def _list(
    session: Session, request: Request, page: PageQuery, kind: str, view: View = _named_view
) -> JsonResponse:
    entries = Named(session, kind)
    answer = await page_of(request, page, count=entries.count, find=entries.find)
    return JsonResponse({**answer, "results": [view(one) for one in answer["results"]]})


async def _retrieve(session: Session, kind: str, text: str) -> JsonResponse:
    entry = await Named(session, kind).get(_entry_id(text, kind))
    if entry is None:
        raise NotFound(f"No {kind.capitalize()} matches the given query.")
    return JsonResponse(_named_view(entry))


async def _update(
    session: Session, kind: str, text: str, body: BaseModel, identity: Identity
) -> JsonResponse:
    values = body.model_dump(exclude_unset=True, exclude_none=True)
    changed = await service.change_named(
        session, kind, _entry_id(text, kind), values, by=identity.id
    )
    return JsonResponse(_named_view(changed))


async def _remove(session: Session, kind: str, text: str) -> Response:
    await service.remove_named(session, kind, _entry_id(text, kind))
    return Response(status_code=204)


@router.get("/api/locations/", response_model=LocationPage)
async def list_locations(
    session: Session,
    request: Request,
    page: Annotated[PageQuery, read_by(PageQuery)],
    *,
    whole: Whole = False,
) -> JsonResponse:
    view = _whole_view if whole else _named_view
    return await _list(session, request, page, "location", view)


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
async def update_location(
    location_id: str, body: LocationPart, session: Session, identity: Caller
) -> JsonResponse:
    return await _update(session, "location", location_id, body, identity)


@router.delete("/api/locations/{location_id}/", status_code=204)
async def delete_location(location_id: str, session: Session) -> Response:
    return await _remove(session, "location", location_id)


@router.get("/api/amenities/", response_model=NamedPage)
async def list_amenities(
    session: Session, request: Request, page: Annotated[PageQuery, read_by(PageQuery)]
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
async def update_amenity(
    amenity_id: str, body: AmenityPart, session: Session, identity: Caller
) -> JsonResponse:
    return await _update(session, "amenity", amenity_id, body, identity)


@router.delete("/api/amenities/{amenity_id}/", status_code=204)
async def delete_amenity(amenity_id: str, session: Session) -> Response:
    return await _remove(session, "amenity", amenity_id)
