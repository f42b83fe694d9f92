"""Looking for rooms against its SQL alone, and a month's free time against raw ASGI and asyncpg.

Search: `GET /api/rooms/?search=…` over 10,000 rooms, through the service's HTTP interface by one
client, in turn with the very statements that it runs, by asyncpg on a connection of its own; what
is compared are the medians.

Month: `GET /api/rooms/{id}/availability/` for 31 days of a room that opens by a weekly rule and has
eight bookings a day, eight clients by wrk; the limit is an ASGI application without a framework
that makes the same answer by two statements on asyncpg's pool and the same calculation. The
service is asked for the same month again, as calendars do, and need not calculate it again; what
the first look at a month takes is printed too.

All of it in turn, round by round, in one run; a figure is the median of the rounds' ratios.

    uv run python -m benchmarks.rooms.run [--rounds 5] [--seconds 3]

Needs Debian's wrk. Exits with 1 when a figure is past its limit.
"""

import argparse
import asyncio
import base64
import json
import secrets
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import asyncpg
import httpx
import orjson
import uvicorn
from benchmarks.ground import (
    BIN,
    Statement,
    has_programs,
    prepared,
    process_settings,
    statements_of,
    until_answering,
    wrk,
)
from starlette.types import Receive, Scope, Send

from common.contracts import Contract
from common.db import AsyncSession
from common.identity import Identity, Role, Signer
from common.ids import new_cuid
from common.opening import Opening, by_day, day_bounds, free, windows
from common.paging import Slice
from common.testing.servers import NO_TLS, free_port
from local_stack.postgres import Postgres
from rooms.repository.rooms import RoomFilter, Rooms
from rooms.tables import SCHEMA

ROOMS = 10_000
CLIENTS = 8
SEARCHES = 40
MOST_SEARCH = 1.5
LEAST_MONTH = 0.6
ADMIN = Identity(
    kind="user", id=new_cuid(), role=Role.ADMIN, name="Bench", email="bench@example.test"
)
SEARCH = {"search": "lab", "min_capacity": "8", "amenity": "Projector,Board", "ordering": "name"}
WANTED = RoomFilter(search="lab", min_capacity=8, amenities=("Projector", "Board"))

FILL = """
INSERT INTO rooms.buildings (name, timezone, opens_at, closes_at)
    SELECT 'Building ' || n, 'Europe/Berlin', '07:00', '19:00' FROM generate_series(1, 50) n;
INSERT INTO rooms.amenities (name)
    SELECT name FROM unnest(ARRAY['Projector', 'Board', 'Camera', 'Piano', 'Screen', 'Lift']) name;
INSERT INTO rooms.rooms (cuid, version, name, building_id, floor, capacity, images, is_active,
        is_locked, opens_from, opens_until, recurrence_rule)
    SELECT 'c' || lpad(n::text, 24, '0'), 1,
        (ARRAY['Lab', 'Library', 'Office', 'Studio', 'Hall'])[n % 5 + 1] || ' ' || n,
        n % 50 + 1, n % 7, n % 40 + 1, '{}', true, false,
        '2026-01-05 08:00+01', '2026-01-05 18:00+01', 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR'
    FROM generate_series(1, 10000) n;
INSERT INTO rooms.room_amenities (room_id, amenity_id, position)
    SELECT room.id, amenity.id, amenity.id FROM rooms.rooms room, rooms.amenities amenity
    WHERE (room.id + amenity.id) % 3 > 0;
INSERT INTO rooms.room_bookings (id, version, room_id, is_confirmed, is_checked_in, holds,
        starts_at, ends_at, held_from, held_until)
    SELECT room.id || '-' || day || '-' || hour, 1, room.id, true, false, true, at, at + length,
        at, at + length
    FROM rooms.rooms room, generate_series(0, 44) day, generate_series(0, 7) hour,
        LATERAL (SELECT date_trunc('day', now()) + day * interval '1 day'
            + (7 + hour) * interval '1 hour' AS at, interval '30 min' AS length) AS slot
    WHERE room.id <= 200;
ANALYZE;
"""


