"""Tells the analytics service what others would, past Kafka."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from itertools import groupby
from typing import Any

from analytics.events import SUBSCRIPTIONS
from common.consumer import Batch
from common.db import AsyncSession, Database
from common.events import (
    AllocationV1,
    BookingV1,
    BuildingV1,
    CameraV1,
    CloudEvent,
    CrossingV1,
    LevelV1,
    OccurrenceV1,
    RoomV1,
    TermV1,
    UserV1,
)
from common.ids import new_cuid

Told = RoomV1 | UserV1 | BookingV1 | LevelV1 | CameraV1 | CrossingV1 | TermV1 | AllocationV1
Times = Sequence[tuple[datetime, datetime]]
HANDLERS = {one.topic.data: one.handle for one in SUBSCRIPTIONS}


def building(zone: str = "UTC") -> BuildingV1:
    return BuildingV1(id=1, name="Main", timezone=zone, opens_at=time(7), closes_at=time(19))


def room(room_id: int, version: int = 1, **changes: Any) -> RoomV1:
    """A room with four seats that is open as its building."""
    values: dict[str, Any] = {
        "cuid": f"room-{room_id}",
        "name": f"Room {room_id}",
        "building": building(),
        "floor": 0,
        "capacity": 4,
        "amenities": [],
        "is_active": True,
        "is_locked": False,
        "opens_from": None,
        "opens_until": None,
        "recurrence_rule": None,
        **changes,
    }
    return RoomV1(id=room_id, version=version, **values)


def user(user_id: str, version: int = 1, role: Any = "STUDENT") -> UserV1:
    return UserV1(
        id=user_id,
        version=version,
        name=user_id.title(),
        email=f"{user_id}@example.test",
        role=role,
        department=None,
        is_active=True,
    )


def camera(camera_id: int, version: int = 1, **changes: Any) -> CameraV1:
    """A camera in use at the door of the room of its number."""
    values: dict[str, Any] = {
        "camera_id": f"cam-{camera_id}",
        "camera_name": f"Door {camera_id}",
        "location": None,
        "camera_type": "bidirectional",
        "room_id": camera_id,
        "max_occupancy": None,
        "is_active": True,
        **changes,
    }
    return CameraV1(id=camera_id, version=version, **values)


def crossing(sequence: int, crossed_at: datetime, **changes: Any) -> CrossingV1:
    """Somebody who came in by the first camera."""
    values: dict[str, Any] = {
        "edge_id": "edge-1",
        "camera_id": 1,
        "line_id": 1,
        "direction": "entry",
        "track_id": str(sequence),
        "confidence": 0.9,
        **changes,
    }
    return CrossingV1(sequence=sequence, crossed_at=crossed_at, **values)


def term(term_id: int, first: date, last: date, **changes: Any) -> TermV1:
    values = {"version": 1, "name": "Spring", "code": f"T{term_id}", **changes}
    states = {"is_published": False, "is_archived": False}
    return TermV1(id=term_id, start_date=first, end_date=last, **{**states, **values})


def allocation(
    allocation_id: int, term_id: int, room_id: int, seats: int, times: Times, **changes: Any
) -> AllocationV1:
    return AllocationV1(
        id=allocation_id,
        term_id=term_id,
        room_id=room_id,
        room_cuid=f"room-{room_id}",
        allocated_seats=seats,
        occurrences=[OccurrenceV1(starts_at=start, ends_at=end) for start, end in times],
        **{"version": 1, "title": "Algebra", **changes},
    )


async def take(database: Database, batches: Sequence[Sequence[Told]]) -> None:
    """Take batches, each in its transaction; nothing is refused."""
    for batch in batches:
        async with database.sessions.begin() as session:
            assert not await tell(session, batch)


async def tell(session: AsyncSession, batch: Sequence[Told]) -> list[Told]:
    """Take a batch, a topic's events together as the consumer does; they have just arrived.

    Returns:
        what is refused.
    """
    refused: list[Told] = []
    for kind, told in groupby(sorted(batch, key=lambda one: type(one).__name__), key=type):
        events = [_event(one) for one in told]
        arrived = [int(event.time.timestamp() * 1000) for event in events]
        taken = Batch(events, arrived, [0] * len(events))
        handled = await HANDLERS[kind](session, taken)
        refused += [one.event.data for one in handled]
    return refused


def _event(one: Told) -> CloudEvent[Any]:
    now = datetime.now(UTC)
    return CloudEvent(specversion="1.0", type="x", id=new_cuid(), source="x", time=now, data=one)
