"""The local stack's command line: install, run everything, or one server in the foreground."""

import asyncio
import fcntl
import os
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final, NoReturn

import asyncpg
import click
import httpx

from common import roles
from local_stack import demo, installation
from local_stack.environment import DATABASE, Installation
from local_stack.errors import CannotStart
from local_stack.process_groups import ProcessGroups
from local_stack.settings import PROJECT, Settings
from local_stack.supervisor import Supervisor, on_stop_signal, read_procfile

_SERVERS: Final = ("postgres", "kafka")
_EDGE: Final = "edge"
READY_WITHIN_S: Final = 120.0


@click.group()
def main() -> None:
    """Run Atrium and the servers that it stands on, on this machine.

    Settings are read from the environment: ATRIUM_STATE_DIR, ATRIUM_PORT (8000),
    ATRIUM_UNIVERSITY_PORT (3000), ATRIUM_KAFKA_PORT (19092), ATRIUM_POSTGRES_PORT (15432),
    ATRIUM_INTERNAL_PORT (8100 and the next ones), ATRIUM_TIMEZONE, ATRIUM_DEMO=0.
    """


@main.command()
def install() -> None:
    """Fetch Kafka and PostgreSQL, once."""
    with _one_line_errors():
        settings = Settings()
        installation.jars(settings.servers)


@main.command()
def postgres() -> None:
    """Become the PostgreSQL server, making its data folder on first use."""
    with _one_line_errors():
        server = Installation(Settings()).postgres
        server.prepare()
        command = server.command()
        os.chdir(server.data.parent)
        server.become_account()
        _become(command)


@main.command()
def kafka() -> None:
    """Become the Kafka broker, formatting its data folder on first use."""
    with _one_line_errors():
        broker = Installation(Settings()).kafka
        broker.prepare()
        _become(broker.command())


def _become(command: list[str]) -> NoReturn:
    os.execv(command[0], command)  # noqa: S606 - a server that we have installed


@main.command()
def run() -> None:
    """Run the whole system until Ctrl-C; what is missing is set up first."""
    with _one_line_errors():
        settings = Settings()
        if settings.demo:
            demo.refuse_open_house(settings.host)
        this = Installation(settings)
        with _only_one(settings.state):
            _refuse_taken_ports(settings)
            installation.jars(settings.servers)
            with ProcessGroups() as groups:
                asyncio.run(_run(this, groups))


@contextmanager
def _one_line_errors() -> Iterator[None]:
    """Show a `CannotStart` as its one line, and end with exit code 1."""
    try:
        yield
    except CannotStart as error:
        click.echo(str(error), err=True)
        sys.exit(1)


@contextmanager
def _only_one(state: Path) -> Iterator[None]:
    """Hold a lock on the state folder.

    Raises:
        CannotStart: another process holds it.
    """
    with (state / "run.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise CannotStart(
                f"Atrium is running already (process {file.read().strip()}) from this state"
                " folder. Stop it with Ctrl-C there, or set ATRIUM_STATE_DIR and other ports."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _refuse_taken_ports(settings: Settings) -> None:
    for port, name in settings.listening_ports.items():
        with socket.socket() as probe:
            # As the servers do: a port whose last connections are still closing is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise CannotStart(
                    f"Port {port} is taken by another program. Stop that, or choose another port"
                    f" with {name}."
                ) from error


async def _run(this: Installation, groups: ProcessGroups) -> None:
    environment = this.environment()
    commands = read_procfile(PROJECT / "Procfile")
    supervisor = Supervisor(environment, [*commands, "system"], groups)
    stopping = asyncio.Event()
    on_stop_signal(stopping.set)
    watch = asyncio.create_task(_watch_parent(stopping))
    start = asyncio.create_task(_start(this, supervisor, commands, environment))
    stop = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({start, stop}, return_when=asyncio.FIRST_COMPLETED)
        if start.done():
            start.result()
        await stop
        supervisor.say("stopping")
    finally:
        for task in (start, stop, watch):
            task.cancel()
        # The users of a server go before it, so that they end with their work done.
        await supervisor.stop(_EDGE)
        await supervisor.stop(*(name for name in commands if name not in {*_SERVERS, _EDGE}))
        await supervisor.stop(*_SERVERS)
        await supervisor.ended()


async def _watch_parent(stopping: asyncio.Event) -> None:
    """Stop when whoever started us is killed, as Ctrl-C would."""
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110 - nothing tells us but asking
        await asyncio.sleep(0.5)
    stopping.set()


async def _start(
    this: Installation,
    supervisor: Supervisor,
    commands: Mapping[str, list[str]],
    environment: dict[str, str],
) -> None:
    began = time.monotonic()
    settings = this.settings
    for name in _SERVERS:
        supervisor.start(name, commands[name])
    await _until(lambda: _ensure_roles(this), "postgres", supervisor)
    services = [name for name in commands if name not in {*_SERVERS, _EDGE}]
    for name in services:
        supervisor.start(name, commands[name])
    for name in services:
        await _until(partial(_ready, settings.service_ports[name]), name, supervisor)
    if settings.demo:
        base_url = f"http://127.0.0.1:{settings.port}"
        await demo.seed(base_url, environment)
        source = os.environ.get("EDGE_SOURCE", demo.CLIP)
        clips = [demo.CLIP] if source == demo.CLIP else []
        if reason := await demo.fetch_assets(environment, demo.MODEL, *clips):
            supervisor.say(f"the demo counts nobody yet, or roughly: {reason}")
        environment |= {
            "EDGE_ID": demo.EDGE,
            "EDGE_CAMERA": demo.CAMERA,
            "EDGE_SOURCE": source,
            "EDGE_LOOP": os.environ.get("EDGE_LOOP", "1"),
            "EDGE_DEVICE_TOKEN": await demo.edge_token(environment, settings.state),
        }
        supervisor.start(_EDGE, commands[_EDGE])
    for line in _welcome(settings, time.monotonic() - began):
        supervisor.say(line)


async def _until(attempt: Callable[[], Awaitable[None]], name: str, supervisor: Supervisor) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while True:
        try:
            return await attempt()
        except (OSError, asyncpg.PostgresError, httpx.HTTPError) as error:
            if supervisor.down or time.monotonic() > deadline:
                culprit = ", ".join(supervisor.down) or name
                raise CannotStart(
                    f"{culprit} could not be brought up ({error}); the output above says why."
                ) from error
        await asyncio.sleep(0.1)


async def _ensure_roles(this: Installation) -> None:
    await roles.ensure(this.postgres.url(), this.schema_passwords, database=DATABASE)


async def _ready(port: int) -> None:
    async with httpx.AsyncClient() as client:
        (await client.get(f"http://127.0.0.1:{port}/readyz", timeout=2)).raise_for_status()


def _welcome(settings: Settings, seconds: float) -> list[str]:
    base = f"http://localhost:{settings.port}"
    lines = [
        f"Atrium is ready after {seconds:.1f} s.",
        f"  {base}/app/  the web app",
        f"  {base}  the API; {base}/docs describes it",
        f"  http://localhost:{settings.university_port}  the same, as the university edition",
    ]
    if settings.demo:
        lines += [f"  {account['email']} / {account['password']}" for account in demo.ACCOUNTS]
        lines += [f"  {base}/api/occupancy/facility/live  counts the demo's clip"]
    return [*lines, "Ctrl-C stops all of it."]


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
