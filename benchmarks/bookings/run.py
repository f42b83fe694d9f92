"""Booking rooms against the same statements in pgbench: repository, function, service, gateway.

A booking is the two statements of `bookings.booking_statements`, durable (synchronous commit,
fsync). pgbench runs them by eight clients; then the repository does, in one process with eight
connections; then the function that judges and books; then its HTTP interface, and the gateway
before it, are asked by wrk. All of it in turn, round by round, in one run, so that a busy machine
slows all of them; a figure is the median of the rounds' ratios.

Then 64 clients want fifty slots that are taken: how long losers wait, against winners.

    uv run python -m benchmarks.bookings.run [--rounds 3] [--seconds 4]

Needs Debian's postgresql-contrib (pgbench) and wrk. Exits with 1 when a figure is past its limit.
"""

import argparse
import asyncio
import base64
import os
import re
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import asyncpg
import uvloop
from benchmarks.ground import (
    BIN,
    has_programs,
    prepared,
    process_settings,
    sign_in,
    until_answering,
)

from bookings.booking_statements import BOOK, LOOK_BY_ID
from bookings.domain import Booking, Period
from bookings.repository.bookings import Bookings
from bookings.repository.rooms import Rooms
from bookings.service.booking import Made, NewBooking, book, person_of
from bookings.tables import SCHEMA as BOOKINGS
from common.contracts import Contract
from common.db import Database
from common.identity import Identity, Role, Signer
from common.ids import new_cuid
from common.testing.servers import free_port
from gateway.main import SCHEMA as ACCOUNTS
from local_stack.postgres import Postgres

T = TypeVar("T")
ROOMS = 1000
CLIENTS = 8
CROWD = 64
LEAST = {"repository": 0.6, "service": 0.25, "gateway": 0.2}
MOST_LOSERS_WAIT = 2.0
EVENT = b"x" * 900
BEGIN = datetime(2030, 1, 1, tzinfo=UTC)

# wrk asks for one slot after the other, or again and again for the first fifty.
LUA = """
local n, most = tonumber(os.getenv("FIRST")), tonumber(os.getenv("MOST"))
local first = n
local headers = { ["content-type"] = "application/json" }
headers[os.getenv("HEADER")] = os.getenv("VALUE")
request = function()
  local hour = math.floor(n / 1000)
  local start = 1893456000 + hour * 3600
  local body = string.format(
    '{"roomId":"%d","title":"Planning","startTime":"%s","endTime":"%s"}', n % 1000 + 1,
    os.date("!%Y-%m-%dT%H:%M:%SZ", start), os.date("!%Y-%m-%dT%H:%M:%SZ", start + 3600))
  n = n + 1
  if n - first >= most then n = first end
  return wrk.format("POST", "/api/bookings", headers, body)
end
"""


@dataclass
class Stand:
    """What is measured, and where."""

    folder: Path
    postgres: Postgres
    database: Database
    signer: Signer
    admin: Identity
    service: str
    gateway: str
    token: str
    # Slots are never asked for twice but on purpose.
    next_slot: int = 0

    def slots(self, count: int) -> int:
        first, self.next_slot = self.next_slot, self.next_slot + count
        return first


