"""The services' applications in this process, each on its own database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

import analytics.main
import bookings.main
import occupancy.main
import panel.main
import rooms.main
from common.contracts import Contract
from common.identity import Identity, Signer
from common.tasks import end
from common.testing.plugin import CloneDatabase
from common.testing.servers import NO_TLS
from panel.repository import Copies

SERVICES = {
    one.name: one
    for one in (
        rooms.main.SERVICE,
        bookings.main.SERVICE,
        panel.main.SERVICE,
        analytics.main.SERVICE,
        occupancy.main.SERVICE,
    )
}
# An address that a service answers with 200, for room 1, and the contract that it belongs to.
ADDRESSES = {
    "rooms": ("/api/rooms/", Contract.DIRECTORY),
    "bookings": ("/api/holidays/", Contract.DIRECTORY),
    "panel": ("/api/panel/rooms/{room_id}/state", Contract.CIRCLE_TIME),
    "analytics": ("/api/admin/reports/peak-hours", Contract.UNIVERSITY),
    "occupancy": ("/api/occupancy/cameras", Contract.OCCUPANCY),
}


@pytest.fixture(params=SERVICES)
async def service(
    request: pytest.FixtureRequest, clone_database: CloneDatabase, signer: Signer
) -> AsyncIterator["Service"]:
    """A service without its workers."""
    made = SERVICES[request.param]
    async with clone_database(made.schema) as database:
        settings = made.settings(
            port=0,
            database_url=database.url,
            identity_public_keys=signer.public_key,
            kafka="127.0.0.1:9",
        )
        parts = made.build(settings)
        if made is panel.main.SERVICE:
            await _show_room_1(parts.app.state)
        yield Service(request.param, parts.app, signer)
        await parts.close()


async def _show_room_1(state: Any) -> None:
    """Let panel know a room as it is once its workers have run."""
    room = {
        "id": 1,
        "cuid": "c" + "0" * 24,
        "version": 1,
        "name": "Room 1",
        "building": "Main Building",
        "timezone": "UTC",
        "floor": 0,
        "capacity": 4,
        "is_bookable": True,
    }
    async with state.database.sessions.begin() as session:
        await Copies(session).take_rooms([room])
    following = asyncio.create_task(state.board.follow())
    async with asyncio.timeout(10):
        while not state.board.is_loaded:
            await asyncio.sleep(0.01)
    await end(following)


class Service:
    """A service as the gateway calls it."""

    def __init__(self, name: str, app: Any, signer: Signer) -> None:
        self.name = name
        self.signer = signer
        self.described_path, self.contract = ADDRESSES[name]
        self.path = self.described_path.replace("{room_id}", "1")
        self._app = app

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(self._app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://service", verify=NO_TLS
        ) as client:
            yield client

    def sign(self, identity: Identity, **changes: Any) -> dict[str, str]:
        call = {
            "service": self.name,
            "contract": self.contract,
            "method": "GET",
            "path": self.path,
            **changes,
        }
        return {"atrium-identity": self.signer.sign(identity, **call)}
