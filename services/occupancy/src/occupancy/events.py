"""What the service does with what it takes: crossings, gaps, heartbeats, zones of rooms."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import msgspec

from common.consumer import Batch, Refused, Subscription
from common.db import AsyncSession
from common.errors import BrokenEvent, NotFound
from common.events import (
    CROSSINGS,
    DROPPED,
    HEARTBEATS,
    ROOMS,
    CloudEvent,
    CrossingV1,
    DroppedV1,
    HeartbeatV1,
    RoomV1,
)
from common.fields import clean_text, known_zones
from common.log import redact
from occupancy.domain import Crossings, datable
from occupancy.equipment import Heartbeat
from occupancy.repository import ingest
from occupancy.service import counting, equipment, history

# What Postgres can count to.
_MOST: Final = 2**63 - 1
PARKED_OF_A_RUN: Final = timedelta(minutes=1)

# Measured by benchmarks/ingest: what a transaction costs whatever is in it, and two cores.
INGEST_BATCH: Final = 10_000
INGEST_LANES: Final = 3
# The broker's clock may be so far ahead of ours.
_AHEAD_MS: Final = 60_000


async def on_crossings(
    session: AsyncSession, events: Batch[CrossingV1], *, zone: str
) -> list[Refused[CrossingV1]]:
    """Count crossings; those of cameras and lines that do not exist are refused.

    Args:
        zone: of cameras that are in no room.
    """
    unknown = await counting.count_crossings(session, crossings_of(events), zone)
    return [Refused(events[place], NotFound(reason)) for place, reason in unknown.items()]


def crossings_of(events: Batch[CrossingV1]) -> Crossings:
    """Take events apart, into a list for each field."""
    told = [event.data for event in events]
    return Crossings(
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


async def on_dropped(
    session: AsyncSession, events: Batch[DroppedV1], *, zone: str
) -> list[Refused[DroppedV1]]:
    """Keep which crossings will never come; those of cameras that do not exist are refused."""
    known = await ingest.hold(session, {event.data.camera_id for event in events}, zone)
    gaps = [_gap(event.data) for event in events if event.data.camera_id in known]
    await ingest.give_up(session, gaps)
    return [
        Refused(event, NotFound(f"Camera {event.data.camera_id} not found"))
        for event in events
        if event.data.camera_id not in known
    ]


def _gap(data: DroppedV1) -> Mapping[str, Any]:
    moments = ("first_crossed_at", "last_crossed_at", "dropped_at")
    values = msgspec.structs.asdict(data)
    return values | {
        name: datable([values[name]])[0] for name in moments if values[name] is not None
    }


def _believable(arrived_ms: Sequence[int]) -> Sequence[int]:
    """Take what arrived at no time, or in the future, for having arrived now.

    A topic that was made before its broker stamped records has what their writers say.
    """
    now_ms = int(time.time() * 1000)
    if min(arrived_ms) > 0 and max(arrived_ms) <= now_ms + _AHEAD_MS:
        return arrived_ms
    return [one if 0 < one <= now_ms + _AHEAD_MS else now_ms for one in arrived_ms]


async def on_heartbeats(
    session: AsyncSession, batch: Batch[HeartbeatV1]
) -> list[Refused[HeartbeatV1]]:
    """Keep how cameras do; heartbeats of cameras that do not exist are refused.

    But only those of the first minute of an edge's run: one wrong edge, every ten seconds, would
    else be so many dead letters that the consumer stops, and with it all counting.
    """
    arrived = zip(_believable(batch.arrived_ms), batch.partitions, strict=True)
    told = [
        _heartbeat(event.data, arrived_ms, partition)
        for event, (arrived_ms, partition) in zip(batch, arrived, strict=True)
    ]
    unknown = await equipment.take(session, told)
    return [
        Refused(event, NotFound(f"Camera {event.data.camera_id} not found"))
        for event in batch
        if event.data.camera_id in unknown
        and event.data.sent_at - event.data.started_at < PARKED_OF_A_RUN
    ]


def _heartbeat(data: HeartbeatV1, arrived_ms: int, partition: int) -> Heartbeat:
    sent_at, started_at = datable([data.sent_at, data.started_at])
    return Heartbeat(
        camera_id=data.camera_id,
        edge_id=data.edge_id,
        partition=partition,
        arrived_at=datetime.fromtimestamp(arrived_ms / 1000, UTC),
        sent_at=sent_at,
        started_at=started_at,
        picture=data.picture,
        # It is shown to people, and nobody knows whose counter wrote it.
        reason=clean_text(redact(data.reason)) if data.reason else None,
        picture_age_s=data.picture_age_s,
        pictures_per_s=data.pictures_per_s,
        processed_per_s=data.processed_per_s,
        lag_s=data.lag_s,
        spool_depth=min(data.spool_depth, _MOST),
        dropped=min(data.dropped, _MOST),
    )


async def on_rooms(
    session: AsyncSession, events: Sequence[CloudEvent[RoomV1]]
) -> list[Refused[RoomV1]]:
    """Keep in which zones rooms are."""
    known = known_zones()
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
    know nothing of. A heartbeat says how things are: the last one counts, however often it comes.

    Args:
        zone: of cameras that are in no room.
    """
    return [
        Subscription(CROSSINGS, partial(on_crossings, zone=zone), claims=False),
        Subscription(DROPPED, partial(on_dropped, zone=zone)),
        Subscription(HEARTBEATS, on_heartbeats, claims=False),
        Subscription(ROOMS, on_rooms),
    ]
