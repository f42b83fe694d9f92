"""Reads and writes alerts."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from occupancy.tables import alerts

Values = Mapping[str, Any]


class Alerts:
    """Alerts, of which a camera has one of a type at a time."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def running(self, camera_ids: Collection[int]) -> set[tuple[int, str]]:
        """Return the cameras and types of the alerts whose cause is not over."""
        found = select(alerts.c.camera_id, alerts.c.alert_type).where(
            alerts.c.camera_id.in_(camera_ids), alerts.c.over_at.is_(None)
        )
        return {(row.camera_id, row.alert_type) for row in await self._session.execute(found)}

    async def add(self, camera_id: int, alert_type: str, people: int, message: str) -> None:
        """Raise an alert, unless there is one."""
        values = {
            "camera_id": camera_id,
            "alert_type": alert_type,
            "current_occupancy": people,
            "message": message,
        }
        await self._session.execute(insert(alerts).values(values).on_conflict_do_nothing())

    async def end(self, camera_id: int, alert_type: str) -> None:
        """Note that an alert's cause is over; it is resolved by that too."""
        now = func.clock_timestamp()
        ended = update(alerts).where(
            alerts.c.camera_id == camera_id,
            alerts.c.alert_type == alert_type,
            alerts.c.over_at.is_(None),
        )
        resolved = func.coalesce(alerts.c.resolved_at, now)
        await self._session.execute(ended.values(over_at=now, resolved_at=resolved))

    async def unresolved(self, camera_id: int | None = None) -> list[Values]:
        """List what nobody has resolved yet, newest first."""
        found = select(alerts).where(alerts.c.resolved_at.is_(None))
        if camera_id is not None:
            found = found.where(alerts.c.camera_id == camera_id)
        found = found.order_by(alerts.c.raised_at.desc(), alerts.c.id.desc())
        return [dict(row) for row in (await self._session.execute(found)).mappings()]

    async def count_unresolved(self) -> int:
        """Count what nobody has resolved yet."""
        counted = select(func.count()).select_from(alerts).where(alerts.c.resolved_at.is_(None))
        return int(await self._session.scalar(counted) or 0)

    async def resolve(self, alert_id: int) -> datetime | None:
        """Mark an alert as resolved; returns since when it is, None if there is none."""
        since = func.coalesce(alerts.c.resolved_at, func.clock_timestamp())
        resolved = update(alerts).where(alerts.c.id == alert_id).values(resolved_at=since)
        moment: datetime | None = await self._session.scalar(
            resolved.returning(alerts.c.resolved_at)
        )
        return moment
