"""What the service does with the events that it takes: it keeps copies of rooms and people."""

from collections.abc import Sequence
from typing import Any

from bookings.repository.people import Users
from bookings.repository.rooms import Rooms
from bookings.repository.told import Audit
from common.consumer import Refused, Subscription
from common.db import AsyncSession
from common.events import ROOMS, SNAPSHOTS, USERS, CloudEvent, RoomV1, SnapshotV1, UserV1
from common.ids import new_cuid


async def on_rooms(
    session: AsyncSession, events: Sequence[CloudEvent[RoomV1]]
) -> list[Refused[RoomV1]]:
    """Keep rooms as they are now, and who changed them."""
    await Rooms(session).store([_room(event.data) for event in events])
    changed = [event.data for event in events if event.data.changed_by is not None]
    await Audit(session).add([_room_entry(room) for room in changed])
    return []


def _room(room: RoomV1) -> dict[str, Any]:
    return {
        "id": room.id,
        "cuid": room.cuid,
        "version": room.version,
        "name": room.name,
        "building": room.building.name,
        "timezone": room.building.timezone,
        "opens_at": room.building.opens_at,
        "closes_at": room.building.closes_at,
        "floor": room.floor or 0,
        "capacity": room.capacity,
        "amenities": room.amenities,
        "images": room.images,
        "is_active": room.is_active,
        "is_locked": room.is_locked,
        "restricted_roles": room.restricted_roles,
    }


def _room_entry(room: RoomV1) -> dict[str, Any]:
    action = "ROOM_CREATED" if room.version == 1 else "ROOM_UPDATED"
    return {
        "id": new_cuid(),
        "actor_user_id": room.changed_by,
        "action_type": action if room.is_active else "ROOM_DEACTIVATED",
        "target_type": "ROOM",
        "target_id": room.cuid,
        "reason": None,
    }


async def on_users(
    session: AsyncSession, events: Sequence[CloudEvent[UserV1]]
) -> list[Refused[UserV1]]:
    """Keep people as they are now, and who changed them."""
    await Users(session).store([_user(event.data) for event in events])
    changed = [event.data for event in events if event.data.changed_by is not None]
    await Audit(session).add([_user_entry(user) for user in changed])
    return []


def _user(user: UserV1) -> dict[str, Any]:
    return {
        "id": user.id,
        "version": user.version,
        "name": user.name,
        "email": user.email,
        "role": user.role,
        "department": user.department,
        "is_active": user.is_active,
    }


def _user_entry(user: UserV1) -> dict[str, Any]:
    action = "USER_CREATED" if user.version == 1 else "USER_UPDATED"
    return {
        "id": new_cuid(),
        "actor_user_id": user.changed_by,
        "action_type": action if user.is_active else "USER_DEACTIVATED",
        "target_type": "USER",
        "target_id": user.id,
        "reason": None,
    }


async def on_snapshots(
    session: AsyncSession, events: Sequence[CloudEvent[SnapshotV1]]
) -> list[Refused[SnapshotV1]]:
    """Keep who has asked for pictures of cameras."""
    await Audit(session).add([_snapshot_entry(event.data) for event in events])
    return []


def _snapshot_entry(snapshot: SnapshotV1) -> dict[str, Any]:
    return {
        "id": new_cuid(),
        "actor_user_id": snapshot.asked_by,
        "action_type": "SNAPSHOT_REQUESTED",
        "target_type": "CAMERA",
        "target_id": str(snapshot.camera_id),
        "reason": None,
        # It may have waited for us.
        "created_at": snapshot.asked_at,
    }


SUBSCRIPTIONS: Sequence[Subscription[Any]] = [
    Subscription(ROOMS, on_rooms),
    Subscription(USERS, on_users),
    Subscription(SNAPSHOTS, on_snapshots),
]
