"""Signing in and out, as the contracts `circle_time` and `directory` word it."""

from typing import Annotated, Any

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, StringConstraints

from common.app import JsonResponse, caller, contract_router
from common.contracts import Contract
from common.errors import Invalid, Unauthorized
from common.fields import CLEAN
from common.identity import Identity, Role
from gateway.accounts import service
from gateway.accounts.attempts import sign_in
from gateway.accounts.repository import Accounts, User
from gateway.cookies import forget_sessions

circle_time = contract_router(Contract.CIRCLE_TIME)
directory = contract_router(Contract.DIRECTORY)

Caller = Annotated[Identity, Depends(caller)]
Login = Annotated[str, StringConstraints(min_length=1, max_length=320), CLEAN]
Password = Annotated[str, StringConstraints(min_length=1, max_length=1024)]


class Credentials(BaseModel):
    model_config = ConfigDict(extra="forbid")

    email: Login
    password: Password


class DirectoryCredentials(BaseModel):
    model_config = ConfigDict(extra="forbid")

    username: Login | None = None
    email: Login | None = None
    password: Password


class RefreshToken(BaseModel):
    model_config = ConfigDict(extra="forbid")

    refresh: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Person(BaseModel):
    """A user as `circle_time` shows one."""

    id: str
    name: str
    email: str
    role: str
    department: str | None


class SignedIn(BaseModel):
    token: str
    access: str
    refresh: str
    user: Person


class SignInReply(BaseModel):
    success: bool
    data: SignedIn


class TokenPair(BaseModel):
    refresh: str
    access: str


class PersonReply(BaseModel):
    success: bool
    data: Person


@circle_time.post("/api/auth/login", response_model=SignInReply)
async def login(body: Credentials, request: Request) -> JsonResponse:
    signed_in = await sign_in(request, body.email, body.password)
    data = {**_tokens(signed_in.tokens), "user": _person(signed_in.user)}
    return JsonResponse({"success": True, "data": data})


@circle_time.post("/api/auth/refresh")
async def refresh(body: RefreshToken, request: Request) -> JsonResponse:
    state = request.app.state
    tokens = await service.refresh(
        state.database.sessions, body.refresh, idle=state.settings.session_idle
    )
    return JsonResponse({"success": True, "data": _tokens(tokens)})


@circle_time.get("/api/auth/me", response_model=PersonReply)
async def me(identity: Caller, request: Request) -> JsonResponse:
    async with request.app.state.database.sessions() as session:
        user = await Accounts(session).by_id(str(identity.id))
    if user is None:
        raise Unauthorized("Invalid or expired token")
    return JsonResponse({"success": True, "data": _person(user)})


@circle_time.post("/api/auth/logout")
async def logout(request: Request) -> JsonResponse:
    token: bytes = request.scope["token"]
    await service.sign_out(request.app.state.database.sessions, token.decode())
    request.app.state.authenticator.forget(token)
    response = JsonResponse({"success": True, "data": {"loggedOut": True}})
    if request.scope["by_cookie"]:
        forget_sessions(response, request)
    return response


@directory.post("/api/users/login/", response_model=TokenPair)
async def directory_login(body: DirectoryCredentials, request: Request) -> JsonResponse:
    login = body.username or body.email
    if login is None:
        raise Invalid("Validation failed", fields={"username": ["This field is required."]})
    tokens = (await sign_in(request, login, body.password)).tokens
    return JsonResponse({"refresh": tokens.refresh, "access": tokens.access})


def _tokens(tokens: service.Tokens) -> dict[str, str]:
    return {"token": tokens.access, "access": tokens.access, "refresh": tokens.refresh}


def _person(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "name": user.name,
        "email": user.email,
        "role": "admin" if user.role is Role.ADMIN else "user",
        "department": user.department,
    }
