"""The whole system as its users run it: `local-stack run` on ports and data of its own."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from common.testing.servers import NO_TLS, free_port
from local_stack.environment import Installation
from local_stack.process_groups import ProcessGroups
from local_stack.settings import Settings

BIN = Path(sys.executable).parent
PASSWORD = "correct horse battery staple"
ROLES = ("ADMIN", "FACULTY", "STUDENT", "STAFF")
READY_WITHIN_S = 120


def free_ports(folder: Path, **more: str) -> dict[str, str]:
    """Settings of an installation that shares nothing with another but the servers' programs."""
    return {
        **os.environ,
        "ATRIUM_STATE_DIR": str(folder),
        "ATRIUM_PORT": str(free_port()),
        "ATRIUM_UNIVERSITY_PORT": str(free_port()),
        "ATRIUM_POSTGRES_PORT": str(free_port()),
        "ATRIUM_KAFKA_PORT": str(free_port(in_a_row=2)),
        "ATRIUM_INTERNAL_PORT": str(free_port(in_a_row=8)),
        "GATEWAY_READ_LIMIT": "1000000",
        "GATEWAY_WRITE_LIMIT": "1000000",
        "GATEWAY_SIGN_IN_LIMIT": "1000000",
        "GATEWAY_REQUEST_LIMIT": "1000000",
        "GATEWAY_ADMIN_LIMIT": "1000000",
        **more,
    }


@dataclass
class System:
    """A running system."""

    environment: dict[str, str]
    groups: ProcessGroups
    process: subprocess.Popen[bytes] | None = None
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        prefix = "ATRIUM_"
        values = {
            name.removeprefix(prefix).lower(): value
            for name, value in self.environment.items()
            if name.startswith(prefix)
        }
        return Settings(**{name: values[name] for name in values if name in Settings.model_fields})

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.environment['ATRIUM_PORT']}"

    @property
    def university_url(self) -> str:
        return f"http://127.0.0.1:{self.environment['ATRIUM_UNIVERSITY_PORT']}"

    @property
    def kafka(self) -> str:
        return f"127.0.0.1:{self.environment['ATRIUM_KAFKA_PORT']}"

    @property
    def installation(self) -> Installation:
        return Installation(self.settings)

    @property
    def output(self) -> Path:
        return Path(self.environment["ATRIUM_STATE_DIR"]).parent / "output.log"

    def start(self) -> float:
        """Start everything; returns the seconds until the ready line."""
        began = time.monotonic()
        self.output.parent.mkdir(parents=True, exist_ok=True)
        self.output.write_bytes(b"")
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [BIN / "local-stack", "run"],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.groups.started(self.process.pid)
        while b"Atrium is ready" not in self.output.read_bytes():
            if self.process.poll() is not None or time.monotonic() - began > READY_WITHIN_S:
                raise AssertionError(f"not ready: {self.output.read_text()[-6000:]}")
            time.sleep(0.1)
        return time.monotonic() - began

    def stop(self) -> None:
        """End everything as Ctrl-C does."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=40)
        self.groups.ended(self.process.pid)

    def end(self) -> None:
        """End what is left of the system, if anything, at the end of a test."""
        if self.process is not None and self.process.poll() is None:
            self.stop()

    def pid(self, name: str) -> int:
        """Find a process of the system by a word of its command line, below the supervisor."""
        for pid in _children(self._process().pid):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
            if any(name in word for word in words[:2]) or name in words:
                return pid
        raise LookupError(name)

    def kill(self, name: str) -> None:
        """Kill a process with -9; the supervisor starts it again."""
        os.kill(self.pid(name), signal.SIGKILL)

    def descendants(self) -> set[int]:
        """Every process that was started, the supervisor included."""
        found, waiting = set(), [self._process().pid]
        while waiting:
            pid = waiting.pop()
            found.add(pid)
            waiting += _children(pid)
        return found

    def run(self, program: str, *arguments: str, stdin: str = "") -> str:
        """Run one of the product's programs in the system's environment."""
        done = subprocess.run(
            [BIN / program, *arguments],
            env=self.installation.environment(),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def add_accounts(self) -> None:
        """Make one account a role: admin@example.test and so on."""
        people = [
            {
                "email": f"{role.lower()}@example.test",
                "name": role.title(),
                "role": role,
                "password": PASSWORD,
            }
            for role in ROLES
        ]
        self.run("gateway", "users", "import", "-", stdin=json.dumps(people))
        for role in ROLES:
            body = {"email": f"{role.lower()}@example.test", "password": PASSWORD}
            reply = httpx.post(f"{self.base_url}/api/auth/login", json=body)
            self.tokens[role] = reply.raise_for_status().json()["data"]["token"]

    @asynccontextmanager
    async def client(
        self, role: str | None = None, *, university: bool = False
    ) -> AsyncIterator[httpx.AsyncClient]:
        """Give a client of the gateway that is signed in as a role, or not at all."""
        headers = {"authorization": f"Bearer {self.tokens[role]}"} if role else {}
        address = self.university_url if university else self.base_url
        async with httpx.AsyncClient(
            base_url=address, headers=headers, timeout=30, verify=NO_TLS
        ) as one:
            yield one

    def _process(self) -> subprocess.Popen[bytes]:
        assert self.process is not None
        return self.process


def _children(pid: int) -> list[int]:
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(child) for child in listed.split()]


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that is dead and not yet buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


async def eventually(
    look: Callable[[], Awaitable[Any]], wanted: Callable[[Any], bool], within_s: float = 20
) -> Any:
    """Look until it is as wanted; returns what was seen."""
    deadline = time.monotonic() + within_s
    while True:
        seen = await look()
        if wanted(seen):
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"still {seen!r} after {within_s} s")
        await asyncio.sleep(0.05)
