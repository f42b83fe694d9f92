"""Rooms and people as the service's copies have them."""

from datetime import time
from typing import Any

from bookings.repository.people import Users
from common.db import Database
from common.identity import Identity, Role
from common.ids import new_cuid


def room_row(room_id: int, **changes: Any) -> dict[str, Any]:
    row = {
        "id": room_id,
        "cuid": new_cuid(),
        "version": 1,
        "name": f"Room {room_id}",
        "building": "Main",
        "timezone": "UTC",
        "opens_at": time(7),
        "closes_at": time(19),
        "floor": 0,
        "capacity": 10,
        "amenities": [],
        "images": [],
        "is_active": True,
        "is_locked": False,
        "restricted_roles": [],
    }
    return {**row, **changes}


async def person(database: Database, role: Role) -> Identity:
    """Make somebody with an account."""
    who = Identity(kind="user", id=new_cuid(), role=role, name="Somebody", email="some@body.test")
    async with database.sessions.begin() as session:
        await Users(session).store(
            [
                {
                    "id": who.id,
                    "version": 1,
                    "name": who.name,
                    "email": who.email,
                    "role": role.value,
                    "department": None,
                    "is_active": True,
                }
            ]
        )
    return who
