"""Runs the processes of the Procfile: coloured output, restarts, an end that leaves nothing.

Honcho reads the Procfile and prints; it has no restart, no order and no reaper, so these are ours
(docs/adr/0003).
"""

import asyncio
import shlex
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from itertools import cycle
from pathlib import Path
from typing import Final

from honcho import colour
from honcho.environ import parse_procfile
from honcho.printer import Message, Printer

from local_stack.errors import CannotStart
from local_stack.process_groups import ProcessGroups

MOST_RESTARTS: Final = 5
RESTART_WINDOW_S: Final = 60.0
RESTART_PAUSE_S: Final = 0.5
# Longer than a service takes to answer what it has begun.
PATIENCE_S: Final = 12.0
# Postgres takes SIGTERM for «wait until every client has gone».
_GENTLY: Final = {"postgres": signal.SIGINT}


def read_procfile(path: Path) -> dict[str, list[str]]:
    """Read the command of each process, in order."""
    processes: Mapping[str, str] = parse_procfile(path.read_text()).processes
    return {name: shlex.split(command) for name, command in processes.items()}


class Supervisor:
    """Starts, prints, restarts and ends processes; use as an async context manager.

    Args:
        environment: of every process.
        names: of all processes that will be started, for the width of the output.
        groups: what ends them should we be killed.

    Attributes:
        down: processes that were given up.
    """

    def __init__(
        self, environment: Mapping[str, str], names: list[str], groups: ProcessGroups
    ) -> None:
        self._environment = environment
        self._groups = groups
        self._printer = Printer(sys.stdout, width=max(map(len, names)), prefix=True)
        self._colours: Iterator[str] = cycle(colour.get_colours())
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._ending: set[str] = set()
        self.down: set[str] = set()

    def start(self, name: str, command: list[str]) -> None:
        """Start a process and keep it running."""
        self._tasks.append(asyncio.create_task(self._keep(name, command)))

    def say(self, text: str, name: str = "system") -> None:
        """Print a line as one of ours."""
        self._print(name, text, None)

    async def stop(self, *order: str) -> None:
        """End the named processes together, gently, after a while by force."""
        ending = [name for name in order if name in self._processes]
        self._ending.update(order)
        for name in ending:
            self._signal(name, _GENTLY.get(name, signal.SIGTERM))
        waits = [asyncio.create_task(self._processes[name].wait()) for name in ending]
        if not waits:
            return
        _, late = await asyncio.wait(waits, timeout=PATIENCE_S)
        for name, wait in zip(ending, waits, strict=True):
            if wait in late:
                self.say(f"{name} did not end in {PATIENCE_S:.0f} s: killed")
                self._signal(name, signal.SIGKILL)

    async def ended(self) -> None:
        """Wait until every process has ended and its last line is printed."""
        await asyncio.gather(*self._tasks)

    async def _keep(self, name: str, command: list[str]) -> None:
        shade = next(self._colours)
        starts: deque[float] = deque(maxlen=MOST_RESTARTS + 1)
        while name not in self._ending:
            starts.append(time.monotonic())
            status = await self._run(name, command, shade)
            if name in self._ending:
                return
            how = f"signal {-status}" if status < 0 else f"status {status}"
            if len(starts) > MOST_RESTARTS and time.monotonic() - starts[0] < RESTART_WINDOW_S:
                self.down.add(name)
                self.say(
                    f"{name} ended with {how}, {MOST_RESTARTS + 1} times within"
                    f" {RESTART_WINDOW_S:.0f} s: it stays down; see its output above"
                )
                return
            self.say(f"{name} ended with {how}: starting it again")
            await asyncio.sleep(RESTART_PAUSE_S)

    async def _run(self, name: str, command: list[str], shade: str) -> int:
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
                limit=1 << 20,
            )
        except OSError as error:
            raise CannotStart(f"{name}: {error}") from error
        self._groups.started(process.pid, gently=_GENTLY.get(name, signal.SIGTERM))
        self._processes[name] = process
        try:
            await self._print_output(name, process, shade)
            return await process.wait()
        finally:
            self._groups.ended(process.pid)
            self._processes.pop(name, None)

    async def _print_output(
        self, name: str, process: asyncio.subprocess.Process, shade: str
    ) -> None:
        if process.stdout is None:
            raise AssertionError
        while True:
            try:
                line = await process.stdout.readline()
            except ValueError:  # longer than the limit; the rest follows
                continue
            if not line:
                return
            self._print(name, line.decode(errors="replace").rstrip("\n"), shade)

    def _print(self, name: str, text: str, shade: str | None) -> None:
        self._printer.write(
            Message(
                type="line",
                data=f"{text}\n",
                time=datetime.now(),  # noqa: DTZ005 - the wall clock, for a person
                name=name,
                colour=shade,
            )
        )

    def _signal(self, name: str, which: signal.Signals) -> None:
        process = self._processes.get(name)
        if process is not None and process.returncode is None:
            process.send_signal(which)


def on_stop_signal(act: Callable[[], None]) -> None:
    """Call once on Ctrl-C or SIGTERM; a second one changes nothing."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, act)
