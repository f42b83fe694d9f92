"""Pushes a room's state to its panel, by WebSocket.

The panel is told everything when it connects, and again whenever it changes, ten times a second at
most; each message carries a version, which never goes back. Who comes back with `?version=N` is
told nothing until there is another. It may say:

    {"type": "ping"}                    answered by {"type": "pong", "serverTime": …}
    {"type": "resume", "version": N}    answered by the state, if that is another than N

Closed with 4001 (by the gateway: not signed in), 4003 (panel of another room), 4004 (no such room),
1008 (too much is said), 1012 (we are about to end: come again), 1013 (not ready, or too slow).
"""

import asyncio
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qs

import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from common.errors import AppError, Forbidden, NotFound
from common.websocket_protocol import EXTENSION, WebSocketProtocol
from panel.access import find_room
from panel.board import Board

_PATH: Final = re.compile(r"/api/panel/rooms/([^/]+)/ws")
COALESCE_S: Final = 0.1
# Who does not take a message within this is too slow; what is written waits in buffers before that.
TAKEN_WITHIN_S: Final = 10.0
LOOK_AGAIN_S: Final = 0.5
LARGEST_MESSAGE_BYTES: Final = 16 * 1024
# What a panel may say in a burst, and each second from then on.
BURST: Final = 20
_CODES: Final[Mapping[type[AppError], int]] = {Forbidden: 4003, NotFound: 4004}
TOO_MUCH: Final = 1008
RESTARTING: Final = 1012
TRY_LATER: Final = 1013


class Sockets:
    """Answers WebSocket handshakes, before anything is routed."""

    def __init__(self, app: ASGIApp, board: Board) -> None:
        self._app = app
        self._board = board

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        await receive()  # websocket.connect
        await send({"type": "websocket.accept"})
        matched = _PATH.fullmatch(scope["path"])
        try:
            if matched is None:
                raise NotFound("Not found")
            room_id = await find_room(self._board, scope["call"].identity, matched[1])
        except AppError as error:
            await _close(send, _CODES.get(type(error), TRY_LATER), str(error))
            return
        await _Socket(self._board, room_id, scope, receive, send).run()


class _Socket:
    """One panel that is connected.

    What it is told is written by whoever brings the news, without a task of its own; nothing is
    queued: a client that has not read is told what is newest when it has.
    """

    def __init__(
        self, board: Board, room_id: int, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self._board = board
        self._room_id = room_id
        self._connection: WebSocketProtocol = scope["extensions"][EXTENSION]
        self._receive = receive
        self._send = send
        # The version that it has, as it says.
        known = parse_qs(scope["query_string"].decode("latin1")).get("version", [""])[0]
        self._sent = int(known) if re.fullmatch(r"[0-9]{1,18}", known) else 0
        self._loop = asyncio.get_running_loop()
        self._not_before = 0.0
        self._again: asyncio.TimerHandle | None = None
        self._deaf_since: float | None = None

    async def run(self) -> None:
        with self._board.listening(self._room_id, self._tell):
            self._tell()
            try:
                close = await self._listen()
            finally:
                if self._again is not None:
                    self._again.cancel()
        if close is not None:
            await _close(self._send, *close)

    def _tell(self) -> None:
        """Tell the state if it is another, as soon as that may be."""
        if self._board.is_closed:
            self._connection.drop(RESTARTING, "come again")
            return
        shown = self._board.shown(self._room_id)
        if shown.version == self._sent or self._again is not None:
            return
        now = self._loop.time()
        if now < self._not_before:
            self._tell_at(self._not_before)
        elif not self._connection.is_listening:
            self._deaf_since = self._deaf_since or now
            if now - self._deaf_since > TAKEN_WITHIN_S:
                self._connection.drop(TRY_LATER, "too slow")
            else:
                self._tell_at(now + LOOK_AGAIN_S)
        else:
            self._sent, self._not_before, self._deaf_since = shown.version, now + COALESCE_S, None
            self._connection.write_frame(shown.frame)

    def _tell_at(self, moment: float) -> None:
        self._again = self._loop.call_at(moment, self._tell_now)

    def _tell_now(self) -> None:
        self._again = None
        self._tell()

    async def _listen(self) -> tuple[int, str] | None:
        """Take what the panel says; returns why no longer, or None when it has gone."""
        left, counted_at = float(BURST), time.monotonic()
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                return None
            now = time.monotonic()
            left, counted_at = min(BURST, left + (now - counted_at) * BURST) - 1, now
            if left < 0:
                return TOO_MUCH, "too much is said"
            await self._answer(_parsed(message))

    async def _answer(self, said: Mapping[str, Any]) -> None:
        match said:
            case {"type": "ping"}:
                await self._say({"type": "pong", "serverTime": datetime.now(UTC)})
            case {"type": "resume", "version": int(version)}:
                shown = self._board.shown(self._room_id)
                if shown.version != version:
                    self._connection.write_frame(shown.frame)
            case _:
                await self._say({"type": "error", "message": "Say ping or resume, in JSON."})

    async def _say(self, told: Mapping[str, Any]) -> None:
        text = orjson.dumps(told, option=orjson.OPT_UTC_Z).decode()
        await self._send({"type": "websocket.send", "text": text})


def _parsed(message: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        said = orjson.loads(message.get("text") or message.get("bytes") or b"")
    except orjson.JSONDecodeError:
        return {}
    return said if isinstance(said, dict) else {}


async def _close(send: Send, code: int, reason: str) -> None:
    await send({"type": "websocket.close", "code": code, "reason": reason[:100]})
