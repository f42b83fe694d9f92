"""Doors that a camera watches, for the tests of counting."""

from typing import Any

from sqlalchemy import insert

from common.db import Database
from common.ids import new_cuid
from occupancy.tables import cameras, lines


async def add_camera(database: Database, room_id: int | None) -> tuple[int, int]:
    """Make a camera with a line; returns their ids."""
    camera = {"camera_id": new_cuid(), "camera_name": "Door", "camera_type": "bidirectional"}
    line = {"line_name": "Door", "x1": 0, "y1": 0, "x2": 1, "y2": 0, "direction": "bidirectional"}
    async with database.sessions.begin() as session:
        values: dict[str, Any] = {**camera, "room_id": room_id, "is_active": True}
        camera_id = await session.scalar(insert(cameras).values(values).returning(cameras.c.id))
        values = {**line, "camera_id": camera_id, "confidence_threshold": 0.5, "is_active": True}
        line_id = await session.scalar(insert(lines).values(values).returning(lines.c.id))
    assert camera_id is not None
    assert line_id is not None
    return camera_id, line_id
