"""Doors that a camera watches, and who crosses there, for the tests of counting."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import insert

from common.db import AsyncSession, Database
from common.ids import new_cuid
from occupancy.domain import Crossings, Direction
from occupancy.repository.cameras import Cameras
from occupancy.service.counting import count_crossings
from occupancy.tables import cameras, lines


@dataclass(frozen=True, slots=True)
class Crossing:
    """Somebody who crosses a line."""

    camera_id: int
    edge_id: str
    sequence: int
    line_id: int
    direction: Direction
    track_id: str
    confidence: float
    crossed_at: datetime


async def add_camera(database: Database, room_id: int | None, **more: Any) -> tuple[int, int]:
    """Make a camera with a line; returns their ids."""
    camera = {"camera_id": new_cuid(), "camera_name": "Door", "camera_type": "bidirectional"}
    line = {"line_name": "Door", "x1": 0, "y1": 0, "x2": 1, "y2": 0, "direction": "bidirectional"}
    async with database.sessions.begin() as session:
        values: dict[str, Any] = {**camera, "room_id": room_id, "is_active": True, **more}
        camera_id = await session.scalar(insert(cameras).values(values).returning(cameras.c.id))
        values = {**line, "camera_id": camera_id, "confidence_threshold": 0.5, "is_active": True}
        line_id = await session.scalar(insert(lines).values(values).returning(lines.c.id))
        assert camera_id is not None
        assert line_id is not None
        await Cameras(session).watch(camera_id)
    return camera_id, line_id


async def count(
    session: AsyncSession,
    crossings: Sequence[Crossing],
    zone: str = "UTC",
    arrived_at: datetime | None = None,
) -> Mapping[int, str]:
    """Count crossings, as if the broker had taken them some time after they were.

    Args:
        arrived_at: when; as long as it does not matter: now, or when the last of them was.
    """
    return await count_crossings(session, told(crossings, arrived_at), zone)


def told(crossings: Sequence[Crossing], arrived_at: datetime | None = None) -> Crossings:
    """Take crossings apart, into a list for each field."""
    newest = max(crossing.crossed_at for crossing in crossings).timestamp()
    arrived_s = arrived_at.timestamp() if arrived_at else max(newest, time.time())
    columns = ([getattr(one, field.name) for one in crossings] for field in fields(Crossing))
    names = ("camera_ids", "edge_ids", "sequences", "line_ids", "directions")
    more = ("track_ids", "confidences", "crossed_at")
    given: dict[str, Any] = dict(zip((*names, *more), columns, strict=True))
    return Crossings(**given, arrived_ms=[int(arrived_s * 1000)] * len(crossings))
