"""64 clients want 50 slots, through the gateway: each slot has one winner, and nothing breaks."""

import asyncio
import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from booking_people import room_row
from booking_truth import assert_sound

from bookings.repository.rooms import Rooms
from bookings.tables import SCHEMA as BOOKINGS
from common.db import Database
from common.identity import Signer
from common.ids import new_cuid
from common.testing.plugin import SIGNING_KEY, CloneDatabase, TestDatabase
from common.testing.servers import NO_TLS, Server, free_port
from gateway.main import SCHEMA as ACCOUNTS
from local_stack.process_groups import ProcessGroups

CLIENTS, SLOTS, STEPS = 64, 50, 6
BEGIN = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
HOUR = timedelta(hours=1)
BIN = Path(sys.executable).parent
ACCOUNT = {"email": "crowd@example.test", "password": "a long password"}


@dataclass
class Crowd:
    """Clients of one gateway, and the answers that they had."""

    http: httpx.AsyncClient
    university: str
    answers: Counter[str] = field(default_factory=Counter)

    async def ask(self, name: str, method: str, path: str, **more: Any) -> dict[str, Any] | None:
        reply = await self.http.request(method, path, **more)
        assert reply.status_code in {200, 201, 404, 409}, (name, reply.status_code, reply.text)
        self.answers[f"{name} {reply.status_code}"] += 1
        data: dict[str, Any] | None = reply.json()["data"] if reply.is_success else None
        return data

    async def book(self, slot: int, **headers: str) -> dict[str, Any] | None:
        body = {"roomId": "1", "title": "x", **times("Time", slot)}
        return await self.ask("book", "POST", "/api/bookings", json=body, headers=headers)

    async def book_twice_by_one_key(self, slot: int) -> dict[str, Any] | None:
        key = {"idempotency-key": new_cuid()}
        first, second = await asyncio.gather(*(self.book(slot, **key) for _ in range(2)))
        assert first == second
        return first

    async def client(self, seed: int) -> None:
        choose = random.Random(seed)
        mine: list[str] = []
        asked: list[str] = []
        for _ in range(STEPS):
            slot, chance = choose.randrange(SLOTS), choose.random()
            if asked and chance < 0.3:
                yes = {"status": "APPROVED", "reason": "x"}
                path = f"{self.university}/api/requests/{asked.pop()}"
                await self.ask("approve", "PATCH", path, json=yes)
            elif mine and chance < 0.45:
                await self.ask("cancel", "DELETE", f"/api/bookings/{mine.pop()}")
            elif mine and chance < 0.65:
                path = f"/api/bookings/{choose.choice(mine)}"
                await self.ask("move", "PATCH", path, json=times("Time", slot))
            elif chance < 0.8:
                book = self.book_twice_by_one_key if chance < 0.7 else self.book
                if (made := await book(slot)) is not None:
                    mine.append(made["id"])
            else:
                body = {"roomId": "1", "purpose": "x", **times("At", slot)}
                path = f"{self.university}/api/requests"
                if (request := await self.ask("submit", "POST", path, json=body)) is not None:
                    asked.append(request["id"])


def times(suffix: str, slot: int) -> dict[str, str]:
    start = BEGIN + slot * HOUR
    return {f"start{suffix}": start.isoformat(), f"end{suffix}": (start + HOUR).isoformat()}


@pytest.fixture
async def bookings_database(clone_database: CloneDatabase) -> AsyncIterator[TestDatabase]:
    async with clone_database(BOOKINGS) as database:
        yield database


