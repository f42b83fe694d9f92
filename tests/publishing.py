"""Publishes on the topics of a running system what other services would."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from aiokafka import AIOKafkaProducer
from running_system import System

from common.events import BOOKINGS, LEVELS, BookingV1, LevelV1, PersonV1
from common.ids import new_cuid
from common.topics import ensure_topics

SOMEBODY = PersonV1(id=new_cuid(), name="Ada", email="ada@example.test")


def booking(room_id: int, starts_at: datetime, ends_at: datetime, **changes: Any) -> BookingV1:
    """A confirmed booking that holds its room from start to end."""
    values: dict[str, Any] = {
        "id": new_cuid(),
        "version": 1,
        "room_id": room_id,
        "room_cuid": new_cuid(),
        "organizer": SOMEBODY,
        "attendee_ids": [],
        "title": "Standup",
        "description": None,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "held_from": starts_at,
        "held_until": ends_at,
        "status": "confirmed",
        "holds": True,
        "requested": False,
        "is_override": False,
        "overridden_by": None,
        "series_id": None,
        "checked_in_at": None,
        "checkin_until": None,
        "ended_at": None,
        "created_at": datetime.now(UTC),
        **changes,
    }
    return BookingV1(**values)


@dataclass(frozen=True)
class Publisher:
    """Sends snapshots; each is an event of its own, in whatever order they are sent."""

    producer: AIOKafkaProducer

    async def booking(self, data: BookingV1) -> None:
        raw = BOOKINGS.encode(
            data,
            event_id=new_cuid(),
            source="tests",
            subject=f"booking/{data.id}",
            at=datetime.now(UTC),
        )
        await self.producer.send_and_wait(BOOKINGS.name, raw, key=str(data.room_id).encode())

    async def level(self, room_id: int, version: int, occupancy: int) -> None:
        now = datetime.now(UTC)
        data = LevelV1(room_id=room_id, version=version, occupancy=occupancy, measured_at=now)
        raw = LEVELS.encode(
            data, event_id=new_cuid(), source="tests", subject=f"room/{room_id}", at=now
        )
        await self.producer.send_and_wait(LEVELS.name, raw, key=str(room_id).encode())


@asynccontextmanager
async def publisher(system: System) -> AsyncIterator[Publisher]:
    """Give a publisher; the topic of bookings is made if nobody has made it yet."""
    await ensure_topics(system.kafka, published=[BOOKINGS])
    producer = AIOKafkaProducer(bootstrap_servers=system.kafka)
    await producer.start()
    try:
        yield Publisher(producer)
    finally:
        await producer.stop()


def from_now(minutes: float) -> datetime:
    return datetime.now(UTC) + timedelta(minutes=minutes)
