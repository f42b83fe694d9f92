"""Passes WebSockets on to the services, both ways, until either side closes or a session ends.

A refused handshake would show a browser nothing but «failed». So a refusal is accepted first and
then closed with a code that its script can read: 4001 not signed in, 4003 not allowed, 4004 no
such address, 1013 try again later.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from starlette.types import Receive, Scope, Send
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from common.db import UNAVAILABLE, is_unavailable
from common.errors import AppError, Forbidden, Invalid, NotFound, Unauthorized
from common.identity import HEADER
from gateway.auth import Principal, bearer_token
from gateway.editions import Edition
from gateway.hygiene import check_target
from gateway.proxy import authenticate, authenticate_by_cookie, client_of, scheme_of, until_refused
from gateway.routes import Route, admits
from gateway.shared import Shared

_log = logging.getLogger(__name__)

LARGEST_MESSAGE_BYTES: Final = 64 * 1024
CONNECT_WITHIN_S: Final = 5.0
_CODES: Final = {Unauthorized: 4001, Forbidden: 4003, NotFound: 4004, Invalid: 4004}
_TRY_AGAIN_LATER: Final = 1013
_AWAY: Final = "Service temporarily unavailable"
_FOREIGN: Final = "This origin may not connect"


class WebSocketProxy:
    """Answers WebSocket handshakes of one listener.

    Args:
        shared: what the listeners have in common.
        edition: of the listener.
    """

    def __init__(self, shared: Shared, edition: Edition) -> None:
        self._shared = shared
        self._edition = edition

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        try:
            caller = await self._admit(scope)
            upstream = await self._connect(scope, caller)
        except AppError as error:
            await _close(send, _code(error), str(error))
        except (*UNAVAILABLE, InvalidHandshake) as error:
            if isinstance(error, UNAVAILABLE) and not is_unavailable(error):
                raise
            _log.warning("service away", extra={"path": scope["path"], "reason": str(error)})
            await _close(send, _TRY_AGAIN_LATER, _AWAY)
        else:
            async with upstream:
                await send({"type": "websocket.accept", "subprotocol": upstream.subprotocol})
                await self._relay(receive, send, upstream, caller)

    async def _admit(self, scope: Scope) -> "_Caller":
        check_target(scope["raw_path"], scope["query_string"])
        route = self._shared.routes.find(scope["raw_path"], self._edition)
        if route is None:
            raise NotFound("Not found")
        headers = dict(scope["headers"])
        self._check_origin(scope, headers)
        client = client_of(self._shared, scope)
        caller = _Caller(route, self._shared.authenticator.anonymous, None, client)
        if (token := _token(scope, headers)) is not None:
            principal = await authenticate(self._shared, token, client)
            caller = _Caller(route, principal, token, client)
        elif b"cookie" in headers:
            found = await authenticate_by_cookie(self._shared, scope, client)
            # Every browser names the page that connects; what does not is none.
            if found is not None and b"origin" not in headers:
                raise Forbidden(_FOREIGN)
            if found is not None:
                caller = _Caller(route, found.principal, found.token, client)
        _check(caller)
        return caller

    def _check_origin(self, scope: Scope, headers: Mapping[bytes, bytes]) -> None:
        """A script of a foreign site must not ride on a cookie of ours."""
        origin = headers.get(b"origin")
        secure = scheme_of(self._shared, scope) in {"https", "wss"}
        if origin is not None and not self._shared.sites.is_ours(origin, headers, secure=secure):
            raise Forbidden(_FOREIGN)

    async def _relay(
        self, receive: Receive, send: Send, upstream: ClientConnection, caller: "_Caller"
    ) -> None:
        if caller.token is None:
            await _pump(receive, send, upstream)
            return
        pump = asyncio.create_task(_pump(receive, send, upstream))
        watch = asyncio.create_task(
            until_refused(
                self._shared,
                caller.token,
                caller.client,
                caller.principal,
                lambda principal: _check(replace(caller, principal=principal)),
            )
        )
        try:
            await asyncio.wait({pump, watch}, return_when=asyncio.FIRST_COMPLETED)
            if pump.done():
                await pump
            else:
                error = await watch
                await _end(pump)
                close = {"type": "websocket.close", "code": _code(error), "reason": str(error)}
                await send(close)
        finally:
            await _end(pump, watch)

    async def _connect(self, scope: Scope, caller: "_Caller") -> ClientConnection:
        upstream = self._shared.upstreams[caller.route.service]
        path = scope["raw_path"]
        identity = self._shared.authenticator.sign(caller.principal, caller.route, "GET", path)
        query = _without_token(scope["query_string"])
        target = path.decode("latin1") + (f"?{query}" if query else "")
        return await connect(
            f"ws://{upstream.host}:{upstream.port}{target}",
            additional_headers={HEADER.decode(): identity.decode()},
            subprotocols=[Subprotocol(name) for name in scope["subprotocols"]] or None,
            compression=None,
            max_size=LARGEST_MESSAGE_BYTES,
            open_timeout=CONNECT_WITHIN_S,
            user_agent_header=None,
            proxy=None,
        )


@dataclass(frozen=True, slots=True)
class _Caller:
    """Who is connected to what, and the token that they showed, if any."""

    route: Route
    principal: Principal
    token: bytes | None
    client: str


def _check(caller: _Caller) -> None:
    route, principal = caller.route, caller.principal
    if not admits(route.read, principal.identity):
        anonymous = principal.identity.kind == "anonymous"
        raise (Unauthorized if anonymous else Forbidden)("Not allowed")


def _code(error: AppError) -> int:
    return _CODES.get(type(error), _TRY_AGAIN_LATER)


async def _end(*tasks: "asyncio.Task[Any]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _token(scope: Scope, headers: Mapping[bytes, bytes]) -> bytes | None:
    """Take the token from the header, or from the query, where browsers can only put it."""
    if b"authorization" in headers:
        return bearer_token(headers[b"authorization"])
    query = dict(parse_qsl(scope["query_string"].decode("latin1")))
    return query["token"].encode() if "token" in query else None


def _without_token(query: bytes) -> str:
    pairs = parse_qsl(query.decode("latin1"), keep_blank_values=True)
    return urlencode([(name, value) for name, value in pairs if name != "token"])


async def _close(send: Send, code: int, reason: str) -> None:
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": code, "reason": reason[:100]})


async def _pump(receive: Receive, send: Send, upstream: ClientConnection) -> None:
    inward = asyncio.create_task(_inward(receive, upstream))
    try:
        async for message in upstream:
            kind = "text" if isinstance(message, str) else "bytes"
            await send({"type": "websocket.send", kind: message})
        code, reason = upstream.close_code, upstream.close_reason
    except ConnectionClosed as error:
        code = error.rcvd.code if error.rcvd else _TRY_AGAIN_LATER
        reason = error.rcvd.reason if error.rcvd else ""
    finally:
        client_left = inward.done()
        inward.cancel()
    if not client_left:
        await send({"type": "websocket.close", "code": _sendable(code), "reason": reason or ""})


async def _inward(receive: Receive, upstream: ClientConnection) -> None:
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            await upstream.close(_sendable(message.get("code")))
            return
        text = message.get("text")
        try:
            await upstream.send(text if text is not None else message["bytes"])
        except ConnectionClosed:
            return


def _sendable(code: int | None) -> int:
    """1005 and 1006 mean that no code was sent; they may not be sent themselves."""
    return 1000 if code is None or code in {1005, 1006, 1015} else code
