"""The port as a probe and as Prometheus see it."""

import asyncio
from contextlib import suppress

import httpx
import pytest

from edge_counter.errors import BadSettings
from edge_counter.health import Health, serve
from edge_counter.vitals import Vitals


@pytest.fixture
def health() -> Health:
    return Health(cameras={7: Vitals(code="LOBBY")})


async def ask(health: Health, path: str) -> httpx.Response:
    async with await serve(health, "127.0.0.1", 0) as server, httpx.AsyncClient() as client:
        port = server.sockets[0].getsockname()[1]
        return await client.get(f"http://127.0.0.1:{port}{path}")


async def test_it_is_healthy_while_it_is_not_ready(health: Health) -> None:
    assert (await ask(health, "/healthz")).status_code == 200

    answer = await ask(health, "/readyz")

    assert answer.status_code == 503
    assert answer.json() == {"status": "not ready", "reasons": ["LOBBY: no picture yet"]}


async def test_it_is_ready_when_nothing_is_in_the_way(health: Health) -> None:
    health.cameras[7].did(0)

    answer = await ask(health, "/readyz?verbose")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_metrics_are_in_the_form_of_prometheus(health: Health) -> None:
    answer = await ask(health, "/metrics")

    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    names = ["frames_total", "crossings", "spool_depth", "uplink_connected", "seconds_since_frame"]
    assert [name for name in names if f"edge_{name}" not in answer.text] == []


async def test_other_paths_are_not_there(health: Health) -> None:
    assert (await ask(health, "/")).status_code == 404


@pytest.mark.parametrize("request_", [b"\r\n\r\n", b"x" * 100_000, b""], ids=["bare", "long", "no"])
async def test_nonsense_ends_its_connection_and_nothing_else(
    health: Health, request_: bytes
) -> None:
    async with await serve(health, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request_)
        writer.write_eof()
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()

        async with httpx.AsyncClient() as client:
            assert (await client.get(f"http://127.0.0.1:{port}/healthz")).status_code == 200


async def test_a_taken_port_is_named(health: Health) -> None:
    async with await serve(health, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]

        with pytest.raises(BadSettings, match="EDGE_PORT"):
            await serve(health, "127.0.0.1", port)
