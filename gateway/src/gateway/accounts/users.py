"""The list of users for admins, as the contract `university` words it."""

from typing import Annotated, Final

from fastapi import Query, Request
from pydantic import BaseModel

from common.app import JsonResponse, contract_router
from common.contracts import Contract
from common.identity import Role
from gateway.accounts.repository import Accounts

university = contract_router(Contract.UNIVERSITY)

LARGEST_PAGE: Final = 100
FARTHEST_PAGE: Final = 10**9


class ListedUser(BaseModel):
    id: str
    name: str
    email: str
    role: Role
    department: str | None


class Pagination(BaseModel):
    total: int
    page: int
    limit: int
    totalPages: int  # noqa: N815 - the document's name, as are those below
    hasNext: bool  # noqa: N815
    hasPrev: bool  # noqa: N815


class UsersPage(BaseModel):
    data: list[ListedUser]
    pagination: Pagination


class UsersReply(BaseModel):
    success: bool
    data: UsersPage


PageNumber = Annotated[str | None, Query(description="From 1.")]
PageSize = Annotated[str | None, Query(description="Users a page, 1 to 100.")]


@university.get("/api/admin/users", response_model=UsersReply)
async def users(request: Request, page: PageNumber = None, limit: PageSize = None) -> JsonResponse:
    number = _clamped(page, 1, FARTHEST_PAGE)
    size = _clamped(limit, 20, LARGEST_PAGE)
    async with request.app.state.database.sessions() as session:
        accounts = Accounts(session)
        total = await accounts.count()
        found = await accounts.page(offset=(number - 1) * size, limit=size)
    pages = -(-total // size)
    pagination = {
        "total": total,
        "page": number,
        "limit": size,
        "totalPages": pages,
        "hasNext": number < pages,
        "hasPrev": number > 1,
    }
    shown = [{name: getattr(user, name) for name in ListedUser.model_fields} for user in found]
    return JsonResponse({"success": True, "data": {"data": shown, "pagination": pagination}})


def _clamped(text: str | None, default: int, most: int) -> int:
    """Read a number from 1; nonsense means the default, as in the other lists of the document."""
    try:
        # So many digits are past the most anyway.
        number = int(text[:12]) if text else default
    except ValueError:
        number = default
    return min(max(1, number), most)
