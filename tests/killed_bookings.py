"""Kills the bookings service again and again while clients book, and holds it to what it said."""

import asyncio
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from common.contracts import Contract
from common.events import BOOKINGS, ROOMS, USERS, BuildingV1, RoomV1
from common.identity import Identity, Role, Signer
from common.ids import new_cuid
from common.testing.plugin import Broker, TestDatabase
from common.testing.servers import Server, free_port
from local_stack.process_groups import ProcessGroups

CLIENTS = 8
SLOTS = 400
BEGIN = (datetime.now(UTC) + timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
ROOM = RoomV1(
    id=1,
    cuid=new_cuid(),
    version=1,
    name="Room",
    building=BuildingV1(
        id=1,
        name="Main",
        timezone="UTC",
        opens_at=datetime.min.time(),
        closes_at=datetime.max.time(),
    ),
    floor=0,
    capacity=10,
    amenities=[],
    is_active=True,
    is_locked=False,
    opens_from=None,
    opens_until=None,
    recurrence_rule=None,
)


@dataclass
class Service:
    """A bookings process that can be killed and started again."""

    server: Server
    client: httpx.AsyncClient
    sign: Callable[[str, str], str]

    async def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Ask until there is an answer: what a client with an Idempotency-Key does."""
        async with asyncio.timeout(60):
            while True:
                with suppress(httpx.ConnectError):
                    if (reply := await self.call_once(method, path, **more)) is not None:
                        return reply
                await asyncio.sleep(0.05)

    async def call_once(self, method: str, path: str, **more: Any) -> httpx.Response | None:
        """Ask; None: nobody answered, or it is not known what became of it."""
        headers = {"atrium-identity": self.sign(method, path), **more.get("headers", {})}
        try:
            reply = await self.client.request(method, path, **{**more, "headers": headers})
        except httpx.ConnectError:
            raise
        except httpx.TransportError:
            return None
        return reply if reply.status_code < 500 else None


@asynccontextmanager
async def running_bookings(
    database: TestDatabase, kafka: Broker, signer: Signer, groups: ProcessGroups, folder: Path
) -> AsyncIterator[Service]:
    """Start a bookings process on a database of its own."""
    await kafka.fresh(BOOKINGS, ROOMS, USERS)
    port = free_port()
    command = [
        "env",
        f"ATRIUM_KAFKA={kafka.address}",
        f"ATRIUM_IDENTITY_PUBLIC_KEYS={signer.public_key}",
        f"BOOKINGS_DATABASE_URL={database.url}",
        f"BOOKINGS_PORT={port}",
        str(Path(sys.executable).parent / "bookings"),
        "run",
    ]
    admin = Identity(
        kind="user", id=new_cuid(), role=Role.ADMIN, name="Ada", email="ada@example.test"
    )

    def sign(method: str, path: str) -> str:
        return signer.sign(
            admin, service="bookings", contract=Contract.CIRCLE_TIME, method=method, path=path
        )

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:

        async def ready() -> None:
            try:
                (await client.get("/readyz")).raise_for_status()
            except httpx.HTTPError as error:
                raise ConnectionError from error

        server = Server(command, groups=groups, log=folder / "bookings.log", ready=ready)
        server.start()
        try:
            yield Service(server, client, sign)
        finally:
            server.kill()


@dataclass
class History:
    """What clients were told.

    Args:
        unanswered: starts of what was asked for without an Idempotency-Key and had no answer.
    """

    booked: dict[str, dict[str, Any]] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)
    unanswered: set[datetime] = field(default_factory=set)
    refused: int = 0
    kills: int = 0


async def book_and_cancel(
    service: Service, history: History, seed: int, stop: asyncio.Event
) -> None:
    """Book and cancel, at random, until told to stop; each request is asked until answered."""
    choose = random.Random(seed)
    mine: list[str] = []
    while not stop.is_set():
        if mine and choose.random() < 0.4:
            booking_id = mine.pop(choose.randrange(len(mine)))
            reply = await service.call("DELETE", f"/api/bookings/{booking_id}")
            # The first answer may have been lost with its process.
            assert reply.status_code in {200, 409}, reply.text
            history.cancelled.add(booking_id)
            continue
        start = BEGIN + choose.randrange(SLOTS) * timedelta(hours=1)
        body = {
            "roomId": "1",
            "title": f"Client {seed}",
            "startTime": start.isoformat(),
            "endTime": (start + timedelta(hours=1)).isoformat(),
        }
        # Without a key a booking is a statement of its own, with one a part of a transaction.
        if choose.random() < 0.5:
            try:
                once = await service.call_once("POST", "/api/bookings", json=body)
            except httpx.ConnectError:  # nobody was there to do anything
                await asyncio.sleep(0.05)
                continue
            if once is None:
                history.unanswered.add(start)
                continue
            reply = once
        else:
            key = {"idempotency-key": new_cuid()}
            reply = await service.call("POST", "/api/bookings", json=body, headers=key)
        if reply.status_code == 201:
            made = reply.json()["data"]
            history.booked[made["id"]] = made
            mine.append(made["id"])
        else:
            assert reply.status_code == 409, reply.text
            history.refused += 1


async def kill_under_load(service: Service, seed: int, kills: int) -> History:
    """Kill the service so many times while clients work; returns what they were told."""
    history, stop, choose = History(), asyncio.Event(), random.Random(seed)
    clients = [
        asyncio.create_task(book_and_cancel(service, history, seed * 1000 + number, stop))
        for number in range(CLIENTS)
    ]
    try:
        for _ in range(kills):
            await service.server.wait_ready()
            await asyncio.sleep(choose.uniform(0.0, 0.6))
            for client in clients:
                if client.done():
                    client.result()
            service.server.kill()
            history.kills += 1
            service.server.start()
        await service.server.wait_ready()
        await asyncio.sleep(0.5)
    finally:
        stop.set()
        await asyncio.gather(*clients)
    return history


async def tell_of_room(service: Service, kafka: Broker) -> None:
    """Tell of the only room, and wait until the service knows it."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka.address)
    await producer.start()
    event = ROOMS.encode(
        ROOM, event_id="1/1", source="rooms", subject="room/1", at=datetime.now(UTC)
    )
    await producer.send_and_wait(ROOMS.name, event, key=b"1")
    await producer.stop()
    async with asyncio.timeout(30):
        day = {"params": {"date": "2030-01-01"}}
        while (await service.call("GET", "/api/rooms/1/bookings", **day)).status_code != 200:
            await asyncio.sleep(0.1)


async def assert_kept(history: History, database: TestDatabase, kafka: Broker) -> None:
    """Every answer was true, nothing is half done, and the topic has what the outbox has."""
    server = await asyncpg.connect(database.superuser_url)
    try:
        async with asyncio.timeout(30):
            while await server.fetchval(
                "SELECT count(*) FROM bookings.outbox WHERE sent_at IS NULL"
            ):
                await asyncio.sleep(0.1)
        rows = await server.fetch("SELECT id, version, status, starts_at FROM bookings.bookings")
        created = await server.fetch(
            "SELECT target_id FROM bookings.audit WHERE action_type = 'BOOKING_CREATED'"
        )
        told = await server.fetch(
            "SELECT convert_from(payload, 'UTF8')::jsonb ->> 'id' AS id FROM bookings.outbox"
            " WHERE topic = $1",
            BOOKINGS.name,
        )
    finally:
        await server.close()
    stored = {row["id"]: row for row in rows}
    assert stored.keys() >= history.booked.keys()
    for booking_id in stored.keys() - history.booked.keys():
        row = stored[booking_id]
        assert row["starts_at"] in history.unanswered
        assert (row["status"], row["version"]) == ("confirmed", 1)
    for booking_id, made in history.booked.items():
        row = stored[booking_id]
        assert datetime.fromisoformat(made["startTime"]) == row["starts_at"]
        cancelled = booking_id in history.cancelled
        assert (row["status"], row["version"]) == (
            ("cancelled", 2) if cancelled else ("confirmed", 1)
        )
    assert Counter(row["target_id"] for row in created) == Counter(stored.keys())
    ids = [row["id"] for row in told]
    assert sorted(ids) == sorted(
        f"{booking_id}/{version}"
        for booking_id, row in stored.items()
        for version in range(1, row["version"] + 1)
    )
    assert await ids_on_topic(kafka) == set(ids)
    starts = [row["starts_at"] for row in rows if row["status"] == "confirmed"]
    assert len(starts) == len(set(starts))


async def ids_on_topic(kafka: Broker) -> set[str]:
    consumer = AIOKafkaConsumer(
        BOOKINGS.name, bootstrap_servers=kafka.address, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        found: set[str] = set()
        while any([await consumer.position(one) < end for one, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found |= {BOOKINGS.decode(record.value).id for record in records}
    finally:
        await consumer.stop()
    return found
