"""uvicorn's WebSockets, for applications that tell thousands the same, and some that do not listen.

An application finds the connection in its scope, as ``scope["extensions"]["atrium.connection"]``,
and may write frames to it that were written once for all: a task and a frame for each message cost
four times as much (benchmarks/panel).
"""

from typing import Final

from starlette.types import Scope
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

EXTENSION: Final = "atrium.connection"
# Who does not take the last of what was written within this loses it.
LINGER_S: Final = 1.0
# Each is answered, whether the answer is read or not: so many in a burst, and each second after it.
MOST_PINGS: Final = 20
TOO_MUCH: Final = 1008


def text_frame(text: bytes) -> bytes:
    """Write a text as one frame of a server: unmasked, uncompressed (RFC 6455, 5.2)."""
    size = len(text)
    if size < 126:
        return b"\x81%c" % size + text
    if size < 65536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + text
    return b"\x81\x7f" + size.to_bytes(8, "big") + text


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """One connection."""

    _pings_left = float(MOST_PINGS)
    _pinged_at = 0.0

    def handle_ping(self) -> None:
        """Answer a ping; who sends too many is let go."""
        if self.close_sent:
            return
        now = self.loop.time()
        earned = (now - self._pinged_at) * MOST_PINGS
        self._pings_left = min(MOST_PINGS, self._pings_left + earned) - 1
        self._pinged_at = now
        if self._pings_left < 0:
            self.conn.data_to_send()  # the answer, which it does not get
            self.drop(TOO_MUCH, "too many pings")
        else:
            super().handle_ping()

    async def run_asgi(self) -> None:
        scope: Scope = self.scope  # type: ignore[assignment] # a mapping of its own kind
        extensions = scope.setdefault("extensions", {})
        extensions[EXTENSION] = self
        try:
            await super().run_asgi()
        finally:
            del extensions[EXTENSION]

    def connection_lost(self, exc: Exception | None) -> None:
        """Open the ring of what refers to each other.

        Else thousands that are gone wait for the garbage collector, and everybody waits for it.
        """
        super().connection_lost(exc)
        self.conn.parser.close()

    @property
    def is_listening(self) -> bool:
        """Whether the client takes what is written, and nothing waits."""
        return self.writable.is_set()

    def write_frame(self, frame: bytes) -> None:
        """Write a frame; a client that has gone gets none."""
        if not self.close_sent and not self.transport.is_closing():
            self.transport.write(frame)

    def drop(self, code: int, reason: str) -> None:
        """Close without waiting for a client that does not read."""
        if not self.close_sent and not self.transport.is_closing():
            self.conn.send_close(code, reason)
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
        self.loop.call_later(LINGER_S, self.transport.abort)

    def keepalive_timeout(self) -> None:
        """Let go of who does not answer: to close would wait until it has read all."""
        super().keepalive_timeout()
        self.loop.call_later(LINGER_S, self.transport.abort)
