"""What this process tells about itself: /healthz, /readyz and /metrics on a small port."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

import msgspec
from prometheus_client import Counter, Gauge, generate_latest

from edge_counter.errors import BadSettings
from edge_counter.vitals import Problems, Vitals

CROSSINGS: Final = Counter("edge_crossings", "Crossings made durable.", ["camera", "direction"])
SPOOL_DEPTH: Final = Gauge("edge_spool_depth", "Crossings that Kafka has not acknowledged.")
UPLINK: Final = Gauge("edge_uplink_connected", "1 while Kafka takes crossings, else 0.")

_REQUEST_S: Final = 5.0
_STATUS: Final = {200: "200 OK", 404: "404 Not Found", 503: "503 Service Unavailable"}


@dataclass(slots=True)
class Health(Problems):
    """What keeps the process from its work. Written by its parts, from any thread.

    Args:
        cameras: by id.
    """

    cameras: dict[int, Vitals] = field(default_factory=dict)

    def reasons(self) -> list[str]:
        """Return why this process is not ready; nothing when it is."""
        reasons = self.told()
        for vitals in self.cameras.copy().values():
            reasons += [f"{vitals.code}: {reason}" for reason in vitals.reasons()]
        return reasons


async def serve(health: Health, host: str, port: int) -> asyncio.Server:
    """Listen; port 0 takes a free one.

    Raises:
        BadSettings: the address is taken, or is not ours.
    """

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_REQUEST_S):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(_response(health, head.split(b" ", 2)[1].decode("ascii", "replace")))
                await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, IndexError):
            pass  # no request of HTTP, and nobody to tell
        finally:
            writer.close()

    try:
        return await asyncio.start_server(answer, host, port)
    except OSError as error:
        raise BadSettings(f"EDGE_HOST, EDGE_PORT: {error.strerror}") from error


def _response(health: Health, path: str) -> bytes:
    status, kind, body = 200, "application/json", b'{"status":"ok"}'
    match path.partition("?")[0]:
        case "/healthz":
            pass
        case "/readyz":
            if reasons := health.reasons():
                status = 503
                body = msgspec.json.encode({"status": "not ready", "reasons": reasons})
        case "/metrics":
            kind, body = "text/plain; version=0.0.4; charset=utf-8", generate_latest()
        case _:
            status, body = 404, b'{"detail":"Not Found"}'
    head = (
        f"HTTP/1.1 {_STATUS[status]}\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
