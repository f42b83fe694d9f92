"""Two days through every fault, round after round, by a seed: `make chaos SEED=7 SECONDS=300`."""

import os
import random
from pathlib import Path

import pytest
from history_journey import journey, travel

from common.ids import new_cuid
from local_stack.process_groups import ProcessGroups

SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(1_000_000))
SECONDS = float(os.environ.get("SECONDS") or 120)
ROUND_S = 60.0

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(SECONDS * 4 + 400)]


async def test_many_rounds_of_every_fault_lose_and_repeat_nothing(
    scratch: Path, process_groups: ProcessGroups
) -> None:
    print(f"SEED={SEED} SECONDS={SECONDS:.0f}")  # noqa: T201 - to play it again
    folder = scratch / new_cuid()
    folder.mkdir()
    rounds = max(1, round(SECONDS / ROUND_S))

    async with journey(folder, process_groups, seed=SEED, rounds=rounds) as travelled:
        await travel(travelled)
