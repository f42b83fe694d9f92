"""What the service does with the events that it takes: crossings, and in what zones rooms are."""

from collections.abc import Sequence
from functools import partial
from typing import Any
from zoneinfo import available_timezones

from common.consumer import Refused, Subscription
from common.db import AsyncSession
from common.errors import BrokenEvent, NotFound
from common.events import CROSSINGS, ROOMS, CloudEvent, CrossingV1, RoomV1
from occupancy.domain import Crossing
from occupancy.service import counting, history


async def on_crossings(
    session: AsyncSession, events: Sequence[CloudEvent[CrossingV1]], *, zone: str
) -> list[Refused[CrossingV1]]:
    """Count crossings; those of cameras and lines that do not exist are refused.

    Args:
        zone: of cameras that are in no room.
    """
    crossings = {_crossing(event.data): event for event in events}
    unknown = await counting.count_crossings(session, list(crossings), zone)
    return [Refused(crossings[crossing], NotFound(reason)) for crossing, reason in unknown.items()]


def _crossing(data: CrossingV1) -> Crossing:
    return Crossing(
        camera_id=data.camera_id,
        edge_id=data.edge_id,
        sequence=data.sequence,
        line_id=data.line_id,
        direction=data.direction,
        track_id=data.track_id,
        confidence=data.confidence,
        crossed_at=data.crossed_at,
    )


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
