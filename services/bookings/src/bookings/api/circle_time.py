"""The contract `circle_time`, section 3: bookings."""

from typing import Annotated, Any, Literal

from fastapi import Query, Request
from pydantic import BaseModel, ConfigDict, Field

from bookings.api.fields import AnyId, AttendeeIds, Caller, Description, Rule, Title, local_date
from bookings.domain import Booking, Period, Person, Status, local_day
from bookings.repository.bookings import BookingFilter, Bookings
from bookings.service import attendance
from bookings.service import booking as service
from bookings.service.booking import Change, Made, NewBooking
from bookings.service.telling import iso
from common.app import JsonResponse, contract_router, success
from common.contracts import Contract
from common.db import Session
from common.fields import Instant

router = contract_router(Contract.CIRCLE_TIME)

_SHOWN = frozenset({Status.PENDING, Status.CONFIRMED, Status.COMPLETED, Status.NO_SHOW})


# --- what comes in ------------------------------------------------------------------------------


class BookingBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    roomId: AnyId  # noqa: N815 - the document's name, as are those below
    title: Title
    description: Description | None = None
    startTime: Instant  # noqa: N815
    endTime: Instant  # noqa: N815
    attendeeIds: AttendeeIds = []  # noqa: N815
    recurrenceRule: Rule | None = None  # noqa: N815

    def new(self) -> NewBooking:
        return NewBooking(
            room_id=self.roomId,
            title=self.title,
            description=self.description or None,
            period=Period(self.startTime, self.endTime),
            attendee_ids=tuple(self.attendeeIds),
            recurrence_rule=self.recurrenceRule,
        )


class PreviewBody(BaseModel):
    """A booking that somebody thinks of."""

    model_config = ConfigDict(extra="forbid")

    roomId: AnyId  # noqa: N815
    startTime: Instant  # noqa: N815
    endTime: Instant  # noqa: N815
    recurrenceRule: Rule | None = None  # noqa: N815


