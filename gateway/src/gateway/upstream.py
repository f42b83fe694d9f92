"""Connections to the services: pooled HTTP/1.1, streamed both ways, bounded in number and time.

A client library costs four times as much here (docs/adr/0006). What this leaves out, the services
do not do: no redirects, no cookies, no compression, no HTTP/2.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from typing import Final

import httptools

CONNECT_WITHIN_S: Final = 2.0
MOST_CONNECTIONS: Final = 256
# Of those on which an answer has no end.
MOST_STREAMS: Final = 2000
MOST_WAITING: Final = 1024
# Less than the services keep an idle connection, so that it is we who let go of it.
KEEP_IDLE_S: Final = 60.0
# A stream that has nothing to say sends a heartbeat more often than this.
SILENT_S: Final = 60.0
# A response is read ahead of its client by this much.
READ_AHEAD_BYTES: Final = 256 * 1024

Headers = list[tuple[bytes, bytes]]


class UpstreamError(Exception):
    """The service could not be reached, or broke off.

    Args:
        unanswered: nothing of an answer came, so that a harmless request may be sent again.
    """

    def __init__(self, message: str, *, unanswered: bool = False) -> None:
        super().__init__(message)
        self.unanswered = unanswered


class UpstreamTimeout(UpstreamError):
    """The service did not answer within the route's deadline."""


class UpstreamBusy(UpstreamError):
    """As many requests as may be are waiting for a connection already."""


