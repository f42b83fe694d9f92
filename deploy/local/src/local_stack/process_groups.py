"""Programs that never outlive us, even when we are killed with -9."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import IO, Self

_REAPER = Path(__file__).with_name("reaper.py")


class ProcessGroups:
    """Names the process groups that we start to a small process that outlives us and ends them.

    A group must be led by the program that was started (`start_new_session=True`).
    """

    def __init__(self) -> None:
        self._reaper = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_REAPER)],
            stdin=subprocess.PIPE,
            text=True,
            bufsize=1,
            start_new_session=True,
        )
        if self._reaper.stdin is None:
            raise AssertionError
        self._names: IO[str] = self._reaper.stdin

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._names.close()
        self._reaper.wait()

    def started(self, group: int, *, gently: signal.Signals = signal.SIGTERM) -> None:
        """Name a group; ``gently`` is the signal on which its program ends cleanly."""
        self._names.write(f"+{group} {gently.value}\n")

    def ended(self, group: int) -> None:
        """Forget a group, and end what is left of it."""
        self._names.write(f"-{group}\n")
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            return
