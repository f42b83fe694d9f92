"""The contract `circle_time`, section 4: what a panel asks for."""

from typing import Annotated, Literal

from fastapi import Depends, Query, Request
from pydantic import BaseModel
from starlette.responses import Response

from common.app import caller, contract_router
from common.contracts import Contract
from common.identity import Identity
from panel.access import find_room
from panel.board import Board

router = contract_router(Contract.CIRCLE_TIME)


class RoomView(BaseModel):
    id: str
    name: str
    building: str
    floor: int
    capacity: int


class MeetingView(BaseModel):
    """Times are ISO 8601, UTC; `checkInUntil`: then it is released; null: never."""

    id: str
    title: str
    organizer: str
    organizerEmail: str  # noqa: N815 - the document's name, as are those below
    startTime: str  # noqa: N815
    endTime: str  # noqa: N815
    attendeeCount: int  # noqa: N815
    checkedIn: bool  # noqa: N815
    checkedInAt: str | None  # noqa: N815
    checkInUntil: str | None  # noqa: N815


class StateView(BaseModel):
    """`occupancy`: people counted in the room; null: no camera sees it."""

    room: RoomView
    status: Literal["available", "occupied", "upcoming", "offline"]
    currentMeeting: MeetingView | None  # noqa: N815
    nextMeeting: MeetingView | None  # noqa: N815
    upcomingMeetings: list[MeetingView]  # noqa: N815
    lastUpdated: str  # noqa: N815
    occupancy: int | None


class StateReply(BaseModel):
    """`timezone`: IANA name; the room's days and hours are local to it."""

    success: bool
    data: StateView
    version: int
    timezone: str


@router.get("/api/panel/rooms/{room_id}/state", response_model=StateReply)
async def get_state(
    room_id: str,
    request: Request,
    identity: Annotated[Identity, Depends(caller)],
    version: Annotated[
        int | None, Query(ge=0, description="The one that is known; waits for another.")
    ] = None,
    wait: Annotated[float, Query(ge=0, le=30, description="Seconds to wait at most.")] = 0,
) -> Response:
    """What the panel of a room shows now; or, with `version` and `wait`, what it shows next."""
    board: Board = request.app.state.board
    found = await find_room(board, identity, room_id)
    if version is not None and wait:
        shown = await board.after(found, version, wait)
    else:
        shown = board.shown(found)
    return Response(shown.body, media_type="application/json")
