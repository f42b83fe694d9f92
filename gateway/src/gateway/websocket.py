"""Passes WebSockets on to the services, both ways, until either side closes or a session ends.

A refused handshake would show a browser nothing but «failed». So a refusal is accepted first and
then closed with a code that its script can read: 4001 not signed in, 4003 not allowed, 4004 no
such address, 1013 try again later.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import parse_qsl, urlencode

import orjson
from starlette.types import Receive, Scope, Send
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from common.db import UNAVAILABLE, is_unavailable
from common.errors import AppError, Forbidden, Invalid, NotFound, Unauthorized
from common.identity import HEADER
from common.websocket_protocol import EXTENSION, WebSocketProtocol
from gateway.auth import Principal, bearer_token, digest_of
from gateway.callers import authenticate, authenticate_by_cookie, client_of, scheme_of
from gateway.editions import Edition
from gateway.hygiene import check_target, rate_key
from gateway.limits import too_many
from gateway.routes import Route, admits
from gateway.shared import Shared
from gateway.streams import stream_of, while_admitted

_log = logging.getLogger(__name__)

LARGEST_MESSAGE_BYTES: Final = 64 * 1024
CONNECT_WITHIN_S: Final = 5.0
# Who has shown nothing in the handshake says who they are within this.
SPEAK_WITHIN_S: Final = 3.0
# Of one address: handshakes of whom we do not come to know.
STRANGERS_A_MINUTE: Final = 1200
# Of one caller: a wall of panels that share a token.
MOST_SOCKETS_EACH: Final = 1200
# Who has not taken what was written before is too slow; until then the service waits for them.
TAKEN_WITHIN_S: Final = 10.0
TOKEN_PROTOCOL: Final = "atrium.token."  # noqa: S105 - what stands before one
_SECRETS: Final = frozenset({"token", "ticket"})
_CODES: Final = {Unauthorized: 4001, Forbidden: 4003, NotFound: 4004, Invalid: 4004}
_TRY_AGAIN_LATER: Final = 1013
_AWAY: Final = "Service temporarily unavailable"
_FOREIGN: Final = "This origin may not connect"


class WebSocketProxy:
    """Answers WebSocket handshakes of one listener.

    Who calls is shown by, in this order: an Authorization header; the query, as ``token`` or as a
    ``ticket``, which is good once; a subprotocol ``atrium.token.<token>``, offered beside another;
    a session cookie; the first message, ``{"type": "auth", "token": …}``, sent within 3 s.

    Args:
        shared: what the listeners have in common.
        edition: of the listener.
    """

    def __init__(self, shared: Shared, edition: Edition) -> None:
        self._shared = shared
        self._edition = edition

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        door = _Door(scope, receive, send)
        try:
            caller = await self._admit(door)
            with stream_of(self._shared, _key_of(caller), MOST_SOCKETS_EACH, "WebSockets"):
                async with await self._connect(door, caller) as upstream:
                    await door.accept(upstream.subprotocol)
                    await self._relay(door, upstream, caller)
        except AppError as error:
            await door.close(_code(error), str(error))
        except (*UNAVAILABLE, InvalidHandshake) as error:
            if isinstance(error, UNAVAILABLE) and not is_unavailable(error):
                raise
            _log.warning("service away", extra={"path": scope["path"], "reason": str(error)})
            await door.close(_TRY_AGAIN_LATER, _AWAY)

    async def _admit(self, door: "_Door") -> "_Caller":
        scope, shared = door.scope, self._shared
        check_target(scope["raw_path"], scope["query_string"])
        route = shared.routes.find(scope["raw_path"], self._edition)
        if route is None:
            raise NotFound("Not found")
        headers = dict(scope["headers"])
        self._check_origin(scope, headers)
        client = client_of(shared, scope)
        key = ("connect", rate_key(client))
        strangers = shared.windows.take(key, STRANGERS_A_MINUTE, time.time())
        if strangers.retry_after_s:
            raise too_many(strangers)
        is_stranger = False
        try:
            caller = await self._know(door, route, headers, client)
            _check(caller)
            is_stranger = caller.digest is None
        except AppError:
            is_stranger = True
            raise
        finally:
            # Whoever is known does not count, nor does what we could not find out.
            if not is_stranger:
                shared.windows.give_back(key)
        return caller

    async def _know(
        self, door: "_Door", route: Route, headers: Mapping[bytes, bytes], client: str
    ) -> "_Caller":
        """Find out who calls, by whatever they show."""
        shared = self._shared
        caller = _Caller(route, shared.authenticator.anonymous, None, client)
        if (digest := await self._shown(door, headers)) is not None:
            caller = replace(
                caller, principal=await authenticate(shared, digest, client), digest=digest
            )
        elif b"cookie" in headers:
            caller = await self._by_cookie(caller, door.scope, headers)
        if caller.digest is None and not admits(route.read, caller.principal.identity):
            digest = digest_of(await door.first_word())
            caller = replace(
                caller, principal=await authenticate(shared, digest, client), digest=digest
            )
        return caller

    async def _shown(self, door: "_Door", headers: Mapping[bytes, bytes]) -> bytes | None:
        """Return the digest of the token that a handshake shows."""
        if b"authorization" in headers:
            return digest_of(bearer_token(headers[b"authorization"]))
        query = dict(parse_qsl(door.scope["query_string"].decode("latin1")))
        if "token" in query:
            return digest_of(query["token"].encode())
        if "ticket" in query:
            digest = await self._shared.redeem(digest_of(query["ticket"].encode()))
            if digest is None:
                raise Unauthorized("This ticket is not good, or no longer.")
            return digest
        return digest_of(door.offered_token.encode()) if door.offered_token else None

    async def _by_cookie(
        self, caller: "_Caller", scope: Scope, headers: Mapping[bytes, bytes]
    ) -> "_Caller":
        found = await authenticate_by_cookie(self._shared, scope, caller.client)
        if found is None:
            return caller
        # Every browser names the page that connects; what does not is none.
        if b"origin" not in headers:
            raise Forbidden(_FOREIGN)
        return replace(caller, principal=found.principal, digest=digest_of(found.token))

    def _check_origin(self, scope: Scope, headers: Mapping[bytes, bytes]) -> None:
        """A script of a foreign site must not ride on a cookie of ours."""
        origin = headers.get(b"origin")
        secure = scheme_of(self._shared, scope) in {"https", "wss"}
        if origin is not None and not self._shared.sites.is_ours(origin, headers, secure=secure):
            raise Forbidden(_FOREIGN)

    async def _relay(self, door: "_Door", upstream: ClientConnection, caller: "_Caller") -> None:
        def admit(principal: Principal) -> None:
            _check(replace(caller, principal=principal))

        passing = _pump(door, upstream)
        try:
            await while_admitted(passing, self._shared, caller.digest, caller.principal, admit)
        except AppError as error:
            await door.close(_code(error), str(error))

    async def _connect(self, door: "_Door", caller: "_Caller") -> ClientConnection:
        upstream = self._shared.upstreams[caller.route.service]
        path = door.scope["raw_path"]
        identity = self._shared.authenticator.sign(caller.principal, caller.route, "GET", path)
        query = _without_secrets(door.scope["query_string"])
        target = path.decode("latin1") + (f"?{query}" if query else "")
        return await connect(
            f"ws://{upstream.host}:{upstream.port}{target}",
            additional_headers={HEADER.decode(): identity.decode()},
            subprotocols=[Subprotocol(name) for name in door.offered] or None,
            compression=None,
            max_size=LARGEST_MESSAGE_BYTES,
            open_timeout=CONNECT_WITHIN_S,
            user_agent_header=None,
            proxy=None,
        )


class _Door:
    """The client's side of a WebSocket, accepted or not yet.

    Args:
        offered: subprotocols, but for the one that is a token.
        offered_token: that token; empty: none.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.receive = receive
        self.send = send
        offered: list[str] = scope["subprotocols"]
        tokens = [name for name in offered if name.startswith(TOKEN_PROTOCOL)]
        self.offered = [name for name in offered if name not in tokens]
        self.offered_token = tokens[0].removeprefix(TOKEN_PROTOCOL) if tokens else ""
        self._is_accepted = False

    async def accept(self, subprotocol: str | None = None) -> None:
        """Accept the handshake, if that has not been done.

        Browsers take no connection of whose subprotocols none was chosen.
        """
        if not self._is_accepted:
            self._is_accepted = True
            if subprotocol is None and self.offered_token and self.offered:
                subprotocol = self.offered[0]
            await self.send({"type": "websocket.accept", "subprotocol": subprotocol})

    async def close(self, code: int, reason: str) -> None:
        await self.accept()
        await self.send({"type": "websocket.close", "code": code, "reason": reason[:100]})

    def drop(self, code: int, reason: str) -> None:
        """Close without waiting for a client that does not read."""
        connection: WebSocketProtocol = self.scope["extensions"][EXTENSION]
        connection.drop(code, reason)

    async def first_word(self) -> bytes:
        """Let the client say its token.

        Raises:
            Unauthorized: it says something else, or nothing in time.
        """
        await self.accept(self.offered[0] if self.offered else None)
        try:
            async with asyncio.timeout(SPEAK_WITHIN_S):
                message = await self.receive()
            said = orjson.loads(message.get("text") or "")
        except (TimeoutError, orjson.JSONDecodeError):
            said = None
        match said:
            case {"type": "auth", "token": str(token)}:
                return token.encode()
        raise Unauthorized("Authentication credentials were not provided.")


