"""The contract `circle_time`, section 5: how well rooms are used."""

import re
from datetime import date
from typing import Annotated, Literal

from fastapi import Query, Request
from pydantic import AliasChoices, BaseModel, BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError
from starlette.responses import Response

from analytics.domain import MOST_DAYS, Days
from analytics.service import figures, pictures, reality
from analytics.service.heatmap import VARY
from analytics.texts import preferred
from common.app import JsonResponse, contract_router, success
from common.contracts import Contract
from common.db import Session
from common.errors import invalid_field
from common.fields import clean_text

router = contract_router(Contract.CIRCLE_TIME)


# --- what comes in ------------------------------------------------------------------------------


def _day(value: object) -> date:
    text = str(value)
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII) and "1900" <= text < "9000":
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise PydanticCustomError("day", "Date has wrong format. Use YYYY-MM-DD.")


def _name(value: object) -> object:
    return clean_text(str(value)) or None


Day = Annotated[date, BeforeValidator(_day)]
Name = Annotated[Annotated[str, StringConstraints(max_length=200)] | None, BeforeValidator(_name)]


class Range(BaseModel):
    """Local days, both included; older clients write them in camel case."""

    start_date: Day = Field(validation_alias=AliasChoices("start_date", "startDate"))
    end_date: Day = Field(validation_alias=AliasChoices("end_date", "endDate"))

    def days(self) -> Days:
        """Return the days.

        Raises:
            Invalid: the last one is before the first, or there are too many.
        """
        if self.end_date < self.start_date:
            raise invalid_field("end_date", "The end must not be before the start.")
        days = Days(self.start_date, self.end_date)
        if len(days) > MOST_DAYS:
            raise invalid_field("end_date", f"A range has at most {MOST_DAYS} days.")
        return days


class BuildingRange(Range):
    """The same, of one building."""

    building: Name = Field(None, description="Id or name of the building.")


class FlowRange(Range):
    """The same, of one room's doors or of one door."""

    room: Name = Field(None, description="Id of the room, in any contract.")
    camera: Name = Field(None, description="Id or code of the camera.")


# --- what goes out ------------------------------------------------------------------------------


class KpiView(BaseModel):
    """`change`: against as many days before, in the value's own unit; `positive` is better."""

    label: str
    value: float
    change: float | None
    changeType: Literal["positive", "negative", "neutral"] | None  # noqa: N815 - the document's
    unit: str | None


class KpiReply(BaseModel):
    success: bool
    data: list[KpiView]


class UtilizationView(BaseModel):
    """`peakHours`: in which most bookings begin, most of all first."""

    roomId: str  # noqa: N815 - the document's name, as are those below
    roomName: str  # noqa: N815
    utilizationRate: float  # noqa: N815
    totalBookings: int  # noqa: N815
    totalHoursBooked: float  # noqa: N815
    peakHours: list[str]  # noqa: N815


class UtilizationReply(BaseModel):
    success: bool
    data: list[UtilizationView]


class RateView(BaseModel):
    """`bookedRate`: of rooms and days, in percent."""

    hour: str
    bookedRate: float  # noqa: N815


class RoomHoursView(BaseModel):
    """`bookedRates`: of each hour from midnight on, 24; of days, in percent."""

    roomId: str  # noqa: N815
    roomName: str  # noqa: N815
    bookedRates: list[float]  # noqa: N815


class HoursData(BaseModel):
    hours: list[RateView]
    rooms: list[RoomHoursView]


class HoursReply(BaseModel):
    success: bool
    data: HoursData


class GhostingView(BaseModel):
    """`averageWastedMinutes`: that the room stood held and empty, for each no-show."""

    roomId: str  # noqa: N815
    roomName: str  # noqa: N815
    ghostingRate: float  # noqa: N815
    totalNoShows: int  # noqa: N815
    totalBookings: int  # noqa: N815
    averageWastedMinutes: float  # noqa: N815


class GhostingReply(BaseModel):
    success: bool
    data: list[GhostingView]


class CapacityView(BaseModel):
    """`oversizedBookings`: of a room too large; `undersizedBookings`: of one too small."""

    roomId: str  # noqa: N815
    roomName: str  # noqa: N815
    roomCapacity: int  # noqa: N815
    averageAttendees: float  # noqa: N815
    capacityUtilization: float  # noqa: N815
    oversizedBookings: int  # noqa: N815
    undersizedBookings: int  # noqa: N815


class CapacityReply(BaseModel):
    success: bool
    data: list[CapacityView]