def pgbench(stand: Stand, seconds: int) -> float:
    """Return the transactions a second of the same statements, run by pgbench."""
    first = stand.slots(50_000_000)
    start = f"(timestamptz '2030-01-01Z' + (:n / {ROOMS}) * interval '1 hour')"
    end = f"({start} + interval '1 hour')"
    room = f"(:n % {ROOMS} + 1)::integer"
    event = f"'\\x{(b'x' * 900).hex()}'::bytea"
    look = {1: room, 2: start, 3: end, 4: "'ADMIN'", 5: f"'{stand.admin.id}'"}
    row = [
        "md5(:n::text || random()::text)", room, f"'{stand.admin.id}'", "'{}'::text[]",
        "'Planning'", "NULL", start, end, start, end, f"({start} - interval '15 min')",
        f"({start} + interval '15 min')", "now()", "'bookings.booking.v1'",
        "md5(:n::text)", event, "md5(:n::text || random()::text)", "'booking.created'",
    ]  # fmt: skip
    script = stand.folder / "book.sql"
    script.write_text(
        f"\\set n random({first}, {first + 49_999_999})\n"
        f"{_filled(LOOK_BY_ID, look)};\n{_filled(BOOK, dict(enumerate(row, 1)))};\n"
    )
    address = ["-h", "127.0.0.1", "-p", str(stand.postgres.port), "-U", "bookings", "bench"]
    load = ["-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "2", "-T", str(seconds)]
    said = subprocess.run(
        ["pgbench", *load, "-f", script, *address],
        env={**os.environ, "PGPASSWORD": stand.postgres.password},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = re.search(r"tps = ([\d.]+)", said)
    assert found is not None, said
    return float(found[1])


def _filled(statement: str, values: dict[int, str]) -> str:
    text = re.sub(r"\$(\d+)", lambda found: values[int(found[1])], statement)
    return " ".join(text.split())


def repository(stand: Stand, seconds: int) -> float:
    """Return the bookings a second of the two calls of the repository, on eight connections."""
    person = person_of(stand.admin)

    async def first() -> Booking:
        return (await book_slot(stand)).bookings[0]

    async def work(made: Booking) -> None:
        room_id, period = slot_of(stand)
        # Never begun, as in the service: the statements commit themselves.
        session = stand.database.sessions()
        found = await Rooms(session).look(room_id, period, person)
        assert found is not None
        made = replace(made, id=new_cuid(), room=found[0], period=period, held=period)
        booked = await Bookings(session).book(made, made.id, EVENT, "booking.created")
        assert booked

    return rate_of(stand, seconds, first, work)


def function(stand: Stand, seconds: int) -> float:
    """Return the bookings a second of the service's function, on eight connections."""

    async def nothing() -> None: ...

    async def work(_: None) -> None:
        await book_slot(stand)

    return rate_of(stand, seconds, nothing, work)


def slot_of(stand: Stand) -> tuple[int, Period]:
    slot = stand.slots(1)
    start = BEGIN + timedelta(hours=slot // ROOMS)
    return slot % ROOMS + 1, Period(start, start + timedelta(hours=1))


async def book_slot(stand: Stand) -> Made:
    room_id, period = slot_of(stand)
    new = NewBooking(room_id=str(room_id), title="Planning", description=None, period=period)
    return await book(stand.database.sessions(), stand.admin, new)


def rate_of(
    stand: Stand,
    seconds: int,
    prepare: Callable[[], Awaitable[T]],
    work: Callable[[T], Awaitable[None]],
) -> float:
    """Return how often a second eight clients get some work done."""

    async def client(until: float, given: T) -> int:
        count = 0
        while time.monotonic() < until:
            await work(given)
            count += 1
        return count

    async def all_clients() -> float:
        given = await prepare()
        began = time.monotonic()
        counts = await asyncio.gather(*(client(began + seconds, given) for _ in range(CLIENTS)))
        rate = sum(counts) / (time.monotonic() - began)
        await stand.database.close()
        return rate

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(all_clients())


@dataclass(frozen=True)
class Load:
    """What wrk says of one run."""

    requests_per_s: float
    p99_ms: float
    refused: int


def wrk(stand: Stand, address: str, *, seconds: int, connections: int, most: int) -> Load:
    """Ask for free slots, or with ``most`` 50 for slots that are soon taken."""
    script = stand.folder / "book.lua"
    script.write_text(LUA)
    header = {"HEADER": "authorization", "VALUE": f"Bearer {stand.token}"}
    if address == stand.service:
        signed = stand.signer.sign(
            stand.admin,
            service="bookings",
            contract=Contract.CIRCLE_TIME,
            method="POST",
            path="/api/bookings",
        )
        header = {"HEADER": "atrium-identity", "VALUE": signed}
    slots = {"FIRST": str(stand.slots(1_000_000)), "MOST": str(most)}
    load = ["-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(script)]
    said = subprocess.run(
        ["wrk", *load, address],
        env={**os.environ, **header, **slots},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", said)
    assert rate is not None, said
    assert p99 is not None, said
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    unit = {"us": 1e-3, "ms": 1.0, "s": 1e3}[p99[2]]
    return Load(float(rate[1]), float(p99[1]) * unit, int(refused[1]) if refused else 0)


def run(stand: Stand, rounds: int, seconds: int) -> bool:
    shares: dict[str, list[float]] = {name: [] for name in LEAST}
    waits = []
    for number in range(1, rounds + 1):
        limit = pgbench(stand, seconds)
        rates = {"repository": repository(stand, seconds)}
        judged = function(stand, seconds)
        for name, address in (("service", stand.service), ("gateway", stand.gateway)):
            load = wrk(stand, address, seconds=seconds, connections=CLIENTS, most=1_000_000)
            assert not load.refused, f"{load.refused} bookings of free slots were refused"
            rates[name] = load.requests_per_s
        for name, rate in rates.items():
            shares[name].append(rate / limit)
        alone = wrk(stand, stand.gateway, seconds=seconds, connections=CROWD, most=1_000_000)
        hot = wrk(stand, stand.gateway, seconds=seconds, connections=CROWD, most=50)
        waits.append(hot.p99_ms / alone.p99_ms)
        told = f"function {judged:,.0f} = {judged / limit:.2f}, " + ", ".join(
            f"{name} {rate:,.0f} = {shares[name][-1]:.2f}" for name, rate in rates.items()
        )
        print(
            f"round {number}: pgbench {limit:,.0f} bookings/s; {told}; p99 of {CROWD} clients"
            f" {alone.p99_ms:.0f} ms alone, {hot.p99_ms:.0f} ms on 50 slots = {waits[-1]:.2f}"
        )
    ok = True
    for name, least in LEAST.items():
        share = statistics.median(shares[name])
        ok = ok and share >= least
        print(f"{name}/pgbench bookings a second: {share:.2f} (at least {least})")
    wait = statistics.median(waits)
    print(f"losers'/winners' p99 at {CROWD} clients: {wait:.2f} (at most {MOST_LOSERS_WAIT})")
    return ok and wait <= MOST_LOSERS_WAIT


# --- what is measured is brought up -------------------------------------------------------------


async def add_rooms(postgres: Postgres, admin: Identity) -> None:
    server = await asyncpg.connect(postgres.url("bench"))
    await server.execute(
        "INSERT INTO bookings.rooms SELECT n, 'c' || lpad(n::text, 24, '0'), 1, 'Room ' || n,"
        " 'Main', 'UTC', '07:00', '19:00', 0, 10, '{}', '{}', true, false, '{}'"
        " FROM generate_series(1, $1) n",
        ROOMS,
    )
    await server.execute(
        "INSERT INTO bookings.users VALUES ($1, 1, 'Bench', 'bench@example.test', 'ADMIN', NULL,"
        " true)",
        admin.id,
    )
    await server.close()


@contextmanager
def bench_stand() -> Iterator[Stand]:
    """Start Postgres, bookings and a gateway; end them again."""
    with prepared(ACCOUNTS, BOOKINGS) as ground:
        port = free_port()
        service = f"http://127.0.0.1:{port}"
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        signer = Signer(key)
        url = ground.address("bookings")
        environment = {
            **process_settings(ground),
            "GATEWAY_IDENTITY_KEY": key,
            "GATEWAY_BOOKINGS_URL": service,
            "GATEWAY_WRITE_LIMIT": "1000000000",
            "BOOKINGS_PORT": str(port),
            "BOOKINGS_DATABASE_URL": url,
            "ATRIUM_IDENTITY_PUBLIC_KEYS": signer.public_key,
        }
        ground.start([str(BIN / "bookings"), "api"], environment)
        gateway, _ = ground.start_gateway(environment)
        until_answering(service)
        token, user_id = sign_in(ground, gateway, environment)
        admin = Identity(
            kind="user", id=user_id, role=Role.ADMIN, name="Bench", email="bench@example.test"
        )
        asyncio.run(add_rooms(ground.postgres, admin))
        database = Database.connect(url, schema="bookings", pool=CLIENTS, hot=CLIENTS)
        yield Stand(
            ground.folder, ground.postgres, database, signer, admin, service, gateway, token
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4, help="of load, a run")
    options = parser.parse_args()
    if not has_programs({"pgbench": "postgresql-contrib", "wrk": "wrk"}):
        return 2
    with bench_stand() as stand:
        return 0 if run(stand, options.rounds, options.seconds) else 1


if __name__ == "__main__":
    sys.exit(main())
