"""What a timeline shows, in the manner of `circle_time`: all rooms, and all that is booked."""

from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any, Final, Literal

from fastapi import Query
from pydantic import BaseModel, Field

from bookings.api.fields import Caller
from bookings.domain import Period, Room, Status
from bookings.repository.rules import Closures
from bookings.repository.timeline import Timeline
from common.app import JsonResponse, contract_router, success
from common.contracts import Contract
from common.db import Session
from common.errors import invalid_field
from common.fields import Instant
from common.identity import Identity, Role

router = contract_router(Contract.CIRCLE_TIME)

LONGEST: Final = timedelta(days=42)
_A_DAY: Final = timedelta(days=1)


# --- what goes out ------------------------------------------------------------------------------


class RulesView(BaseModel):
    """The room's policy; minutes and days, null for no rule."""

    bufferBefore: int  # noqa: N815 - in the manner of the document, as are those below
    bufferAfter: int  # noqa: N815
    pendingHolds: bool  # noqa: N815
    checkInOpens: int  # noqa: N815
    checkInCloses: int | None  # noqa: N815
    horizonDays: int | None  # noqa: N815
    minMinutes: int | None  # noqa: N815
    maxMinutes: int | None  # noqa: N815


class TimelineRoom(BaseModel):
    id: str
    name: str
    building: str
    floor: int
    capacity: int
    amenities: list[str]
    imageUrl: str | None  # noqa: N815
    timezone: str
    opensAt: time = Field(description="When its building opens, local.")  # noqa: N815
    closesAt: time  # noqa: N815
    isLocked: bool  # noqa: N815
    restrictedRoles: list[Role] | None  # noqa: N815
    mayBook: bool = Field(description="Whether it is for the caller's role.")  # noqa: N815
    rules: RulesView


class TimelineRooms(BaseModel):
    success: bool
    data: list[TimelineRoom]


class TimelineBooking(BaseModel):
    id: str
    roomId: str  # noqa: N815
    startTime: datetime  # noqa: N815
    endTime: datetime  # noqa: N815
    heldFrom: datetime = Field(description="With the room's buffers.")  # noqa: N815
    heldUntil: datetime  # noqa: N815
    holds: bool = Field(description="Nobody else can have the room then.")
    status: Literal["pending", "confirmed", "completed"]
    title: str | None = Field(description="null: a request of somebody else's.")
    organizer: str | None
    isMine: bool = Field(description="Organised or attended by the caller.")  # noqa: N815
    mayChange: bool  # noqa: N815
    checkedIn: bool  # noqa: N815
    seriesId: str | None  # noqa: N815


class TimelineBlackout(BaseModel):
    roomId: str | None = Field(description="null: every room.")  # noqa: N815
    startTime: datetime  # noqa: N815
    endTime: datetime  # noqa: N815
    reason: str


class TimelineHoliday(BaseModel):
    date: str = Field(description="A local day, YYYY-MM-DD.")
    name: str


class TimelineView(BaseModel):
    bookings: list[TimelineBooking]
    blackouts: list[TimelineBlackout]
    holidays: list[TimelineHoliday]


class TimelineReply(BaseModel):
    success: bool
    data: TimelineView


def _room_view(room: Room, opens: time, closes: time, identity: Identity) -> dict[str, Any]:
    policy, roles = room.policy, room.restricted_roles
    return {
        "id": room.cuid,
        "name": room.name,
        "building": room.building,
        "floor": room.floor,
        "capacity": room.capacity,
        "amenities": list(room.amenities),
        "imageUrl": room.images[0] if room.images else None,
        "timezone": room.timezone,
        "opensAt": opens.isoformat("minutes"),
        "closesAt": closes.isoformat("minutes"),
        "isLocked": room.is_locked,
        "restrictedRoles": list(roles) or None,
        "mayBook": not roles or identity.role in roles or identity.role is Role.ADMIN,
        "rules": {
            "bufferBefore": policy.buffer_before,
            "bufferAfter": policy.buffer_after,
            "pendingHolds": policy.pending_holds,
            "checkInOpens": policy.checkin_opens,
            "checkInCloses": policy.checkin_closes,
            "horizonDays": policy.horizon_days,
            "minMinutes": policy.min_minutes,
            "maxMinutes": policy.max_minutes,
        },
    }


def _booking_view(row: Any, *, is_admin: bool) -> dict[str, Any]:  # noqa: ANN401 - a row
    shown = is_admin or row.mine or row.status != Status.PENDING
    return {
        "id": row.id,
        "roomId": row.room,
        "startTime": row.starts_at,
        "endTime": row.ends_at,
        "heldFrom": row.held_from,
        "heldUntil": row.held_until,
        "holds": row.holds,
        "status": row.status,
        "title": row.title if shown else None,
        "organizer": row.organizer if shown else None,
        "isMine": row.mine,
        "mayChange": row.status != Status.COMPLETED and (is_admin or row.own),
        "checkedIn": row.checked_in_at is not None,
        "seriesId": row.series_id,
    }


# --- routes -------------------------------------------------------------------------------------


@router.get("/api/timeline/rooms", response_model=TimelineRooms)
async def list_rooms(session: Session, identity: Caller) -> JsonResponse:
    found = await Timeline(session).rooms()
    return success(
        [_room_view(room, row.room_opens_at, row.room_closes_at, identity) for room, row in found],
    )


@router.get("/api/timeline", response_model=TimelineReply)
async def list_bookings(
    session: Session,
    identity: Caller,
    from_: Annotated[Instant, Query(alias="from")],
    to: Annotated[Instant, Query(description="At most 42 days later.")],
) -> JsonResponse:
    if not from_ < to <= from_ + LONGEST:
        raise invalid_field("to", "to must be after from, by at most 42 days.")
    during = Period(from_, to)
    is_admin = identity.role is Role.ADMIN
    timeline = Timeline(session)
    rows = await timeline.bookings(during, caller_id=identity.id, sees_requests=is_admin)
    # Days are local: wherever the building is, its days are among these.
    first, last = (from_ - _A_DAY).astimezone(UTC).date(), (to + _A_DAY).astimezone(UTC).date()
    return success(
        {
            "bookings": [_booking_view(row, is_admin=is_admin) for row in rows],
            "blackouts": [
                {
                    "roomId": row.room,
                    "startTime": row.starts_at,
                    "endTime": row.ends_at,
                    "reason": row.reason,
                }
                for row in await timeline.blackouts(during)
            ],
            "holidays": [
                {"date": one.day.isoformat(), "name": one.name}
                for one in await Closures(session).holidays(first, last)
            ],
        },
    )
