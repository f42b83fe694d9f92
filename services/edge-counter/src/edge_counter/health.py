"""What this process tells about itself: /healthz, /readyz and /metrics on a small port."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Final

import msgspec
from prometheus_client import Counter, Gauge, generate_latest

from edge_counter.errors import BadSettings

FRAMES: Final = Counter("edge_frames", "Pictures that were processed.")
CROSSINGS: Final = Counter("edge_crossings", "Crossings made durable.", ["direction"])
SPOOL_DEPTH: Final = Gauge("edge_spool_depth", "Crossings that Kafka has not acknowledged.")
UPLINK: Final = Gauge("edge_uplink_connected", "1 while Kafka takes crossings, else 0.")
SINCE_FRAME: Final = Gauge("edge_seconds_since_frame", "Since the last picture was processed.")

_REQUEST_S: Final = 5.0
_STATUS: Final = {200: "200 OK", 404: "404 Not Found", 503: "503 Service Unavailable"}


@dataclass(slots=True)
class Health:
    """What keeps the process from its work. Written by its parts, from any thread.

    Args:
        frames_within_s: how old the last picture may be.
        problems: by the part that has one.
        frame_at_s: monotonic; of the last picture, at first of the start.
        is_finished: the recording has been counted; no picture is missing.
    """

    frames_within_s: float
    problems: dict[str, str] = field(default_factory=dict)
    frame_at_s: float = field(default_factory=time.monotonic)
    is_finished: bool = False
    _has_frames: bool = False

    def saw_frame(self) -> None:
        self.frame_at_s = time.monotonic()
        self._has_frames = True
        FRAMES.inc()

    def seconds_since_frame(self) -> float:
        return time.monotonic() - self.frame_at_s

    def note(self, part: str, problem: str | None) -> bool:
        """Set or clear a part's problem; tell whether that is news."""
        is_news = self.problems.get(part) != problem
        if problem is None:
            self.problems.pop(part, None)
        else:
            self.problems[part] = problem
        return is_news

    def reasons(self) -> list[str]:
        """Return why this process is not ready; nothing when it is."""
        reasons = [f"{part}: {problem}" for part, problem in sorted(self.problems.copy().items())]
        late_s = self.seconds_since_frame()
        if not self.is_finished and not self._has_frames:
            reasons.append("no picture yet")
        elif not self.is_finished and late_s > self.frames_within_s:
            reasons.append(f"no picture for {late_s:.0f} s")
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
