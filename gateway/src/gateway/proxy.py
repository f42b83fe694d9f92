"""The public ports: finds the route, the caller and the limit, and passes the request on.

Pure ASGI. One instance per listener; each speaks one edition.
"""

import asyncio
import logging
import random
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from prometheus_client import Counter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.app import REQUEST_ID
from common.contracts import Contract, InternalError, refusal_body
from common.db import UNAVAILABLE, is_unavailable
from common.errors import (
    AppError,
    Forbidden,
    Invalid,
    MethodNotAllowed,
    NotFound,
    TooLarge,
    Unauthorized,
    Unavailable,
)
from common.identity import HEADER, Call
from common.metrics import REQUEST_SECONDS
from gateway import device_time
from gateway.auth import Principal, bearer_token, digest_of
from gateway.callers import authenticate, authenticate_by_cookie, client_of, scheme_of
from gateway.editions import ENVELOPES, Edition
from gateway.hygiene import (
    FORWARDED,
    HOST,
    METHODS,
    NOT_RETURNED,
    check_target,
    rate_key,
)
from gateway.limits import Allowance, too_many
from gateway.routes import ACCOUNTS, Rate, Route, admits
from gateway.shared import Shared
from gateway.streams import stream_of, while_admitted
from gateway.upstream import (
    Connection,
    Upstream,
    UpstreamBusy,
    UpstreamError,
    UpstreamTimeout,
    request_head,
)
from gateway.web import APP

_log = logging.getLogger(__name__)
_refused = Counter("gateway_refused", "Requests that the gateway itself refused.", ["code"])

# A client that has begun a body goes on with it, or loses its connection.
BODY_IDLE_S: Final = 10.0
# What a refused client may still send before its connection is closed.
DISCARDED_BYTES: Final = 1024 * 1024
DISCARD_WITHIN_S: Final = 1.0
# Of one caller: a wall of dashboards behind one address.
MOST_STREAMS_EACH: Final = 50

_SECURITY: Final = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]
# By whether the client came by https: for a year it should come by nothing else.
_HEADERS: Final = {
    "http": _SECURITY,
    "https": [*_SECURITY, (b"strict-transport-security", b"max-age=31536000")],
}
_PRIVATE: Final = (b"cache-control", b"no-store")
_JSON: Final = (b"content-type", b"application/json")
_SAFE: Final = frozenset({"GET", "HEAD"})

Headers = Sequence[tuple[bytes, bytes]]


class ClientGone(Exception):
    """The client has closed its connection; there is nobody to answer."""


@dataclass(slots=True)
class _Exchange:
    """A request on its way, and what was found out about it.

    Args:
        scheme: by which the client came: http or https.
        token: shown by the client, and good.
        by_cookie: whether a cookie showed it.
    """

    scope: Scope
    receive: Receive
    send: Send
    request_id: bytes
    scheme: str
    contract: Contract
    route: Route | None = None
    token: bytes | None = None
    by_cookie: bool = False
    extra: Headers = ()
    status: int = 0


