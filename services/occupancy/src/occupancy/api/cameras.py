"""The contract `occupancy`: cameras, lines, live counts."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from common.app import JsonResponse, contract_router
from common.contracts import Contract
from common.db import Session
from common.fields import CLEAN, EdgeId, Integer, IntegerId, Name
from occupancy import streams
from occupancy.api.replies import only, refusals
from occupancy.domain import CameraType, LineDirection
from occupancy.repository.cameras import Cameras
from occupancy.service import cameras as service
from occupancy.service import edges

router: APIRouter = contract_router(Contract.OCCUPANCY)

CameraCode = Annotated[str, StringConstraints(min_length=1, max_length=50), CLEAN]
Pixels = Annotated[Integer, Field(ge=0, le=100_000)]
Share = Annotated[float, Field(ge=0, le=1)]


def _check_stream(url: SecretStr) -> SecretStr:
    streams.check(url.get_secret_value())
    return url


StreamUrl = Annotated[SecretStr, AfterValidator(_check_stream)]


# --- what comes in ------------------------------------------------------------------------------


class CameraBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    camera_id: CameraCode
    camera_name: Name
    location: Annotated[str, StringConstraints(max_length=200), CLEAN] | None = None
    camera_type: CameraType = CameraType.BIDIRECTIONAL
    max_occupancy: Annotated[Integer, Field(ge=1, le=1_000_000)] | None = None
    resolution_width: Annotated[Integer, Field(ge=1, le=100_000)] | None = None
    resolution_height: Annotated[Integer, Field(ge=1, le=100_000)] | None = None
    room_id: IntegerId | None = None
    edge_id: EdgeId | None = Field(None, description="The edge-counter that watches it.")
    stream_url: StreamUrl | None = Field(
        None, description="Where its pictures come from; shown to its edge-counter only."
    )
    is_active: bool = True


class CameraPart(CameraBody):
    """Any of a camera's fields; what is left out stays as it is."""

    camera_id: CameraCode = ""
    camera_name: Name = ""


class LinePart(BaseModel):
    """Any of a line's fields; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    line_name: Name = ""
    x1: Pixels = 0
    y1: Pixels = 0
    x2: Pixels = 0
    y2: Pixels = 0
    direction: LineDirection = LineDirection.BIDIRECTIONAL
    confidence_threshold: Share = 0.5
    entry_side: Literal["left", "right"] = Field(
        "left", description="Where those who enter go, for somebody who walks from 1 to 2."
    )
    is_active: bool = True


class LineBody(LinePart):
    camera_id: IntegerId
    line_name: Name
    x1: Pixels
    y1: Pixels
    x2: Pixels
    y2: Pixels


# --- what goes out ------------------------------------------------------------------------------


class CameraView(BaseModel):
    id: int
    camera_id: str
    camera_name: str
    location: str | None
    camera_type: CameraType
    is_active: bool
    max_occupancy: int | None


class CameraDetail(CameraView):
    resolution_width: int | None
    resolution_height: int | None
    room_id: int | None


class LineView(BaseModel):
    id: int
    camera_id: int
    line_name: str
    x1: int
    y1: int
    x2: int
    y2: int
    direction: LineDirection
    is_active: bool


class NewLineView(LineView):
    created_at: datetime


class LineDetail(NewLineView):
    confidence_threshold: float


# --- cameras ------------------------------------------------------------------------------------


@router.post(
    "/api/occupancy/cameras",
    status_code=201,
    response_model=CameraView,
    responses=refusals(400, 409),
)
async def create_camera(body: CameraBody, session: Session, request: Request) -> JsonResponse:
    camera = await service.add_camera(session, body.model_dump(exclude={"stream_url"}))
    await _keep_stream(session, camera["id"], body, request)
    return JsonResponse(only(CameraView, camera), 201)


@router.get("/api/occupancy/cameras", response_model=list[CameraView], responses=refusals())
async def list_cameras(session: Session) -> JsonResponse:
    return JsonResponse([only(CameraView, camera) for camera in await Cameras(session).active()])


@router.get(
    "/api/occupancy/cameras/{camera_id}",
    response_model=CameraDetail,
    responses=refusals(400, 404),
)
async def get_camera(camera_id: int, session: Session) -> JsonResponse:
    return JsonResponse(only(CameraDetail, await service.get_camera(session, camera_id)))


@router.put(
    "/api/occupancy/cameras/{camera_id}",
    response_model=CameraDetail,
    responses=refusals(400, 404, 409),
)
async def update_camera(
    camera_id: int, body: CameraPart, session: Session, request: Request
) -> JsonResponse:
    values = body.model_dump(exclude_unset=True, exclude={"stream_url"})
    camera = await service.change_camera(session, camera_id, values)
    await _keep_stream(session, camera_id, body, request)
    return JsonResponse(only(CameraDetail, camera))


async def _keep_stream(
    session: Session, camera_id: int, body: CameraBody, request: Request
) -> None:
    if "stream_url" in body.model_fields_set:
        url = body.stream_url.get_secret_value() if body.stream_url else None
        await edges.keep_stream(session, camera_id, url, request.app.state.seal)


# --- lines --------------------------------------------------------------------------------------


@router.post(
    "/api/occupancy/lines",
    status_code=201,
    response_model=NewLineView,
    responses=refusals(400, 404),
)
async def create_line(body: LineBody, session: Session) -> JsonResponse:
    line = await service.add_line(session, body.model_dump())
    return JsonResponse(only(NewLineView, line), 201)


@router.get(
    "/api/occupancy/cameras/{camera_id}/lines",
    response_model=list[LineView],
    responses=refusals(400, 404),
)
async def list_lines(camera_id: int, session: Session) -> JsonResponse:
    await service.get_camera(session, camera_id)
    found = await Cameras(session).lines_of(camera_id)
    return JsonResponse([only(LineView, line) for line in found])


@router.get(
    "/api/occupancy/lines/{line_id}", response_model=LineDetail, responses=refusals(400, 404)
)
async def get_line(line_id: int, session: Session) -> JsonResponse:
    return JsonResponse(only(LineDetail, await service.get_line(session, line_id)))


@router.put(
    "/api/occupancy/lines/{line_id}", response_model=LineDetail, responses=refusals(400, 404)
)
async def update_line(line_id: int, body: LinePart, session: Session) -> JsonResponse:
    values = body.model_dump(exclude_unset=True)
    return JsonResponse(only(LineDetail, await service.change_line(session, line_id, values)))
