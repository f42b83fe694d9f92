"""Hostile clients of panels' WebSockets are let go, and those at the doors notice nothing."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from making import booking_of, make_room, soon
from running_system import System, eventually
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

HEALTHY = 20
CHANGES = 10
TOLD_WITHIN_S = 20.0
MOST_GROWN_KIB = 80 * 1024

pytestmark = pytest.mark.timeout(120)


class Door:
    """A room with panels that listen, and a booking whose title is changed."""

    def __init__(self, admin: httpx.AsyncClient, url: str, booking_id: str) -> None:
        self.url = url
        self._admin = admin
        self._booking_id = booking_id
        self._sockets: list[ClientConnection] = []

    async def open(self, stack: AsyncExitStack) -> None:
        for _ in range(HEALTHY):
            self._sockets.append(await stack.enter_async_context(connect(self.url, proxy=None)))

    async def change(self, title: str) -> None:
        """Change the booking, and see that every panel is told."""
        path = f"/api/bookings/{self._booking_id}"
        (await self._admin.patch(path, json={"title": title})).raise_for_status()
        await asyncio.gather(*(self._told(socket, title) for socket in self._sockets))

    async def _told(self, socket: ClientConnection, title: str) -> None:
        async with asyncio.timeout(TOLD_WITHIN_S):
            while True:
                meeting = json.loads(await socket.recv())["data"]["nextMeeting"]
                if meeting and meeting["title"] == title:
                    return


@pytest.fixture
async def door(system: System, admin: httpx.AsyncClient) -> AsyncIterator[Door]:
    room = await make_room(admin)
    made = await admin.post("/api/bookings", json=booking_of(room, soon()))
    address = system.base_url.replace("http", "ws")
    url = f"{address}/api/panel/rooms/{room['id']}/ws?token={system.tokens['ADMIN']}"
    async with AsyncExitStack() as stack:
        door = Door(admin, url, made.json()["data"]["id"])
        await door.open(stack)
        yield door


def resident_kib(system: System) -> int:
    found = 0
    for name in ("gateway", "panel"):
        lines = Path(f"/proc/{system.pid(name)}/status").read_text().splitlines()
        found += int(next(line for line in lines if line.startswith("VmRSS:")).split()[1])
    return found


async def code_of(url: str, *said: Any) -> int | None:
    """Connect, say something and listen meanwhile; return the code with which that ends."""

    async def say() -> None:
        with suppress(ConnectionClosed):
            for message in said:
                await socket.send(message)
                await asyncio.sleep(0)  # to write does not wait, and who never waits hears nothing

    async with connect(url, proxy=None, max_size=None, open_timeout=20) as socket:
        saying = asyncio.create_task(say())
        with suppress(ConnectionClosed):
            async for _ in socket:
                pass
        await saying
        return socket.close_code


async def pings(url: str) -> int | None:
    async with connect(url, proxy=None) as socket:
        with suppress(ConnectionClosed):
            for number in range(5000):
                await socket.ping(number.to_bytes(4, "big") * 30)
        with suppress(ConnectionClosed):
            async for _ in socket:
                pass
        return socket.close_code


async def unread(url: str) -> None:
    """Ask for the state again and again, and read none of it."""
    async with connect(url, proxy=None, max_queue=1) as socket:
        with suppress(ConnectionClosed):
            for _ in range(100):
                await socket.send('{"type": "resume", "version": 1}')
                await asyncio.sleep(0.06)


@pytest.mark.parametrize("flood", ["wrong tokens", "silence", "giants", "pings", "talk", "unread"])
async def test_panels_at_doors_notice_nothing(system: System, door: Door, flood: str) -> None:
    await door.change("before")
    before = resident_kib(system)
    stranger = door.url.split("?")[0]
    attack = {
        "wrong tokens": lambda: code_of(f"{stranger}?token=wrong"),
        "silence": lambda: code_of(stranger),
        "giants": lambda: code_of(door.url, "x" * 1_000_000),
        "pings": lambda: pings(door.url),
        "talk": lambda: code_of(door.url, *['{"type": "ping"}'] * 500),
        "unread": lambda: unread(door.url),
    }[flood]
    expected = {
        "wrong tokens": {4001, 1013},
        "silence": {4001},
        "giants": {1009},
        "pings": {1008, 1006},
        "talk": {1008},
        "unread": {None},
    }[flood]
    async with asyncio.TaskGroup() as group:
        hostile = [group.create_task(attack()) for _ in range(60)]
        for number in range(CHANGES):
            await door.change(f"{flood} {number}")

    assert {await one for one in hostile} <= expected

    async def grown() -> int:
        return resident_kib(system) - before

    await eventually(grown, lambda kib: kib < MOST_GROWN_KIB, 20)
