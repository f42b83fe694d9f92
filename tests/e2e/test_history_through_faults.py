"""A broker that is away, duplicates, reorder, kill -9 at every point, poison: the same history."""

from pathlib import Path

import pytest
from history_journey import journey, travel

from common.ids import new_cuid
from local_stack.process_groups import ProcessGroups

pytestmark = pytest.mark.timeout(400)
SEED = 1


async def test_two_days_through_every_fault_are_the_same_two_days(
    scratch: Path, process_groups: ProcessGroups
) -> None:
    folder = scratch / new_cuid()
    folder.mkdir()

    async with journey(folder, process_groups, seed=SEED) as travelled:
        await travel(travelled)
