"""Reads and writes cameras and lines."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from common.errors import Conflict
from occupancy.tables import cameras, lines

Values = Mapping[str, Any]


class Cameras:
    """Cameras and their lines, in the caller's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, values: Values) -> Values:
        """Store a camera.

        Raises:
            Conflict: there is one of this `camera_id`.
        """
        added = insert(cameras).values(values).on_conflict_do_nothing().returning(cameras)
        row = (await self._session.execute(added)).mappings().first()
        if row is None:
            raise Conflict(f"Camera with ID '{values['camera_id']}' already exists")
        return dict(row)

    async def active(self) -> list[Values]:
        """List the cameras that are in use, by id."""
        found = select(cameras).where(cameras.c.is_active).order_by(cameras.c.id)
        return [dict(row) for row in (await self._session.execute(found)).mappings()]

    async def count(self) -> int:
        """Count the cameras, also those that are not in use."""
        return int(await self._session.scalar(select(func.count()).select_from(cameras)) or 0)

    async def capacity(self) -> dict[int, int]:
        """Return for how many people there is room, of the active cameras that say so."""
        found = select(cameras.c.id, cameras.c.max_occupancy).where(
            cameras.c.is_active, cameras.c.max_occupancy.is_not(None)
        )
        return {row.id: row.max_occupancy for row in await self._session.execute(found)}

    async def get(self, camera_id: int, *, lock: bool = False) -> Values | None:
        """Find a camera; ``lock`` holds its row until the transaction ends."""
        found = select(cameras).where(cameras.c.id == camera_id)
        # Who counts refers to the camera, and may go on meanwhile: else the two would deadlock.
        held = found.with_for_update(key_share=True)
        rows = await self._session.execute(held if lock else found)
        row = rows.mappings().first()
        return dict(row) if row else None

    async def change(self, camera_id: int, values: Values) -> Values:
        """Change a camera that exists.

        Raises:
            Conflict: there is another one of this `camera_id`.
        """
        changed = update(cameras).where(cameras.c.id == camera_id).values(values).returning(cameras)
        try:
            async with self._session.begin_nested():
                return dict((await self._session.execute(changed)).mappings().one())
        except IntegrityError as error:
            raise Conflict(f"Camera with ID '{values['camera_id']}' already exists") from error

    async def add_line(self, values: Values) -> Values:
        """Store a line of a camera that exists."""
        added = insert(lines).values(values).returning(lines)
        return dict((await self._session.execute(added)).mappings().one())

    async def lines_of(self, camera_id: int) -> list[Values]:
        """List a camera's lines by id."""
        found = select(lines).where(lines.c.camera_id == camera_id).order_by(lines.c.id)
        return [dict(row) for row in (await self._session.execute(found)).mappings()]

    async def line(self, line_id: int, *, lock: bool = False) -> Values | None:
        """Find a line; ``lock`` holds its row until the transaction ends."""
        found = select(lines).where(lines.c.id == line_id)
        rows = await self._session.execute(found.with_for_update() if lock else found)
        row = rows.mappings().first()
        return dict(row) if row else None

    async def change_line(self, line_id: int, values: Values) -> Values:
        """Change a line that exists."""
        changed = update(lines).where(lines.c.id == line_id).values(values).returning(lines)
        return dict((await self._session.execute(changed)).mappings().one())
