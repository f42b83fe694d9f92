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
from common.tasks import end
from panel.access import find_room
from panel.board import Board

_PATH: Final = re.compile(r"/api/panel/rooms/([^/]+)/ws")
COALESCE_S: Final = 0.1
# Who does not take a message within this is too slow; what is written waits in buffers before that.
TAKEN_WITHIN_S: Final = 10.0
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
        with self._board.connections.track_inprogress():
            known = parse_qs(scope["query_string"].decode("latin1")).get("version", [""])[0]
            await _Socket(self._board, room_id, receive, send, known).run()


class _Socket:
    """One panel that is connected.

    Args:
        known: the version that it has, as it says.
    """

    def __init__(
        self, board: Board, room_id: int, receive: Receive, send: Send, known: str
    ) -> None:
        self._board = board
        self._room_id = room_id
        self._receive = receive
        self._send = send
        self._sent = int(known) if re.fullmatch(r"[0-9]{1,18}", known) else 0

    async def run(self) -> None:
        listening = asyncio.create_task(self._listen())
        telling = asyncio.create_task(self._tell())
        try:
            await asyncio.wait({listening, telling}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            outcomes = await end(listening, telling)
        codes = [one for one in outcomes if isinstance(one, tuple)]
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome
        if codes:
            await _close(self._send, *codes[0])

    async def _tell(self) -> tuple[int, str]:
        """Tell the state whenever it is another; returns why no longer."""
        while not self._board.is_closed:
            news, shown = self._board.news_of(self._room_id), self._board.shown(self._room_id)
            if shown.version == self._sent:
                await news.wait()
                continue
            self._sent = shown.version
            try:
                async with asyncio.timeout(TAKEN_WITHIN_S):
                    await self._send({"type": "websocket.send", "text": shown.message})
            except TimeoutError:
                return TRY_LATER, "too slow"
            await asyncio.sleep(COALESCE_S)
        return RESTARTING, "come again"

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
                    await self._send({"type": "websocket.send", "text": shown.message})
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
