"""Watches whether cameras and their edges do well, by heartbeats and by their silence."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from common.db import AsyncSession
from occupancy.equipment import EdgeState, Heartbeat, after, causes_of, message
from occupancy.repository.heartbeats import Heartbeats, Key
from occupancy.service.alerts import Finding, settle

_TYPE: Final = "equipment_failure"


async def take(session: AsyncSession, told: Sequence[Heartbeat]) -> set[int]:
    """Take heartbeats over, in the order in which they came; returns the cameras that are unknown.

    One that comes again changes nothing.
    """
    heartbeats = Heartbeats(session)
    camera_ids = {one.camera_id for one in told}
    known = await heartbeats.known(camera_ids)
    before = await heartbeats.hold(known)
    now = dict(before)
    for one in told:
        if one.camera_id in known:
            key = (one.camera_id, one.edge_id)
            now[key] = after(now.get(key), one)
    changed = {key: state for key, state in now.items() if before.get(key) is not state}
    if changed:
        await heartbeats.store([changed[key] for key in sorted(changed)])
    news = {key[0] for key in changed if _causes(before.get(key)) != now[key].causes}
    await _judge(session, news, now)
    return camera_ids - known


def _causes(state: EdgeState | None) -> frozenset[str]:
    return state.causes if state is not None else frozenset()


async def look_for_silence(
    session: AsyncSession, partitions: Collection[int], after_s: float
) -> None:
    """Raise an alert for each edge that nothing was heard of for too long.

    Args:
        partitions: of the topic, those that were heard to their end all that time.
    """
    heartbeats = Heartbeats(session)
    overdue = await heartbeats.overdue(partitions, after_s) if partitions else {}
    if not overdue:
        return
    camera_ids = {camera_id for camera_id, _ in overdue}
    await heartbeats.hold(camera_ids)
    # Until we held them, one of them may have been heard.
    overdue = await heartbeats.overdue(partitions, after_s)
    is_replaced = [key for key, replaced in overdue.items() if replaced]
    await heartbeats.forget(is_replaced)
    await heartbeats.silence(overdue.keys() - set(is_replaced))
    await _judge(session, camera_ids, await heartbeats.hold(camera_ids))


async def _judge(
    session: AsyncSession, camera_ids: Collection[int], states: Mapping[Key, EdgeState]
) -> None:
    """Raise, change and end the alerts of cameras, by all of the edges that watch them."""
    edges: dict[int, list[EdgeState]] = defaultdict(list)
    for (camera_id, _), state in states.items():
        edges[camera_id].append(state)
    findings = {
        camera_id: Finding(message(edges[camera_id]), causes)
        if (causes := causes_of(edges[camera_id]))
        else None
        for camera_id in camera_ids
    }
    await settle(session, _TYPE, findings)
