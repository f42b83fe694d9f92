"""Signing in as NextAuth does it: what the client library of Auth.js (v4 and v5) calls.

It fetches `providers` and `csrf`, posts a form to `callback/credentials` or `signout`, goes to the
`url` of the answer, and asks `session` whenever its window comes to the front. It parses `url`
without a base, so that every address here is a whole one. Other browsers, without its script, get
the pages of `sign_in_pages` and are sent on by 302.

Signed out, `session` is `null`, as with v5. v4 says `{}`, which v5 would take for a session; v4's
client makes null of either.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, TypeVar
from urllib.parse import parse_qsl, urlencode

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from starlette.responses import HTMLResponse, RedirectResponse, Response

from common.app import JsonResponse, contract_router
from common.contracts import Contract
from common.errors import Invalid, Unauthorized
from common.fields import CLEAN
from common.identity import Role
from gateway.accounts import csrf, service, sign_in_pages
from gateway.accounts.attempts import sign_in
from gateway.accounts.repository import Accounts
from gateway.cookies import csrf_name, forget_sessions, keep_csrf, keep_session
from gateway.hygiene import HOST

university = contract_router(Contract.UNIVERSITY)

BASE: Final = "/api/auth"
MOST_FIELDS: Final = 20
FormT = TypeVar("FormT", bound=BaseModel)
Login = Annotated[str, StringConstraints(min_length=1, max_length=320), CLEAN]
Password = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
Token = Annotated[str, StringConstraints(max_length=200)]
Address = Annotated[str, StringConstraints(max_length=2048)]


# --- what comes and goes ------------------------------------------------------------------------


class SignOutForm(BaseModel):
    """
    Args:
        returned: whether the answer is to name the next address, and not to go there.
    """

    model_config = ConfigDict(extra="forbid")

    csrf_token: Token | None = Field(None, alias="csrfToken")
    callback_url: Address | None = Field(None, alias="callbackUrl")
    returned: bool = Field(default=False, alias="json")
    redirect: bool | None = None


class CredentialsForm(SignOutForm):
    email: Login | None = None
    username: Login | None = None
    password: Password


class SessionForm(BaseModel):
    """What the client's ``update()`` sends; a session has nothing that its browser could change."""

    model_config = ConfigDict(extra="forbid")

    csrf_token: Token | None = Field(None, alias="csrfToken")
    data: Any = None


class CsrfReply(BaseModel):
    csrfToken: str  # noqa: N815 - the client's name, as are those below


class Provider(BaseModel):
    id: Literal["credentials"]
    name: str
    type: Literal["credentials"]
    signinUrl: str  # noqa: N815
    callbackUrl: str  # noqa: N815


class ProvidersReply(BaseModel):
    credentials: Provider


class SessionUser(BaseModel):
    id: str
    name: str
    email: str
    role: Role
    department: str | None


class SessionReply(BaseModel):
    user: SessionUser
    expires: datetime


class AddressReply(BaseModel):
    url: str


def _form(model: type[BaseModel]) -> dict[str, Any]:
    """Describe a body that comes in either of two media types."""
    content = {"schema": model.model_json_schema()}
    kinds = ("application/x-www-form-urlencoded", "application/json")
    return {"requestBody": {"content": dict.fromkeys(kinds, content), "required": True}}


_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    302: {"description": "For browsers without the client's script: the next address."},
    403: {"model": AddressReply, "description": "The CSRF token is missing or wrong."},
}
_WRONG: Final[dict[int | str, dict[str, Any]]] = {
    401: {"model": AddressReply, "description": "The account or the password is wrong."}
}


# --- routes -------------------------------------------------------------------------------------


@university.get("/api/auth/csrf", response_model=CsrfReply)
async def csrf_token(request: Request) -> JsonResponse:
    token, cookie = _Visit.of(request).csrf()
    response = JsonResponse({"csrfToken": token})
    _keep_csrf(response, request, cookie)
    return response


@university.get("/api/auth/providers", response_model=ProvidersReply)
async def providers(request: Request) -> JsonResponse:
    visit = _Visit.of(request)
    entry = {
        "id": "credentials",
        "name": "Credentials",
        "type": "credentials",
        "signinUrl": visit.address("signin", provider="credentials"),
        "callbackUrl": visit.address("callback/credentials"),
    }
    return JsonResponse({"credentials": entry})


