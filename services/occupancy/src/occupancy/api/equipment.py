"""The contract `occupancy`: all cameras as those who run them see them, in one answer."""

from collections import defaultdict
from typing import Any, Final, Literal

from fastapi import APIRouter
from pydantic import BaseModel

from common.app import JsonResponse, contract_router
from common.contracts import Contract
from common.db import Session
from occupancy.api.cameras import CameraDetail, LineDetail
from occupancy.api.replies import iso, only, refusals
from occupancy.repository.cameras import Cameras
from occupancy.repository.heartbeats import Heartbeats

router: APIRouter = contract_router(Contract.OCCUPANCY)


class EquipmentLine(LineDetail):
    entry_side: Literal["left", "right"]


class ReportingEdge(BaseModel):
    """What an edge has last said of a camera; `is_silent`: nothing for too long."""

    edge_id: str
    is_silent: bool
    heard_at: str
    picture: Literal["good", "none", "frozen", "dark", "moved"]
    reason: str | None
    pictures_per_s: float
    processed_per_s: float
    lag_s: float
    spool_depth: int


class Equipment(CameraDetail):
    """A camera; `has_stream_url`: Atrium knows where its pictures come from, and does not tell."""

    edge_id: str | None
    has_stream_url: bool
    lines: list[EquipmentLine]
    reports: list[ReportingEdge]


_REPORTED: Final = [name for name in ReportingEdge.model_fields if name != "heard_at"]


@router.get("/api/occupancy/equipment", response_model=list[Equipment], responses=refusals())
async def list_equipment(session: Session) -> JsonResponse:
    """List all cameras, also those out of use, with their lines and what their edges report."""
    cameras = Cameras(session)
    found = await cameras.all()
    ids = [camera["id"] for camera in found]
    lines, reports = defaultdict(list), defaultdict(list)
    for line in await cameras.lines_of_all(ids):
        lines[line["camera_id"]].append(only(EquipmentLine, line))
    for one in await Heartbeats(session).last():
        reports[one["camera_id"]].append(_report(one))
    streams = await cameras.streams_of(ids)
    shown = [
        {
            **only(CameraDetail, camera),
            "edge_id": camera["edge_id"],
            "has_stream_url": camera["id"] in streams,
            "lines": lines[camera["id"]],
            "reports": reports[camera["id"]],
        }
        for camera in found
    ]
    return JsonResponse(shown)


def _report(row: Any) -> dict[str, Any]:  # noqa: ANN401 - a row of the table
    return {**{name: row[name] for name in _REPORTED}, "heard_at": iso(row["heard_at"])}
