"""What the service does with the events that it takes: crossings, and in what zones rooms are."""

import time
from collections.abc import Sequence
from functools import partial
from typing import Any, Final
from zoneinfo import available_timezones

from common.consumer import Batch, Refused, Subscription
from common.db import AsyncSession
from common.errors import BrokenEvent, NotFound
from common.events import CROSSINGS, ROOMS, CloudEvent, CrossingV1, RoomV1
from occupancy.domain import Crossings, datable
from occupancy.service import counting, history

# Measured by benchmarks/ingest: what a transaction costs whatever is in it, and two cores.
INGEST_BATCH: Final = 10_000
INGEST_LANES: Final = 2
# The broker's clock may be so far ahead of ours.
_AHEAD_MS: Final = 60_000


async def on_crossings(
    session: AsyncSession, events: Batch[CrossingV1], *, zone: str
) -> list[Refused[CrossingV1]]:
    """Count crossings; those of cameras and lines that do not exist are refused.

    Args:
        zone: of cameras that are in no room.
    """
    told = [event.data for event in events]
    crossings = Crossings(
        camera_ids=[one.camera_id for one in told],
        edge_ids=[one.edge_id for one in told],
        sequences=[one.sequence for one in told],
        line_ids=[one.line_id for one in told],
        directions=[one.direction for one in told],
        track_ids=[one.track_id for one in told],
        confidences=[one.confidence for one in told],
        crossed_at=datable([one.crossed_at for one in told]),
        arrived_ms=_believable(events.arrived_ms),
    )
    unknown = await counting.count_crossings(session, crossings, zone)
    return [Refused(events[place], NotFound(reason)) for place, reason in unknown.items()]


def _believable(arrived_ms: Sequence[int]) -> Sequence[int]:
    """Take what arrived at no time, or in the future, for having arrived now.

    A topic that was made before its broker stamped records has what their writers say.
    """
    now_ms = int(time.time() * 1000)
    if min(arrived_ms) > 0 and max(arrived_ms) <= now_ms + _AHEAD_MS:
        return arrived_ms
    return [one if 0 < one <= now_ms + _AHEAD_MS else now_ms for one in arrived_ms]


async def on_rooms(
    session: AsyncSession, events: Sequence[CloudEvent[RoomV1]]
) -> list[Refused[RoomV1]]:
    """Keep in which zones rooms are."""
    known = available_timezones()
    good = [event.data for event in events if event.data.building.timezone in known]
    rows = [
        {"id": room.id, "version": room.version, "timezone": room.building.timezone}
        for room in good
    ]
    await history.take_zones(session, rows)
    wrong = (event for event in events if event.data.building.timezone not in known)
    return [Refused(event, BrokenEvent("the time zone is unknown")) for event in wrong]


def subscriptions(zone: str) -> list[Subscription[Any]]:
    """List what is taken.

    The key of a crossing is its claim; it may come from another team's counter, whose event ids we
    know nothing of.

    Args:
        zone: of cameras that are in no room.
    """
    return [
        Subscription(CROSSINGS, partial(on_crossings, zone=zone), claims=False),
        Subscription(ROOMS, on_rooms),
    ]
