"""The contract `circle_time`, section 4: what is done at a room's door; decided here, as all is."""

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from bookings.api.circle_time import BookingReply, booking_view
from bookings.api.fields import Caller, Title
from bookings.service import attendance, doors
from bookings.service.telling import iso
from common.app import JsonResponse, contract_router, success
from common.contracts import Contract
from common.db import Session

router = contract_router(Contract.CIRCLE_TIME)

Minutes = Annotated[int, Field(ge=5, le=480)]


class BookNow(BaseModel):
    """For how long; up to the next booking at most."""

    model_config = ConfigDict(extra="forbid")

    minutes: Minutes = 30
    title: Title = "Booked at the door"


class Extend(BaseModel):
    model_config = ConfigDict(extra="forbid")

    minutes: Minutes = 15


@router.post("/api/panel/meetings/{meeting_id}/checkin")
async def check_in(meeting_id: str, session: Session, identity: Caller) -> JsonResponse:
    """Somebody has come. One made while the network was away says when, by `X-Device-Time`."""
    await attendance.check_in(session, identity, meeting_id)
    return JsonResponse({"success": True, "message": "Checked in successfully"})


@router.post("/api/panel/meetings/{meeting_id}/end")
async def end(meeting_id: str, session: Session, identity: Caller) -> JsonResponse:
    freed = await attendance.end_early(session, identity, meeting_id)
    data = {"freedMinutes": freed}
    return JsonResponse({"success": True, "data": data, "message": "Meeting ended"})


@router.post("/api/panel/meetings/{meeting_id}/extend")
async def extend(
    meeting_id: str, session: Session, identity: Caller, body: Extend | None = None
) -> JsonResponse:
    """Let the meeting last longer, up to the next booking at most."""
    length = timedelta(minutes=(body or Extend()).minutes)
    changed = await doors.extend(session, identity, meeting_id, length)
    data = {"endTime": iso(changed.period.end)}
    return JsonResponse({"success": True, "data": data, "message": "Meeting extended"})


@router.post("/api/panel/rooms/{room_id}/book", status_code=201, response_model=BookingReply)
async def book_now(
    room_id: str, session: Session, identity: Caller, body: BookNow | None = None
) -> JsonResponse:
    """Book the room from now on, up to the next booking at most, and be there."""
    wanted = body or BookNow()
    length = timedelta(minutes=wanted.minutes)
    made = await doors.book_now(session, identity, room_id, wanted.title, length)
    return success(booking_view(made), 201)
