"""The contract `occupancy`: history, headcounts, alerts, the facility."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from common.app import JsonResponse, caller, contract_router
from common.contracts import Contract
from common.db import Session
from common.fields import CLEAN, Integer, IntegerId
from common.identity import Identity
from occupancy.api.replies import iso, refusals
from occupancy.domain import people_in
from occupancy.history import Hour, local_day, start_of_day, start_of_month
from occupancy.repository.alerts import Alerts
from occupancy.repository.cameras import Cameras
from occupancy.repository.counts import Counts
from occupancy.repository.history import History
from occupancy.service import alerts
from occupancy.service import history as service
from occupancy.service.cameras import get_camera

router: APIRouter = contract_router(Contract.OCCUPANCY)

Caller = Annotated[Identity, Depends(caller)]
LONGEST_LOG_HOURS: Final = 31 * 24


# --- what comes in ------------------------------------------------------------------------------


class HeadcountBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    occupancy_value: Annotated[Integer, Field(ge=0, le=1_000_000)]
    notes: Annotated[str, StringConstraints(max_length=1000), CLEAN] | None = None


class AggregateBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    camera_id: IntegerId | None = Field(None, description="Null: every camera.")
    aggregation_level: str = Field(description="hourly, daily, or monthly")


# --- what goes out ------------------------------------------------------------------------------


class LogView(BaseModel):
    id: int
    camera_id: int
    entry_count: int
    exit_count: int
    net_occupancy: int
    timestamp: datetime
    tracked_persons: int
    is_manual_calibration: bool = Field(False, description="Only where it is true.")


class HourView(BaseModel):
    """An hour; fields in the document's order, as below."""

    hour: str
    camera_id: int
    entries: int
    exits: int
    avg_occupancy: float
    peak_occupancy: int
    unique_persons: int


class DayView(BaseModel):
    date: str
    camera_id: int
    entries: int
    exits: int
    avg_occupancy: float
    peak_occupancy: int
    peak_hour: int
    unique_persons: int


class MonthView(BaseModel):
    period: str
    camera_id: int
    entries: int
    exits: int
    avg_daily_occupancy: float
    peak_occupancy: int
    unique_persons: int


class CalibrationView(BaseModel):
    status: Literal["success"]
    camera_id: int
    occupancy_set_to: int
    timestamp: datetime


class AlertView(BaseModel):
    id: int
    camera_id: int
    alert_type: Literal[
        "capacity_exceeded",
        "capacity_warning",
        "anomaly_detected",
        "negative_count",
        "equipment_failure",
    ]
    current_occupancy: int
    message: str
    causes: list[str] = Field(
        description="What it says, for programs: `crowd` or `quiet` of what is unusual; of a"
        " failure each edge and what it sees, as `lobby-1 dark`: silent, none, frozen, dark, moved,"
        " slow, clock or waiting. Others have none."
    )
    is_resolved: bool
    timestamp: datetime


class ResolvedView(BaseModel):
    status: Literal["success"]
    alert_id: int
    resolved_at: datetime


class StatsView(BaseModel):
    total_cameras: int
    active_cameras: int
    total_persons_in_facility: int
    capacity_utilization: float
    active_alerts: int
    timestamp: datetime


class TriggeredView(BaseModel):
    status: Literal["aggregation_triggered"]
    level: str
    timestamp: datetime


# --- history ------------------------------------------------------------------------------------


@router.get(
    "/api/occupancy/cameras/{camera_id}/logs",
    response_model=list[LogView],
    responses=refusals(400, 404),
)
async def get_logs(
    camera_id: int,
    session: Session,
    request: Request,
    hours: Annotated[int, Query(ge=1, le=LONGEST_LOG_HOURS, description="The last so many.")] = 24,
) -> JsonResponse:
    camera = await get_camera(session, camera_id)
    now = datetime.now(UTC)
    since, zone = now - timedelta(hours=hours), request.app.state.settings.timezone
    rows = await service.log_since(session, camera, since, now, zone)
    return JsonResponse([_log_view(camera_id, row) for row in rows])


