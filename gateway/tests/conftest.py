"""A gateway on its own ports and database, before services that write down what they see."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from browser import Browser, open_browser
from raw_http import fake_service
from running_gateway import Running, StartGateway

from common.identity import Role
from common.process import serve
from common.testing.plugin import SIGNING_KEY, CloneDatabase, TestDatabase
from common.testing.servers import NO_TLS, free_port
from gateway.main import SCHEMA, Gateway
from gateway.settings import Settings


@pytest.fixture
async def accounts_database(clone_database: CloneDatabase) -> AsyncIterator[TestDatabase]:
    async with clone_database(SCHEMA) as database:
        yield database


@pytest.fixture
async def start_gateway(accounts_database: TestDatabase) -> AsyncIterator[StartGateway]:
    async with AsyncExitStack() as stack:

        async def start(**options: Any) -> Running:
            rooms = await stack.enter_async_context(fake_service())
            bookings = await stack.enter_async_context(fake_service())
            panel = await stack.enter_async_context(fake_service())
            analytics = await stack.enter_async_context(fake_service())
            occupancy = await stack.enter_async_context(fake_service())
            defaults = {
                "port": free_port(),
                "university_port": free_port(),
                "operations_port": free_port(),
                "database_url": accounts_database.url,
                "identity_key": SIGNING_KEY,
                "rooms_url": f"http://127.0.0.1:{rooms.port}",
                "bookings_url": f"http://127.0.0.1:{bookings.port}",
                "panel_url": f"http://127.0.0.1:{panel.port}",
                "analytics_url": f"http://127.0.0.1:{analytics.port}",
                "occupancy_url": f"http://127.0.0.1:{occupancy.port}",
            }
            settings = Settings(**{**defaults, **options})
            gateway = Gateway(settings)
            stopping = asyncio.Event()
            task = asyncio.create_task(serve(gateway.listeners(), until=stopping))
            base_url = f"http://127.0.0.1:{settings.port}"
            client = await stack.enter_async_context(
                httpx.AsyncClient(base_url=base_url, verify=NO_TLS)
            )
            await _answering(client, task)

            async def stop() -> None:
                stopping.set()
                await task
                await gateway.close()

            stack.push_async_callback(stop)
            ports = settings.port, settings.university_port
            return Running(gateway, rooms, bookings, panel, analytics, occupancy, *ports, client)

        yield start


async def _answering(client: httpx.AsyncClient, task: "asyncio.Task[None]") -> None:
    async with asyncio.timeout(10):
        while not task.done():
            try:
                await client.get("/")
            except httpx.ConnectError:
                await asyncio.sleep(0.01)
            else:
                return
    task.result()


@pytest.fixture
async def running(start_gateway: StartGateway) -> Running:
    """A gateway with an account of each role: admin@, faculty@, student@, staff@example.test."""
    running = await start_gateway(sign_in_limit=1000)
    for role in Role:
        await running.add_account(role)
    return running


@pytest.fixture
async def browser(running: Running) -> AsyncIterator[Browser]:
    """A browser on our own page, with the library's version 5."""
    async with open_browser(running.url) as browser:
        yield browser
