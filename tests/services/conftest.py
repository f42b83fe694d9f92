"""The services' applications in this process, each on its own database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

import bookings.main
import occupancy.main
import rooms.main
from common.contracts import Contract
from common.identity import Identity, Signer
from common.testing.plugin import CloneDatabase
from common.testing.servers import NO_TLS

SERVICES = {
    one.name: one for one in (rooms.main.SERVICE, bookings.main.SERVICE, occupancy.main.SERVICE)
}
# An address that a service answers with 200, and the contract that it belongs to.
ADDRESSES = {
    "rooms": ("/api/rooms/", Contract.DIRECTORY),
    "bookings": ("/api/holidays/", Contract.DIRECTORY),
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
        yield Service(request.param, parts.app, signer)
        await parts.close()


class Service:
    """A service as the gateway calls it."""

    def __init__(self, name: str, app: Any, signer: Signer) -> None:
        self.name = name
        self.signer = signer
        self.path, self.contract = ADDRESSES[name]
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