class BookingPart(BaseModel):
    """What is to be changed; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    roomId: AnyId | None = None  # noqa: N815
    title: Title = ""
    description: Description | None = None
    startTime: Instant | None = None  # noqa: N815
    endTime: Instant | None = None  # noqa: N815
    attendeeIds: AttendeeIds | None = None  # noqa: N815

    def change(self) -> Change:
        sent = self.model_fields_set
        texts: dict[str, str | None] = {
            name: getattr(self, name) for name in ("title", "description") if name in sent
        }
        return Change(
            texts=texts,
            room_id=self.roomId,
            start=self.startTime,
            end=self.endTime,
            attendee_ids=None if self.attendeeIds is None else tuple(self.attendeeIds),
        )


# --- what goes out ------------------------------------------------------------------------------


class PersonView(BaseModel):
    id: str
    name: str
    email: str


class BookingView(BaseModel):
    id: str
    roomId: str  # noqa: N815
    roomName: str  # noqa: N815
    title: str
    description: str | None
    organizer: PersonView
    attendees: list[PersonView]
    startTime: str  # noqa: N815
    endTime: str  # noqa: N815
    status: Literal["confirmed", "pending", "cancelled", "completed", "no_show"]
    checkedIn: bool  # noqa: N815
    checkedInAt: str | None  # noqa: N815


class BookingReply(BaseModel):
    success: bool
    data: BookingView


class BookingList(BaseModel):
    success: bool
    data: list[BookingView]


class SeriesBooking(BaseModel):
    id: str
    startTime: str  # noqa: N815
    endTime: str  # noqa: N815


class SkippedView(BaseModel):
    startTime: str  # noqa: N815
    endTime: str  # noqa: N815
    reason: str


class SeriesView(BaseModel):
    id: str
    bookings: list[SeriesBooking]
    skipped: list[SkippedView]


class MadeBooking(BookingView):
    series: SeriesView | None = Field(None, description="Of a series: all of it.")


class MadeReply(BaseModel):
    success: bool
    data: MadeBooking


class Occurrence(BaseModel):
    startTime: str  # noqa: N815
    endTime: str  # noqa: N815
    reason: str | None = Field(description="Why it would be left out; null: it would be booked.")


class Preview(BaseModel):
    occurrences: list[Occurrence]


class PreviewReply(BaseModel):
    success: bool
    data: Preview


def _person(person: Person) -> dict[str, str]:
    return {"id": person.id, "name": person.name, "email": person.email}


def _status(booking: Booking) -> str:
    if booking.overridden_by is not None or booking.status is Status.REJECTED:
        return Status.CANCELLED
    return booking.status


def booking_view(booking: Booking) -> dict[str, Any]:
    checked_in_at = booking.checked_in_at
    return {
        "id": booking.id,
        "roomId": booking.room.cuid,
        "roomName": booking.room.name,
        "title": booking.title,
        "description": booking.description,
        "organizer": _person(booking.organizer),
        "attendees": [_person(person) for person in booking.attendees],
        "startTime": iso(booking.period.start),
        "endTime": iso(booking.period.end),
        "status": _status(booking),
        "checkedIn": checked_in_at is not None,
        "checkedInAt": iso(checked_in_at) if checked_in_at else None,
    }


def _series_view(made: Made) -> dict[str, Any]:
    """Show a series with its first booking: what was booked, and what was skipped and why."""
    return {
        "id": made.bookings[0].series_id,
        "bookings": [
            {"id": one.id, "startTime": iso(one.period.start), "endTime": iso(one.period.end)}
            for one in made.bookings
        ],
        "skipped": [
            {
                "startTime": iso(one.period.start),
                "endTime": iso(one.period.end),
                "reason": one.reason,
            }
            for one in made.skipped
        ],
    }


# --- routes -------------------------------------------------------------------------------------


@router.get("/api/rooms/{room_id}/bookings", response_model=BookingList)
async def list_bookings_of_a_day(room_id: str, session: Session, request: Request) -> JsonResponse:
    day = local_date(request, "date is required in the form YYYY-MM-DD.")
    room = await service.find_room(session, room_id)
    wanted = BookingFilter(
        room_id=room.id, starting=local_day(day, room.zone), statuses=_SHOWN, in_force=True
    )
    return success([booking_view(booking) for booking in await Bookings(session).find(wanted)])


@router.post("/api/bookings", status_code=201, response_model=MadeReply)
async def create_booking(body: BookingBody, session: Session, identity: Caller) -> JsonResponse:
    made = await service.book(session, identity, body.new())
    view = booking_view(made.bookings[0])
    if body.recurrenceRule is not None:
        view["series"] = _series_view(made)
    return success(view, 201)


@router.post("/api/bookings/preview", response_model=PreviewReply)
async def preview_booking(body: PreviewBody, session: Session, identity: Caller) -> JsonResponse:
    new = NewBooking(
        room_id=body.roomId,
        title="",
        description=None,
        period=Period(body.startTime, body.endTime),
        recurrence_rule=body.recurrenceRule,
    )
    occurrences = [
        {"startTime": iso(period.start), "endTime": iso(period.end), "reason": reason}
        for period, reason in await service.preview(session, identity, new)
    ]
    return success({"occurrences": occurrences})


@router.patch("/api/bookings/{booking_id}", response_model=BookingReply)
async def change_booking(
    booking_id: str, body: BookingPart, session: Session, identity: Caller
) -> JsonResponse:
    return success(booking_view(await service.move(session, identity, booking_id, body.change())))


@router.delete("/api/bookings/{booking_id}")
async def cancel_booking(
    booking_id: str,
    session: Session,
    identity: Caller,
    scope: Annotated[Literal["this", "following", "all"], Query()] = "this",
) -> JsonResponse:
    count = await service.cancel(session, identity, booking_id, scope=scope)
    data: dict[str, Any] = {"cancelled": True}
    if scope != "this":
        data["count"] = count
    return success(data)


@router.post("/api/bookings/{booking_id}/checkin")
async def check_in(booking_id: str, session: Session, identity: Caller) -> JsonResponse:
    view = booking_view(await attendance.check_in(session, identity, booking_id))
    return success({name: view[name] for name in ("checkedIn", "checkedInAt")})


@router.post("/api/bookings/{booking_id}/end")
async def end_booking(booking_id: str, session: Session, identity: Caller) -> JsonResponse:
    freed = await attendance.end_early(session, identity, booking_id)
    return success({"ended": True, "freedMinutes": freed})
