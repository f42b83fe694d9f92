"""The contract `occupancy`: one picture of a camera, asked for by an operator, shown once."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel
from starlette.responses import Response

from common.app import JsonResponse, caller, contract_router
from common.contracts import Contract
from common.errors import Invalid, NotFound, TooLarge
from common.fields import LARGEST_ID, EdgeId
from common.identity import HEADER, Identity
from occupancy.api.replies import iso, only, refusals
from occupancy.desk import Desk, Picture, Refusal, forward
from occupancy.service import snapshots as service

router: APIRouter = contract_router(Contract.OCCUPANCY)

MOST_BYTES: Final = 1024 * 1024
JPEG: Final = "image/jpeg"
_NO_STORE: Final = {"cache-control": "no-store"}
_PICTURE: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The picture; lines are drawn in pixels of the size that its headers say.",
        "content": {JPEG: {"schema": {"type": "string", "format": "binary"}}},
        "headers": {
            name: {"required": True, "schema": {"type": "integer", "minimum": 1}}
            for name in ("x-lines-width", "x-lines-height")
        },
    }
}

Caller = Annotated[Identity, Depends(caller)]
EdgeName = Annotated[EdgeId, Path()]
SnapshotId = Annotated[int, Path(ge=1, le=LARGEST_ID)]
Pixels = Annotated[int, Query(ge=1, le=100_000)]


class WantedView(BaseModel):
    id: int
    camera_id: int
    until: str


class WantedList(BaseModel):
    snapshots: list[WantedView]


@router.post(
    "/api/occupancy/cameras/{camera_id}/snapshot",
    response_class=Response,
    responses={**refusals(400, 404, 409, 429, 504), **_PICTURE},
)
async def ask(camera_id: int, request: Request, identity: Caller) -> Response:
    """Have the camera's edge take a picture, and answer with it: to draw lines on.

    It is shown to whoever asked and stored nowhere; who asked is in the audit.
    """
    state = request.app.state
    picture = await service.ask(state.database, state.desk, state.settings, identity, camera_id)
    headers = {
        **_NO_STORE,
        "x-lines-width": str(picture.width_px),
        "x-lines-height": str(picture.height_px),
    }
    return Response(picture.jpeg, media_type=JPEG, headers=headers)


@router.get(
    "/api/occupancy/edges/{edge_id}/snapshots",
    response_model=WantedList,
    responses=refusals(400, 404),
)
async def list_wanted(edge_id: EdgeName, request: Request, identity: Caller) -> JsonResponse:
    """Tell an edge which pictures it is to take; with none, it waits for some seconds."""
    _be(identity, edge_id)
    state = request.app.state
    found = await service.wanted_of(state.database, state.desk, edge_id)
    shown = [only(WantedView, {**one, "until": iso(one["until"])}) for one in found]
    return JsonResponse({"snapshots": shown}, headers=_NO_STORE)


@router.put(
    "/api/occupancy/edges/{edge_id}/snapshots/{snapshot_id}",
    status_code=204,
    responses=refusals(400, 404, 413),
    openapi_extra={"requestBody": {"required": True, "content": {JPEG: {}}}},
)
async def bring(
    edge_id: EdgeName,
    snapshot_id: SnapshotId,
    *,
    width: Pixels,
    height: Pixels,
    request: Request,
    identity: Caller,
) -> Response:
    """Bring a picture that somebody waits for, once.

    `width` and `height` are those of the camera's own picture; what is sent may be smaller.
    """
    _be(identity, edge_id)
    jpeg = await _jpeg_of(request)
    await _hand_over(request, edge_id, snapshot_id, Picture(jpeg, width, height), jpeg)
    return Response(status_code=204)


@router.delete(
    "/api/occupancy/edges/{edge_id}/snapshots/{snapshot_id}",
    status_code=204,
    responses=refusals(400, 404),
)
async def refuse(
    edge_id: EdgeName,
    snapshot_id: SnapshotId,
    reason: Literal["forbidden", "no_picture"],
    request: Request,
    identity: Caller,
) -> Response:
    """Say that there will be no picture: its host forbids it, or the camera gives none."""
    _be(identity, edge_id)
    await _hand_over(request, edge_id, snapshot_id, reason, b"")
    return Response(status_code=204)


def _be(identity: Identity, edge_id: str) -> None:
    if identity.kind != "edge" or identity.name != edge_id:
        raise NotFound(f"Edge {edge_id} not found")


async def _jpeg_of(request: Request) -> bytes:
    if request.headers.get("content-type", "") != JPEG:
        raise Invalid(f"A picture is sent as {JPEG}")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise TooLarge(f"A picture has {MOST_BYTES} bytes at most")
    if not (body.startswith(b"\xff\xd8\xff") and body.endswith(b"\xff\xd9")):
        raise Invalid("This is no whole JPEG picture")
    return bytes(body)


async def _hand_over(
    request: Request, edge_id: str, snapshot_id: int, answer: Picture | Refusal, body: bytes
) -> None:
    state = request.app.state
    desk: Desk = state.desk
    if desk.hand_over(snapshot_id, edge_id, answer):
        await service.end(state.database, snapshot_id)
        return
    holder = await service.elsewhere(state.database, desk, snapshot_id, edge_id)
    target = f"{request.url.path}?{request.url.query}"
    name = HEADER.decode()
    headers = {name: request.headers[name]}
    if body:
        headers["content-type"] = JPEG
    if not await forward(holder, request.method, target, headers=headers, body=body):
        raise service.nobody_waits(snapshot_id)
