"""The contract `occupancy`: who is where now, and a stream of it."""

from contextlib import suppress
from datetime import datetime
from typing import Final

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.app import contract_router
from common.contracts import Contract
from common.db import UNAVAILABLE, Session
from occupancy.api.replies import refusals
from occupancy.live import Board, Shown, as_json, facility_view, live_view
from occupancy.repository.counts import Counts
from occupancy.service import cameras as service

router: APIRouter = contract_router(Contract.OCCUPANCY)

CAMERA: Final = "/api/occupancy/cameras/"
LIVE: Final = "/live"
FACILITY: Final = "/api/occupancy/facility/live"
_LONGEST_ID: Final = 9


class LiveView(BaseModel):
    """The true number is between the last two in 19 of 20 cases."""

    camera_id: int
    current_occupancy: int
    total_entries: int
    total_exits: int
    unique_persons: int
    last_updated: datetime
    occupancy_low: int
    occupancy_high: int


class FacilityView(BaseModel):
    facility_occupancy: int
    total_entries_all_cameras: int
    total_exits_all_cameras: int
    cameras_active: int
    last_updated: datetime


class LiveReads:
    """Answers what is asked most often from memory, before anything is routed.

    What is not known in memory is asked of the database, by the routes below.
    """

    def __init__(self, app: ASGIApp, board: Board) -> None:
        self._app = app
        self._board = board

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] in {"POST", "PUT"}:
            await self._app(scope, receive, self._after_catching_up(send))
            return
        shown = self._shown(scope) if scope["type"] == "http" else None
        if shown is None:
            await self._app(scope, receive, send)
            return
        known = next((value for name, value in scope["headers"] if name == b"if-none-match"), b"")
        is_known = shown.etag in {tag.strip().removeprefix(b"W/") for tag in known.split(b",")}
        headers = [(b"etag", shown.etag), (b"cache-control", b"private, no-cache")]
        if not is_known:
            headers.append((b"content-type", b"application/json"))
            headers.append((b"content-length", b"%d" % len(shown.body)))
        status = 304 if is_known else 200
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if is_known else shown.body})

    def _after_catching_up(self, send: Send) -> Send:
        """Answer who writes when what was written can be read."""

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                with suppress(*UNAVAILABLE):
                    await self._board.catch_up()
            await send(message)

        return answer

    def _shown(self, scope: Scope) -> Shown | None:
        path: str = scope["path"]
        if scope["method"] != "GET" or scope["call"].contract is not Contract.OCCUPANCY:
            return None
        if path == FACILITY:
            scope["route"] = _ROUTES[FACILITY]
            return self._board.facility
        if not (path.startswith(CAMERA) and path.endswith(LIVE)):
            return None
        camera_id = path[len(CAMERA) : -len(LIVE)]
        # What is no plain number is worded by the route.
        if not (camera_id.isascii() and camera_id.isdecimal() and len(camera_id) <= _LONGEST_ID):
            return None
        scope["route"] = _ROUTES[CAMERA]
        return self._board.camera(int(camera_id))


@router.get(
    "/api/occupancy/cameras/{camera_id}/live",
    response_model=LiveView,
    responses=refusals(400, 404),
)
async def get_live(camera_id: int, session: Session) -> Response:
    live = await service.live(session, camera_id)
    return Response(as_json(live_view(live)), media_type="application/json")


@router.get(FACILITY, response_model=FacilityView, responses=refusals())
async def get_facility_live(session: Session) -> Response:
    view = facility_view(await Counts(session).live())
    return Response(as_json(view), media_type="application/json")


@router.get(
    "/api/occupancy/stream",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def stream(request: Request) -> StreamingResponse:
    """Server-sent events `camera` (as its /live), `removed`, `room`, `facility`: what changes.

    A `room` is what the cameras at its doors count together, which the sum of what each shows is
    not: who came by one door leaves by another.
    The first events are all cameras, or after `Last-Event-ID` what has changed since.
    """
    board: Board = request.app.state.board
    events = board.stream(request.headers.get("last-event-id", ""))
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


class _Named:
    """What the metrics call a request that no router has seen."""

    def __init__(self, path: str) -> None:
        self.path = path


_ROUTES: Final = {FACILITY: _Named(FACILITY), CAMERA: _Named(f"{CAMERA}{{camera_id}}{LIVE}")}
