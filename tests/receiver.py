"""A receiver of webhooks: a real HTTP server that answers as a test tells it to."""

import asyncio
import hmac
import ssl
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody has sent."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> Any:
        return orjson.loads(self.body)

    def is_signed_by(self, secret: str) -> bool:
        """Verify as Standard Webhooks has it, without our own code."""
        name, timestamp = self.headers["webhook-id"], self.headers["webhook-timestamp"]
        signed = f"{name}.{timestamp}.".encode() + self.body
        key = b64decode(secret.removeprefix("whsec_"), validate=True)
        wanted = "v1," + b64encode(hmac.new(key, signed, sha256).digest()).decode()
        return hmac.compare_digest(wanted, self.headers["webhook-signature"])


@dataclass(frozen=True, slots=True)
class Reply:
    """How a message is answered.

    Args:
        hangs: instead of answering.
        endless: sends the body again and again.
        raw: instead of all else.
    """

    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    hangs: bool = False
    endless: bool = False
    raw: bytes | None = None


@dataclass
class Receiver:
    """A receiver; `answer` may be changed at any time."""

    port: int
    scheme: str = "http"
    answer: Callable[[Message], Reply] = lambda _: Reply()
    received: list[Message] = field(default_factory=list)
    sent_bytes: int = 0

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/hook"

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one message of a connection, and answer it."""
        try:
            await self._take(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            return
        finally:
            writer.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin1")
        first, *lines = head.strip().split("\r\n")
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines)
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        message = Message(first.split()[1], headers, body)
        self.received.append(message)
        reply = self.answer(message)
        if reply.hangs:
            # Until the other side has had enough.
            await reader.read()
            return
        await self._reply(writer, reply)

    async def _reply(self, writer: asyncio.StreamWriter, reply: Reply) -> None:
        if reply.raw is not None:
            writer.write(reply.raw)
            await writer.drain()
            return
        shown = {"connection": "close", **reply.headers}
        if not reply.endless and reply.status != 204:
            shown["content-length"] = str(len(reply.body))
        lines = [
            f"HTTP/1.1 {reply.status} X",
            *(f"{name}: {value}" for name, value in shown.items()),
        ]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + reply.body)
        await writer.drain()
        while reply.endless:
            writer.write(reply.body)
            self.sent_bytes += len(reply.body)
            await writer.drain()


@asynccontextmanager
async def receiving(
    *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Receiver]:
    """Run a receiver; on a free port, or again on one that it had."""
    receiver = Receiver(port, "https" if tls else "http")
    server = await asyncio.start_server(receiver.take, host, port, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
