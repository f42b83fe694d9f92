"""Live counts from memory against prebuilt bytes from a raw ASGI application, and how old they are.

Both are served by uvicorn as our services are; wrk asks one, then the other, round by round, and a
figure is the median of the rounds' ratios. The service verifies the caller, measures the request
and looks the camera up; the raw application sends the bytes that it was given.

Then counts are changed in the database a few hundred times, and asked for until they show.

    uv run python -m benchmarks.live.run [--rounds 3] [--seconds 4]

Needs Debian's wrk. Exits with 1 when a figure is past its limit.
"""

import argparse
import asyncio
import base64
import secrets
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import uvicorn
from benchmarks.ground import BIN, has_programs, prepared, process_settings, until_answering, wrk
from starlette.types import Receive, Scope, Send

from common.contracts import Contract
from common.identity import HEADER, Identity, Signer
from common.testing.servers import NO_TLS, free_port
from occupancy.tables import SCHEMA

CAMERAS = 200
CHANGES = 300
LEAST = 0.6
MOST_STALE_MS = 250.0
TARGET = "/api/occupancy/cameras/7/live"
FILL = """
INSERT INTO occupancy.cameras (camera_id, camera_name, camera_type, is_active)
    SELECT 'C' || n, 'Door', 'bidirectional', true FROM generate_series(1, $1) n
"""
COUNT = """
INSERT INTO occupancy.counts (camera_id, entries, exits, unique_persons) VALUES (7, $1, 0, 0)
ON CONFLICT (camera_id) DO UPDATE SET entries = excluded.entries
"""


@dataclass(frozen=True)
class Stand:
    service: str
    raw: str
    superuser_url: str
    signer: Signer

    def headers(self) -> dict[str, str]:
        anybody = Identity(kind="anonymous")
        contract = Contract.OCCUPANCY
        signed = self.signer.sign(
            anybody, service="occupancy", contract=contract, method="GET", path=TARGET
        )
        return {HEADER.decode(): signed}


class Prebuilt:
    """Sends the same bytes to everybody."""

    def __init__(self, body: bytes) -> None:
        length = (b"content-length", str(len(body)).encode())
        self._headers = [(b"content-type", b"application/json"), length]
        self._body = body

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self._headers})
        await send({"type": "http.response.body", "body": self._body})


def serve_raw(port: int, body: Path) -> None:
    options: dict[str, Any] = {"http": "httptools", "lifespan": "off", "log_level": "error"}
    uvicorn.run(Prebuilt(body.read_bytes()), port=port, loop="uvloop", **options)


async def ages(stand: Stand) -> list[float]:
    """Return how long each change of a count took to show, in ms."""
    server: asyncpg.Connection[Any] = await asyncpg.connect(stand.superuser_url)
    found = []
    async with httpx.AsyncClient(base_url=stand.service, verify=NO_TLS) as client:
        headers = stand.headers()
        for number in range(1, CHANGES + 1):
            await server.execute(COUNT, number)
            began = time.perf_counter()
            while True:
                reply = await client.get(TARGET, headers=headers)
                if reply.json()["total_entries"] == number:
                    break
            found.append((time.perf_counter() - began) * 1e3)
            if number % 50 == 0:
                headers = stand.headers()
    await server.close()
    return sorted(found)


def run(stand: Stand, rounds: int, seconds: int) -> bool:
    shares = []
    for number in range(1, rounds + 1):
        limit = wrk(f"{stand.raw}{TARGET}", {}, seconds)
        rate = wrk(f"{stand.service}{TARGET}", stand.headers(), seconds)
        shares.append(rate / limit)
        print(f"round {number}: live {rate:,.0f}/s, prebuilt {limit:,.0f}/s = {shares[-1]:.2f}")
    stale = asyncio.run(ages(stand))
    share, p99 = statistics.median(shares), stale[int(len(stale) * 0.99)]
    print(f"live/prebuilt bytes: {share:.2f} (at least {LEAST})")
    print(
        f"a change shows after {statistics.median(stale):.0f} ms, p99 {p99:.0f} ms"
        f" (at most {MOST_STALE_MS:.0f})"
    )
    return share >= LEAST and p99 <= MOST_STALE_MS


async def fill(url: str) -> None:
    server: asyncpg.Connection[Any] = await asyncpg.connect(url)
    await server.execute(FILL, CAMERAS)
    await server.close()


@contextmanager
def bench_stand() -> Iterator[Stand]:
    """Start Postgres, occupancy and the raw application; end them again."""
    with prepared(SCHEMA) as ground:
        superuser_url = ground.postgres.url("bench")
        asyncio.run(fill(superuser_url))
        port, raw_port = free_port(), free_port()
        signer = Signer(base64.b64encode(secrets.token_bytes(32)).decode())
        stand = Stand(
            f"http://127.0.0.1:{port}", f"http://127.0.0.1:{raw_port}", superuser_url, signer
        )
        environment = {
            **process_settings(ground),
            "OCCUPANCY_PORT": str(port),
            "OCCUPANCY_DATABASE_URL": ground.address("occupancy"),
            "ATRIUM_IDENTITY_PUBLIC_KEYS": signer.public_key,
        }
        ground.start([str(BIN / "occupancy"), "api"], environment)
        answer = until_answering(f"{stand.service}{TARGET}", stand.headers())
        (ground.folder / "body").write_bytes(answer.raise_for_status().content)
        serve = ["-m", "benchmarks.live.run", "--serve-raw", str(raw_port)]
        ground.start([sys.executable, *serve, str(ground.folder / "body")])
        raw = until_answering(f"{stand.raw}{TARGET}")
        assert raw.raise_for_status().content == answer.content
        yield stand


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure reads of live counts.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4, help="of load, a run")
    parser.add_argument("--serve-raw", nargs=2, metavar=("PORT", "BODY"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve_raw:
        serve_raw(int(options.serve_raw[0]), Path(options.serve_raw[1]))
        return 0
    if not has_programs({"wrk": "wrk"}):
        return 2
    with bench_stand() as stand:
        return 0 if run(stand, options.rounds, options.seconds) else 1


if __name__ == "__main__":
    sys.exit(main())