@university.get("/api/auth/session", response_model=SessionReply | None)
async def session(request: Request) -> JsonResponse:
    state, token = request.app.state, request.scope["token"]
    found = None
    if token is not None:
        async with state.database.sessions() as transaction:
            found = await Accounts(transaction).signed_in(
                service.digest(token.decode()), idle=state.settings.session_idle
            )
    if found is None:
        response = JsonResponse(None)
        forget_sessions(response, request)
        return response
    user, expires_at = found
    shown = {name: getattr(user, name) for name in ("id", "name", "email", "role", "department")}
    expires = expires_at.astimezone(UTC).isoformat(timespec="milliseconds")
    return JsonResponse({"user": shown, "expires": expires.replace("+00:00", "Z")})


@university.post(
    "/api/auth/session",
    response_model=SessionReply | None,
    responses={403: _ANSWERS[403]},
    openapi_extra=_form(SessionForm),
)
async def update_session(request: Request) -> Response:
    form = await _read(request, SessionForm)
    visit = _Visit.of(request)
    if not visit.has_sent(form.csrf_token):
        return visit.refused("signin", 403, returned=True, error="MissingCSRF")
    return await session(request)


@university.post(
    "/api/auth/callback/credentials",
    response_model=AddressReply,
    responses=_ANSWERS | _WRONG,
    openapi_extra=_form(CredentialsForm),
)
async def sign_in_with_credentials(request: Request) -> Response:
    form = await _read(request, CredentialsForm)
    visit = _Visit.of(request)
    returned = form.returned or visit.wants_address
    if not visit.has_sent(form.csrf_token):
        return visit.refused("signin", 403, returned=returned, error="MissingCSRF")
    login = form.email or form.username
    if login is None:
        raise Invalid("Validation failed", fields={"email": ["Email is required"]})
    try:
        signed_in = await sign_in(request, login, form.password)
    except Unauthorized:
        wrong = {"error": "CredentialsSignin", "provider": "credentials"}
        if not returned and form.callback_url:
            wrong["callbackUrl"] = form.callback_url
        return visit.refused("error", 401, returned=returned, **wrong)
    # Whoever knew the session that the browser had knows none now.
    if request.scope["by_cookie"]:
        await _end_session(request)
    response = visit.sent_on(form.callback_url, returned=returned)
    keep_session(
        response,
        request,
        signed_in.tokens.access,
        expires_at=signed_in.expires_at,
        secure=visit.secure,
    )
    return response


@university.post(
    "/api/auth/signout",
    response_model=AddressReply,
    responses=_ANSWERS,
    openapi_extra=_form(SignOutForm),
)
async def sign_out(request: Request) -> Response:
    form = await _read(request, SignOutForm)
    visit = _Visit.of(request)
    returned = form.returned or visit.wants_address
    if not visit.has_sent(form.csrf_token):
        return visit.refused("signout", 403, returned=returned, error="MissingCSRF")
    await _end_session(request)
    response = visit.sent_on(form.callback_url, returned=returned)
    forget_sessions(response, request)
    return response


@university.get("/api/auth/signin", response_class=HTMLResponse)
async def sign_in_page(request: Request) -> Response:
    visit = _Visit.of(request)
    token, cookie = visit.csrf()
    query = request.query_params
    callback_url = visit.own(query.get("callbackUrl"))
    page = sign_in_pages.sign_in(token, callback_url, error=query.get("error"))
    return _page(request, page, cookie)


@university.get("/api/auth/signout", response_class=HTMLResponse)
async def sign_out_page(request: Request) -> Response:
    token, cookie = _Visit.of(request).csrf()
    page = sign_in_pages.sign_out(token, error=request.query_params.get("error"))
    return _page(request, page, cookie)


@university.get("/api/auth/error", response_class=RedirectResponse, status_code=302)
async def error_page(request: Request) -> Response:
    """Where the client sends its browser; the page for signing in says what is wrong."""
    visit = _Visit.of(request)
    query = request.query_params
    more = {"callbackUrl": visit.own(query["callbackUrl"])} if "callbackUrl" in query else {}
    name = sign_in_pages.known_error(query.get("error", ""))
    return RedirectResponse(visit.address("signin", error=name, **more), 302)


