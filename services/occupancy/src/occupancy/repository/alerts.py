"""Reads and writes alerts."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    Integer,
    Text,
    and_,
    any_,
    case,
    cast,
    func,
    literal,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from occupancy.tables import alerts, cameras

Values = Mapping[str, Any]
Key = tuple[int, str]  # a camera and a type of alert

_END = {
    "over_at": func.clock_timestamp(),
    "resolved_at": func.coalesce(alerts.c.resolved_at, func.clock_timestamp()),
    "version": alerts.c.version + 1,
}


class Alerts:
    """Alerts, of which a camera has one of a type at a time.

    What is written is returned as it then stands; its version has counted up.
    """

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def running(
        self, camera_ids: Collection[int] | None = None, *, hold: bool = False
    ) -> dict[int, dict[str, frozenset[str]]]:
        """Return the causes of the alerts that are not over, by active camera and type.

        Args:
            camera_ids: None: of all cameras.
            hold: let the cameras stay in use until the transaction ends.
        """
        is_running = and_(alerts.c.camera_id == cameras.c.id, alerts.c.over_at.is_(None))
        found = (
            select(cameras.c.id, alerts.c.alert_type, alerts.c.causes)
            .outerjoin(alerts, is_running)
            .where(cameras.c.is_active)
        )
        if camera_ids is not None:
            found = found.where(cameras.c.id == any_(literal(sorted(camera_ids), ARRAY(Integer))))
        if hold:
            found = found.order_by(cameras.c.id).with_for_update(read=True, of=cameras)
        running: dict[int, dict[str, frozenset[str]]] = {}
        for row in await self._session.execute(found):
            of_camera = running.setdefault(row.id, {})
            if row.alert_type is not None:
                of_camera[row.alert_type] = frozenset(row.causes)
        return running

    async def add(self, rows: Sequence[Values]) -> list[Values]:
        """Raise alerts, but those of which there is one."""
        added = insert(alerts).on_conflict_do_nothing().returning(alerts)
        # As parameters: a statement of values may not have so many.
        return [dict(row) for row in (await self._session.execute(added, rows)).mappings()]

    async def change(self, key: Key, message: str, causes: Sequence[str]) -> list[Values]:
        """Give an alert other causes; if there is a new one, nobody has resolved it yet."""
        is_known = alerts.c.causes.bool_op("@>")(cast(causes, ARRAY(Text)))
        changed = update(alerts).where(
            alerts.c.camera_id == key[0],
            alerts.c.alert_type == key[1],
            alerts.c.over_at.is_(None),
        )
        values = {
            "message": message,
            "causes": causes,
            "resolved_at": case((is_known, alerts.c.resolved_at)),
            "version": alerts.c.version + 1,
        }
        rows = await self._session.execute(changed.values(values).returning(alerts))
        return [dict(row) for row in rows.mappings()]

    async def end(self, keys: Collection[Key]) -> list[Values]:
        """Note that the causes of alerts are over; they are resolved by that too."""
        key = tuple_(alerts.c.camera_id, alerts.c.alert_type)
        ended = update(alerts).where(key.in_(keys), alerts.c.over_at.is_(None))
        rows = await self._session.execute(ended.values(_END).returning(alerts))
        return [dict(row) for row in rows.mappings()]

    async def end_all(self, camera_id: int) -> list[Values]:
        """Note that whatever there was with a camera is over."""
        ended = update(alerts).where(alerts.c.camera_id == camera_id, alerts.c.over_at.is_(None))
        rows = await self._session.execute(ended.values(_END).returning(alerts))
        return [dict(row) for row in rows.mappings()]

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

    async def resolve(self, alert_id: int) -> Values | None:
        """Mark an alert as resolved; None if there is none, or if it was."""
        resolved = update(alerts).where(alerts.c.id == alert_id, alerts.c.resolved_at.is_(None))
        values = {"resolved_at": func.clock_timestamp(), "version": alerts.c.version + 1}
        rows = await self._session.execute(resolved.values(values).returning(alerts))
        row = rows.mappings().first()
        return dict(row) if row else None

    async def resolved_at(self, alert_id: int) -> datetime | None:
        """Return since when an alert is resolved."""
        found = select(alerts.c.resolved_at).where(alerts.c.id == alert_id)
        moment: datetime | None = await self._session.scalar(found)
        return moment
