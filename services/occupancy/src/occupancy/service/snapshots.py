"""A picture of a camera for somebody who draws its lines: asked for, taken, shown once."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from common.db import AsyncSession, Database
from common.errors import Conflict, NotFound, TooManyRequests, Unanswered
from common.events import SNAPSHOTS, SnapshotV1
from common.identity import Identity
from occupancy.desk import Desk, Picture
from occupancy.repository.snapshots import REMEMBERED, Snapshots
from occupancy.service import cameras
from occupancy.settings import Settings
from occupancy.tables import outbox

Values = Mapping[str, Any]
MOST_A_MINUTE: Final = 6
# An edge is answered after this, also when there is nothing to take.
LISTENED_S: Final = 20.0
_SECONDS: Final = str(int(REMEMBERED.total_seconds()))


async def ask(
    database: Database, desk: Desk, settings: Settings, identity: Identity, camera_id: int
) -> Picture:
    """Ask a camera's edge for a picture and wait for it; who asked is audited.

    Returns:
        the picture; its size is that in which lines are drawn.

    Raises:
        NotFound: there is no such camera.
        Conflict: nobody can take one, somebody else waits for one, or the edge will not.
        TooManyRequests: there were enough in the last minute.
        Unanswered: none came in time.
    """
    within = timedelta(seconds=settings.snapshot_within_s)
    async with database.sessions() as session:
        # Who asks for the same camera at the same time waits here.
        camera = await cameras.get_camera(session, camera_id, lock=True)
        edge_id = _edge_of(camera)
        snapshots = Snapshots(session)
        asked, is_open = await snapshots.of_last_minute(camera_id)
        if is_open:
            raise Conflict(f"Somebody waits for a picture of camera {camera_id}: ask again soon")
        if asked >= MOST_A_MINUTE:
            raise TooManyRequests(
                f"A camera gives {MOST_A_MINUTE} pictures a minute at most",
                headers={"retry-after": _SECONDS},
            )
        row = await snapshots.ask(camera_id, edge_id, desk.address, within)
        await _audit(session, row, identity)
        # The edge may be quicker than the commit's answer.
        with desk.waiting(row["id"], edge_id) as answer:
            await session.commit()
            try:
                async with asyncio.timeout(settings.snapshot_within_s):
                    given = await answer
            except TimeoutError:
                await end(database, row["id"])
                raise await _unanswered(database, settings, camera, edge_id) from None
    if given == "forbidden":
        raise Conflict(f"The edge {edge_id} gives no pictures: its host says EDGE_SNAPSHOTS=0")
    if given == "no_picture":
        raise Conflict(
            f"The edge {edge_id} gets no picture from camera {camera_id} now: see its alerts"
        )
    width_px, height_px = camera["resolution_width"], camera["resolution_height"]
    return Picture(given.jpeg, width_px or given.width_px, height_px or given.height_px)


def _edge_of(camera: Values) -> str:
    if not camera["is_active"]:
        raise Conflict(f"Camera {camera['id']} is not in use: set is_active first")
    if camera["edge_id"] is None:
        raise Conflict(f"No edge-counter watches camera {camera['id']}: set its edge_id first")
    return str(camera["edge_id"])


async def _audit(session: AsyncSession, row: Values, identity: Identity) -> None:
    assert identity.id is not None  # noqa: S101 - the gateway lets nobody else in
    await outbox.publish(
        session,
        SNAPSHOTS,
        SnapshotV1(
            id=row["id"],
            camera_id=row["camera_id"],
            edge_id=row["edge_id"],
            asked_by=identity.id,
            asked_at=row["asked_at"],
        ),
        key=row["camera_id"],
        event_id=str(row["id"]),
        subject=f"camera/{row['camera_id']}",
        at=row["asked_at"],
    )


async def end(database: Database, snapshot_id: int) -> None:
    """Note that nobody waits for it any more, so that its edge is not told of it again."""
    async with database.sessions.begin() as session:
        await Snapshots(session).end(snapshot_id)


async def _unanswered(
    database: Database, settings: Settings, camera: Values, edge_id: str
) -> Unanswered:
    async with database.sessions() as session:
        heard_at = await Snapshots(session).heard_at(camera["id"], edge_id)
    if heard_at is None:
        return Unanswered(
            f"The edge {edge_id} has never been heard of for camera {camera['id']}: start its"
            " edge-counter, or correct the camera's edge_id"
        )
    since = heard_at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    if datetime.now(UTC) - heard_at > timedelta(seconds=settings.silent_after_s):
        return Unanswered(
            f"The edge {edge_id} has not been heard from since {since}: see that its host runs and"
            " has a network"
        )
    return Unanswered(
        f"The edge {edge_id} runs (heard at {since}) and sent no picture: see that its EDGE_API_URL"
        f" leads here, and that its EDGE_DEVICE_TOKEN is of a device named {edge_id}"
    )


async def wanted_of(database: Database, desk: Desk, edge_id: str) -> Sequence[Values]:
    """Wait until an edge is to take pictures, for a while; who asks after it asks again."""
    async with desk.listening(edge_id) as told:
        found = await _open_of(database, edge_id)
        if not found and not desk.is_closed:
            try:
                async with asyncio.timeout(LISTENED_S):
                    await told.wait()
            except TimeoutError:
                return []
            found = await _open_of(database, edge_id)
    return found


async def _open_of(database: Database, edge_id: str) -> Sequence[Values]:
    async with database.sessions() as session:
        return await Snapshots(session).open_of(edge_id)


async def elsewhere(database: Database, desk: Desk, snapshot_id: int, edge_id: str) -> str:
    """Find the other process in which somebody waits for an edge's picture.

    Raises:
        NotFound: nobody does, or not any more, or for another edge's.
    """
    async with database.sessions() as session:
        holder = await Snapshots(session).holder(snapshot_id, edge_id)
    if holder is None or holder == desk.address:
        raise nobody_waits(snapshot_id)
    return holder


def nobody_waits(snapshot_id: int) -> NotFound:
    return NotFound(f"Nobody waits for the snapshot {snapshot_id}")
