"""Passes WebSockets on to the services, both ways, until either side closes.

A refused handshake would show a browser nothing but «failed». So a refusal is accepted first and
then closed with a code that its script can read: 4001 not signed in, 4003 not allowed, 4004 no
such address, 1013 try again later.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, urlencode

from starlette.types import Receive, Scope, Send
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from common.errors import AppError, Forbidden, Invalid, NotFound, Unauthorized
from common.identity import HEADER
from gateway.auth import Principal, bearer_token
from gateway.editions import Edition
from gateway.hygiene import check_target
from gateway.routes import Route, admits
from gateway.shared import Shared

_log = logging.getLogger(__name__)

LARGEST_MESSAGE_BYTES: Final = 64 * 1024
CONNECT_WITHIN_S: Final = 5.0
_CODES: Final = {Unauthorized: 4001, Forbidden: 4003, NotFound: 4004, Invalid: 4004}
_TRY_AGAIN_LATER: Final = 1013


class WebSocketProxy:
    """Answers WebSocket handshakes of one listener.

    Args:
        shared: what the listeners have in common.
        edition: of the listener.
        origins: which sites' scripts may connect, beside those of the address itself.
    """

    def __init__(self, shared: Shared, edition: Edition, origins: frozenset[bytes]) -> None:
        self._shared = shared
        self._edition = edition
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        try:
            route, principal = await self._admit(scope)
            upstream = await self._connect(scope, route, principal)
        except AppError as error:
            await _close(send, _CODES.get(type(error), _TRY_AGAIN_LATER), str(error))
        except (OSError, TimeoutError, InvalidHandshake) as error:
            _log.warning("service away", extra={"path": scope["path"], "reason": str(error)})
            await _close(send, _TRY_AGAIN_LATER, "Service temporarily unavailable")
        else:
            async with upstream:
                await send({"type": "websocket.accept", "subprotocol": upstream.subprotocol})
                await _pump(receive, send, upstream)

    async def _admit(self, scope: Scope) -> tuple[Route, Principal]:
        check_target(scope["raw_path"], scope["query_string"])
        route = self._shared.routes.find(scope["raw_path"], self._edition)
        if route is None:
            raise NotFound("Not found")
        headers = dict(scope["headers"])
        self._check_origin(headers)
        principal = self._shared.authenticator.anonymous
        if (token := _token(scope, headers)) is not None:
            known = self._shared.authenticator.remembered(token)
            principal = known or await self._shared.authenticator.look_up(token)
        if not admits(route.read, principal.identity):
            anonymous = principal.identity.kind == "anonymous"
            raise (Unauthorized if anonymous else Forbidden)("Not allowed")
        return route, principal

    def _check_origin(self, headers: Mapping[bytes, bytes]) -> None:
        """A script of a foreign site must not ride on a cookie of ours."""
        origin = headers.get(b"origin")
        if origin is None or origin in self._origins:
            return
        if origin.partition(b"://")[2] != headers.get(b"host"):
            raise Forbidden("This origin may not connect")

    async def _connect(self, scope: Scope, route: Route, principal: Principal) -> ClientConnection:
        upstream = self._shared.upstreams[route.service]
        path = scope["raw_path"]
        identity = self._shared.authenticator.sign(principal, route, "GET", path)
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
