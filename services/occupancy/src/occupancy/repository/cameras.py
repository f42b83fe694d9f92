"""Reads and writes cameras and lines."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import DateTime, delete, func, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from common.errors import Conflict
from occupancy.domain import CameraType, LineDirection, counted_directions
from occupancy.tables import cameras, lines, streams, watches

Values = Mapping[str, Any]
_BEFORE_ALL: Final = literal_column("'-infinity'::timestamptz", DateTime(timezone=True))
_FOR_EVER: Final = literal_column("'infinity'::timestamptz", DateTime(timezone=True))


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

    async def all(self) -> list[Values]:
        """List all cameras, by id."""
        rows = await self._session.execute(select(cameras).order_by(cameras.c.id))
        return [dict(row) for row in rows.mappings()]

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
        counted = {**values, "version": cameras.c.version + 1}
        changed = (
            update(cameras).where(cameras.c.id == camera_id).values(counted).returning(cameras)
        )
        try:
            async with self._session.begin_nested():
                return dict((await self._session.execute(changed)).mappings().one())
        except IntegrityError as error:
            raise Conflict(f"Camera with ID '{values['camera_id']}' already exists") from error

    async def add_line(self, values: Values) -> Values:
        """Store a line of a camera that exists."""
        added = insert(lines).values(values).returning(lines)
        return dict((await self._session.execute(added)).mappings().one())

    async def watch(self, camera_id: int) -> None:
        """Note how a camera's lines count from now on, those that count otherwise than before.

        A line's first watch begins before anything: an edge may be quicker than our clock.
        """
        now = datetime.now(UTC)
        found = select(
            lines.c.id,
            lines.c.direction,
            lines.c.confidence_threshold,
            cameras.c.camera_type,
            (lines.c.is_active & cameras.c.is_active).label("is_active"),
        ).join(cameras, cameras.c.id == lines.c.camera_id)
        known = {
            row.line_id: row
            for row in await self._session.execute(
                select(watches).where(
                    watches.c.camera_id == camera_id, watches.c.until == _FOR_EVER
                )
            )
        }
        for line in await self._session.execute(found.where(lines.c.camera_id == camera_id)):
            counted = (
                counted_directions(CameraType(line.camera_type), LineDirection(line.direction))
                if line.is_active
                else set()
            )
            values = {
                "entries": "entry" in counted,
                "exits": "exit" in counted,
                "confidence_threshold": line.confidence_threshold,
            }
            before = known.get(line.id)
            if before is not None:
                if all(getattr(before, name) == value for name, value in values.items()):
                    continue
                of_line = (watches.c.line_id == line.id, watches.c.since == before.since)
                await self._session.execute(update(watches).where(*of_line).values(until=now))
            since = now if before is not None else _BEFORE_ALL
            values |= {"line_id": line.id, "camera_id": camera_id, "since": since}
            await self._session.execute(insert(watches).values(**values, until=_FOR_EVER))

    async def of_edge(self, edge_id: str) -> list[Values]:
        """List the active cameras that an edge-counter watches, by id."""
        found = select(cameras).where(cameras.c.edge_id == edge_id, cameras.c.is_active)
        rows = await self._session.execute(found.order_by(cameras.c.id))
        return [dict(row) for row in rows.mappings()]

    async def lines_of_all(self, camera_ids: Collection[int]) -> list[Values]:
        """List the lines of cameras, by id."""
        found = select(lines).where(lines.c.camera_id.in_(camera_ids)).order_by(lines.c.id)
        return [dict(row) for row in (await self._session.execute(found)).mappings()]

    async def streams_of(self, camera_ids: Collection[int]) -> dict[int, bytes]:
        """Return where the pictures of cameras come from, sealed, of those that say so."""
        found = select(streams).where(streams.c.camera_id.in_(camera_ids))
        return {row.camera_id: row.url for row in await self._session.execute(found)}

    async def set_stream(self, camera_id: int, sealed: bytes | None) -> None:
        """Store where the pictures of a camera come from; None: nobody says so."""
        if sealed is None:
            gone = delete(streams).where(streams.c.camera_id == camera_id)
            await self._session.execute(gone)
            return
        told = insert(streams).values(camera_id=camera_id, url=sealed)
        keys, changed = [streams.c.camera_id], {"url": told.excluded.url}
        await self._session.execute(told.on_conflict_do_update(index_elements=keys, set_=changed))

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
