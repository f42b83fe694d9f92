"""What every benchmark stands on: Postgres with our schemas, our processes, somebody signed in."""

import asyncio
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import event

from common import migrations, roles
from common.db import AsyncSession, Database, create_engine
from common.schema import Schema
from common.testing.servers import free_port, postgres_server, scratch_folder
from local_stack.postgres import Postgres
from local_stack.process_groups import ProcessGroups
from local_stack.settings import Settings as LocalSettings

BIN = Path(sys.executable).parent
WAIT_S = 30
WRK_CLIENTS = 8

Statement = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Ground:
    """A Postgres of the benchmark's own, in a folder that goes with it."""

    folder: Path
    postgres: Postgres
    groups: ProcessGroups

    def address(self, role: str) -> str:
        return f"postgresql://{role}:{self.postgres.password}@127.0.0.1:{self.postgres.port}/bench"

    def start(self, command: list[str], environment: Mapping[str, str] | None = None) -> int:
        """Start a process, which ends with the benchmark; returns its id."""
        process = subprocess.Popen(
            command,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
            stderr=subprocess.DEVNULL,
        )
        self.groups.started(process.pid)
        return process.pid

    def start_gateway(self, environment: Mapping[str, str]) -> tuple[str, int]:
        """Start a gateway; returns its address and its process."""
        port = free_port()
        pid = self.start([str(BIN / "gateway"), "run"], {**environment, "GATEWAY_PORT": str(port)})
        url = f"http://127.0.0.1:{port}"
        until_answering(url)
        return url, pid


def process_settings(ground: Ground) -> dict[str, str]:
    """What every process of ours is told here; no broker is there, and none is needed."""
    return {
        "GATEWAY_UNIVERSITY_PORT": str(free_port()),
        "GATEWAY_OPERATIONS_PORT": str(free_port()),
        "GATEWAY_DATABASE_URL": ground.address("accounts"),
        "ATRIUM_KAFKA": f"127.0.0.1:{free_port()}",
        "ATRIUM_LOG_LEVEL": "ERROR",
    }


@contextmanager
def prepared(*schemas: Schema) -> Iterator[Ground]:
    """Start Postgres with schemas; ends it and every process that was started on it."""
    with ProcessGroups() as groups, scratch_folder() as folder:
        servers = LocalSettings().servers
        postgres = Postgres(servers, folder / "postgres", free_port(), secrets.token_hex(8))
        server = postgres_server(postgres, groups)
        server.start()
        try:
            asyncio.run(server.wait_ready())
            ground = Ground(folder, postgres, groups)
            for schema in schemas:
                asyncio.run(_migrate(ground, schema))
            yield ground
        finally:
            server.kill()


async def _migrate(ground: Ground, schema: Schema) -> None:
    password = ground.postgres.password
    passwords = {schema.name: roles.SchemaPasswords(password, password)}
    await roles.ensure(ground.postgres.url(), passwords, database="bench")
    engine = create_engine(ground.address(f"{schema.name}_owner"), application="bench")
    await migrations.migrate(engine, schema.metadata, schema.versions)
    await engine.dispose()


def until_answering(url: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
    """Return the first answer of a server that is starting."""
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            return httpx.get(url, headers=dict(headers or {}), timeout=5)
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


async def statements_of(
    database_url: str, schema: Schema, work: Callable[[AsyncSession], Awaitable[None]]
) -> list[Statement]:
    """Return what the service's code asks the database for a piece of work."""
    seen: list[Statement] = []
    database = Database.connect(database_url, schema=schema.name)

    def note(
        _connection: object, _cursor: object, text: str, values: Sequence[object], *_: object
    ) -> None:
        seen.append((text, tuple(values)))

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    async with database.sessions.begin() as session:
        await work(session)
    await database.close()
    return seen


def sign_in(ground: Ground, gateway: str, environment: Mapping[str, str]) -> tuple[str, str]:
    """Make an administrator; returns a token and the id."""
    account = {"email": "bench@example.test", "password": "a long password"}
    subprocess.run(
        [BIN / "gateway", "users", "import", "-"],
        input=json.dumps([{**account, "name": "Bench", "role": "ADMIN"}]),
        env={**os.environ, **environment, "GATEWAY_DATABASE_URL": ground.address("accounts")},
        text=True,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    data = httpx.post(f"{gateway}/api/auth/login", json=account).raise_for_status().json()["data"]
    return str(data["token"]), str(data["user"]["id"])


def has_programs(programs: Mapping[str, str]) -> bool:
    """Tell whether programs are there; those that are not are named with their Debian packages."""
    missing = [package for program, package in programs.items() if shutil.which(program) is None]
    if missing:
        print(f"missing: apt-get install {' '.join(missing)}", file=sys.stderr)
    return not missing


def wrk(address: str, headers: dict[str, str], seconds: int) -> float:
    """Return the requests a second that eight clients of Debian's wrk get."""
    named = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    said = subprocess.run(
        ["wrk", "-t1", f"-c{WRK_CLIENTS}", f"-d{seconds}s", *named, address],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "Non-2xx" not in said, said
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    assert found is not None, said
    return float(found[1])
