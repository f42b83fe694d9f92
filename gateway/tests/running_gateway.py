"""A gateway on its own ports, before services that write down what they see."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
from raw_http import FakeService

from gateway.main import Gateway

PASSWORD = "correct horse battery staple"


@dataclass
class Running:
    """A gateway, and what stands around it."""

    gateway: Gateway
    rooms: FakeService
    occupancy: FakeService
    port: int
    university_port: int
    client: httpx.AsyncClient

    async def sign_in(self, login: str = "admin@example.test") -> dict[str, Any]:
        body = {"email": login, "password": PASSWORD}
        reply = await self.client.post("/api/auth/login", json=body)
        data: dict[str, Any] = reply.raise_for_status().json()["data"]
        return data

    async def authorization(self, login: str = "admin@example.test") -> dict[str, str]:
        return {"authorization": f"Bearer {(await self.sign_in(login))['token']}"}


StartGateway = Callable[..., Awaitable[Running]]
