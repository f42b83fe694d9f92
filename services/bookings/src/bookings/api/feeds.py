"""Calendar feeds, in the manner of `circle_time`: made by people, fetched by their calendars."""

from typing import Annotated, Any, Final, Literal

from fastapi import Body, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from bookings.api.fields import AnyId, Caller
from bookings.feed import CONTENT_TYPE
from bookings.repository.outward import Feed
from bookings.service import feeds as service
from bookings.service.telling import iso
from common.app import JsonResponse, SecretResponse, contract_router, success
from common.contracts import Contract
from common.db import Session

router = contract_router(Contract.CIRCLE_TIME)

_SUFFIX: Final = ".ics"


class FeedBody(BaseModel):
    """What a calendar is to show: a room, or without one the caller's own bookings."""

    model_config = ConfigDict(extra="forbid")

    room: AnyId | None = None


class FeedView(BaseModel):
    id: str
    scope: Literal["room", "mine"]
    roomId: str | None = None  # noqa: N815 - in the manner of the document, as are those below
    roomName: str | None = None  # noqa: N815
    url: str | None = Field(description="Only in the answer that makes it: it is a secret.")
    createdAt: str  # noqa: N815


class FeedReply(BaseModel):
    success: bool
    data: FeedView


class FeedList(BaseModel):
    success: bool
    data: list[FeedView]


def _view(feed: Feed, url: str | None = None) -> dict[str, Any]:
    room = {"roomId": feed.room[1], "roomName": feed.room[2]} if feed.room else {}
    return {
        "id": feed.id,
        "scope": "room" if feed.room else "mine",
        **room,
        "url": url,
        "createdAt": iso(feed.created_at),
    }


@router.post("/api/feeds", status_code=201, response_model=FeedReply)
async def make_feed(
    session: Session,
    identity: Caller,
    request: Request,
    body: Annotated[FeedBody | None, Body()] = None,
) -> SecretResponse:
    feed, token = await service.make(session, identity, body.room if body else None)
    url = f"{_base(request)}/api/calendar/{token}{_SUFFIX}"
    return SecretResponse(
        {"success": True, "data": _view(feed, url)},
        201,
        without={"success": True, "data": _view(feed)},
    )


def _base(request: Request) -> str:
    """Return under which address the caller has reached us."""
    proto = request.headers.get("x-forwarded-proto", "http")
    host = request.headers.get("x-forwarded-host", request.headers.get("host", "localhost"))
    return f"{proto}://{host}"


@router.get("/api/feeds", response_model=FeedList)
async def list_feeds(session: Session, identity: Caller) -> JsonResponse:
    mine = await service.of_caller(session, identity)
    return success([_view(feed) for feed in mine])


@router.delete("/api/feeds/{feed_id}")
async def revoke_feed(feed_id: str, session: Session, identity: Caller) -> JsonResponse:
    await service.revoke(session, identity, feed_id)
    return success({"revoked": True})


@router.get("/api/calendar/{name}", response_class=Response)
async def fetch_calendar(name: str, session: Session) -> Response:
    # Without the ending it is looked up like any other, and not found.
    token = name.removesuffix(_SUFFIX) if name.endswith(_SUFFIX) else f"/{name}"
    body = await service.calendar(session, token)
    headers = {
        "content-disposition": 'inline; filename="atrium.ics"',
        "referrer-policy": "no-referrer",
    }
    return Response(body, 200, headers, media_type=CONTENT_TYPE)
