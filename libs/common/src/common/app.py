"""Makes the ASGI application of a service.

From the outside in: health and metrics, request id and measuring, the caller's identity, the
routes. Each route belongs to a contract and answers only under it, so that one path can speak two
documents; refusals take the shape of the contract under which the gateway let the call in.
"""

import hashlib
import inspect
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final, TypeVar

import orjson
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from opentelemetry import propagate, trace
from prometheus_client import CONTENT_TYPE_LATEST, Histogram, generate_latest
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common import idempotency
from common.contracts import Contract, InternalError, refusal_body, refusal_schema
from common.db import UNAVAILABLE, in_transaction, is_unavailable
from common.errors import (
    AppError,
    Conflict,
    Forbidden,
    Invalid,
    MethodNotAllowed,
    NotFound,
    TooLarge,
    Unauthorized,
    Unavailable,
)
from common.idempotency import Handler, IdempotencyKeys
from common.identity import HEADER, Call, Identity, Verifier
from common.log import redact, request_id
from common.metrics import REQUEST_SECONDS
from common.tracing import is_tracing
from common.validation import fields_of, labelled_sentence, sentence

_log = logging.getLogger(__name__)
_tracer = trace.get_tracer(__name__)

T = TypeVar("T")
Check = Callable[[], Awaitable[None]]
REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_NO_IDENTITY: Final = frozenset({"/healthz", "/readyz", "/metrics"})


class JsonResponse(JSONResponse):
    """JSON by orjson, without a walk through Pydantic: for answers that the code itself shaped.

    Moments may stay what they are; in UTC they are written with a Z.
    """

    media_type = "application/json"

    def render(self, content: Any) -> bytes:  # noqa: ANN401 - whatever JSON can hold
        return orjson.dumps(content, option=orjson.OPT_UTC_Z)


def success(data: Any, status: int = 200) -> JsonResponse:  # noqa: ANN401 - likewise
    """Answer as `circle_time` and `university` do where nothing is wrong."""
    return JsonResponse({"success": True, "data": data}, status)


class SecretResponse(JsonResponse):
    """Shows a secret, once: whoever repeats the request by its Idempotency-Key gets another body.

    Args:
        without: what is stored and repeated.
    """

    def __init__(self, content: Any, status_code: int = 200, *, without: Any) -> None:  # noqa: ANN401
        super().__init__(content, status_code)
        self.repeated = orjson.dumps(without)


def contract_router(contract: Contract) -> APIRouter:
    """Make a router whose routes answer only calls under one contract."""

    class Route(APIRoute):
        def get_route_handler(self) -> Handler:
            answer = super().get_route_handler()

            async def handle(request: Request) -> Response:
                return await in_transaction(request, answer(request))

            methods = self.methods or set()
            if "POST" in methods:
                return _once(handle)
            return _unless_known(handle) if "GET" in methods else handle

        def matches(self, scope: Scope) -> tuple[Match, Scope]:
            if scope["call"].contract is not contract:
                return Match.NONE, {}
            return super().matches(scope)

    Route.contract = contract  # type: ignore[attr-defined] # read by contract_openapi
    return APIRouter(route_class=Route, default_response_class=JsonResponse)


def _once(handle: Handler) -> Handler:
    """Give a POST with an Idempotency-Key one effect and one answer."""

    async def answer(request: Request) -> Response:
        keys: IdempotencyKeys | None = getattr(request.app.state, "idempotency", None)
        if keys is None or idempotency.HEADER not in request.headers:
            return await handle(request)
        return await keys.answer(request, handle, lambda error: refusal(request.scope, error))

    return answer


def _unless_known(handle: Handler) -> Handler:
    """Give an answer its ETag; whoever has that already gets 304 and no body."""

    async def answer(request: Request) -> Response:
        response = await handle(request)
        is_stream = isinstance(response, StreamingResponse)
        if response.status_code != 200 or "etag" in response.headers or is_stream:
            return response
        response.headers["etag"] = etag_of(response.body)
        response.headers.setdefault("cache-control", "private, no-cache")
        if knows(request, response.headers["etag"]):
            # What is said of keeping it holds for what the client has, too.
            kept = ("etag", "cache-control", "vary")
            headers = {name: response.headers[name] for name in kept if name in response.headers}
            return Response(status_code=304, headers=headers)
        return response

    return answer


def etag_of(content: bytes | memoryview) -> str:
    """Make the ETag of an answer, or of what an answer follows from."""
    return f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'


def knows(request: Request, etag: str) -> bool:
    """Tell whether a client has already what has this ETag."""
    known = request.headers.get("if-none-match", "")
    return etag in {tag.strip().removeprefix("W/") for tag in known.split(",")}


