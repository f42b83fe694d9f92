"""A gateway on its own ports, before services that write down what they see."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import httpx
from raw_http import FakeService

from common.identity import Role
from gateway.accounts import passwords, service
from gateway.accounts.passwords import hash_password
from gateway.accounts.service import NewUser
from gateway.main import Gateway

PASSWORD = "correct horse battery staple"


@dataclass
class Running:
    """A gateway, and what stands around it."""

    gateway: Gateway
    rooms: FakeService
    bookings: FakeService
    panel: FakeService
    analytics: FakeService
    occupancy: FakeService
    port: int
    university_port: int
    client: httpx.AsyncClient

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def university_url(self) -> str:
        return f"http://127.0.0.1:{self.university_port}"

    async def sign_in(self, login: str = "admin@example.test") -> dict[str, Any]:
        body = {"email": login, "password": PASSWORD}
        reply = await self.client.post("/api/auth/login", json=body)
        data: dict[str, Any] = reply.raise_for_status().json()["data"]
        return data

    async def authorization(self, login: str = "admin@example.test") -> dict[str, str]:
        return {"authorization": f"Bearer {(await self.sign_in(login))['token']}"}

    async def add_account(self, role: Role) -> None:
        """Make the account of a role: admin@example.test and so on, also called admin."""
        name = role.lower()
        new = NewUser(f"{name}@example.test", role.title(), role, PASSWORD, username=name)
        async with self.gateway.database.sessions.begin() as session:
            with patch.object(passwords, "hash_password", _hash_once):
                await service.add_user(session, new)

    async def authorization_of_a_new(self, role: str) -> dict[str, str]:
        await self.add_account(Role(role.upper()))
        return await self.authorization(f"{role}@example.test")


_hashes: list[str] = []


async def _hash_once(password: str) -> str:
    """Hash the one password of the tests, which is made to be slow, once for all of them."""
    assert password == PASSWORD
    if not _hashes:
        _hashes.append(await hash_password(password))
    return _hashes[0]


StartGateway = Callable[..., Awaitable[Running]]