def _log_view(camera_id: int, row: service.LogRow) -> dict[str, Any]:
    shown = {
        "id": row.id,
        "camera_id": camera_id,
        "entry_count": row.entries,
        "exit_count": row.exits,
        "net_occupancy": row.level,
        "timestamp": iso(row.at),
        "tracked_persons": row.persons,
    }
    return {**shown, "is_manual_calibration": True} if row.is_correction else shown


@router.get(
    "/api/occupancy/cameras/{camera_id}/hourly",
    response_model=list[HourView],
    responses=refusals(400, 404),
)
async def get_hourly(
    camera_id: int,
    session: Session,
    request: Request,
    days: Annotated[int, Query(ge=1, le=366, description="The last so many.")] = 7,
) -> JsonResponse:
    zone = await _zone_of(session, camera_id, request)
    now = datetime.now(UTC)
    since = now - timedelta(days=days)
    hours = await service.hours_since(session, camera_id, since, now, zone)
    persons = await History(session).persons(camera_id, "hour", since - timedelta(hours=1))
    return JsonResponse(
        [
            {
                "hour": f"{hour.start.astimezone(zone):%Y-%m-%d %H:00}",
                **_sums(camera_id, [hour]),
                "avg_occupancy": _average([hour], now),
                "peak_occupancy": hour.peak,
                "unique_persons": persons.get(hour.start, 0),
            }
            for hour in hours
        ]
    )


@router.get(
    "/api/occupancy/cameras/{camera_id}/daily",
    response_model=list[DayView],
    responses=refusals(400, 404),
)
async def get_daily(
    camera_id: int,
    session: Session,
    request: Request,
    days: Annotated[int, Query(ge=1, le=1100, description="The last so many.")] = 30,
) -> JsonResponse:
    zone = await _zone_of(session, camera_id, request)
    now = datetime.now(UTC)
    since = start_of_day(local_day(now, zone) - timedelta(days=days - 1), zone)
    found = await service.hours_since(session, camera_id, since, now, zone)
    persons = await History(session).persons(camera_id, "day", since)
    days_of = groupby(found, key=lambda hour: local_day(hour.start, zone))
    shown = []
    for day, group in days_of:
        hours = list(group)
        peak = max(hours, key=lambda hour: hour.peak)
        shown.append(
            {
                "date": day.isoformat(),
                **_sums(camera_id, hours),
                "avg_occupancy": _average(hours, now),
                "peak_occupancy": peak.peak,
                "peak_hour": peak.start.astimezone(zone).hour,
                "unique_persons": persons.get(start_of_day(day, zone), 0),
            }
        )
    return JsonResponse(shown[::-1])


