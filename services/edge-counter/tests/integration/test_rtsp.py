"""A network camera that falls silent, dies and returns, as a real server of RTSP plays it."""

import asyncio
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer
from network_camera import NetworkCamera, draw_walkers

from common.events import HEARTBEATS, HeartbeatV1
from common.testing.plugin import Broker
from common.testing.servers import free_port
from edge_counter.camera import Camera, Source
from edge_counter.errors import SourceForbidden

QUICK = {"EDGE_SILENT_AFTER_S": "1", "EDGE_OPEN_WITHIN_S": "4", "EDGE_HEARTBEAT_S": "1"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the clip that the camera plays."""
    folder = tmp_path_factory.mktemp("served")
    draw_walkers(folder)
    return folder


@pytest.fixture
def network_camera(folder: Path) -> Iterator[NetworkCamera]:
    camera = NetworkCamera(folder, free_port())
    yield camera
    camera.kill()


@asynccontextmanager
async def hearing(kafka: Broker) -> AsyncIterator[list[HeartbeatV1]]:
    """Give the list to which all heartbeats come."""
    await kafka.fresh(HEARTBEATS)
    consumer = AIOKafkaConsumer(
        HEARTBEATS.name, bootstrap_servers=kafka.address, auto_offset_reset="earliest"
    )
    await consumer.start()
    heard: list[HeartbeatV1] = []

    async def listen() -> None:
        async for record in consumer:
            heard.append(HEARTBEATS.decode(record.value).data)  # noqa: PERF401 - one by one

    task = asyncio.create_task(listen())
    try:
        yield heard
    finally:
        task.cancel()
        await consumer.stop()


async def eventually(is_so: Callable[[], object]) -> None:
    """Wait until something is so, or fail."""
    async with asyncio.timeout(25):
        while not is_so():
            await asyncio.sleep(0.02)


async def counts_again(edge: Any, heard: list[HeartbeatV1]) -> None:
    """Wait until somebody is counted who was not yet, and a heartbeat says that all is well."""
    events, beats = len(edge.events()), len(heard)
    await eventually(lambda: len(edge.events()) > events)
    await eventually(lambda: any(beat.picture == "good" for beat in heard[beats:]))


def shown(edge: Any, port: int, heard: list[HeartbeatV1]) -> str:
    """Return everything that this edge shows to anybody."""
    paths = [f"http://127.0.0.1:{port}/{path}" for path in ("metrics", "readyz")]
    processes = [f"/proc/{process}/cmdline" for process in (edge.process.pid, *edge.decoders())]
    return "\n".join(
        [
            edge.log(),
            *(f"{beat}" for beat in heard),
            *(httpx.get(path).text for path in paths),
            *(Path(process).read_bytes().decode() for process in processes),
        ]
    )


@pytest.mark.timeout(120)
async def test_counting_goes_on_when_a_camera_is_back_from_silence_and_from_death(
    make_edge: Callable[..., Any],
    network_camera: NetworkCamera,
    kafka: Broker,
) -> None:
    port = free_port()
    to = {"ATRIUM_KAFKA": kafka.address, "EDGE_PORT": str(port)}
    edge = make_edge(network_camera.address, **QUICK, **to)
    async with hearing(kafka) as heard:
        edge.start()
        await eventually(lambda: heard and "refused" in (heard[-1].reason or ""))
        assert heard[-1].picture == "none"
        network_camera.start()
        await counts_again(edge, heard)

        network_camera.send(signal.SIGSTOP)
        await eventually(lambda: heard[-1].picture == "none")
        told = shown(edge, port, heard)
        network_camera.send(signal.SIGCONT)
        await counts_again(edge, heard)

        network_camera.kill()
        await eventually(lambda: "refused" in (heard[-1].reason or ""))
        told += shown(edge, port, heard)
        network_camera.start()
        await counts_again(edge, heard)
        told += shown(edge, port, heard)
    edge.stop()

    assert "127.0.0.1" in told
    assert "canary" not in told
    assert "bob" not in told


@pytest.fixture
def closed_camera() -> Iterator[tuple[str, list[bytes]]]:
    """Give the address of a camera that takes no password, and what it was asked."""
    asked: list[bytes] = []
    server = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return  # the test is over
            with connection:
                asked.append(connection.recv(65536))
                connection.sendall(b"RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\n\r\n")

    threading.Thread(target=answer, daemon=True).start()
    yield f"rtsp://bob:canary@127.0.0.1:{server.getsockname()[1]}/live", asked
    server.shutdown(socket.SHUT_RDWR)
    server.close()


def test_a_wrong_password_is_told_as_such(closed_camera: tuple[str, list[bytes]]) -> None:
    with pytest.raises(SourceForbidden, match=r"401 \(Unauthorized\)") as raised:
        Camera(Source(closed_camera[0])).__enter__()

    assert "canary" not in str(raised.value)


def test_a_wrong_password_is_not_tried_again_at_once(
    make_edge: Callable[..., Any],
    closed_camera: tuple[str, list[bytes]],
    until: Callable[[Callable[[], object]], None],
) -> None:
    """A camera locks the account of who tries it again and again."""
    address, asked = closed_camera
    edge = make_edge(address, EDGE_REOPEN_S="0.1")
    edge.start()
    until(lambda: "401 (Unauthorized)" in edge.log())
    tries = len(asked)

    time.sleep(2)  # ten times as long as until the next try at an address that is refused

    assert len(asked) == tries
    edge.stop()
