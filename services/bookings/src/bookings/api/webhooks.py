"""Webhooks, in the manner of `circle_time`: made by admins, sent to by a worker."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal, Self

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from bookings.api.fields import Caller
from bookings.outbound import Reach
from bookings.repository.outward import Deliveries
from bookings.service import webhooks as service
from bookings.service.telling import iso
from bookings.webhook import LONGEST_URL
from common.app import JsonResponse, SecretResponse, contract_router, read_by, success
from common.contracts import Contract
from common.db import Session
from common.errors import Unavailable
from common.fields import CLEAN, Instant, Integer
from common.paging import NumberedPage, Pagination, numbered_page_of
from common.sealing import Seal

router = contract_router(Contract.CIRCLE_TIME)

_NO_KEY: Final = (
    "Webhooks need the setting BOOKINGS_SECRETS_KEY: 32 random bytes in base64, the same for"
    " every replica. Ask whoever runs this installation."
)
_MOST_IDS: Final = 1000


async def _seal(request: Request) -> Seal:
    """Return what seals secrets.

    Raises:
        Unavailable: the operator has set no key.
    """
    seal: Seal | None = request.app.state.seal
    if seal is None:
        raise Unavailable(_NO_KEY)
    return seal


async def _reach(request: Request) -> Reach:
    reach: Reach = request.app.state.reach
    return reach


Sealing = Annotated[Seal, Depends(_seal)]
Reaching = Annotated[Reach, Depends(_reach)]
Page = Annotated[NumberedPage, read_by(NumberedPage)]

Url = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_URL), CLEAN]
Event = Literal[
    "booking.created",
    "booking.requested",
    "booking.approved",
    "booking.rejected",
    "booking.changed",
    "booking.cancelled",
    "booking.checked_in",
    "booking.ended",
    "booking.completed",
    "booking.released",
    "booking.displaced",
]
Events = Annotated[list[Event], Field(min_length=1, max_length=50)]


class WebhookBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    url: Url
    events: Events | None = None


class WebhookPart(BaseModel):
    """What is to be changed; what is left out stays as it is. No events: all of them."""

    model_config = ConfigDict(extra="forbid")

    url: Url = ""
    events: Events | None = None
    active: bool = True

    def changes(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.model_fields_set}


DeliveryId = Annotated[Integer, Field(ge=1, le=2**63 - 1)]


class ReplayBody(BaseModel):
    """Which deliveries are to be sent again: those made in a time, or some of them by their ids."""

    model_config = ConfigDict(extra="forbid")

    since: Instant | None = Field(None, alias="from")
    until: Instant | None = Field(None, alias="to")
    deliveryIds: (  # noqa: N815
        Annotated[list[DeliveryId], Field(min_length=1, max_length=_MOST_IDS)] | None
    ) = None

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        if self.since is None and self.deliveryIds is None:
            raise ValueError("Say from when, or deliveryIds.")
        return self


# --- what goes out: described here, made by the functions below ----------------------------------


class WebhookView(BaseModel):
    """`events`: null for all of them, also those that there will be."""

    id: str
    url: str
    events: list[str] | None
    active: bool
    failingSince: datetime | None  # noqa: N815 - in the document's manner, as are those below
    offReason: str | None  # noqa: N815
    createdBy: str  # noqa: N815
    createdAt: datetime  # noqa: N815


class WebhookReply(BaseModel):
    success: bool
    data: WebhookView


class WebhooksReply(BaseModel):
    success: bool
    data: list[WebhookView]


class MadeWebhook(WebhookView):
    secret: str | None = Field(description="Is told once; null when the answer is told again.")


class MadeReply(BaseModel):
    success: bool
    data: MadeWebhook


class DeliveryView(BaseModel):
    id: int
    event: str
    eventId: str  # noqa: N815
    bookingId: str  # noqa: N815
    state: str
    attempts: int
    lastStatus: int | None  # noqa: N815
    lastAnswer: str | None  # noqa: N815
    lastAttemptAt: datetime | None  # noqa: N815
    nextAttemptAt: datetime | None  # noqa: N815
    createdAt: datetime  # noqa: N815


class DeliveryPage(BaseModel):
    deliveries: list[DeliveryView]
    pagination: Pagination


class DeliveriesReply(BaseModel):
    success: bool
    data: DeliveryPage


class Queued(BaseModel):
    queued: int


class ReplayReply(BaseModel):
    success: bool
    data: Queued


def _time(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None


def _view(webhook: Any) -> dict[str, Any]:  # noqa: ANN401 - a row
    return {
        "id": webhook["id"],
        "url": webhook["url"],
        "events": webhook["events"],
        "active": webhook["active"],
        "failingSince": _time(webhook["failing_since"]),
        "offReason": webhook["off_reason"],
        "createdBy": webhook["user_id"],
        "createdAt": iso(webhook["created_at"]),
    }


def _delivery_view(delivery: Any) -> dict[str, Any]:  # noqa: ANN401 - a row
    waits = delivery["state"] == "pending"
    return {
        "id": delivery["id"],
        "event": delivery["event"],
        "eventId": delivery["event_id"],
        "bookingId": delivery["booking_id"],
        "state": delivery["state"],
        "attempts": delivery["attempts"],
        "lastStatus": delivery["last_status"],
        "lastAnswer": delivery["last_answer"],
        "lastAttemptAt": _time(delivery["last_attempt_at"]),
        "nextAttemptAt": _time(delivery["due_at"]) if waits else None,
        "createdAt": iso(delivery["created_at"]),
    }


@router.post("/api/webhooks", status_code=201, response_model=MadeReply)
async def make_webhook(
    body: WebhookBody, session: Session, identity: Caller, seal: Sealing, reach: Reaching
) -> SecretResponse:
    made, secret = await service.make(
        session, identity, url=body.url, events=body.events, seal=seal, reach=reach
    )
    view = _view(made)
    return SecretResponse(
        {"success": True, "data": {**view, "secret": secret}},
        201,
        without={"success": True, "data": {**view, "secret": None}},
    )


@router.get("/api/webhooks", dependencies=[Depends(_seal)], response_model=WebhooksReply)
async def list_webhooks(session: Session) -> JsonResponse:
    return success([_view(one) for one in await service.every(session)])


@router.get(
    "/api/webhooks/{webhook_id}", dependencies=[Depends(_seal)], response_model=WebhookReply
)
async def show_webhook(webhook_id: str, session: Session) -> JsonResponse:
    return success(_view(await service.find(session, webhook_id)))


@router.patch(
    "/api/webhooks/{webhook_id}", dependencies=[Depends(_seal)], response_model=WebhookReply
)
async def change_webhook(
    webhook_id: str, body: WebhookPart, session: Session, identity: Caller, reach: Reaching
) -> JsonResponse:
    changes = body.changes()
    return success(_view(await service.change(session, identity, webhook_id, changes, reach)))


@router.delete("/api/webhooks/{webhook_id}", dependencies=[Depends(_seal)])
async def delete_webhook(webhook_id: str, session: Session, identity: Caller) -> JsonResponse:
    await service.remove(session, identity, webhook_id)
    return success({"deleted": True})


@router.get(
    "/api/webhooks/{webhook_id}/deliveries",
    dependencies=[Depends(_seal)],
    response_model=DeliveriesReply,
)
async def list_deliveries(webhook_id: str, session: Session, page: Page) -> JsonResponse:
    await service.find(session, webhook_id)
    deliveries = Deliveries(session)
    entries, pagination = await numbered_page_of(
        page,
        count=lambda: deliveries.count(webhook_id),
        find=lambda part: deliveries.find(webhook_id, part),
    )
    return success(
        {"deliveries": [_delivery_view(one) for one in entries], "pagination": pagination}
    )


@router.post(
    "/api/webhooks/{webhook_id}/replay",
    dependencies=[Depends(_seal)],
    response_model=ReplayReply,
)
async def replay(
    webhook_id: str, body: ReplayBody, session: Session, identity: Caller
) -> JsonResponse:
    count = await service.replay(
        session,
        identity,
        webhook_id,
        since=body.since,
        until=body.until,
        ids=body.deliveryIds,
    )
    return success({"queued": count})