@router.get(
    "/api/occupancy/cameras/{camera_id}/monthly",
    response_model=list[MonthView],
    responses=refusals(400, 404),
)
async def get_monthly(
    camera_id: int,
    session: Session,
    request: Request,
    months: Annotated[int, Query(ge=1, le=120, description="The last so many.")] = 12,
) -> JsonResponse:
    zone = await _zone_of(session, camera_id, request)
    now = datetime.now(UTC)
    today = local_day(now, zone)
    back = today.year * 12 + today.month - months
    since = start_of_day(today.replace(year=back // 12, month=back % 12 + 1, day=1), zone)
    found = await service.hours_since(session, camera_id, since, now, zone)
    persons = await History(session).persons(camera_id, "month", since)
    shown = []
    for month, group in groupby(found, key=lambda hour: start_of_month(hour.start, zone)):
        hours = list(group)
        shown.append(
            {
                "period": f"{month.astimezone(zone):%Y-%m}",
                **_sums(camera_id, hours),
                "avg_daily_occupancy": _average(hours, now),
                "peak_occupancy": max(hour.peak for hour in hours),
                "unique_persons": persons.get(month, 0),
            }
        )
    return JsonResponse(shown[::-1])


async def _zone_of(session: Session, camera_id: int, request: Request) -> ZoneInfo:
    await get_camera(session, camera_id)
    default = request.app.state.settings.timezone
    return (await History(session).zones([camera_id], default))[camera_id]


def _sums(camera_id: int, hours: Sequence[Hour]) -> dict[str, int]:
    return {
        "camera_id": camera_id,
        "entries": sum(hour.entries for hour in hours),
        "exits": sum(hour.exits for hour in hours),
    }


def _average(hours: Iterable[Hour], now: datetime) -> float:
    parts = [hour.area_until(now) for hour in hours]
    return round(sum(area for area, _ in parts) / sum(length for _, length in parts), 2)


# --- headcounts and adding up anew --------------------------------------------------------------


@router.post(
    "/api/occupancy/cameras/{camera_id}/calibrate",
    response_model=CalibrationView,
    responses=refusals(400, 404),
)
async def calibrate(
    camera_id: int, body: HeadcountBody, session: Session, request: Request, identity: Caller
) -> JsonResponse:
    headcount = service.Headcount(body.occupancy_value, body.notes)
    zone = request.app.state.settings.timezone
    at = await service.calibrate(session, identity, camera_id, headcount, zone)
    return JsonResponse(
        {
            "status": "success",
            "camera_id": camera_id,
            "occupancy_set_to": body.occupancy_value,
            "timestamp": iso(at),
        }
    )


@router.post(
    "/api/occupancy/aggregate",
    status_code=202,
    response_model=TriggeredView,
    responses=refusals(400, 404),
)
async def aggregate(body: AggregateBody, session: Session) -> JsonResponse:
    await service.request_rebuild(session, body.camera_id, body.aggregation_level)
    now = iso(datetime.now(UTC))
    shown = {"status": "aggregation_triggered", "level": body.aggregation_level, "timestamp": now}
    return JsonResponse(shown, 202)


# --- alerts and the facility --------------------------------------------------------------------


@router.get("/api/occupancy/alerts", response_model=list[AlertView], responses=refusals(400))
async def list_alerts(
    session: Session, camera_id: Annotated[IntegerId | None, Query()] = None
) -> JsonResponse:
    found = await Alerts(session).unresolved(camera_id)
    return JsonResponse(
        [
            {
                "id": alert["id"],
                "camera_id": alert["camera_id"],
                "alert_type": alert["alert_type"],
                "current_occupancy": alert["current_occupancy"],
                "message": alert["message"],
                "causes": alert["causes"],
                "is_resolved": False,
                "timestamp": iso(alert["raised_at"]),
            }
            for alert in found
        ]
    )


@router.put(
    "/api/occupancy/alerts/{alert_id}/resolve",
    response_model=ResolvedView,
    responses=refusals(400, 404),
)
async def resolve_alert(alert_id: int, session: Session) -> JsonResponse:
    resolved_at = await alerts.resolve(session, alert_id)
    shown = {"status": "success", "alert_id": alert_id, "resolved_at": iso(resolved_at)}
    return JsonResponse(shown)


@router.get("/api/occupancy/facility/stats", response_model=StatsView, responses=refusals())
async def get_facility_stats(session: Session) -> JsonResponse:
    cameras = Cameras(session)
    total, capacity = await cameras.count(), await cameras.capacity()
    active = {live.camera_id: live for live in await Counts(session).live()}
    people = people_in(active.values())
    there = people_in(active[camera_id] for camera_id in capacity)
    share = 100 * there / sum(capacity.values()) if capacity else 0.0
    return JsonResponse(
        {
            "total_cameras": total,
            "active_cameras": len(active),
            "total_persons_in_facility": people,
            "capacity_utilization": round(share, 1),
            "active_alerts": await Alerts(session).count_unresolved(),
            "timestamp": iso(datetime.now(UTC)),
        }
    )