@dataclass(frozen=True, slots=True)
class _Caller:
    """Who is connected to what, and the digest of the token that they showed, if any."""

    route: Route
    principal: Principal
    digest: bytes | None
    client: str


def _check(caller: _Caller) -> None:
    route, principal = caller.route, caller.principal
    if not admits(route.read, principal.identity):
        anonymous = principal.identity.kind == "anonymous"
        raise (Unauthorized if anonymous else Forbidden)("Not allowed")


def _code(error: AppError) -> int:
    return _CODES.get(type(error), _TRY_AGAIN_LATER)


def _key_of(caller: _Caller) -> str:
    return caller.principal.identity.id or rate_key(caller.client)


def _without_secrets(query: bytes) -> str:
    pairs = parse_qsl(query.decode("latin1"), keep_blank_values=True)
    return urlencode([pair for pair in pairs if pair[0] not in _SECRETS])


async def _pump(door: _Door, upstream: ClientConnection) -> None:
    inward = asyncio.create_task(_inward(door.receive, upstream))
    try:
        async for message in upstream:
            kind = "text" if isinstance(message, str) else "bytes"
            async with asyncio.timeout(TAKEN_WITHIN_S):
                await door.send({"type": "websocket.send", kind: message})
        code, reason = upstream.close_code, upstream.close_reason
    except ConnectionClosed as error:
        code = error.rcvd.code if error.rcvd else _TRY_AGAIN_LATER
        reason = error.rcvd.reason if error.rcvd else ""
    except TimeoutError:
        door.drop(_TRY_AGAIN_LATER, "too slow")
        return
    finally:
        client_left = inward.done()
        inward.cancel()
    if not client_left:
        await door.close(_sendable(code), reason or "")


async def _inward(receive: Receive, upstream: ClientConnection) -> None:
    """Pass on what the client says, until it leaves."""
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            await upstream.close(_sendable(message.get("code")))
            return
        text = message.get("text")
        # A service that has closed hears no more; the client is told so in its turn.
        with suppress(ConnectionClosed):
            await upstream.send(text if text is not None else message["bytes"])


def _sendable(code: int | None) -> int:
    """1005 and 1006 mean that no code was sent; they may not be sent themselves."""
    return 1000 if code is None or code in {1005, 1006, 1015} else code