class Proxy:
    """Answers one listener in its edition.

    Args:
        shared: what the listeners have in common.
        edition: of this listener; a Host name may mean the other one.
        pages: answers what is no route of the table: ``/`` and the documentation.
        websockets: answers WebSocket handshakes.
    """

    def __init__(
        self, shared: Shared, edition: Edition, *, pages: Mapping[str, ASGIApp], websockets: ASGIApp
    ) -> None:
        self._shared = shared
        self._edition = edition
        self._pages = pages
        self._websockets = websockets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websockets(scope, receive, send)

    # --- one request ---

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        request_id = given if REQUEST_ID.fullmatch(given) else _new_request_id()
        edition = self._edition_of(headers)
        scheme = scheme_of(self._shared, scope)
        exchange = _Exchange(scope, receive, send, request_id, scheme, ENVELOPES[edition])
        try:
            await self._handle(exchange, headers, edition)
        except ClientGone:
            exchange.status = 499
        except AppError as error:
            _refused.labels(error.code).inc()
            await _refuse(exchange, error)
        except UNAVAILABLE as error:
            if not is_unavailable(error):
                raise
            _log.warning("database away", extra={"reason": str(error)})
            await _refuse(
                exchange, Unavailable(_unavailable(exchange), headers={"retry-after": "1"})
            )
        except Exception:  # noqa: BLE001 - here a bug becomes a 500
            _log.exception("request failed", extra={"path": scope["path"]})
            await _refuse(exchange, InternalError("Internal server error"))
        path = exchange.route.path if exchange.route else "none"
        _observe(scope["method"], path, exchange.status, time.perf_counter() - began)

    def _edition_of(self, headers: Mapping[bytes, bytes]) -> Edition:
        hosts = self._shared.university_hosts
        if hosts and headers.get(b"host", b"").partition(b":")[0].lower() in hosts:
            return Edition.UNIVERSITY
        return self._edition

    async def _handle(
        self, exchange: _Exchange, headers: Mapping[bytes, bytes], edition: Edition
    ) -> None:
        scope = exchange.scope
        path, method = scope["raw_path"], scope["method"]
        check_target(path, scope["query_string"])
        route = self._shared.routes.find(path, edition)
        if route is None:
            await self._page(exchange)
            return
        exchange.route, exchange.contract = route, route.contract_of(method)
        if method not in METHODS:
            raise MethodNotAllowed(f'Method "{method[:20]}" not allowed.')
        client = client_of(self._shared, scope)
        principal = self._shared.authenticator.anonymous
        if (authorization := headers.get(b"authorization")) is not None:
            exchange.token = bearer_token(authorization)
            principal = await authenticate(self._shared, digest_of(exchange.token), client)
            if device_time.HEADER in headers and principal.identity.kind == "panel":
                said = headers[device_time.HEADER]
                when = device_time.acted_at(said, exchange.token, method, path)
                # What is signed for other calls does not say so.
                principal = Principal(
                    replace(principal.identity, acted_at=when), principal.known_until
                )
        elif b"cookie" in headers:
            principal = await self._authenticate_browser(exchange, headers, client)
        allowance = self._take(route, method, principal, client)
        if allowance.retry_after_s:
            raise too_many(allowance)
        exchange.extra = allowance.headers()
        _admit(route, method, principal)
        if int(headers.get(b"content-length", b"0")) > route.body_limit:
            raise _too_large(route)
        if route.service == ACCOUNTS:
            await self._answer_here(exchange, principal, route)
        elif route.streams:
            key = principal.identity.id or rate_key(client)
            with stream_of(self._shared, key, MOST_STREAMS_EACH, "streams"):
                passing = self._pass_on(exchange, principal, route, headers)
                digest = digest_of(exchange.token) if exchange.token else None
                admit = partial(_admit, route, "GET")
                await while_admitted(passing, self._shared, digest, principal, admit)
        else:
            await self._pass_on(exchange, principal, route, headers)

    async def _page(self, exchange: _Exchange) -> None:
        path = exchange.scope["path"]
        page = self._pages.get(path)
        if page is None and path.startswith(APP) and "." not in path:
            page = self._pages.get(APP)
        if page is None:
            raise NotFound("Not found")
        if exchange.scope["method"] not in _SAFE:
            raise MethodNotAllowed(f'Method "{exchange.scope["method"][:20]}" not allowed.')
        await page(exchange.scope, exchange.receive, _noting(exchange))

    async def _authenticate_browser(
        self, exchange: _Exchange, headers: Mapping[bytes, bytes], client: str
    ) -> Principal:
        """Find out whose browser this is, and make sure that a page of ours has sent its write."""
        found = await authenticate_by_cookie(self._shared, exchange.scope, client)
        if found is None:
            return self._shared.authenticator.anonymous
        if exchange.scope["method"] not in _SAFE:
            self._shared.sites.check(headers, secure=exchange.scheme == "https")
        exchange.token, exchange.by_cookie = found.token, True
        return found.principal

    def _take(self, route: Route, method: str, principal: Principal, client: str) -> Allowance:
        rate = route.rate_of(method)
        # Attempts to sign in are the client's, whoever it says it is.
        who = principal.identity.id if rate is not Rate.SIGN_IN else None
        key = (rate, who or rate_key(client))
        return self._shared.windows.take(key, self._shared.limits[rate], time.time())

    # --- who answers ---

    async def _answer_here(self, exchange: _Exchange, principal: Principal, route: Route) -> None:
        scope = {
            **exchange.scope,
            "scheme": exchange.scheme,
            "call": Call(principal.identity, exchange.contract),
            "client_key": rate_key(client_of(self._shared, exchange.scope)),
            "token": exchange.token,
            "by_cookie": exchange.by_cookie,
        }
        send = _noting(exchange, exchange.extra, always=[_PRIVATE])
        await self._shared.accounts(scope, await _whole_body(exchange.receive, route), send)

    async def _pass_on(
        self,
        exchange: _Exchange,
        principal: Principal,
        route: Route,
        headers: Mapping[bytes, bytes],
    ) -> None:
        scope = exchange.scope
        method, path, query = scope["method"], scope["raw_path"], scope["query_string"]
        shared = self._shared
        upstream = (shared.streams if route.streams else shared.upstreams)[route.service]
        forwarded = [pair for pair in scope["headers"] if pair[0] in FORWARDED]
        forwarded.append((HEADER, shared.authenticator.sign(principal, route, method, path)))
        forwarded.append((b"x-request-id", exchange.request_id))
        forwarded.append((b"x-forwarded-proto", exchange.scheme.encode()))
        if HOST.fullmatch(host := headers.get(b"host", b"")):
            forwarded.append((b"x-forwarded-host", host))
        body, more = b"", False
        if b"content-length" in headers or b"transfer-encoding" in headers:
            body, more = await _first_part(exchange.receive, route)
            forwarded.append(_framing(headers, body, more=more))
        target = path + b"?" + query if query else path
        head = request_head(method, target, upstream.host_header, forwarded)
        chunked = more and b"content-length" not in headers
        request = _Request(head, body, more=more, chunked=chunked, bodiless=method == "HEAD")
        try:
            await self._exchange(exchange, upstream, route, request)
        except UpstreamError as error:
            raise _as_refusal(error, exchange, route) from error

    async def _exchange(
        self, exchange: _Exchange, upstream: Upstream, route: Route, request: "_Request"
    ) -> None:
        connection = await upstream.acquire()
        try:
            await request.send(connection, exchange.receive, route)
            try:
                await connection.answer()
            except UpstreamError as error:
                # An idle connection may have been closed as we wrote; reads may be sent again.
                if not (error.unanswered and request.repeatable(exchange.scope["method"])):
                    raise
                upstream.release(connection)
                connection = await upstream.acquire(fresh=True)
                await request.send(connection, exchange.receive, route)
                await connection.answer()
            await self._return_answer(exchange, connection)
        finally:
            upstream.release(connection)

    async def _return_answer(self, exchange: _Exchange, connection: Connection) -> None:
        exchange.status = connection.status
        headers = [pair for pair in connection.headers if pair[0] not in NOT_RETURNED]
        headers += _HEADERS[exchange.scheme]
        headers += exchange.extra
        headers.append((b"x-request-id", exchange.request_id))
        if not any(name == b"cache-control" for name, _ in headers):
            headers.append(_PRIVATE)
        start: Message = {
            "type": "http.response.start",
            "status": connection.status,
            "headers": headers,
        }
        await exchange.send(start)
        body = await connection.read()
        if connection.complete:
            await exchange.send({"type": "http.response.body", "body": body})
            return
        await _stream(exchange, connection, body)


