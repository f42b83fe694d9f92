"""Panels: how they are paired with a room, what they say of themselves, and who sees that.

For panels as the contract `circle_time` words it, for admins as `university` does.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal

from fastapi import Depends, Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from common.app import JsonResponse, caller, contract_router
from common.contracts import Contract
from common.errors import NotFound, invalid_field
from common.fields import CLEAN
from common.identity import Identity
from gateway.accounts import service
from gateway.accounts.repository import Accounts

circle_time = contract_router(Contract.CIRCLE_TIME)
university = contract_router(Contract.UNIVERSITY)

Caller = Annotated[Identity, Depends(caller)]
# Finds a room's integer id, as somebody sees it, by either of its ids; None: there is none.
FindRoom = Callable[[str, Identity], Awaitable[int | None]]
# A panel that was not seen for so long is offline: what is known of it is a few seconds old, and
# is written down twice a minute.
ONLINE: Final = timedelta(seconds=90)
ASK_AGAIN_S: Final = 3


def _text(given: object) -> object:
    is_number = isinstance(given, int) and not isinstance(given, bool)
    return str(given) if is_number else given


class Confirmation(BaseModel):
    model_config = ConfigDict(extra="forbid")

    code: Annotated[str, StringConstraints(min_length=1, max_length=40), CLEAN]
    name: Annotated[str, StringConstraints(min_length=1, max_length=200), CLEAN]
    roomId: Annotated[  # noqa: N815 - as the documents name it
        str, BeforeValidator(_text), StringConstraints(min_length=1, max_length=64), CLEAN
    ]


class Secret(BaseModel):
    model_config = ConfigDict(extra="forbid")

    secret: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class DeviceStatus(BaseModel):
    """What a panel says of itself; `battery`: from 0 to 1."""

    model_config = ConfigDict(extra="forbid")

    appVersion: Annotated[str, StringConstraints(max_length=100), CLEAN] | None = None  # noqa: N815
    battery: Annotated[float, Field(ge=0, le=1)] | None = None


class PairingView(BaseModel):
    """`code`: for people; `secret`: to ask with."""

    code: str
    secret: str
    expiresAt: datetime  # noqa: N815
    askAgainAfterSeconds: int  # noqa: N815


class PairingReply(BaseModel):
    success: bool
    data: PairingView


class DeviceView(BaseModel):
    """A panel and the integer id of its room; `null`: any room."""

    id: str
    name: str
    roomId: int | None  # noqa: N815


class Waiting(BaseModel):
    status: Literal["waiting"]
    askAgainAfterSeconds: int  # noqa: N815


class Paired(BaseModel):
    """`token`: is told once."""

    status: Literal["paired"]
    device: DeviceView
    token: str


class ClaimReply(BaseModel):
    success: bool
    data: Waiting | Paired


class StatusView(BaseModel):
    device: DeviceView
    serverTime: datetime  # noqa: N815


class StatusReply(BaseModel):
    success: bool
    data: StatusView


class ConfirmedView(DeviceView):
    kind: Literal["panel", "edge"]


class ConfirmedReply(BaseModel):
    success: bool
    data: ConfirmedView


class ListedDevice(ConfirmedView):
    """`battery`: from 0 to 1."""

    status: Literal["online", "offline", "never_seen"]
    lastSeenAt: datetime | None  # noqa: N815
    appVersion: str | None  # noqa: N815
    battery: float | None
    createdAt: datetime  # noqa: N815


class DevicesReply(BaseModel):
    success: bool
    data: list[ListedDevice]


# --- as a panel ---------------------------------------------------------------------------------


@circle_time.post("/api/panel/pairings", status_code=201, response_model=PairingReply)
async def begin_pairing(request: Request) -> JsonResponse:
    """A code to show, and a secret to ask again with until somebody has entered the code."""
    async with request.app.state.database.sessions.begin() as session:
        pairing = await service.begin_pairing(session)
    data = {
        "code": f"{pairing.code[:4]}-{pairing.code[4:]}",
        "secret": pairing.secret,
        "expiresAt": pairing.expires_at,
        "askAgainAfterSeconds": ASK_AGAIN_S,
    }
    return JsonResponse({"success": True, "data": data}, 201)


@circle_time.post("/api/panel/pairings/claim", response_model=ClaimReply)
async def claim_pairing(body: Secret, request: Request) -> JsonResponse:
    """`waiting`, or `paired` with the panel's token, its room and its name."""
    async with request.app.state.database.sessions.begin() as session:
        paired = await service.claim_pairing(session, body.secret)
    if paired is None:
        data: dict[str, Any] = {"status": "waiting", "askAgainAfterSeconds": ASK_AGAIN_S}
        return JsonResponse({"success": True, "data": data})
    device = {"id": paired.device_id, "name": paired.name, "roomId": paired.room_id}
    data = {"status": "paired", "device": device, "token": paired.token}
    return JsonResponse({"success": True, "data": data})


