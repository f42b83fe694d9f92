"""The contract `directory`: when rooms are free."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final

from fastapi import Query, Request
from pydantic import BaseModel

from common.app import JsonResponse, contract_router, read_by
from common.contracts import Contract
from common.db import Session
from common.errors import Invalid, MethodNotAllowed
from common.opening import FreeDays
from common.paging import PageLinks, PageQuery, page_of
from rooms.api.directory import NOT_FOUND, RoomQuery
from rooms.api.queries import Caller, NoInstant, OnlyADate, read_instant
from rooms.repository.rooms import Rooms
from rooms.service import availability

router = contract_router(Contract.DIRECTORY)

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


# --- what comes in ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Time:
    """A stretch of time; declared so that the descriptions name the parameters."""

    start_datetime: Annotated[str | None, Query(description="ISO 8601; now, if it is past.")] = None
    end_datetime: Annotated[str | None, Query(description="ISO 8601; whenever, if left out.")] = (
        None
    )

    def read(self) -> availability.Wanted:
        """Read both.

        Raises:
            Invalid: one of them is a date, or nothing.
        """
        return availability.Wanted(
            _instant("start_datetime", self.start_datetime),
            _instant("end_datetime", self.end_datetime),
        )


def _instant(name: str, text: str | None) -> datetime | None:
    try:
        return read_instant(text) if text else None
    except OnlyADate:
        raise Invalid(f"Date-only strings are not allowed for {name}.") from None
    except NoInstant:
        raise Invalid(f"Invalid datetime format for {name}.") from None


@dataclass(frozen=True, slots=True)
class _Days:
    """Some days; declared so that the descriptions name the parameters."""

    start_date: Annotated[str | None, Query(description="YYYY-MM-DD; today, if left out.")] = None
    end_date: Annotated[str | None, Query(description="YYYY-MM-DD; required.")] = None

    def read(self) -> tuple[date | None, date]:
        """Read both.

        Raises:
            Invalid: the last one is missing, or one is no date.
        """
        if not self.end_date:
            raise Invalid("end_date is required")
        first = _date(self.start_date) if self.start_date else None
        last = _date(self.end_date)
        return first, last


def _date(text: str) -> date:
    try:
        # Python takes other forms of a date too.
        return date.fromisoformat(text if _DAY.fullmatch(text) else "")
    except ValueError:
        raise Invalid("Invalid date format.") from None


# --- what goes out ------------------------------------------------------------------------------


class SlotView(BaseModel):
    start: datetime
    end: datetime


class DayView(BaseModel):
    """A day of the building's, with what is free of it."""

    date: date
    slots: list[SlotView]


class AvailabilityView(BaseModel):
    room_id: int
    availability: list[DayView]


class RoomAvailability(BaseModel):
    room_id: int
    availability: bool


class RoomAvailabilityPage(PageLinks):
    results: list[RoomAvailability]


def _days_view(days: FreeDays) -> list[dict[str, Any]]:
    return [
        {
            "date": day.isoformat(),
            "slots": [{"start": start, "end": end} for start, end in slots],
        }
        for day, slots in days
    ]


# --- the routes ---------------------------------------------------------------------------------


@router.get("/api/rooms/availability", response_model=RoomAvailabilityPage)
@router.get("/api/rooms/availability/", response_model=RoomAvailabilityPage)
async def list_availability(
    *,
    session: Session,
    identity: Caller,
    request: Request,
    query: Annotated[RoomQuery, Query()],
    page: Annotated[PageQuery, read_by(PageQuery)],
    time_wanted: Annotated[_Time, read_by(_Time)],
) -> JsonResponse:
    when = time_wanted.read()
    rooms, wanted = Rooms(session), query.wanted(identity)
    answer = await page_of(
        request,
        page,
        count=lambda: rooms.count(wanted),
        find=lambda part: rooms.find(wanted, order=query.ordering, part=part),
    )
    found = answer["results"]
    free = await availability.free_rooms(session, found, when, now=datetime.now(UTC))
    results = [{"room_id": room.id, "availability": room.id in free} for room in found]
    return JsonResponse({**answer, "results": results})


@router.put("/api/rooms/availability/", include_in_schema=False)
@router.patch("/api/rooms/availability/", include_in_schema=False)
async def change_availability(request: Request) -> None:
    """Answer what would else be taken for the change of a room."""
    raise MethodNotAllowed(f'Method "{request.method}" not allowed.')


@router.get("/api/rooms/{room_id}/availability", response_model=AvailabilityView)
@router.get("/api/rooms/{room_id}/availability/", response_model=AvailabilityView)
async def retrieve_availability(
    room_id: str, session: Session, days: Annotated[_Days, read_by(_Days)]
) -> JsonResponse:
    first, last = days.read()
    number, free = await availability.free_days(
        session, room_id, first, last, now=datetime.now(UTC), not_found=NOT_FOUND
    )
    return JsonResponse({"room_id": number, "availability": _days_view(free)})