class RealityFigures(BaseModel):
    """What has a `null` was not measured, or not planned, in the range."""

    plannedSeatHours: float | None  # noqa: N815
    bookedHours: float  # noqa: N815
    occupiedHours: float | None  # noqa: N815
    unbookedHours: float | None  # noqa: N815
    totalBookings: int  # noqa: N815
    noShowRate: float  # noqa: N815
    measuredBookings: int  # noqa: N815
    ghostBookings: int  # noqa: N815
    ghostRate: float | None  # noqa: N815
    checkedGhostRate: float | None  # noqa: N815
    emptyHours: float | None  # noqa: N815
    averageParty: float | None  # noqa: N815
    p95Party: int | None  # noqa: N815


class RealityView(RealityFigures):
    """`suggestedCapacity`: of a room whose parties never fill half."""

    roomId: str  # noqa: N815
    roomName: str  # noqa: N815
    capacity: int
    suggestedCapacity: int | None  # noqa: N815


class RealityData(BaseModel):
    rooms: list[RealityView]
    totals: RealityFigures


class RealityReply(BaseModel):
    success: bool
    data: RealityData


class RightSizeView(BaseModel):
    """`parties`: by which it was judged; `measuredParties`: those of them that cameras counted."""

    roomId: str  # noqa: N815
    roomName: str  # noqa: N815
    roomCapacity: int  # noqa: N815
    parties: int
    measuredParties: int  # noqa: N815
    largestParty: int  # noqa: N815
    suggestedCapacity: int  # noqa: N815


class RightSizeReply(BaseModel):
    success: bool
    data: list[RightSizeView]


class CountView(BaseModel):
    entries: int
    exits: int


class HourView(CountView):
    """Over all days of the range, by the clock at each door."""

    hour: str


class DoorView(CountView):
    cameraId: int  # noqa: N815
    cameraCode: str  # noqa: N815
    cameraName: str  # noqa: N815
    roomId: str | None  # noqa: N815
    roomName: str | None  # noqa: N815


class FlowData(BaseModel):
    hours: list[HourView]
    doors: list[DoorView]
    totals: CountView


class FlowReply(BaseModel):
    success: bool
    data: FlowData


# --- routes -------------------------------------------------------------------------------------


@router.get("/api/analytics/kpi", response_model=KpiReply)
async def get_kpis(session: Session, query: Annotated[Range, Query()]) -> JsonResponse:
    return success(await figures.kpis(session, query.days()))


@router.get("/api/analytics/utilization", response_model=UtilizationReply)
async def get_utilization(
    session: Session, query: Annotated[BuildingRange, Query()]
) -> JsonResponse:
    return success(await figures.utilization(session, query.days(), query.building))


@router.get("/api/analytics/hours", response_model=HoursReply)
async def get_hours(session: Session, query: Annotated[BuildingRange, Query()]) -> JsonResponse:
    return success(await figures.by_hour(session, query.days(), query.building))


@router.get("/api/analytics/ghosting", response_model=GhostingReply)
async def get_ghosting(session: Session, query: Annotated[Range, Query()]) -> JsonResponse:
    return success(await figures.ghosting(session, query.days()))


@router.get("/api/analytics/capacity", response_model=CapacityReply)
async def get_capacity(session: Session, query: Annotated[Range, Query()]) -> JsonResponse:
    return success(await figures.capacity(session, query.days()))


@router.get("/api/analytics/reality", response_model=RealityReply)
async def get_reality(session: Session, query: Annotated[BuildingRange, Query()]) -> JsonResponse:
    return success(await reality.reality(session, query.days(), query.building))


@router.get("/api/analytics/right-size", response_model=RightSizeReply)
async def get_right_size(session: Session, query: Annotated[Range, Query()]) -> JsonResponse:
    return success(await reality.right_size(session, query.days()))


@router.get("/api/analytics/flow", response_model=FlowReply)
async def get_flow(session: Session, query: Annotated[FlowRange, Query()]) -> JsonResponse:
    return success(await reality.flow(session, query.days(), query.room, query.camera))


@router.get(
    "/api/analytics/hours.svg",
    response_class=Response,
    responses={200: {"content": {"image/svg+xml": {"schema": {"type": "string"}}}}},
)
async def draw_hours(
    request: Request, session: Session, query: Annotated[BuildingRange, Query()]
) -> Response:
    """Rooms in use, by hour of the day, as a picture."""
    language = preferred(request.headers.get("accept-language", ""))
    drawn = await pictures.hours(session, query.days(), query.building, language)
    return Response(drawn, headers=dict(VARY), media_type="image/svg+xml")