@pytest.fixture
async def crowd(
    clone_database: CloneDatabase,
    bookings_database: TestDatabase,
    signer: Signer,
    process_groups: ProcessGroups,
    scratch: Path,
) -> AsyncIterator[Crowd]:
    database = Database.connect(bookings_database.url, schema="bookings")
    async with database.sessions.begin() as session:
        await Rooms(session).store([room_row(1)])
    await database.close()
    names = ("gateway", "university", "operations", "bookings")
    ports = {name: free_port() for name in names}
    base, university = (f"http://127.0.0.1:{ports[name]}" for name in names[:2])
    async with clone_database(ACCOUNTS) as accounts:
        environment = {
            **os.environ,
            "GATEWAY_PORT": str(ports["gateway"]),
            "GATEWAY_UNIVERSITY_PORT": str(ports["university"]),
            "GATEWAY_OPERATIONS_PORT": str(ports["operations"]),
            "GATEWAY_DATABASE_URL": accounts.url,
            "GATEWAY_IDENTITY_KEY": SIGNING_KEY,
            "GATEWAY_BOOKINGS_URL": f"http://127.0.0.1:{ports['bookings']}",
            **{f"GATEWAY_{kind}_LIMIT": "100000" for kind in ("WRITE", "REQUEST", "ADMIN")},
            "BOOKINGS_PORT": str(ports["bookings"]),
            "BOOKINGS_DATABASE_URL": bookings_database.url,
            "ATRIUM_IDENTITY_PUBLIC_KEYS": signer.public_key,
            "ATRIUM_KAFKA": f"127.0.0.1:{free_port()}",
        }
        people = json.dumps([{**ACCOUNT, "name": "Crowd", "role": "ADMIN"}])
        imported = await asyncio.create_subprocess_exec(
            BIN / "gateway",
            "users",
            "import",
            "-",
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env=environment,
        )
        await imported.communicate(people.encode())
        limits = httpx.Limits(max_connections=CLIENTS)
        async with (
            serving("gateway", "run", f"{base}/", environment, process_groups, scratch),
            serving(
                "bookings", "api", f"http://127.0.0.1:{ports['bookings']}/readyz", environment,
                process_groups, scratch,
            ),
            httpx.AsyncClient(base_url=base, verify=NO_TLS, limits=limits, timeout=30) as http,
        ):  # fmt: skip
            reply = await http.post("/api/auth/login", json=ACCOUNT)
            token = reply.raise_for_status().json()["data"]["token"]
            http.headers["authorization"] = f"Bearer {token}"
            yield Crowd(http, university)


@asynccontextmanager
async def serving(
    name: str,
    command: str,
    url: str,
    environment: dict[str, str],
    groups: ProcessGroups,
    folder: Path,
) -> AsyncIterator[None]:
    async def ready() -> None:
        async with httpx.AsyncClient(verify=NO_TLS) as client:
            try:
                (await client.get(url)).raise_for_status()
            except httpx.HTTPError as error:
                raise ConnectionError from error

    given = [f"{key}={value}" for key, value in environment.items()]
    log = folder / f"crowd-{name}.log"
    server = Server(["env", *given, str(BIN / name), command], groups=groups, log=log, ready=ready)
    server.start()
    try:
        await server.wait_ready()
        yield
    finally:
        server.kill()


async def test_every_slot_has_one_winner_and_nothing_breaks(
    crowd: Crowd, bookings_database: TestDatabase
) -> None:
    slots = [slot for slot in range(SLOTS) for _ in range(8)]
    random.Random(1).shuffle(slots)
    made = await asyncio.gather(*(crowd.book(slot) for slot in slots))

    won = Counter(one["startTime"] for one in made if one is not None)
    assert sorted(won.values()) == [1] * SLOTS
    assert crowd.answers == {"book 201": SLOTS, "book 409": 7 * SLOTS}
    for one in made:
        if one is not None:
            await crowd.ask("cancel", "DELETE", f"/api/bookings/{one['id']}")

    await asyncio.gather(*(crowd.client(seed) for seed in range(CLIENTS)))

    done = {name.split()[0] for name in crowd.answers if name.split()[1] in {"200", "201"}}
    assert done == {"book", "cancel", "move", "submit", "approve"}, crowd.answers
    await assert_sound(bookings_database)
