"""Random kills for as long as wanted, by a seed: `make chaos SEED=7 SECONDS=300`.

The demo's clip is played once, slowly enough to last. A few seconds apart, by chance, a process is
killed with -9, told to end, or frozen for a while. At the end every crossing was counted once.
"""

import asyncio
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from counted_clip import CLIP_S, MISSING, WHY_MISSING, assert_counted_exactly
from running_system import System, free_ports

from common.ids import new_cuid
from local_stack.process_groups import ProcessGroups

SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(1_000_000))
SECONDS = float(os.environ.get("SECONDS") or 120)
PROCESSES = ("occupancy", "kafka.Kafka", "postgres", "edge-counter", "gateway", "rooms")
# The supervisor gives a process up that ends more often than this within a minute.
MOST_ENDS, WINDOW_S = 4, 60.0

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.timeout(SECONDS * 3 + 300),
    pytest.mark.skipif(MISSING, reason=WHY_MISSING),
]


@pytest.fixture
def system(scratch: Path, process_groups: ProcessGroups) -> Iterator[System]:
    folder = scratch / new_cuid()
    folder.mkdir()
    speed = str(round(CLIP_S / SECONDS, 3))
    settings = free_ports(folder / "state", EDGE_LOOP="0", EDGE_SPEED=speed, ATRIUM_DEMO="1")
    system = System(settings, process_groups)
    yield system
    system.end()


async def test_random_faults_lose_and_repeat_nothing(system: System) -> None:
    print(f"SEED={SEED} SECONDS={SECONDS:.0f}")  # noqa: T201 - to play it again
    chance = random.Random(SEED)
    system.start()
    ends: dict[str, list[float]] = {name: [] for name in PROCESSES}
    over_at = time.monotonic() + SECONDS

    while time.monotonic() < over_at:
        await asyncio.sleep(chance.uniform(1, 6))
        victim = chance.choice(PROCESSES)
        fault = chance.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP))
        lately = [at for at in ends[victim] if time.monotonic() - at < WINDOW_S]
        if fault is not signal.SIGSTOP and len(lately) >= MOST_ENDS:
            continue
        await _inflict(system, victim, fault, chance)
        ends[victim] = [*lately, time.monotonic()]

    repeated = await assert_counted_exactly(system, within_s=SECONDS + 120)
    print(f"{repeated} crossings came more than once and were counted once")  # noqa: T201


async def _inflict(
    system: System, victim: str, fault: signal.Signals, chance: random.Random
) -> None:
    try:
        pid = system.pid(victim)
        os.kill(pid, fault)
    except (LookupError, ProcessLookupError):
        return  # it is just being started again
    print(f"{time.strftime('%H:%M:%S')} {fault.name} {victim}")  # noqa: T201
    if fault is signal.SIGSTOP:
        await asyncio.sleep(chance.uniform(0.2, 5))
        os.kill(pid, signal.SIGCONT)
