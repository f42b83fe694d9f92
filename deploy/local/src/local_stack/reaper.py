"""Ends what a dead parent left running. Started by `ProcessGroups`, reads its standard input.

Each line names a process group: `+PGID SIGNAL` when it starts, `-PGID` when it has ended. The end
of the input means that the parent is gone, however it went: the groups still named are ended.
"""

import os
import signal
import sys
import time

PATIENCE_S = 8.0


def main() -> None:
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    groups: dict[int, int] = {}
    for line in sys.stdin:
        group = int(line[1:].split()[0])
        if line.startswith("+"):
            groups[group] = int(line.split()[1])
        else:
            groups.pop(group, None)
    for group, gently in groups.items():
        _signal(os.kill, group, gently)
    deadline = time.monotonic() + PATIENCE_S
    while groups and time.monotonic() < deadline:
        groups = {group: how for group, how in groups.items() if _signal(os.killpg, group, 0)}
        time.sleep(0.05)
    for group in groups:
        _signal(os.killpg, group, signal.SIGKILL)


def _signal(send: object, number: int, which: int) -> bool:
    try:
        send(number, which)  # type: ignore[operator] # os.kill or os.killpg
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    main()