class Connection(asyncio.Protocol):
    """One connection to a service; carries one exchange at a time."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)
        self._chunks: deque[bytes] = deque()
        self._buffered = 0
        self._reading_paused = False
        self._writable: asyncio.Future[None] | None = None
        self._wake: asyncio.Future[None] | None = None
        self._failure: UpstreamError | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._bodiless = False
        self.idle_since = 0.0
        self.status = 0
        self.headers: Headers = []
        self.head_complete = False
        self.complete = False
        self.reusable = True

    # --- what asyncio calls ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment] # TCP gives a full transport

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(UpstreamError(f"broken answer: {error}"))
            self.transport.abort()
        else:
            self._notify()

    def connection_lost(self, exc: Exception | None) -> None:
        self.reusable = False
        if not self.complete:
            unanswered = self.status == 0
            self._fail(UpstreamError(f"connection lost: {exc}", unanswered=unanswered))
        self.resume_writing()

    def pause_writing(self) -> None:
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    # --- what the parser calls ---

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status >= 200:
            self.status = status
            self.head_complete = True
            self.reusable = self._parser.should_keep_alive()
            if self._bodiless:  # the answer to HEAD, whose length is that of a body not sent
                self.complete, self.reusable = True, False

    def on_body(self, body: bytes) -> None:
        self._chunks.append(body)
        self._buffered += len(body)
        if self._buffered > READ_AHEAD_BYTES and not self._reading_paused:
            self._reading_paused = True
            self.transport.pause_reading()

    def on_message_complete(self) -> None:
        if self.head_complete:
            self.complete = True
        else:  # an interim answer such as 100 Continue
            self.headers = []

    # --- one exchange ---

    def begin(self, head: bytes, *, deadline_s: float, bodiless: bool = False) -> None:
        """Send a request's head (and small body); the answer must begin within the deadline."""
        self.status = 0
        self.headers = []
        self.head_complete = self.complete = False
        self._failure = None
        self._bodiless = bodiless
        self._timer = self._loop.call_later(deadline_s, self._expire)
        self.transport.write(head)

    async def write(self, data: bytes) -> None:
        """Send more of the request's body, no faster than the service takes it."""
        if self._failure is None:
            self.transport.write(data)
        if self._writable is not None:
            await self._writable

    async def answer(self) -> None:
        """Wait until status and headers are known.

        Raises:
            UpstreamError: the connection broke, or the deadline passed.
        """
        while not self.head_complete:
            await self._change()
        self._disarm()

    async def read(self) -> bytes:
        """Return the next bytes of the body; empty at its end."""
        if not self._chunks and not self.complete:
            self._timer = self._loop.call_later(SILENT_S, self._expire)
            while not self._chunks and not self.complete:
                await self._change()
            self._disarm()
        if not self._chunks:
            return b""
        body = b"".join(self._chunks) if len(self._chunks) > 1 else self._chunks[0]
        self._chunks.clear()
        self._buffered = 0
        if self._reading_paused:
            self._reading_paused = False
            self.transport.resume_reading()
        return body

    def fail(self, error: UpstreamError) -> None:
        """Give the exchange up."""
        self._fail(error)
        self.transport.abort()

    def finish(self) -> None:
        """Let go of the exchange; what is unread of it costs the connection."""
        self._disarm()
        if not self.complete:
            self.reusable = False
            self.transport.abort()
        self._chunks.clear()
        self._buffered = 0

    async def _change(self) -> None:
        if self._failure is not None:
            raise self._failure
        self._wake = self._loop.create_future()
        await self._wake
        if self._failure is not None and not self._chunks:
            raise self._failure

    def _notify(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def _fail(self, error: UpstreamError) -> None:
        if self._failure is None:
            self._failure = error
        self.reusable = False
        self._notify()

    def _expire(self) -> None:
        self._timer = None
        self.fail(UpstreamTimeout("no answer within the deadline"))

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Upstream:
    """A service, and the connections to it.

    Args:
        name: of the service, the audience of identities.
        host, port: where it answers.
        most: connections open at a time; who wants one more waits.
    """

    def __init__(self, name: str, host: str, port: int, most: int = MOST_CONNECTIONS) -> None:
        self.name = name
        self.host = host
        self.port = port
        self.host_header = f"{host}:{port}".encode()
        self._most = most
        self._idle: list[Connection] = []
        self._open = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def acquire(self, *, fresh: bool = False) -> Connection:
        """Take an idle connection, or open one.

        Args:
            fresh: open a new one, after an idle one turned out to be closed.

        Raises:
            UpstreamError: it can't be reached, or too many wait already.
        """
        now = time.monotonic()
        while self._idle and not fresh:
            connection = self._idle.pop()
            if connection.reusable and now - connection.idle_since < KEEP_IDLE_S:
                return connection
            self._close(connection)
        while self._open >= self._most:
            if self._idle:
                self._close(self._idle.pop(0))
            else:
                await self._wait_for_place()
        return await self._connect()

    def release(self, connection: Connection) -> None:
        """Give a connection back after its exchange."""
        connection.finish()
        if connection.reusable and not connection.transport.is_closing():
            connection.idle_since = time.monotonic()
            self._idle.append(connection)
        else:
            self._close(connection)
        self._admit_next()

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._close(self._idle.pop())

    def _close(self, connection: Connection) -> None:
        self._open -= 1
        connection.transport.close()

    async def _wait_for_place(self) -> None:
        if len(self._waiting) >= MOST_WAITING:
            raise UpstreamBusy(f"{self.name}: too many requests are waiting", unanswered=True)
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await asyncio.wait_for(place, CONNECT_WITHIN_S)
        except TimeoutError as error:
            raise UpstreamBusy(f"{self.name}: no connection came free", unanswered=True) from error

    def _admit_next(self) -> None:
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                return

    async def _connect(self) -> Connection:
        self._open += 1
        loop = asyncio.get_running_loop()
        opening = loop.create_connection(Connection, self.host, self.port)
        try:
            _, connection = await asyncio.wait_for(opening, CONNECT_WITHIN_S)
        except (OSError, TimeoutError) as error:
            self._open -= 1
            self._admit_next()
            raise UpstreamError(f"{self.name}: {error}", unanswered=True) from error
        except asyncio.CancelledError:
            self._open -= 1
            self._admit_next()
            raise
        return connection


def request_head(
    method: str, target: bytes, host: bytes, headers: Iterable[tuple[bytes, bytes]]
) -> bytes:
    """Write a request's head as it goes over the wire."""
    parts = [method.encode(), b" ", target, b" HTTP/1.1\r\nhost: ", host, b"\r\n"]
    for name, value in headers:
        parts += (name, b": ", value, b"\r\n")
    parts.append(b"\r\n")
    return b"".join(parts)
