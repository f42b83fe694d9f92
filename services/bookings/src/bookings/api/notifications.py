"""The contract `university`: what somebody is told of, and whether he has read it."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel

from bookings.api.fields import Caller
from bookings.api.university import Page
from bookings.repository.told import Notifications
from bookings.service.telling import iso
from common.app import JsonResponse, contract_router, success
from common.contracts import Contract
from common.db import Session
from common.errors import Forbidden, NotFound
from common.paging import Pagination, numbered_page_of

router = contract_router(Contract.UNIVERSITY)


class NotificationView(BaseModel):
    id: str
    type: str
    title: str
    message: str
    read: bool
    createdAt: datetime  # noqa: N815
    metadata: dict[str, str | None]


class NotificationPage(BaseModel):
    notifications: list[NotificationView]
    pagination: Pagination
    unreadCount: int  # noqa: N815


class NotificationPageReply(BaseModel):
    success: bool
    data: NotificationPage


class OneNotification(BaseModel):
    success: bool
    data: NotificationView


def _notification_view(row: Any) -> dict[str, Any]:  # noqa: ANN401 - SQLAlchemy's own
    return {
        "id": row["id"],
        "type": row["type"],
        "title": row["title"],
        "message": row["message"],
        "read": row["read"],
        "createdAt": iso(row["created_at"]),
        "metadata": row["metadata"],
    }


@router.get("/api/notifications", response_model=NotificationPageReply)
async def list_notifications(
    session: Session,
    identity: Caller,
    page: Page,
    unread: Annotated[str | None, Query()] = None,
) -> JsonResponse:
    notifications, user_id, only_unread = Notifications(session), str(identity.id), unread == "true"
    entries, pagination = await numbered_page_of(
        page,
        count=lambda: notifications.count(user_id, unread=only_unread),
        find=lambda part: notifications.find(user_id, part, unread=only_unread),
    )
    return success(
        {
            "notifications": [_notification_view(row) for row in entries],
            "pagination": pagination,
            "unreadCount": await notifications.count(user_id, unread=True),
        }
    )


@router.post("/api/notifications/read-all")
async def read_all_notifications(session: Session, identity: Caller) -> JsonResponse:
    await Notifications(session).mark_read(str(identity.id))
    return JsonResponse({"success": True})


@router.post("/api/notifications/{notification_id}/read", response_model=OneNotification)
async def read_notification(
    notification_id: str, session: Session, identity: Caller
) -> JsonResponse:
    notifications = Notifications(session)
    found = await notifications.get(notification_id)
    if found is None:
        raise NotFound("Notification not found")
    if found["user_id"] != identity.id:
        raise Forbidden("You can only read your own notifications")
    await notifications.mark_read(str(identity.id), notification_id)
    return success(_notification_view({**found, "read": True}))