# --- a browser's request ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Visit:
    """Where a browser thinks that we are, and what it holds of ours.

    Args:
        origin: scheme, host and port, as the browser writes them.
        secure: whether it came by https.
        session: the token of its session; b"" if it has none.
    """

    request: Request
    origin: str
    secure: bool
    session: bytes

    @classmethod
    def of(cls, request: Request) -> "_Visit":
        host = request.headers.get("host", "")
        if not HOST.fullmatch(host.encode("latin1")):
            raise Invalid("The Host header is missing or malformed.")
        scheme = request.scope["scheme"]
        secure = scheme == "https"
        if request.method != "GET":
            request.app.state.sites.check_if_told(dict(request.headers.raw), secure=secure)
        return cls(request, f"{scheme}://{host}", secure, request.scope["token"] or b"")

    @property
    def wants_address(self) -> bool:
        """Tell whether the client goes to the next address by itself; v4 says so in the form."""
        return "x-auth-return-redirect" in self.request.headers

    def address(self, name: str, **query: str) -> str:
        return f"{self.origin}{BASE}/{name}" + (f"?{urlencode(query)}" if query else "")

    def own(self, address: str | None) -> str:
        """Return an address of ours as a whole one; of any other, our first page.

        What two programs could read in two ways is none of ours: control characters, which
        browsers leave out, and backslashes, which they take for slashes.
        """
        path = (address or "/").removeprefix(self.origin) or "/"
        plain = path.isprintable() and "\\" not in path
        if not plain or not path.startswith("/") or path.startswith("//"):
            return f"{self.origin}/"
        return self.origin + path

    def csrf(self) -> tuple[str, str | None]:
        """Return the browser's CSRF token; with a cookie to give it, if it is new."""
        tokens: csrf.CsrfTokens = self.request.app.state.csrf
        known = self.request.cookies.get(csrf_name(secure=self.secure), "")
        if token := tokens.token(known, self.session):
            return token, None
        cookie = tokens.cookie(self.session)
        return cookie.partition("|")[0], cookie

    def has_sent(self, token: str | None) -> bool:
        """Tell whether a form holds the token of its browser's cookie."""
        tokens: csrf.CsrfTokens = self.request.app.state.csrf
        known = self.request.cookies.get(csrf_name(secure=self.secure), "")
        return csrf.same(token, tokens.token(known, self.session))

    def sent_on(self, callback_url: str | None, *, returned: bool) -> Response:
        address = self.own(callback_url)
        return JsonResponse({"url": address}) if returned else RedirectResponse(address, 302)

    def refused(self, name: str, status: int, *, returned: bool, **query: str) -> Response:
        address = self.address(name, **query)
        if returned:
            return JsonResponse({"url": address}, status)
        return RedirectResponse(address, 302)


async def _read(request: Request, model: type[FormT]) -> FormT:
    """Read a form in the media type of its request.

    Raises:
        Invalid: it is of another type, or no form.
        RequestValidationError: fields of it are wrong.
    """
    body = await request.body()
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if media_type == "application/json":
            return model.model_validate_json(body)
        if media_type == "application/x-www-form-urlencoded":
            return model.model_validate(_fields(body))
    except ValidationError as error:
        findings = error.errors(include_url=False)
        raise RequestValidationError(
            [{**finding, "loc": ("body", *finding["loc"])} for finding in findings]
        ) from None
    raise Invalid("Send application/x-www-form-urlencoded or application/json.")


def _fields(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError as error:
        raise Invalid("The form is malformed or has too many fields.") from error
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise Invalid("The form has a field twice.")
    return fields


async def _end_session(request: Request) -> None:
    token: bytes | None = request.scope["token"]
    if token is not None:
        await service.sign_out(request.app.state.database.sessions, token.decode())
        request.app.state.authenticator.forget(token)


def _keep_csrf(response: Response, request: Request, cookie: str | None) -> None:
    if cookie is not None:
        keep_csrf(response, cookie, secure=request.scope["scheme"] == "https")


def _page(request: Request, page: str, cookie: str | None) -> Response:
    response = HTMLResponse(page, headers=sign_in_pages.HEADERS)
    _keep_csrf(response, request, cookie)
    return response
