"""Reads and writes who waits for a camera's picture."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from occupancy.tables import heartbeats, snapshots

Values = Mapping[str, Any]
CHANNEL: Final = "occupancy_snapshots"
REMEMBERED: Final = timedelta(minutes=1)
_now: Final = func.clock_timestamp()
_is_open: Final = snapshots.c.is_open & (snapshots.c.until > _now)


class Snapshots:
    """Who waits for pictures, in the caller's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def of_last_minute(self, camera_id: int) -> tuple[int, bool]:
        """Count a camera's of the last minute, and tell whether one is still waited for.

        Older ones are forgotten.
        """
        of_camera = snapshots.c.camera_id == camera_id
        old = snapshots.c.asked_at < _now - REMEMBERED
        await self._session.execute(delete(snapshots).where(of_camera, old))
        found = select(func.count(), func.coalesce(func.bool_or(_is_open), text("false")))
        row = (await self._session.execute(found.where(of_camera))).one()
        return int(row[0]), bool(row[1])

    async def ask(self, camera_id: int, edge_id: str, holder: str, within: timedelta) -> Values:
        """Store that a process waits for a picture; the edge is told at the commit."""
        asked = insert(snapshots).values(
            camera_id=camera_id, edge_id=edge_id, holder=holder, until=_now + within
        )
        row = (await self._session.execute(asked.returning(snapshots))).mappings().one()
        await self._session.execute(select(func.pg_notify(CHANNEL, str(row["id"]))))
        return dict(row)

    async def end(self, snapshot_id: int) -> None:
        """Note that nobody waits for it any more."""
        ended = update(snapshots).where(snapshots.c.id == snapshot_id).values(is_open=False)
        await self._session.execute(ended)

    async def open_of(self, edge_id: str) -> list[Values]:
        """List what an edge is to take, by id."""
        found = select(snapshots).where(snapshots.c.edge_id == edge_id, _is_open)
        rows = await self._session.execute(found.order_by(snapshots.c.id))
        return [dict(row) for row in rows.mappings()]

    async def holder(self, snapshot_id: int, edge_id: str) -> str | None:
        """Find the process that waits for a picture of an edge."""
        found = select(snapshots.c.holder).where(
            snapshots.c.id == snapshot_id, snapshots.c.edge_id == edge_id, _is_open
        )
        return await self._session.scalar(found)

    async def edges_of(self, snapshot_ids: Sequence[int]) -> set[str]:
        """Return who is to take these."""
        found = select(snapshots.c.edge_id).where(snapshots.c.id.in_(snapshot_ids))
        return set(await self._session.scalars(found))

    async def heard_at(self, camera_id: int, edge_id: str) -> datetime | None:
        """Return when an edge's last heartbeat for a camera came; None: there was none."""
        found = select(heartbeats.c.heard_at).where(
            heartbeats.c.camera_id == camera_id, heartbeats.c.edge_id == edge_id
        )
        return await self._session.scalar(found)
