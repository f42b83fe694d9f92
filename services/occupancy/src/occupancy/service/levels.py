"""How many people are in rooms, by the cameras at their doors; told whenever it changes."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from common.db import AsyncSession
from common.events import LEVELS, LevelV1
from occupancy.domain import Level
from occupancy.repository.counts import Counts
from occupancy.tables import outbox


async def follow(session: AsyncSession, seen: Iterable[tuple[int | None, datetime]]) -> None:
    """Publish the levels of rooms that people have entered or left.

    Args:
        seen: rooms, and when somebody last crossed at a door of theirs.
    """
    now = datetime.now(UTC)
    measured_at: dict[int, datetime] = {}
    for room_id, last in seen:
        if room_id is not None:
            # An edge's clock may be a little ahead of ours.
            moment = min(last, now)
            measured_at[room_id] = max(measured_at.get(room_id, moment), moment)
    await publish_levels(session, measured_at)


async def publish_levels(session: AsyncSession, measured_at: Mapping[int, datetime]) -> None:
    """Add rooms up, and tell of those whose level is another one now."""
    if not measured_at:
        return
    changed = await Counts(session).add_up_rooms(measured_at)
    messages = [(str(level.room_id), _event(level)) for level in changed]
    await outbox.put_all(session, LEVELS.name, messages)


def _event(level: Level) -> bytes:
    return outbox.encode(
        LEVELS,
        LevelV1(
            room_id=level.room_id,
            version=level.version,
            occupancy=level.occupancy,
            measured_at=level.measured_at,
        ),
        event_id=f"{level.room_id}/{level.version}",
        subject=f"room/{level.room_id}",
        at=level.measured_at,
    )