def create_app(
    service: str,
    *,
    version: str,
    verifier: Verifier,
    routers: Sequence[APIRouter],
    checks: Mapping[str, Check],
    unavailable: str = "Service temporarily unavailable",
    before_routes: Callable[[ASGIApp], ASGIApp] = lambda app: app,
    on_drain: Callable[[], None] = lambda: None,
) -> "Operations":
    """Make the application of a service.

    Args:
        service: its name, the audience of identities.
        routers: made by `contract_router`.
        checks: what must not raise for the service to be ready, by name.
        unavailable: what callers are told while the database is away.
        before_routes: wraps the routes in what answers some requests without them.
        on_drain: ends what would go on for ever, when the process is about to end.
    """
    api = create_api(service, version=version, routers=routers, unavailable=unavailable)

    @api.get("/openapi/{contract}", include_in_schema=False)
    async def openapi(contract: Contract) -> dict[str, Any]:
        return contract_openapi(api, contract)

    inside = RequireIdentity(before_routes(api), verifier)
    return Operations(RequestContext(inside), checks, api, on_drain)


def create_api(
    name: str,
    *,
    version: str,
    routers: Sequence[APIRouter],
    unavailable: str = "Service temporarily unavailable",
) -> FastAPI:
    """Make the routes alone, with their refusals; who is calling stands in ``scope["call"]``."""
    api = FastAPI(title=name, version=version, openapi_url=None, redirect_slashes=False)
    for router in routers:
        api.include_router(router)
    # The application keeps routers as they are; their routes are wanted one by one.
    api.state.contract_routes = [route for router in routers for route in router.routes]
    _answer_errors(api, unavailable)
    return api


# What any route may answer, by the gateway or the service.
_REFUSALS: Final = {
    "400": "Something is wrong with the request.",
    "401": "Nobody is signed in, or no longer.",
    "403": "Not for this caller.",
    "404": "There is no such thing.",
    "405": "Not with this method.",
    "409": "Not as things stand.",
    "413": "The body is too large.",
    "422": "The Idempotency-Key was used for another request.",
    "429": "Too many requests; see Retry-After.",
    "503": "Something that is needed does not answer; try again.",
}


def contract_openapi(api: FastAPI, contract: Contract) -> dict[str, Any]:
    """Describe the routes of one contract."""
    routes = [route for route in api.state.contract_routes if route.contract is contract]
    described = get_openapi(title=f"Atrium: {contract}", version=api.version, routes=routes)
    schemas = described.setdefault("components", {}).setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Refusal"] = refusal_schema(contract)
    refused = {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}}
    for methods in described["paths"].values():
        for method, operation in methods.items():
            answers = operation["responses"]
            answers.pop("422", None)
            for status, meaning in _REFUSALS.items():
                answers.setdefault(status, {"description": meaning, "content": refused})
            if method == "get":
                answers.setdefault("304", {"description": "Unchanged since the ETag."})
    return described


def read_by(kind: Callable[..., T]) -> Any:  # noqa: ANN401 - as FastAPI's Depends
    """Make a dependency of a class whose fields are parameters of the request.

    FastAPI would make one in a thread, as it does with whatever is not a coroutine.
    """

    async def read(**given: Any) -> T:  # noqa: ANN401 - of the signature below
        return kind(**given)

    read.__signature__ = inspect.signature(kind)  # type: ignore[attr-defined]
    return Depends(read)


async def caller(request: Request) -> Identity:
    """Tell who is calling; use as ``Annotated[Identity, Depends(caller)]``."""
    call: Call = request.scope["call"]
    return call.identity


# --- errors -----------------------------------------------------------------------------------

_BY_STATUS: Final[dict[int, type[AppError]]] = {
    400: Invalid,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    409: Conflict,
    413: TooLarge,
    503: Unavailable,
}


def refusal(scope: Scope, error: AppError) -> Response:
    """Word a refusal in the contract of the call."""
    call: Call | None = scope.get("call")
    contract = call.contract if call else Contract.CIRCLE_TIME
    body = refusal_body(contract, error)
    headers = dict(error.headers or {})
    return Response(body, error.status, headers, media_type="application/json")


