"""Publishes on the topics of a running system what other services would."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from aiokafka import AIOKafkaProducer
from running_system import System

from common.events import BOOKINGS, LEVELS, BookingV1, LevelV1, PersonV1, Topic
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
        await self.send(BOOKINGS, data)

    async def level(
        self, room_id: int, version: int, occupancy: int, measured_at: datetime | None = None
    ) -> None:
        """Tell a room's level; measured now, unless said."""
        moment = measured_at or datetime.now(UTC)
        await self.send(
            LEVELS,
            LevelV1(room_id=room_id, version=version, occupancy=occupancy, measured_at=moment),
        )

    async def send(self, topic: Topic[Any], data: Any) -> None:
        """Send what has a key of its own in the field that the topic names."""
        key = str(getattr(data, topic.key))
        raw = topic.encode(
            data, event_id=new_cuid(), source="tests", subject=key, at=datetime.now(UTC)
        )
        await self.producer.send_and_wait(topic.name, raw, key=key.encode())


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
