"""An edge's ledger, spool and uplink, in a process that tests kill; who crosses stands in files.

    python tests/spool_edge.py STATE EDGE_ID KAFKA SEEN [POINT]

SEEN is a folder with a file for each camera, `7.jsonl` for camera 7, and a line in it for each
crossing, which the test appends. How far a file was stored is in the spool, with its crossings, as
with a recording. When it comes to POINT, the process kills itself with -9. Further arguments of the
spool are JSON in SPOOL_LIMITS.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from common.log import set_up_logging
from edge_counter.health import Health
from edge_counter.ledger import Ledger
from edge_counter.spool import DatedCrossing, Recording, Spool
from edge_counter.uplink import Uplink

# After or before which call of the spool's.
POINTS = {
    "before_append": ("store", "before"),
    "after_append_before_anybody_knows": ("store", "after"),
    "after_sent_mark_before_send": ("about_to_send", "after"),
    "after_kafka_ack_before_mark": ("delete_through", "before"),
    "after_mark": ("delete_through", "after"),
}
LOOK_S = 0.02


def end_at(spool: Spool, point: str) -> None:
    """Make the process kill itself at a point."""
    method, moment = POINTS[point]
    act = getattr(spool, method)

    def fatal(*given: Any, **more: Any) -> None:
        if moment == "after":
            act(*given, **more)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(spool, method, fatal)


def lines_of(seen: Path) -> list[str]:
    """Read a file as far as its lines are whole."""
    return [line for line in seen.read_text().splitlines(keepends=True) if line.endswith("\n")]


def crossing(line: str) -> DatedCrossing:
    line_id, direction, track_id, confidence, at = json.loads(line)
    return DatedCrossing(line_id, direction, track_id, confidence, datetime.fromisoformat(at))


async def count(spool: Spool, uplink: Uplink, health: Health, seen: Path) -> None:
    """Bring a camera's file into the spool, as far as it is and for as long as it grows."""
    camera_id = int(seen.stem)
    ledger = Ledger(spool, camera_id, health, uplink.wake)
    known = spool.recording(camera_id, str(seen))
    done, is_stored = (known.frame + 1 if known else 0), True
    while True:
        new = [crossing(line) for line in lines_of(seen)[done : done + 20]]
        if new or not is_stored:
            done += len(new)
            now = datetime.now(UTC)
            progress = Recording(str(seen), "run", now, 1.0, done - 1, False, now)
            is_stored = await asyncio.to_thread(ledger.write, new, progress)
        if not new:
            await asyncio.sleep(LOOK_S)


async def run(spool: Spool, kafka: str, files: Sequence[Path]) -> None:
    uplink, health = Uplink(spool, kafka), Health()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(uplink.run())
        for file in files:
            tasks.create_task(count(spool, uplink, health, file))


def main(state: str, edge_id: str, kafka: str, seen: str, point: str = "") -> None:
    spool = Spool(Path(state), edge_id, **json.loads(os.environ["SPOOL_LIMITS"]))
    if point:
        end_at(spool, point)
    asyncio.run(run(spool, kafka, sorted(Path(seen).glob("*.jsonl"))))


if __name__ == "__main__":
    set_up_logging("edge-counter", style="text")
    main(*sys.argv[1:])