@dataclass(frozen=True)
class Stand:
    """What is measured, and where."""

    database_url: str
    signer: Signer
    service: str
    raw: str

    def headers(self, path: str) -> dict[str, str]:
        signed = self.signer.sign(
            ADMIN, service="rooms", contract=Contract.DIRECTORY, method="GET", path=path
        )
        return {"atrium-identity": signed}


# --- search -------------------------------------------------------------------------------------


async def search_ratio(stand: Stand, statements: list[Statement]) -> tuple[float, float]:
    """Return the medians of a search, in ms: by HTTP, and of its statements alone."""
    path = "/api/rooms/"
    driver = await asyncpg.connect(stand.database_url)
    prepared = [(await driver.prepare(text), values) for text, values in statements]
    asked, alone = [], []
    async with httpx.AsyncClient(base_url=stand.service, verify=NO_TLS) as client:
        target = f"{path}?{urlencode(SEARCH)}"
        for _ in range(SEARCHES):
            headers = stand.headers(path)
            began = time.perf_counter()
            reply = await client.get(target, headers=headers)
            asked.append(time.perf_counter() - began)
            assert reply.json()["results"], reply.text
            began = time.perf_counter()
            for statement, values in prepared:
                await statement.fetch(*values)
            alone.append(time.perf_counter() - began)
    await driver.close()
    return statistics.median(asked) * 1e3, statistics.median(alone) * 1e3


async def search_statements(database_url: str) -> list[Statement]:
    async def search(session: AsyncSession) -> None:
        await Rooms(session).count(WANTED)
        await Rooms(session).find(WANTED, order=("name",), part=Slice(0, 10))

    return await statements_of(database_url, SCHEMA, search)


# --- a month ------------------------------------------------------------------------------------


def month() -> tuple[datetime, datetime]:
    first = datetime.now(UTC) + timedelta(days=1)
    return first, first + timedelta(days=30)


def month_target(room: int = 7) -> tuple[str, str]:
    first, last = month()
    path = f"/api/rooms/{room}/availability/"
    days = {"start_date": first.date().isoformat(), "end_date": last.date().isoformat()}
    return path, f"{path}?{urlencode(days)}"


ROOM = """
SELECT room.id, opens_from, opens_until, recurrence_rule, timezone, opens_at, closes_at
FROM rooms.rooms room JOIN rooms.buildings building ON building.id = building_id
WHERE room.id = $1
"""
HELD = """
SELECT held_from, held_until FROM rooms.room_bookings
WHERE room_id = $1 AND holds AND held_until > $2 AND held_from < $3 ORDER BY held_from
"""


