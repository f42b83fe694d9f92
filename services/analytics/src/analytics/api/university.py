"""The contract `university`: reports, and bookings as a table."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from fastapi import Query, Request
from pydantic import BaseModel
from starlette.responses import StreamingResponse

from analytics.domain import DAY, MOST_DAYS, Days
from analytics.service import reports
from analytics.service.reports import Span
from common.app import JsonResponse, contract_router, read_by, success
from common.contracts import Contract
from common.db import Session
from common.errors import invalid_field

router = contract_router(Contract.UNIVERSITY)

MOST_WEEKS: Final = 52
_WEEK: Final = timedelta(days=7)
_EXPORTED: Final = timedelta(days=30)
_INSTANT: Final = timedelta(microseconds=1)


# --- what comes in ------------------------------------------------------------------------------


def _moment(name: str, text: str | None, zone: ZoneInfo) -> datetime | None:
    """Read a moment; a + that came unescaped is a space, and without an offset it is local.

    Raises:
        Invalid: it is none.
    """
    if not text:
        return None
    text = text.strip()
    try:
        moment = datetime.fromisoformat(text[:11] + text[11:].replace(" ", "+"))
    except ValueError:
        moment = None
    if moment is None or not 1900 <= moment.year < 9000:
        raise invalid_field(name, "Use an ISO 8601 datetime, for example 2024-01-15T10:00:00Z")
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


@dataclass(frozen=True, slots=True)
class ReportQuery:
    """What a report is of."""

    weeks: Annotated[str | None, Query(description="How many, 1 to 52. [4]")] = None
    startDate: Annotated[  # noqa: N815 - the document's
        str | None, Query(max_length=64, description="ISO datetime. [so many weeks ago]")
    ] = None

    def span(self, zone: ZoneInfo) -> Span:
        """Return the days that so many weeks touch, in the installation's zone.

        Raises:
            Invalid: one of them is wrong.
        """
        text = self.weeks or "4"
        weeks = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
        if not 1 <= weeks <= MOST_WEEKS:
            raise invalid_field("weeks", f"Weeks must be a number from 1 to {MOST_WEEKS}")
        start = _moment("startDate", self.startDate, zone) or datetime.now(UTC) - weeks * _WEEK
        last = (start + weeks * _WEEK - _INSTANT).astimezone(zone).date()
        return Span(Days(start.astimezone(zone).date(), last), weeks)


ReportOf = Annotated[ReportQuery, read_by(ReportQuery)]


def _zone(request: Request) -> ZoneInfo:
    return ZoneInfo(request.app.state.settings.timezone)


# --- what goes out ------------------------------------------------------------------------------


class WeekView(BaseModel):
    """`week`: as ISO 8601 counts them, `2024-W01`."""

    week: str
    hours: float


class RoomWeeksView(BaseModel):
    roomId: str  # noqa: N815 - the document's name, as are those below
    roomName: str  # noqa: N815
    building: str
    totalHours: float  # noqa: N815
    avgHoursPerWeek: float  # noqa: N815
    weeklyBreakdown: list[WeekView]  # noqa: N815


class UtilizationReply(BaseModel):
    success: bool
    data: list[RoomWeeksView]


class HourView(BaseModel):
    hour: int
    hourLabel: str  # noqa: N815
    count: int


class PeakHours(BaseModel):
    """A booking counts once in each local hour that it lasts into."""

    peakHours: list[HourView]  # noqa: N815
    peakHour: int  # noqa: N815
    maxCount: int  # noqa: N815


class PeakHoursReply(BaseModel):
    success: bool
    data: PeakHours


class RoleView(BaseModel):
    """`percentage`: of the bookings."""

    role: str
    count: int
    hours: float
    percentage: float


class TotalView(BaseModel):
    count: int
    hours: float


class Roles(BaseModel):
    byRole: list[RoleView]  # noqa: N815
    total: TotalView


class RolesReply(BaseModel):
    success: bool
    data: Roles


# --- routes -------------------------------------------------------------------------------------


@router.get("/api/admin/reports/utilization", response_model=UtilizationReply)
async def get_utilization(request: Request, session: Session, query: ReportOf) -> JsonResponse:
    return success(await reports.utilization(session, query.span(_zone(request))))


@router.get("/api/admin/reports/peak-hours", response_model=PeakHoursReply)
async def get_peak_hours(request: Request, session: Session, query: ReportOf) -> JsonResponse:
    return success(await reports.peak_hours(session, query.span(_zone(request))))


@router.get("/api/admin/reports/bookings-by-role", response_model=RolesReply)
async def get_bookings_by_role(request: Request, session: Session, query: ReportOf) -> JsonResponse:
    return success(await reports.bookings_by_role(session, query.span(_zone(request))))


@router.get(
    "/api/admin/reports/export",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def export(
    request: Request,
    startDate: Annotated[  # noqa: N803 - the document's
        str | None, Query(max_length=64, description="ISO datetime. [30 days ago]")
    ] = None,
    endDate: Annotated[  # noqa: N803
        str | None, Query(max_length=64, description="ISO datetime; a date includes it. [now]")
    ] = None,
) -> StreamingResponse:
    """Bookings that start within a time, as CSV."""
    zone, now = _zone(request), datetime.now(UTC)
    until = _moment("endDate", endDate, zone) or now
    shown_until = until.astimezone(zone).date()
    if endDate and _is_date(endDate):
        until = datetime.combine(shown_until + DAY, time(), zone)
    since = _moment("startDate", startDate, zone) or min(now, until) - _EXPORTED
    if until < since:
        raise invalid_field("endDate", "The end must not be before the start")
    if until - since > MOST_DAYS * DAY:
        raise invalid_field("endDate", f"A range has at most {MOST_DAYS} days")
    name = f"bookings-{since.astimezone(zone):%Y-%m-%d}-to-{shown_until}.csv"
    return StreamingResponse(
        reports.export(request.app.state.database, since, until),
        media_type="text/csv",
        headers={
            "content-disposition": f'attachment; filename="{name}"',
            "cache-control": "no-store",
        },
    )


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text.strip())
    except ValueError:
        return False
    return True