@circle_time.put("/api/panel/device", response_model=StatusReply)
async def note_status(body: DeviceStatus, request: Request, identity: Caller) -> JsonResponse:
    """Say which program runs on a panel, and how its battery is."""
    async with request.app.state.database.sessions.begin() as session:
        await Accounts(session).note_status(str(identity.id), body.appVersion, body.battery)
    device = {"id": identity.id, "name": identity.name, "roomId": identity.room_id}
    return JsonResponse({"success": True, "data": {"device": device, "serverTime": _now()}})


@circle_time.post("/api/panel/tickets", status_code=201)
async def give_ticket(request: Request) -> JsonResponse:
    """A ticket that opens one WebSocket within 30 s, as `?ticket=…`: for who sends no header."""
    token: bytes = request.scope["token"]
    async with request.app.state.database.sessions.begin() as session:
        ticket, expires_at = await service.give_ticket(session, token.decode())
    data = {"ticket": ticket, "expiresAt": expires_at}
    return JsonResponse({"success": True, "data": data}, 201)


# --- as an admin --------------------------------------------------------------------------------


@university.get("/api/admin/devices", response_model=DevicesReply)
async def list_devices(request: Request) -> JsonResponse:
    """Every panel and camera host whose token is good, and when it was last seen."""
    async with request.app.state.database.sessions() as session:
        found = await Accounts(session).active_devices()
    now = _now()
    shown = [
        {
            "id": device.id,
            "kind": device.kind,
            "name": device.name,
            "roomId": device.room_id,
            "status": _status(device.last_seen_at, now),
            "lastSeenAt": device.last_seen_at,
            "appVersion": device.app_version,
            "battery": device.battery,
            "createdAt": device.created_at,
        }
        for device in found
    ]
    return JsonResponse({"success": True, "data": shown})


@university.post("/api/admin/devices", status_code=201, response_model=ConfirmedReply)
async def confirm_pairing(body: Confirmation, request: Request, identity: Caller) -> JsonResponse:
    """Make the panel that shows a code the panel of a room."""
    find_room: FindRoom = request.app.state.find_room
    room_id = await find_room(body.roomId, identity)
    if room_id is None:
        raise invalid_field("roomId", "Room not found")
    async with request.app.state.database.sessions.begin() as session:
        device_id = await service.confirm_pairing(session, body.code, body.name, room_id)
    device = {"id": device_id, "kind": "panel", "name": body.name, "roomId": room_id}
    return JsonResponse({"success": True, "data": device}, 201)


@university.delete("/api/admin/devices/{device_id}")
async def revoke_device(device_id: str, request: Request) -> JsonResponse:
    """Make a device's token worthless; its WebSockets end within 5 s."""
    async with request.app.state.database.sessions.begin() as session:
        if not await Accounts(session).revoke_device_by_id(device_id):
            raise NotFound("Device not found")
    return JsonResponse({"success": True, "data": {"revoked": True}})


def _status(last_seen_at: datetime | None, now: datetime) -> str:
    if last_seen_at is None:
        return "never_seen"
    return "online" if now - last_seen_at < ONLINE else "offline"


def _now() -> datetime:
    return datetime.now(UTC)