class RawApp:
    """The same month without a framework: ASGI, asyncpg's pool, the calculation, orjson."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._pool: asyncpg.Pool[Any] | None = None

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        if self._pool is None:
            self._pool = await asyncpg.create_pool(self._url, min_size=CLIENTS, max_size=CLIENTS)
        first, last = month()
        async with self._pool.acquire() as connection:
            room = await connection.fetchrow(ROOM, 7)
            zone = room["timezone"]
            begins, ends = day_bounds(first.date(), last.date(), zone)
            held = await connection.fetch(HELD, 7, begins, ends)
        window = room["opens_from"], room["opens_until"]
        opening = Opening(
            zone, room["opens_at"], room["closes_at"], window, room["recurrence_rule"]
        )
        taken = [(row["held_from"], row["held_until"]) for row in held]
        days = by_day(free(windows(opening, begins, ends), taken), opening.zone)
        answer = [
            {
                "date": day.isoformat(),
                "slots": [{"start": start, "end": end} for start, end in slots],
            }
            for day, slots in days
        ]
        body = orjson.dumps(
            {"room_id": room["id"], "availability": answer}, option=orjson.OPT_UTC_Z
        )
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def serve_raw(port: int, folder: Path) -> None:
    """Serve the raw application, with what its parent has written into the folder."""
    given = json.loads((folder / "raw.json").read_text())
    app = RawApp(given["database_url"])
    uvicorn.run(app, port=port, http="httptools", lifespan="off", log_level="error")


def run(stand: Stand, rounds: int, seconds: int) -> bool:
    searches, months = [], []
    print(f"first look at the months of 100 rooms: {first_looks(stand):.1f} ms each")
    statements = asyncio.run(search_statements(stand.database_url))
    path, target = month_target()
    for number in range(1, rounds + 1):
        asked, alone = asyncio.run(search_ratio(stand, statements))
        searches.append(asked / alone)
        limit = wrk(f"{stand.raw}{target}", {}, seconds)
        rate = wrk(f"{stand.service}{target}", stand.headers(path), seconds)
        months.append(rate / limit)
        print(
            f"round {number}: search {asked:.1f} ms, its SQL {alone:.1f} ms = {searches[-1]:.2f};"
            f" month {rate:,.0f}/s, raw {limit:,.0f}/s = {months[-1]:.2f}"
        )
    search, month_share = statistics.median(searches), statistics.median(months)
    print(f"search/its SQL: {search:.2f} (at most {MOST_SEARCH})")
    print(f"month/raw ASGI and asyncpg: {month_share:.2f} (at least {LEAST_MONTH})")
    return search <= MOST_SEARCH and month_share >= LEAST_MONTH


def first_looks(stand: Stand) -> float:
    """Return the median time of a month that nobody has asked for yet, in ms."""
    times = []
    with httpx.Client(base_url=stand.service, verify=NO_TLS) as client:
        for room in range(100, 200):
            path, target = month_target(room)
            began = time.perf_counter()
            client.get(target, headers=stand.headers(path)).raise_for_status()
            times.append(time.perf_counter() - began)
    return statistics.median(times) * 1e3


# --- what is measured is brought up -------------------------------------------------------------


async def fill(postgres: Postgres) -> None:
    server = await asyncpg.connect(postgres.url("bench"))
    await server.execute(FILL)
    await server.close()


@contextmanager
def bench_stand() -> Iterator[Stand]:
    """Start Postgres, rooms and the raw application; end them again."""
    with prepared(SCHEMA) as ground:
        asyncio.run(fill(ground.postgres))
        port, raw_port = free_port(), free_port()
        signer = Signer(base64.b64encode(secrets.token_bytes(32)).decode())
        url = ground.address("rooms")
        stand = Stand(
            url, signer, service=f"http://127.0.0.1:{port}", raw=f"http://127.0.0.1:{raw_port}"
        )
        environment = {
            **process_settings(ground),
            "ROOMS_PORT": str(port),
            "ROOMS_DATABASE_URL": url,
            "ATRIUM_IDENTITY_PUBLIC_KEYS": signer.public_key,
        }
        ground.start([str(BIN / "rooms"), "api"], environment)
        path, target = month_target()
        answer = until_answering(f"{stand.service}{target}", stand.headers(path))
        (ground.folder / "raw.json").write_text(json.dumps({"database_url": url}))
        serve = ["-m", "benchmarks.rooms.run", "--serve-raw", str(raw_port), str(ground.folder)]
        ground.start([sys.executable, *serve])
        raw = until_answering(f"{stand.raw}{target}")
        assert raw.raise_for_status().text == answer.raise_for_status().text
        yield stand


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of load, a run")
    parser.add_argument("--serve-raw", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve_raw:
        serve_raw(int(options.serve_raw[0]), Path(options.serve_raw[1]))
        return 0
    if not has_programs({"wrk": "wrk"}):
        return 2
    with bench_stand() as stand:
        return 0 if run(stand, options.rounds, options.seconds) else 1


if __name__ == "__main__":
    sys.exit(main())