# --- bodies and answers -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Request:
    """A request as it goes to a service; ``more`` of its body may still be with the client."""

    head: bytes
    body: bytes
    more: bool
    chunked: bool
    bodiless: bool

    def repeatable(self, method: str) -> bool:
        return method in _SAFE and not self.more

    async def send(self, connection: Connection, receive: Receive, route: Route) -> None:
        first = _chunk(self.body) if self.chunked and self.body else self.body
        connection.begin(self.head + first, deadline_s=route.deadline_s, bodiless=self.bodiless)
        if not self.more:
            return
        sent, more = len(self.body), True
        try:
            while more:
                part, more = await _next_part(receive)
                sent += len(part)
                if sent > route.body_limit:
                    raise _too_large(route)
                if part:
                    await connection.write(_chunk(part) if self.chunked else part)
        except (AppError, ClientGone) as error:
            connection.fail(UpstreamError(f"request not completed: {error}"))
            raise
        if self.chunked:
            await connection.write(b"0\r\n\r\n")


def _chunk(part: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(part), part)


def _framing(headers: Mapping[bytes, bytes], body: bytes, *, more: bool) -> tuple[bytes, bytes]:
    if not more:
        return (b"content-length", b"%d" % len(body))
    if b"content-length" in headers:
        return (b"content-length", headers[b"content-length"])
    return (b"transfer-encoding", b"chunked")


async def _next_part(receive: Receive) -> tuple[bytes, bool]:
    try:
        async with asyncio.timeout(BODY_IDLE_S):
            message = await receive()
    except TimeoutError as error:
        raise Invalid("The request's body stopped before its end.") from error
    if message["type"] == "http.disconnect":
        raise ClientGone
    return message.get("body", b""), message.get("more_body", False)


async def _first_part(receive: Receive, route: Route) -> tuple[bytes, bool]:
    part, more = await _next_part(receive)
    if len(part) > route.body_limit:
        raise _too_large(route)
    return part, more


