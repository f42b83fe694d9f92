"""The contract `university`: who has done what, for admins."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, Field

from bookings.api.university import Page, UserView, moment_of, user_view
from bookings.domain import Person
from bookings.repository.told import Audit
from bookings.service.telling import iso
from common.app import JsonResponse, contract_router, success
from common.contracts import Contract
from common.db import Session
from common.fields import CLEAN
from common.paging import Pagination, numbered_page_of

router = contract_router(Contract.UNIVERSITY)

Filter = Annotated[str | None, Field(max_length=64), CLEAN]


class AuditView(BaseModel):
    id: str
    actorUserId: str | None  # noqa: N815
    actionType: str  # noqa: N815
    targetType: str  # noqa: N815
    targetId: str  # noqa: N815
    reason: str | None
    createdAt: datetime  # noqa: N815
    actor: UserView | None


class AuditPage(BaseModel):
    data: list[AuditView]
    pagination: Pagination


class AuditPageReply(BaseModel):
    success: bool
    data: AuditPage


class AuditQuery(BaseModel):
    actionType: Filter = None  # noqa: N815 - the document's name, as are those below
    targetType: Filter = None  # noqa: N815
    actorUserId: Filter = None  # noqa: N815
    targetId: Filter = None  # noqa: N815
    from_: Filter = Field(None, alias="from")
    to: Filter = None

    def wanted(self) -> dict[str, str | None]:
        return {
            "action_type": self.actionType,
            "target_type": self.targetType,
            "actor_user_id": self.actorUserId,
            "target_id": self.targetId,
        }


@router.get("/api/admin/audit", response_model=AuditPageReply)
async def list_audit(
    session: Session, page: Page, query: Annotated[AuditQuery, Query()]
) -> JsonResponse:
    audit, wanted = Audit(session), query.wanted()
    since, until = moment_of("from", query.from_), moment_of("to", query.to)
    entries, pagination = await numbered_page_of(
        page,
        count=lambda: audit.count(wanted, since, until),
        find=lambda part: audit.find(wanted, since, until, part),
        default=100,
    )
    shown = [_audit_view(row, actor) for row, actor in entries]
    return success({"data": shown, "pagination": pagination})


def _audit_view(row: Any, actor: Person | None) -> dict[str, Any]:  # noqa: ANN401 - SQLAlchemy's own
    return {
        "id": row["id"],
        "actorUserId": row["actor_user_id"],
        "actionType": row["action_type"],
        "targetType": row["target_type"],
        "targetId": row["target_id"],
        "reason": row["reason"],
        "createdAt": iso(row["created_at"]),
        "actor": user_view(actor) if actor else None,
    }
