"""`occupancy worker` that kills itself with -9 at a point, with crossings in its hands.

It writes first which these were: first and last offset by partition, as JSON.
"""

import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import ConsumerRecord

from common.consumer import Consumer
from common.events import CROSSINGS
from occupancy.main import main

EFFECTS_BEFORE_COMMIT = "after_effects_before_their_commit"
COMMIT_BEFORE_OFFSETS = "after_effect_commit_before_offset"


def end_with(records: Sequence[ConsumerRecord]) -> None:
    partitions = sorted({one.partition for one in records})
    spans = {
        which: [one.offset for one in records if one.partition == which] for which in partitions
    }
    print(json.dumps({which: [span[0], span[-1]] for which, span in spans.items()}), flush=True)  # noqa: T201
    os.kill(os.getpid(), signal.SIGKILL)


def end_at(point: str) -> None:
    """Make the consumer kill its process."""
    handle, commit = Consumer._handle_topic, Consumer._commit_offsets

    async def fatal_handle(self: Consumer, session: Any, subscription: Any, records: Any) -> Any:
        refused = await handle(self, session, subscription, records)
        if subscription.topic is CROSSINGS:
            end_with(records)
        return refused

    async def fatal_commit(self: Consumer, consumer: Any, batches: Mapping[Any, Any]) -> None:
        records = [
            record
            for partition, batch in batches.items()
            if partition.topic == CROSSINGS.name
            for record in batch
        ]
        if records:
            end_with(records)
        await commit(self, consumer, batches)

    if point == EFFECTS_BEFORE_COMMIT:
        Consumer._handle_topic = fatal_handle  # type: ignore[method-assign]
    else:
        Consumer._commit_offsets = fatal_commit  # type: ignore[method-assign]


if __name__ == "__main__":
    end_at(sys.argv[1])
    main(["worker"])
