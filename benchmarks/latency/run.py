"""From a booking to the doors, through everything: how long until panels show it.

The whole system runs as `make run` starts it. Panels connect by the gateway, all of one room; then
its booking gets another title, again and again, by the gateway too. What is measured is the time
from sending that request to telling a panel, through bookings, its outbox, Kafka and panel:

    panels   p95 over all panels and changes, while 50 are connected, of 300 ms
    last     the last of 1,000 panels, p95 over changes, of 1 s

    PYTHONPATH=tests python -m benchmarks.latency.run [--changes 40]

Exits with 1 when a figure is past its limit.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack

import uvloop
from making import booking_of, make_room, soon
from running_system import System, eventually, free_ports
from websockets.asyncio.client import ClientConnection, connect

from common.testing.servers import scratch_folder
from local_stack.process_groups import ProcessGroups

SOME, SOME_WITHIN_MS = 50, 300.0
ALL, ALL_WITHIN_MS = 1000, 1000.0
# Panels are told ten times a second at most.
BETWEEN_CHANGES_S = 0.15


async def told(socket: ClientConnection, title: str) -> float:
    """Return when a panel shows a meeting of that title next."""
    while True:
        meeting = json.loads(await socket.recv()).get("data", {}).get("nextMeeting")
        if meeting is not None and meeting["title"] == title:
            return time.perf_counter()


async def delays(system: System, panels: int, changes: int) -> list[list[float]]:
    """Return for each change, for each panel, after how many milliseconds it was told."""
    measured = []
    async with system.client("ADMIN") as admin, AsyncExitStack() as stack:
        room = await make_room(admin)
        reply = await admin.post("/api/bookings", json=booking_of(room, soon()))
        path = f"/api/bookings/{reply.raise_for_status().json()['data']['id']}"
        url = system.base_url.replace("http", "ws")
        url += f"/api/panel/rooms/{room['id']}/ws?token={system.tokens['ADMIN']}"
        state = f"/api/panel/rooms/{room['id']}/state"
        await eventually(lambda: admin.get(state), lambda reply: reply.status_code == 200)
        sockets = [
            await stack.enter_async_context(connect(url, proxy=None, compression=None))
            for _ in range(panels)
        ]
        for number in range(changes):
            title = f"Change {number}"
            waiting = [asyncio.create_task(told(socket, title)) for socket in sockets]
            began = time.perf_counter()
            (await admin.patch(path, json={"title": title})).raise_for_status()
            measured.append([1000 * (at - began) for at in await asyncio.gather(*waiting)])
            await asyncio.sleep(BETWEEN_CHANGES_S)
    return measured


def p95(values: Sequence[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


async def measure(system: System, changes: int) -> bool:
    some = p95([one for each in await delays(system, SOME, changes) for one in each])
    last = p95([max(each) for each in await delays(system, ALL, changes)])
    print(f"panels  p95 {some:6.0f} ms of {SOME}: {some / SOME_WITHIN_MS:.2f} of the limit")
    print(f"last    p95 {last:6.0f} ms of {ALL}: {last / ALL_WITHIN_MS:.2f} of the limit")
    return some <= SOME_WITHIN_MS and last <= ALL_WITHIN_MS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--changes", type=int, default=40)
    changes = parser.parse_args().changes
    with ProcessGroups() as groups, scratch_folder() as folder:
        system = System(free_ports(folder / "state", ATRIUM_DEMO="0"), groups)
        system.start()
        try:
            system.add_accounts()
            is_within = uvloop.run(measure(system, changes))
        finally:
            system.end()
    sys.exit(0 if is_within else 1)


if __name__ == "__main__":
    main()
