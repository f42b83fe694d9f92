"""The heatmap of a whole term that nobody has asked for yet, against its SQL and its size alone.

A term of 93 days and 1,000 rooms, each with seats allocated on every day of it, by the gateway.
Before each request an allocation changes, as its topic would have it, so that nothing that was
written before answers it. In turn with that, round by round, what it can't do without: the very
statement that reads the rooms, by asyncpg on a connection of its own, and orjson for an answer that
is an object already.

    cold    from sending the request to the last byte, median, of 300 ms
    ratio   that by what it can't do without, median of the rounds, of 2.5

    uv run python -m benchmarks.heatmap.run [--rounds 30]

Exits with 1 when a figure is past its limit.
"""

import argparse
import asyncio
import base64
import gc
import secrets
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from http.client import HTTPConnection
from urllib.parse import urlsplit

import asyncpg
import orjson
from benchmarks.ground import (
    BIN,
    Ground,
    Statement,
    prepared,
    process_settings,
    statements_of,
    until_answering,
)
from sqlalchemy import text

from analytics.domain import Days
from analytics.repository.heatmap import Heatmap
from analytics.repository.seats import Seats
from analytics.tables import SCHEMA
from common.db import AsyncSession, Database
from common.identity import Signer
from common.testing.servers import free_port
from gateway.main import SCHEMA as ACCOUNTS

ROOMS = 1000
TERM = Days(date(2026, 3, 21), date(2026, 6, 21))
COLD_WITHIN_MS = 300.0
MOST_RATIO = 2.5
WARM_UP = 3
TARGET = "/api/rooms/capacity-heatmap/?term=1"

# Two allocations a room and weekday, that meet for half an hour.
FILL = f"""
INSERT INTO analytics.terms (id, version, name, code, start_date, end_date, is_published,
        is_archived, is_deleted)
    VALUES (1, 1, 'Spring 1405', '1405-SPR', '{TERM.first}', '{TERM.last}', true, false, false);
INSERT INTO analytics.rooms (id, cuid, version, name, building_id, building, timezone, capacity,
        is_active, opens_at, closes_at)
    SELECT n, 'c' || n, 1, 'Hall ' || n, n % 20, 'Building ' || n % 20, 'Asia/Tehran',
        20 + n * 7 % 300, true, '07:00', '19:00'
    FROM generate_series(1, {ROOMS}) n;
INSERT INTO analytics.allocations (id, version, term_id, room_id, title, seats, starts, ends)
    SELECT (room * 7 + weekday) * 2 + half, 1, 1, room, 'Algebra',
        1 + (room * 31 + weekday * 17 + half * 7) % (10 + room * 7 % 150),
        array_agg(at ORDER BY at), array_agg(at + interval '2 hours' ORDER BY at)
    FROM generate_series(1, {ROOMS}) room, generate_series(0, 6) weekday,
        generate_series(0, 1) half, generate_series(0, {len(TERM) - 1}) day,
        LATERAL (SELECT timestamptz '{TERM.first} 05:00Z'
            + day * interval '1 day' + half * interval '90 min' AS at) AS begins
    WHERE day % 7 = weekday
    GROUP BY room, weekday, half;
"""  # noqa: S608 - of what stands above
CHANGE = "UPDATE analytics.allocations SET version = version + 1 WHERE id = 20"


@dataclass(frozen=True)
class Stand:
    """What is measured, and where."""

    ground: Ground
    database_url: str
    gateway: str


# --- what is measured ---------------------------------------------------------------------------


def run(stand: Stand, rounds: int) -> bool:
    with asyncio.Runner() as runner, closing(HTTPConnection(urlsplit(stand.gateway).netloc)) as at:
        changing = runner.run(asyncpg.connect(stand.ground.postgres.url("bench")))
        driver = runner.run(asyncpg.connect(stand.database_url))
        [(statement, values)] = runner.run(rooms_statements(stand.database_url))
        prepared_one = runner.run(driver.prepare(statement))
        etag, content = ask(at)
        answer = orjson.loads(content)
        # What stands for long is nothing for the collector to look at in the middle of a round.
        gc.freeze()
        cold, ratios = [], []
        for number in range(-WARM_UP, rounds):
            runner.run(changing.execute(CHANGE))
            known = etag
            began = time.perf_counter()
            etag, again = ask(at)
            took = time.perf_counter() - began
            # Written anew, and the same: seats do not follow from a version.
            assert (etag != known, again) == (True, content)
            began = time.perf_counter()
            runner.run(prepared_one.fetch(*values))
            read = time.perf_counter() - began
            began = time.perf_counter()
            orjson.dumps(answer)
            alone = time.perf_counter() - began + read
            if number >= 0:
                cold.append(1000 * took)
                ratios.append(took / alone)
                print(f"round {number + 1}: {1000 * took:.0f} ms, alone {1000 * alone:.0f} ms")
        runner.run(driver.close())
        runner.run(changing.close())
    median, ratio = statistics.median(cold), statistics.median(ratios)
    print(f"cold   {median:.0f} ms: {median / COLD_WITHIN_MS:.2f} of the limit")
    print(f"ratio  {ratio:.2f} of its SQL and orjson alone (at most {MOST_RATIO})")
    return median <= COLD_WITHIN_MS and ratio <= MOST_RATIO


def ask(gateway: HTTPConnection) -> tuple[str | None, bytes]:
    """Return the answer, and its ETag."""
    gateway.request("GET", TARGET)
    reply = gateway.getresponse()
    content = reply.read()
    assert reply.status == 200, content
    return reply.headers["etag"], content


async def rooms_statements(database_url: str) -> list[Statement]:
    async def rooms(session: AsyncSession) -> None:
        assert len(await Heatmap(session).rooms(1, TERM, ())) == ROOMS

    return await statements_of(database_url, SCHEMA, rooms)


# --- what is measured is brought up -------------------------------------------------------------


async def fill(ground: Ground) -> None:
    server = await asyncpg.connect(ground.postgres.url("bench"))
    await server.execute(FILL)
    database = Database.connect(ground.address("analytics"), schema=SCHEMA.name)
    async with database.sessions.begin() as session:
        # They are swept in a transaction that has begun.
        await session.execute(text("SELECT 1"))
        await Seats(session).follow_rooms(range(1, ROOMS + 1))
    await database.close()
    await server.execute("ANALYZE")
    assert await server.fetchval("SELECT count(*) FROM analytics.seats") == ROOMS * len(TERM)
    await server.close()


@contextmanager
def bench_stand() -> Iterator[Stand]:
    """Start Postgres, analytics and a gateway; end them again."""
    with prepared(ACCOUNTS, SCHEMA) as ground:
        asyncio.run(fill(ground))
        port = free_port()
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        environment = {
            **process_settings(ground),
            "GATEWAY_IDENTITY_KEY": key,
            "GATEWAY_ANALYTICS_URL": f"http://127.0.0.1:{port}",
            "ANALYTICS_PORT": str(port),
            "ANALYTICS_DATABASE_URL": ground.address("analytics"),
            "ATRIUM_IDENTITY_PUBLIC_KEYS": Signer(key).public_key,
        }
        ground.start([str(BIN / "analytics"), "api"], environment)
        gateway, _ = ground.start_gateway(environment)
        until_answering(f"http://127.0.0.1:{port}")
        yield Stand(ground, environment["ANALYTICS_DATABASE_URL"], gateway)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    with bench_stand() as stand:
        return 0 if run(stand, options.rounds) else 1


if __name__ == "__main__":
    sys.exit(main())
