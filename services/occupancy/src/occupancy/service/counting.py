"""How crossings are counted, and what follows from them."""

from collections.abc import Mapping

from common.db import AsyncSession
from occupancy.domain import Crossings
from occupancy.repository import ingest
from occupancy.repository.history import History, Walk
from occupancy.service import levels
from occupancy.service.alerts import judge


async def count_crossings(
    session: AsyncSession, told: Crossings, zone: str = "UTC"
) -> Mapping[int, str]:
    """Store crossings and count those that are new; returns the unknown ones by place, and why.

    The result does not depend on the order of the crossings, nor on how often one comes.

    Args:
        zone: of cameras that are in no room.
    """
    held = await ingest.hold(session, set(told.camera_ids), zone)
    lines = set(zip(told.camera_ids, told.line_ids, strict=True))
    strange = lines - await ingest.watched(session, held)
    unknown: dict[int, str] = {}
    if strange:
        for place, line in enumerate(zip(told.camera_ids, told.line_ids, strict=True)):
            if line[0] not in held:
                unknown[place] = f"Camera {line[0]} not found"
            elif line in strange:
                unknown[place] = f"Line {line[1]} not found"
        told = told.only([place for place in range(len(told)) if place not in unknown])
    if not len(told):
        return unknown
    taken, minutes = await ingest.take(session, told, held)
    if taken:
        history = History(session)
        await history.take_minutes(minutes)
        await history.walk([Walk(one.camera_id, one.since, one.until, one.zone) for one in taken])
        rooms = {one.camera_id: held[one.camera_id].room_id for one in taken}
        await levels.follow(session, [(rooms[one.camera_id], one.last) for one in taken])
        await judge(session, list(rooms))
    return unknown
