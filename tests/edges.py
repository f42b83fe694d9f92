"""Edges that publish crossings and heartbeats as another team's would, from the contract alone."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from aiokafka import AIOKafkaProducer
from making import make_camera, make_line

from common.events import CROSSINGS, DROPPED, HEARTBEATS, CrossingV1, DroppedV1, HeartbeatV1
from common.ids import new_cuid

BEGAN = datetime(2026, 11, 21, 10, tzinfo=UTC)


class Edge:
    """Publishes crossings as another team's counter would, from the contract alone."""

    def __init__(self, producer: AIOKafkaProducer, camera_id: int, line_id: int) -> None:
        self.edge_id = new_cuid()
        self._producer = producer
        self.camera_id = camera_id
        self.line_id = line_id

    def crossing(self, sequence: int, direction: str = "entry", **changes: Any) -> bytes:
        values = {
            "edge_id": self.edge_id,
            "camera_id": self.camera_id,
            "sequence": sequence,
            "line_id": self.line_id,
            "direction": direction,
            "track_id": f"t{sequence}",
            "confidence": 0.8,
            "crossed_at": BEGAN + timedelta(seconds=sequence),
            **changes,
        }
        return CROSSINGS.encode(
            CrossingV1(**values),
            event_id=f"{self.edge_id}/{sequence}",
            source=f"edge/{self.edge_id}",
            subject=f"camera/{self.camera_id}",
            at=BEGAN,
        )

    async def send(self, messages: Sequence[bytes]) -> None:
        for message in messages:
            key = str(self.camera_id).encode()
            await self._producer.send_and_wait(CROSSINGS.name, message, key=key)

    async def drop(self, first: int, last: int, **changes: Any) -> None:
        """Give crossings up."""
        now = datetime.now(UTC)
        values = {
            "edge_id": self.edge_id,
            "camera_id": self.camera_id,
            "first_sequence": first,
            "last_sequence": last,
            "dropped_at": now,
            "reason": "spool_full",
            **changes,
        }
        raw = DROPPED.encode(
            DroppedV1(**values),
            event_id=new_cuid(),
            source=f"edge/{self.edge_id}",
            subject=f"camera/{self.camera_id}",
            at=now,
        )
        await self._producer.send_and_wait(DROPPED.name, raw, key=str(self.camera_id).encode())

    def heartbeat(self, **changes: Any) -> bytes:
        now = datetime.now(UTC)
        values = {
            "edge_id": self.edge_id,
            "camera_id": self.camera_id,
            "sent_at": now,
            "started_at": now,
            "picture": "good",
            "picture_age_s": 0.1,
            "pictures_per_s": 10.0,
            "processed_per_s": 10.0,
            "lag_s": 0.2,
            "spool_depth": 0,
            **changes,
        }
        return HEARTBEATS.encode(
            HeartbeatV1(**values),
            event_id=new_cuid(),
            source=f"edge/{self.edge_id}",
            subject=f"camera/{self.camera_id}",
            at=now,
        )

    async def beat(self, times: int = 1, **changes: Any) -> None:
        """Send heartbeats, good ones but for what is changed."""
        for _ in range(times):
            key, raw = str(self.camera_id).encode(), self.heartbeat(**changes)
            await self._producer.send_and_wait(HEARTBEATS.name, raw, key=key)


async def watch(admin: httpx.AsyncClient, producer: AIOKafkaProducer, **camera: Any) -> Edge:
    """Make a camera with a line, and an edge that watches it."""
    made = await make_camera(admin, **camera)
    line = await make_line(admin, made["id"])
    return Edge(producer, made["id"], line["id"])


async def live(client: httpx.AsyncClient, edge: Edge) -> dict[str, Any]:
    reply = await client.get(f"/api/occupancy/cameras/{edge.camera_id}/live")
    assert reply.status_code == 200, reply.text
    shown: dict[str, Any] = reply.json()
    return shown
