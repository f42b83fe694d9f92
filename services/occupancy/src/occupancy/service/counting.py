"""How crossings are counted, and what follows from them."""

from collections.abc import Sequence

from common.db import AsyncSession
from occupancy.domain import Crossing, counts, tally
from occupancy.repository.counts import Counts
from occupancy.service import history, levels
from occupancy.service.alerts import judge


async def count_crossings(
    session: AsyncSession, crossings: Sequence[Crossing], zone: str = "UTC"
) -> dict[Crossing, str]:
    """Store crossings and count those that are new; returns the unknown ones, and why.

    The result does not depend on the order of the crossings, nor on how often one comes.

    Args:
        zone: of cameras that are in no room.
    """
    repository = Counts(session)
    watches = await repository.watches(crossing.camera_id for crossing in crossings)
    unknown: dict[Crossing, str] = {}
    counted: dict[Crossing, bool] = {}
    for crossing in crossings:
        if crossing.camera_id not in watches:
            unknown[crossing] = f"Camera {crossing.camera_id} not found"
        elif (watch := watches[crossing.camera_id].get(crossing.line_id)) is None:
            unknown[crossing] = f"Line {crossing.line_id} not found"
        else:
            counted[crossing] = counts(crossing, watch)
    if counted:
        fresh = [crossing for crossing in await repository.add(counted) if counted[crossing]]
        if fresh:
            await repository.add_up(tally(fresh), await repository.add_tracks(fresh))
            await repository.move(fresh)
            await history.follow(session, fresh, zone)
            await levels.follow(session, fresh)
            await judge(session, {one.camera_id for one in fresh})
    return unknown
