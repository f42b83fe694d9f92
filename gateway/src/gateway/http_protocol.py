"""Bounds what a client may send before a route is known: head size, URL, time to send the head.

uvicorn's parser keeps any number of header bytes and waits for them for ever.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD_BYTES: Final = 32 * 1024
MOST_HEADERS: Final = 100
LONGEST_URL_BYTES: Final = 8 * 1024
HEAD_WITHIN_S: Final = 5.0
MOST_CONNECTIONS: Final = 10_000

_TEXTS: Final = {400: "Bad Request", 414: "URI Too Long", 431: "Request Header Fields Too Large"}


class _HeadRefused(Exception):
    """Ends the parsing of a head that is over a bound."""


class GatheringTransport:
    """Writes an answer's head and body at once, and of a longer answer what a turn brings.

    uvloop makes a system call of every write, which is a fifth of what an answer costs.
    """

    __slots__ = ("_gathered", "_loop", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._gathered: list[bytes] = []

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the transport has
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._gathered:
            self._loop.call_soon(self.flush)
        self._gathered.append(data)

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def flush(self) -> None:
        """Write what was gathered."""
        if self._gathered:
            gathered, self._gathered = self._gathered, []
            self._transport.write(b"".join(gathered))


class BoundedHttpProtocol(HttpToolsProtocol):
    """HTTP/1.1 whose request heads are bounded in bytes, number and time."""

    _in_head = True
    _head_bytes = 0
    _refusal = 400
    _deadline: asyncio.TimerHandle | None = None
    _gathering: GatheringTransport

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._gathering = GatheringTransport(transport, self.loop)
        super().connection_made(self._gathering)  # type: ignore[arg-type] # it passes for one
        if len(self.connections) > MOST_CONNECTIONS:
            transport.close()
        self._deadline = self.loop.call_later(HEAD_WITHIN_S, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            # Counted here, because the parser tells of a header only when it is whole.
            self._head_bytes += len(data)
            if self._head_bytes > LARGEST_HEAD_BYTES + len(data):
                self._refuse(431)
                return
        super().data_received(data)
        if self._in_head and self._deadline is None and self._head_bytes:
            self._deadline = self.loop.call_later(HEAD_WITHIN_S, self._too_slow)

    def on_message_begin(self) -> None:
        self._in_head = True
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > LONGEST_URL_BYTES:
            self._refusal = 414
            raise _HeadRefused

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        if len(self.headers) > MOST_HEADERS or len(name) + len(value) > LARGEST_HEAD_BYTES:
            self._refusal = 431
            raise _HeadRefused

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._head_bytes = 0
        self._disarm()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head = True

    def on_response_complete(self) -> None:
        self._gathering.flush()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        del msg
        self._refuse(self._refusal)

    def _refuse(self, status: int) -> None:
        # No route, so no contract; both editions' envelopes start like this.
        text = _TEXTS[status]
        body = b'{"success":false,"message":"%s","error":"%s","statusCode":%d}' % (
            text.encode(),
            text.encode(),
            status,
        )
        self.transport.write(
            b"HTTP/1.1 %d %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
            b"connection: close\r\n\r\n%s" % (status, text.encode(), len(body), body)
        )
        self.transport.close()

    def _too_slow(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self.transport.close()

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
