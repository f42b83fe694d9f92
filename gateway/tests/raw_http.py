"""The two ends that a gateway stands between, byte by byte: a client's socket and a service's."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


@dataclass
class SeenRequest:
    """A request as it arrived at the service."""

    head: bytes
    body: bytes

    @property
    def target(self) -> str:
        return self.head.split(b" ")[1].decode()

    @property
    def headers(self) -> dict[str, str]:
        lines = self.head.decode("latin1").split("\r\n")[1:]
        return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


Answer = Callable[[SeenRequest, asyncio.StreamWriter], Awaitable[None]]


async def _plain(_: SeenRequest, writer: asyncio.StreamWriter) -> None:
    writer.write(ANSWER)


@dataclass
class FakeService:
    """A service that writes down what reaches it; ``answer`` decides what it says."""

    port: int = 0
    seen: list[SeenRequest] = field(default_factory=list)
    connections: int = 0
    answer: Answer = _plain
    open_writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open_writers.add(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n"))[:-4]
                request = SeenRequest(head, await _body(head, reader))
                self.seen.append(request)
                await self.answer(request, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self.open_writers.discard(writer)
            writer.close()

    def drop_connections(self) -> None:
        for writer in list(self.open_writers):
            writer.transport.abort()


async def _body(head: bytes, reader: asyncio.StreamReader) -> bytes:
    lower = head.lower()
    if b"transfer-encoding: chunked" in lower:
        body = b""
        while size := int(await reader.readuntil(b"\r\n"), 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
        return body
    if b"content-length: " in lower:
        length = int(lower.split(b"content-length: ")[1].split(b"\r\n")[0])
        return await reader.readexactly(length)
    return b""


@asynccontextmanager
async def fake_service() -> AsyncIterator[FakeService]:
    service = FakeService()
    server = await asyncio.start_server(service.handle, "127.0.0.1", 0)
    service.port = server.sockets[0].getsockname()[1]
    yield service
    service.drop_connections()
    server.close()


async def send_raw(port: int, *parts: bytes, pause_s: float = 0, wait_s: float = 5) -> bytes:
    """Write bytes to a port and return everything that comes back until it closes or is silent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    received = b""
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause_s)
        async with asyncio.timeout(wait_s):
            while data := await reader.read(65536):
                received += data
                if _whole(received):
                    break
    except (TimeoutError, ConnectionError):
        pass
    finally:
        writer.close()
    return received


def _whole(received: bytes) -> bool:
    head, found, body = received.partition(b"\r\n\r\n")
    lower = head.lower()
    if not found or b"content-length: " not in lower:
        return False
    return len(body) >= int(lower.split(b"content-length: ")[1].split(b"\r\n")[0])


def status_of(received: bytes) -> int:
    """Read the status of the first answer; 0 if none came."""
    return int(received.split(b" ")[1]) if received.startswith(b"HTTP/1.1 ") else 0
