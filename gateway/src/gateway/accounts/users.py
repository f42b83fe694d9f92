"""The list of users for admins, as the contract `university` words it."""

from typing import Annotated

from fastapi import Request
from pydantic import BaseModel

from common.app import JsonResponse, contract_router, read_by
from common.contracts import Contract
from common.identity import Role
from common.paging import NumberedPage, Pagination, numbered_page_of
from gateway.accounts.repository import Accounts

university = contract_router(Contract.UNIVERSITY)


class ListedUser(BaseModel):
    id: str
    name: str
    email: str
    role: Role
    department: str | None


class UsersPage(BaseModel):
    data: list[ListedUser]
    pagination: Pagination


class UsersReply(BaseModel):
    success: bool
    data: UsersPage


@university.get("/api/admin/users", response_model=UsersReply)
async def users(
    request: Request, page: Annotated[NumberedPage, read_by(NumberedPage)]
) -> JsonResponse:
    async with request.app.state.database.sessions() as session:
        accounts = Accounts(session)
        found, pagination = await numbered_page_of(
            page,
            count=accounts.count,
            find=lambda part: accounts.page(offset=part.offset, limit=part.limit),
        )
    shown = [{name: getattr(user, name) for name in ListedUser.model_fields} for user in found]
    return JsonResponse({"success": True, "data": {"data": shown, "pagination": pagination}})