async def _whole_body(receive: Receive, route: Route) -> Receive:
    """Read a body for an application of our own, no more of it than its route allows."""
    body, more = await _first_part(receive, route)
    while more:
        part, more = await _next_part(receive)
        body += part
        if len(body) > route.body_limit:
            raise _too_large(route)

    async def replay() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


async def _stream(exchange: _Exchange, connection: Connection, body: bytes) -> None:
    """Pass a long answer on as it comes; stop when its client has gone."""

    def give_up(_: object) -> None:
        if not connection.complete:
            connection.fail(UpstreamError("the client has gone"))

    gone = asyncio.create_task(_disconnected(exchange.receive))
    gone.add_done_callback(give_up)
    try:
        while body:
            await exchange.send({"type": "http.response.body", "body": body, "more_body": True})
            body = await connection.read()
    except UpstreamError as error:
        # The status has left already; the broken transfer tells the client.
        raise ClientGone from error
    finally:
        gone.remove_done_callback(give_up)
        gone.cancel()
    await exchange.send({"type": "http.response.body", "body": b""})


def _new_request_id() -> bytes:
    # It names a request and guards nothing; the system's randomness would cost a call to it.
    return b"%016x" % random.getrandbits(64)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _admit(route: Route, method: str, principal: Principal) -> None:
    if admits(route.callers(method), principal.identity):
        return
    if principal.identity.kind == "anonymous":
        raise Unauthorized("Authentication credentials were not provided.")
    _log.info(
        "forbidden",
        extra={"caller": principal.identity.id, "method": method, "route": route.path},
    )
    raise Forbidden("You do not have permission to perform this action.")


def _too_large(route: Route) -> TooLarge:
    return TooLarge(f"The request body is larger than {route.body_limit} bytes.")


def _unavailable(exchange: _Exchange) -> str:
    return exchange.route.unavailable if exchange.route else "Service temporarily unavailable"


def _as_refusal(error: UpstreamError, exchange: _Exchange, route: Route) -> Exception:
    if exchange.status:  # the answer has begun
        return ClientGone()
    if isinstance(error, UpstreamTimeout):
        _log.warning("service too slow", extra={"service": route.service, "route": route.path})
    elif not isinstance(error, UpstreamBusy):
        _log.warning("service away", extra={"service": route.service, "reason": str(error)})
    return Unavailable(route.unavailable, headers={"retry-after": "1"})


async def _refuse(exchange: _Exchange, error: AppError) -> None:
    if exchange.status:
        return
    exchange.status = error.status
    body = refusal_body(exchange.contract, error)
    headers = [
        _JSON,
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", exchange.request_id),
        *_HEADERS[exchange.scheme],
        _PRIVATE,
        *exchange.extra,
        *((name.encode(), value.encode()) for name, value in (error.headers or {}).items()),
    ]
    unread = isinstance(error, TooLarge | Invalid)
    if unread:
        headers.append((b"connection", b"close"))
    await exchange.send({"type": "http.response.start", "status": error.status, "headers": headers})
    await exchange.send({"type": "http.response.body", "body": body, "more_body": unread})
    if unread:
        # A connection that is closed with bytes unread is reset, and the answer lost with it.
        await _discard(exchange.receive)
        await exchange.send({"type": "http.response.body", "body": b""})


async def _discard(receive: Receive) -> None:
    left, more = DISCARDED_BYTES, True
    with suppress(TimeoutError, ClientGone):
        async with asyncio.timeout(DISCARD_WITHIN_S):
            while more and left > 0:
                part, more = await _next_part(receive)
                left -= len(part)


def _noting(exchange: _Exchange, extra: Headers = (), *, always: Headers = ()) -> Send:
    """Send an answer of our own applications, with our headers.

    Args:
        extra: headers of which an answer may have its own.
        always: headers that take the place of the answer's own.
    """
    ours = {name for name, _ in always}
    unless_there = [*_HEADERS[exchange.scheme], *extra]

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            exchange.status = message["status"]
            headers = [pair for pair in message.get("headers", []) if pair[0] not in ours]
            there = {name for name, _ in headers}
            headers += [pair for pair in unless_there if pair[0] not in there]
            headers += [*always, (b"x-request-id", exchange.request_id)]
            message = {**message, "headers": headers}
        await exchange.send(message)

    return send


_observers: dict[tuple[str, str, int], Any] = {}


def _observe(method: str, path: str, status: int, seconds: float) -> None:
    observer = _observers.get((method, path, status))
    if observer is None:
        known = method if method in METHODS else "other"
        observer = REQUEST_SECONDS.labels(known, path, status)
        _observers[known, path, status] = observer
    observer.observe(seconds)
