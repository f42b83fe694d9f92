"""The contract `university`: the day of a room, its bookings, requests and override."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from fastapi import Query, Request
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from bookings.api.fields import AnyId, Caller, Rule, local_date
from bookings.domain import (
    Booking,
    Period,
    Person,
    RequestStatus,
    Room,
    Status,
    holder_of,
    local_day,
    slots_of,
)
from bookings.repository.bookings import BookingFilter, Bookings
from bookings.service import booking as service
from bookings.service import requests
from bookings.service.booking import Made, NewBooking
from bookings.service.requests import Decision, NewOverride
from bookings.service.telling import iso
from common.app import JsonResponse, contract_router, read_by, success
from common.contracts import Contract
from common.db import Session
from common.errors import Forbidden, invalid_field
from common.fields import CLEAN, Instant
from common.identity import Role
from common.paging import NumberedPage, Pagination, numbered_page_of

router = contract_router(Contract.UNIVERSITY)

Page = Annotated[NumberedPage, read_by(NumberedPage)]
Purpose = Annotated[str, StringConstraints(min_length=1, max_length=500), CLEAN]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=1000), CLEAN]
_BOOKED = frozenset({Status.CONFIRMED, Status.COMPLETED})
# Who nobody came to sees it among their own.
_MINE = _BOOKED | {Status.NO_SHOW}


# --- what comes in ------------------------------------------------------------------------------


class Times(BaseModel):
    """A period in the future; what is wrong with it is told along with all else."""

    model_config = ConfigDict(extra="forbid")

    startAt: Instant  # noqa: N815 - the document's name, as are those below
    endAt: Instant  # noqa: N815

    @model_validator(mode="wrap")
    @classmethod
    def _check_times(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:  # noqa: ANN401
        found: list[InitErrorDetails] = []
        made: Self | None = None
        try:
            made = handler(data)
        except ValidationError as error:
            found = [_again(one) for one in error.errors(include_url=False)]
        found += _wrong_times(data, {one["loc"][0] for one in found if one.get("loc")})
        if found or made is None:
            raise ValidationError.from_exception_data(cls.__name__, found)
        return made


def _again(finding: Any) -> InitErrorDetails:  # noqa: ANN401 - pydantic's own
    kind: Any = finding["type"]
    context = finding.get("ctx", {})
    if kind == "value_error":
        text = str(finding["msg"]).removeprefix("Value error, ")
        kind, context = PydanticCustomError("refused", "{text}", {"text": text}), {}
    return InitErrorDetails(type=kind, loc=finding["loc"], input=finding["input"], ctx=context)


def _wrong_times(data: Any, known: set[Any]) -> list[InitErrorDetails]:  # noqa: ANN401
    """Find what is wrong with times that can be read, whatever else is wrong."""
    if not isinstance(data, dict):
        return []
    moments: dict[str, datetime] = {}
    for name in ("startAt", "endAt"):
        try:
            moment = datetime.fromisoformat(data[name])
        except (KeyError, TypeError, ValueError):
            continue
        if moment.tzinfo is not None and name not in known:
            moments[name] = moment
    wrong: list[InitErrorDetails] = []
    start, end = moments.get("startAt"), moments.get("endAt")
    if start is not None and start <= datetime.now(UTC):
        wrong.append(_wrong("startAt", "Start time must be in the future", data))
    if start is not None and end is not None and end <= start:
        wrong.append(_wrong("endAt", "End time must be after start time", data))
    return wrong


def _wrong(name: str, text: str, data: dict[str, Any]) -> InitErrorDetails:
    return InitErrorDetails(
        type=PydanticCustomError("time", "{text}", {"text": text}), loc=(name,), input=data[name]
    )


class RequestBody(Times):
    roomId: AnyId  # noqa: N815
    purpose: Purpose
    recurrenceRule: Rule | None = None  # noqa: N815

    def new(self) -> NewBooking:
        return NewBooking(
            room_id=self.roomId,
            title=self.purpose,
            description=None,
            period=Period(self.startAt, self.endAt),
            recurrence_rule=self.recurrenceRule,
        )


class DecisionBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    status: Literal["APPROVED", "REJECTED"]
    reason: Reason
    startAt: Instant | None = None  # noqa: N815
    endAt: Instant | None = None  # noqa: N815


class OverrideBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    roomId: AnyId  # noqa: N815
    userId: AnyId  # noqa: N815
    startAt: Instant  # noqa: N815
    endAt: Instant  # noqa: N815
    purpose: Purpose
    reason: Reason


# --- what goes out ------------------------------------------------------------------------------


# These describe the answers; what leaves is made by the functions below them, without a model.
class RoomView(BaseModel):
    id: str
    name: str
    building: str
    capacity: int
    equipment: list[str]
    images: list[str]
    isActive: bool  # noqa: N815
    isLocked: bool  # noqa: N815
    restrictedRoles: list[Role] | None  # noqa: N815
    timezone: str


class UserView(BaseModel):
    id: str
    name: str
    email: str
    role: Role | None
    department: str | None


class PlainView(BaseModel):
    id: str
    roomId: str  # noqa: N815
    userId: str  # noqa: N815
    startAt: datetime  # noqa: N815
    endAt: datetime  # noqa: N815
    purpose: str


class RequestView(PlainView):
    status: RequestStatus
    reason: str | None
    createdAt: datetime  # noqa: N815
    decidedAt: datetime | None  # noqa: N815
    seriesId: str | None  # noqa: N815
    room: RoomView
    user: UserView


class RequestOfBooking(BaseModel):
    id: str
    status: RequestStatus
    reason: str | None
    createdAt: datetime  # noqa: N815


class CheckInView(BaseModel):
    opensAt: datetime  # noqa: N815
    closesAt: datetime  # noqa: N815


class BookingView(PlainView):
    isOverride: bool  # noqa: N815
    isOverridden: bool  # noqa: N815
    overriddenBy: str | None  # noqa: N815
    status: Status
    checkIn: CheckInView | None = Field(  # noqa: N815
        description="When somebody has to check in; null: nobody has to."
    )
    checkedInAt: datetime | None  # noqa: N815
    endedAt: datetime | None = Field(description="When it was ended before its time.")  # noqa: N815
    seriesId: str | None  # noqa: N815
    createdAt: datetime  # noqa: N815
    room: RoomView
    user: UserView
    request: RequestOfBooking | None


class RequestPage(BaseModel):
    data: list[RequestView]
    pagination: Pagination


class RequestPageReply(BaseModel):
    success: bool
    data: RequestPage


class BookingPage(BaseModel):
    data: list[BookingView]
    pagination: Pagination


class BookingPageReply(BaseModel):
    success: bool
    data: BookingPage


class OneRequest(BaseModel):
    success: bool
    data: RequestView


class OneBooking(BaseModel):
    success: bool
    data: BookingView


class SkippedView(BaseModel):
    startAt: datetime  # noqa: N815
    endAt: datetime  # noqa: N815
    reason: str


class RequestedView(BaseModel):
    id: str
    startAt: datetime  # noqa: N815
    endAt: datetime  # noqa: N815


class SeriesView(BaseModel):
    id: str
    requests: list[RequestedView]
    skipped: list[SkippedView]


class MadeRequest(RequestView):
    series: SeriesView | None = Field(None, description="Of a series: all of it.")


class MadeRequestReply(BaseModel):
    success: bool
    data: MadeRequest


class Decided(BaseModel):
    request: RequestView
    booking: BookingView | None = Field(None, description="Only when it was approved.")


class DecidedReply(BaseModel):
    success: bool
    data: Decided


def _room_view(room: Room) -> dict[str, Any]:
    return {
        "id": room.cuid,
        "name": room.name,
        "building": room.building,
        "capacity": room.capacity,
        "equipment": list(room.amenities),
        "images": list(room.images),
        "isActive": room.is_active,
        "isLocked": room.is_locked,
        "restrictedRoles": list(room.restricted_roles) or None,
        "timezone": room.timezone,
    }


def user_view(person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "name": person.name,
        "email": person.email,
        "role": person.role,
        "department": person.department,
    }


def _plain(booking: Booking) -> dict[str, Any]:
    return {
        "id": booking.id,
        "roomId": booking.room.cuid,
        "userId": booking.organizer.id,
        "startAt": iso(booking.period.start),
        "endAt": iso(booking.period.end),
        "purpose": booking.title,
    }


def _request_view(booking: Booking) -> dict[str, Any]:
    return {
        **_plain(booking),
        "status": booking.request_status,
        "reason": booking.decision_reason,
        "createdAt": iso(booking.created_at),
        "decidedAt": iso(booking.decided_at) if booking.decided_at else None,
        "seriesId": booking.series_id,
        "room": _room_view(booking.room),
        "user": user_view(booking.organizer),
    }


def _booking_view(booking: Booking) -> dict[str, Any]:
    request = {
        "id": booking.id,
        "status": booking.request_status,
        "reason": booking.decision_reason,
        "createdAt": iso(booking.created_at),
    }
    return {
        **_plain(booking),
        "isOverride": booking.is_override,
        "isOverridden": booking.overridden_by is not None,
        "overriddenBy": booking.overridden_by,
        "status": booking.status,
        "checkIn": _check_in_view(booking.checkin),
        "checkedInAt": iso(booking.checked_in_at) if booking.checked_in_at else None,
        "endedAt": iso(booking.ended_at) if booking.ended_at else None,
        "seriesId": booking.series_id,
        "createdAt": iso(booking.created_at),
        "room": _room_view(booking.room),
        "user": user_view(booking.organizer),
        "request": request if booking.requested else None,
    }


def _check_in_view(window: Period | None) -> dict[str, Any] | None:
    return {"opensAt": iso(window.start), "closesAt": iso(window.end)} if window else None


# --- the day of a room --------------------------------------------------------------------------


@router.get("/api/rooms/{room_id}/availability")
async def day_of_a_room(room_id: str, session: Session, request: Request) -> JsonResponse:
    if not request.query_params.get("date"):
        raise invalid_field("date", "Date parameter is required (format: YYYY-MM-DD)")
    day = local_date(request, "Date parameter is required (format: YYYY-MM-DD)")
    room = await service.find_room(session, room_id)
    period = local_day(day, room.zone)
    holders = await Bookings(session).find(BookingFilter(room_id=room.id, held_during=period))
    bookable = room.is_active and not room.is_locked
    shown = [one for one in holders if one.period.overlaps(period)]
    return success(
        {
            "date": day.isoformat(),
            "roomId": room.cuid,
            "timeSlots": [_slot(slot, holders, bookable=bookable) for slot in slots_of(period)],
            "bookings": [_booking_of_day(one) for one in shown if one.status in _BOOKED],
        }
    )


def _slot(slot: Period, holders: Sequence[Booking], *, bookable: bool) -> dict[str, Any]:
    holder = holder_of(slot, holders)
    return {
        "start": iso(slot.start),
        "end": iso(slot.end),
        "isAvailable": holder is None and bookable,
        "bookingId": holder.id if holder else None,
        "purpose": holder.title if holder else None,
    }


def _booking_of_day(booking: Booking) -> dict[str, Any]:
    user = booking.organizer
    return {
        "id": booking.id,
        "startAt": iso(booking.period.start),
        "endAt": iso(booking.period.end),
        "purpose": booking.title,
        "user": {"id": user.id, "name": user.name, "email": user.email},
    }


# --- bookings -----------------------------------------------------------------------------------


def moment_of(name: str, text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text.strip().replace(" ", "+"))
    except ValueError:
        moment = None
    if moment is None or not 1900 <= moment.year <= 9000:
        raise invalid_field(name, "Use an ISO 8601 datetime, for example 2024-01-15T10:00:00Z")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Parameter = Annotated[str | None, Field(max_length=64)]


class BookingQuery(BaseModel):
    """The filters of the list of bookings."""

    roomId: Parameter = None  # noqa: N815 - the document's name
    after: Parameter = Field(None, alias="from")
    to: Parameter = None
    mine: Parameter = Field(None, description="true: organised or attended by you.")


@router.get("/api/bookings", response_model=BookingPageReply)
async def list_bookings(
    session: Session, identity: Caller, page: Page, query: Annotated[BookingQuery, Query()]
) -> JsonResponse:
    only_mine = query.mine == "true"
    room = await service.find_room(session, query.roomId) if query.roomId else None
    wanted = BookingFilter(
        room_id=room.id if room else None,
        ending_after=moment_of("from", query.after),
        starting_before=moment_of("to", query.to),
        of_person=identity.id if only_mine else None,
        statuses=_MINE if only_mine else _BOOKED,
    )
    bookings = Bookings(session)
    entries, pagination = await numbered_page_of(
        page,
        count=lambda: bookings.count(wanted),
        find=lambda part: bookings.find(wanted, part=part),
    )
    return success({"data": [_booking_view(one) for one in entries], "pagination": pagination})


@router.post("/api/bookings/override", status_code=201, response_model=OneBooking)
async def override_booking(body: OverrideBody, session: Session, identity: Caller) -> JsonResponse:
    new = NewOverride(
        body.roomId, body.userId, Period(body.startAt, body.endAt), body.purpose, body.reason
    )
    return success(_booking_view(await requests.override(session, identity, new)), 201)


# --- requests -----------------------------------------------------------------------------------


@router.post("/api/requests", status_code=201, response_model=MadeRequestReply)
async def create_request(body: RequestBody, session: Session, identity: Caller) -> JsonResponse:
    made = await requests.submit(session, identity, body.new())
    view = _request_view(made.bookings[0])
    if body.recurrenceRule is not None:
        view["series"] = _series_view(made)
    return success(view, 201)


def _series_view(made: Made) -> dict[str, Any]:
    return {
        "id": made.bookings[0].series_id,
        "requests": [
            {"id": one.id, "startAt": iso(one.period.start), "endAt": iso(one.period.end)}
            for one in made.bookings
        ],
        "skipped": [
            {
                "startAt": iso(one.period.start),
                "endAt": iso(one.period.end),
                "reason": one.reason,
            }
            for one in made.skipped
        ],
    }


@router.get("/api/requests", response_model=RequestPageReply)
async def list_requests(
    session: Session,
    identity: Caller,
    page: Page,
    mine: Annotated[str | None, Query()] = None,
    status: Annotated[RequestStatus | None, Query()] = None,
) -> JsonResponse:
    only_mine = mine == "true"
    is_admin = identity.role is Role.ADMIN
    if status is RequestStatus.PENDING and not only_mine and not is_admin:
        raise Forbidden("Only admins can list the pending requests of others")
    wanted = BookingFilter(
        requested=True,
        request_status=status,
        organizer_id=identity.id if only_mine else None,
        pending_of=None if is_admin else identity.id,
    )
    bookings = Bookings(session)
    entries, pagination = await numbered_page_of(
        page,
        count=lambda: bookings.count(wanted),
        find=lambda part: bookings.find(wanted, newest_first=True, part=part),
    )
    return success({"data": [_request_view(one) for one in entries], "pagination": pagination})


@router.patch("/api/requests/{request_id}", response_model=DecidedReply)
async def decide_request(
    request_id: str, body: DecisionBody, session: Session, identity: Caller
) -> JsonResponse:
    decision = Decision(body.status == "APPROVED", body.reason, body.startAt, body.endAt)
    decided = await requests.decide(session, identity, request_id, decision)
    data = {"request": _request_view(decided)}
    if decision.approved:
        data["booking"] = _booking_view(decided)
    return success(data)


@router.post("/api/requests/{request_id}/cancel", response_model=OneRequest)
async def cancel_request(request_id: str, session: Session, identity: Caller) -> JsonResponse:
    return success(_request_view(await requests.cancel_request(session, identity, request_id)))
