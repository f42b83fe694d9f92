"""Users for admins, as the contract `university` words the list of them."""

from typing import Annotated, Any, Final

from fastapi import Depends, Query, Request
from pydantic import BaseModel, ConfigDict, StringConstraints

from common.app import JsonResponse, caller, contract_router, read_by
from common.contracts import Contract
from common.errors import Conflict, NotFound
from common.fields import CLEAN, Form, Name
from common.identity import Identity, Role
from common.paging import NumberedPage, Pagination, numbered_page_of
from gateway.accounts import service
from gateway.accounts.repository import Accounts, User

university = contract_router(Contract.UNIVERSITY)

Caller = Annotated[Identity, Depends(caller)]
# One at sign, which no user name has: who signs in by either is one person.
Email = Annotated[
    str,
    StringConstraints(max_length=254),
    Form(r"^[^\s@]+@[^\s@]+$", "Enter a valid email address."),
    CLEAN,
]
Username = Annotated[
    str,
    StringConstraints(max_length=100),
    Form(r"^[^\s@]+$", "Enter a user name without spaces and without @."),
    CLEAN,
]
Password = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
_HIMSELF: Final = frozenset({"role", "is_active"})


class NewAccount(BaseModel):
    """What an account is made from."""

    model_config = ConfigDict(extra="forbid")

    email: Email
    name: Name
    role: Role
    password: Password
    username: Username | None = None
    department: Name | None = None

    def new_user(self) -> service.NewUser:
        return service.NewUser(**self.model_dump())


class AccountPart(BaseModel):
    """Any of an account's fields; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    name: Name = ""
    role: Role = Role.STUDENT
    department: Name | None = None
    isActive: bool = True  # noqa: N815 - as the documents name it
    password: Password = ""

    def changes(self) -> dict[str, Any]:
        given = self.model_dump(exclude_unset=True, exclude={"password", "isActive"})
        return given | ({"is_active": self.isActive} if "isActive" in self.model_fields_set else {})


class ListedUser(BaseModel):
    id: str
    name: str
    email: str
    role: Role
    department: str | None


class WholeUser(ListedUser):
    username: str | None
    isActive: bool  # noqa: N815


class UserReply(BaseModel):
    success: bool
    data: WholeUser


class UsersPage(BaseModel):
    data: list[WholeUser | ListedUser]
    pagination: Pagination


class UsersReply(BaseModel):
    success: bool
    data: UsersPage


@university.get("/api/admin/users", response_model=UsersReply)
async def users(
    request: Request,
    page: Annotated[NumberedPage, read_by(NumberedPage)],
    search: Annotated[str | None, Query(max_length=200), CLEAN] = None,
    *,
    whole: bool = False,
) -> JsonResponse:
    """List the users by name; `search`: part of a name or e-mail address, `whole`: all fields."""
    async with request.app.state.database.sessions() as session:
        accounts = Accounts(session)
        found, pagination = await numbered_page_of(
            page,
            count=lambda: accounts.count(search),
            find=lambda part: accounts.page(search, offset=part.offset, limit=part.limit),
        )
    shown = [_whole(user) if whole else _listed(user) for user in found]
    return JsonResponse({"success": True, "data": {"data": shown, "pagination": pagination}})


@university.post("/api/admin/users", status_code=201, response_model=UserReply)
async def add_user(body: NewAccount, request: Request, identity: Caller) -> JsonResponse:
    async with request.app.state.database.sessions.begin() as session:
        user = await service.add_user(session, body.new_user(), by=identity.id)
    return JsonResponse({"success": True, "data": _whole(user)}, 201)


@university.get("/api/admin/users/{user_id}", response_model=UserReply)
async def get_user(user_id: str, request: Request) -> JsonResponse:
    async with request.app.state.database.sessions() as session:
        user = await Accounts(session).by_id(user_id)
    return JsonResponse({"success": True, "data": _whole(_there(user))})


@university.patch("/api/admin/users/{user_id}", response_model=UserReply)
async def change_user(
    user_id: str, body: AccountPart, request: Request, identity: Caller
) -> JsonResponse:
    """Change an account; a new password or `isActive: false` ends all its sessions."""
    changes = body.changes()
    if user_id == identity.id and _HIMSELF & changes.keys():
        raise Conflict("Another admin has to change your role, or close your account")
    async with request.app.state.database.sessions.begin() as session:
        user = _there(await Accounts(session).by_id(user_id))
        if "password" in body.model_fields_set:
            await service.set_password(session, user.email, body.password, by=identity.id)
        if changes:
            user = await service.change_user(session, user.email, by=identity.id, **changes)
    return JsonResponse({"success": True, "data": _whole(user)})


def _there(user: User | None) -> User:
    if user is None:
        raise NotFound("User not found")
    return user


def _listed(user: User) -> dict[str, Any]:
    return {name: getattr(user, name) for name in ListedUser.model_fields}


def _whole(user: User) -> dict[str, Any]:
    return {**_listed(user), "username": user.username, "isActive": user.is_active}
