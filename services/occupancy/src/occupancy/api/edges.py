"""The contract `occupancy`: what edge-counters are told."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel

from common.app import JsonResponse, caller, contract_router
from common.contracts import Contract
from common.db import Session
from common.fields import EdgeId
from common.identity import Identity
from occupancy.api.replies import only, refusals
from occupancy.service import edges as service

router: APIRouter = contract_router(Contract.OCCUPANCY)

Caller = Annotated[Identity, Depends(caller)]


class EdgeLineView(BaseModel):
    id: int
    x1: int
    y1: int
    x2: int
    y2: int
    entry_side: Literal["left", "right"]
    is_active: bool


class EdgeCameraView(BaseModel):
    id: int
    camera_id: str
    resolution_width: int | None
    resolution_height: int | None


class ToldCameraView(EdgeCameraView):
    stream_url: str | None = None  # For edge-counters only.
    lines: list[EdgeLineView]


class ConfigurationView(BaseModel):
    edge_id: str
    cameras: list[ToldCameraView]


@router.get(
    "/api/occupancy/edges/{edge_id}/configuration",
    response_model=ConfigurationView,
    responses=refusals(400, 404),
)
async def get_configuration(
    edge_id: Annotated[EdgeId, Path()],
    session: Session,
    request: Request,
    identity: Caller,
) -> JsonResponse:
    told = await service.configuration(session, identity, edge_id, request.app.state.seal)
    shown = [
        {
            **only(EdgeCameraView, camera),
            **{name: camera[name] for name in ("stream_url",) if name in camera},
            "lines": [only(EdgeLineView, line) for line in camera["lines"]],
        }
        for camera in told["cameras"]
    ]
    response = JsonResponse({"edge_id": edge_id, "cameras": shown})
    response.headers["cache-control"] = "no-store"
    return response
