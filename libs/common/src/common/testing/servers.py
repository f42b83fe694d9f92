"""Servers that tests start, kill and start again."""

import asyncio
import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from local_stack.kafka import Kafka
from local_stack.postgres import Postgres
from local_stack.process_groups import ProcessGroups

# Below the ports that systems give to clients: else a connection of some other test takes the
# port between the moment it is found and the moment its server listens, or restarts.
_FIRST_PORT: Final = 10_000
_PORTS: Final = 20_000


# For HTTP clients, none of which speaks TLS here: to read all authorities takes 30 ms for each.
NO_TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class Ports:
    """Finds ports that nobody listens on, each once: whoever asks may be slow to take its own.

    Args:
        worker: which of the test runs that go side by side this is, from 0.
        workers: how many they are; none gets a port of another one.
    """

    def __init__(self, worker: int = 0, workers: int = 1) -> None:
        size = _PORTS // workers
        self._mine = range(_FIRST_PORT + worker * size, _FIRST_PORT + (worker + 1) * size)
        # Other runs on this machine begin elsewhere.
        self._next = secrets.randbelow(size)

    def find(self, in_a_row: int = 1) -> int:
        """Find a free port, which is the first of so many in a row."""
        while True:
            if self._next + in_a_row > len(self._mine):
                self._next = 0
            found = self._mine[self._next : self._next + in_a_row]
            self._next += in_a_row
            if all(map(_is_free, found)):
                return found[0]


def _ports_of_this_worker() -> Ports:
    """Find out which worker of pytest-xdist this is; one that replaces another has its ports."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    return Ports(int(worker) % workers, workers)


_ports: Final = _ports_of_this_worker()


def free_port(in_a_row: int = 1) -> int:
    """Find a port that nobody listens on, and that no test beside this one gets."""
    return _ports.find(in_a_row)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Server:
    """A server process that can be ended, killed with -9 and started again."""

    def __init__(
        self,
        command: list[str],
        *,
        groups: ProcessGroups,
        log: Path,
        ready: Callable[[], Awaitable[None]],
        gently: signal.Signals = signal.SIGTERM,
        user: tuple[int, int] | None = None,
    ) -> None:
        self._command = command
        self._groups = groups
        self._log = log
        self._ready = ready
        self._gently = gently
        self._user = user
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process; does not wait until it answers."""
        uid, gid = self._user or (None, None)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                user=uid,
                group=gid,
                extra_groups=None if uid is None else [],
                cwd=self._log.parent,
            )
        self._groups.started(self._process.pid, gently=self._gently)

    async def wait_ready(self, within_s: float = 40.0) -> None:
        """Wait until the server answers."""
        deadline = time.monotonic() + within_s
        while True:
            try:
                await self._ready()
            except (OSError, KafkaError, asyncpg.PostgresError) as error:
                if self._process is None or self._process.poll() is not None:
                    raise AssertionError(f"it ended: {self._log.read_text()}") from error
                if time.monotonic() > deadline:
                    raise AssertionError(f"not ready: {self._log.read_text()}") from error
                await asyncio.sleep(0.05)
            else:
                return

    def kill(self) -> None:
        """Kill the process and all of its children with -9."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End the process as its operator would."""
        self._end(self._gently)

    def stall(self) -> None:
        """Let the process answer nothing, with its connections open, until it may `go_on`."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let a stalled process answer again."""
        self._signal(signal.SIGCONT)

    def _signal(self, which: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(which)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        if how is signal.SIGKILL:
            os.killpg(self._process.pid, how)
        else:
            self._process.send_signal(how)
        self._process.wait(timeout=30)
        self._groups.ended(self._process.pid)
        self._process = None


def kafka_server(broker: Kafka, groups: ProcessGroups) -> Server:
    """Make a broker; the port alone does not say that it leads its partitions yet."""

    async def ready() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=broker.address, request_timeout_ms=2000)
        await admin.start()
        try:
            await admin.describe_cluster()
        finally:
            await admin.close()

    broker.prepare()
    return Server(broker.command(), groups=groups, log=broker.data / "output.log", ready=ready)


def postgres_server(postgres: Postgres, groups: ProcessGroups) -> Server:
    """Make a Postgres server."""

    async def ready() -> None:
        connection = await asyncpg.connect(postgres.url(), timeout=2)
        await connection.close()

    postgres.prepare()
    account = postgres.account
    return Server(
        postgres.command(),
        groups=groups,
        log=postgres.data.parent / "output.log",
        ready=ready,
        gently=signal.SIGINT,
        user=(account.uid, account.gid) if account else None,
    )


_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - below it, a folder of a name of its own
_ENOUGH_MEMORY: Final = 8 << 30


@contextmanager
def scratch_folder(*, in_memory: bool = False) -> Iterator[Path]:
    """Give a folder that any account can reach, for servers that refuse to run as root.

    Args:
        in_memory: if there is enough: a database is cloned in a twentieth of the time.
    """
    fits = in_memory and _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _ENOUGH_MEMORY
    with tempfile.TemporaryDirectory(
        prefix="atrium-test-", dir=_MEMORY if fits else None, ignore_cleanup_errors=True
    ) as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