def _answer_errors(api: FastAPI, unavailable: str) -> None:
    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, AppError)  # noqa: S101 - registered for it
        return refusal(request.scope, error)

    async def malformed(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101
        return refusal(request.scope, _malformed(request.scope["call"].contract, error))

    async def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101
        return refusal(request.scope, _from_http(request, error))

    async def broken(request: Request, error: Exception) -> Response:
        if isinstance(error, UNAVAILABLE) and is_unavailable(error):
            _log.warning("database away", extra={"reason": str(error)})
            return refusal(request.scope, Unavailable(unavailable, headers={"retry-after": "1"}))
        _log.error("request failed", exc_info=error, extra={"path": request.url.path})
        return refusal(request.scope, InternalError("Internal server error"))

    api.add_exception_handler(AppError, refused)
    api.add_exception_handler(RequestValidationError, malformed)
    api.add_exception_handler(HTTPException, http_error)
    for kind in UNAVAILABLE:
        api.add_exception_handler(kind, broken)
    api.add_exception_handler(Exception, broken)


def _malformed(contract: Contract, error: RequestValidationError) -> AppError:
    findings = error.errors()
    worded = labelled_sentence if contract is Contract.UNIVERSITY else sentence
    fields = fields_of(findings, worded)
    if contract is not Contract.OCCUPANCY and any(one["loc"][0] == "path" for one in findings):
        return NotFound("Not found.")
    if "__body__" in fields:
        return Invalid(fields["__body__"][0])
    return Invalid("Validation failed", fields=fields)


def _from_http(request: Request, error: HTTPException) -> AppError:
    if error.status_code == MethodNotAllowed.status:
        return MethodNotAllowed(f'Method "{request.method}" not allowed.', headers=error.headers)
    if error.status_code == NotFound.status:
        return NotFound("Not found.")
    kind = _BY_STATUS.get(error.status_code, Invalid)
    return kind(str(error.detail), headers=error.headers)


# --- what stands around the routes ------------------------------------------------------------


_NOTHING_HERE: Final = Response(status_code=404)


class Operations:
    """/healthz (the process lives), /readyz (it can answer), /metrics; needs no identity."""

    def __init__(
        self,
        app: ASGIApp,
        checks: Mapping[str, Check],
        api: FastAPI,
        on_drain: Callable[[], None] = lambda: None,
    ) -> None:
        self._app = app
        self._on_drain = on_drain
        self._checks = checks
        self._draining = False
        self.state = api.state
        self.serves_routes = True

    def drain(self) -> None:
        """Say on /readyz that no new request should come."""
        self._draining = True
        self._on_drain()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in _NO_IDENTITY:
            inner = self._app if self.serves_routes else _NOTHING_HERE
            await inner(scope, receive, send)
        elif scope["path"] == "/metrics":
            metrics = Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
            await metrics(scope, receive, send)
        else:
            reasons = await self._reasons() if scope["path"] == "/readyz" else {}
            body = {"ok": not reasons, "reasons": reasons}
            await JsonResponse(body, 503 if reasons else 200)(scope, receive, send)

    async def _reasons(self) -> dict[str, str]:
        reasons = {"process": "shutting down"} if self._draining else {}
        for name, check in self._checks.items():
            try:
                await check()
            except AppError as error:
                reasons[name] = str(error)
        return reasons


@cache
def _seconds_of(method: str, route: str, status: int) -> Histogram:
    """Return what measures requests alike: there are as many as routes, methods and statuses."""
    return REQUEST_SECONDS.labels(method, route, status)


class RequestContext:
    """Gives each request its id, its trace and its measurement."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        name = given.decode() if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        token = request_id.set(name)
        started = time.perf_counter()
        status, answered = 500, False

        async def send_with_id(message: Message) -> None:
            nonlocal status, answered
            if message["type"] == "http.response.start":
                status, answered = message["status"], True
                message.setdefault("headers", []).append((b"x-request-id", name.encode()))
            await send(message)

        try:
            if is_tracing():
                carrier = {"traceparent": headers.get(b"traceparent", b"").decode("latin1")}
                named = f"{scope['method']} {redact(scope['path'])}"
                parent = propagate.extract(carrier)
                with _tracer.start_as_current_span(named, context=parent):
                    await self._app(scope, receive, send_with_id)
            else:
                await self._app(scope, receive, send_with_id)
        except Exception:
            # Starlette raises a bug again after it was logged and answered.
            if not answered:
                raise
        finally:
            route = getattr(scope.get("route"), "path", "unknown")
            seconds = time.perf_counter() - started
            _seconds_of(scope["method"], route, status).observe(seconds)
            request_id.reset(token)


class RequireIdentity:
    """Lets nobody in who does not come from the gateway."""

    def __init__(self, app: ASGIApp, verifier: Verifier) -> None:
        self._app = app
        self._verifier = verifier

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        signed = next((value for name, value in scope["headers"] if name == HEADER), b"")
        method = scope.get("method", "GET")
        path = scope["raw_path"].decode("latin1")
        try:
            scope["call"] = self._verifier.verify(signed.decode("latin1"), method=method, path=path)
        except Unauthorized as error:
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
                return
            await refusal(scope, error)(scope, receive, send)
            return
        await self._app(scope, receive, send)
