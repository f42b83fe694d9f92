"""kill -9 of bookings under load: every 2xx is there, nothing is half done, all of it is told."""

import os
import random
import sys
from pathlib import Path

import pytest
from killed_bookings import assert_kept, kill_under_load, running_bookings, tell_of_room

from bookings.tables import SCHEMA
from common.identity import Signer
from common.testing.plugin import Broker, CloneDatabase
from local_stack.process_groups import ProcessGroups

SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(1_000_000))


@pytest.mark.parametrize(
    "kills",
    [
        pytest.param(4, marks=pytest.mark.timeout(180)),
        pytest.param(200, marks=[pytest.mark.chaos, pytest.mark.timeout(1800)]),
    ],
)
async def test_every_answer_was_true_and_everything_is_told(
    clone_database: CloneDatabase,
    kafka: Broker,
    signer: Signer,
    process_groups: ProcessGroups,
    scratch: Path,
    kills: int,
) -> None:
    async with (
        clone_database(SCHEMA) as database,
        running_bookings(database, kafka, signer, process_groups, scratch) as service,
    ):
        await tell_of_room(service, kafka)

        history = await kill_under_load(service, SEED, kills)

        sys.stdout.write(
            f"seed {SEED}: {history.kills} kills, {len(history.booked)} booked,"
            f" {len(history.cancelled)} cancelled, {history.refused} refused\n"
        )
        assert history.kills == kills
        assert len(history.booked) > kills
        await assert_kept(history, database, kafka)
