"""Reads and writes how cameras do, as their edges say."""

from collections.abc import Collection, Iterable
from dataclasses import asdict, fields
from datetime import timedelta
from typing import Any, Final

from msgspec.json import encode
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    any_,
    delete,
    func,
    literal,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from occupancy.equipment import EdgeState, Heartbeat
from occupancy.tables import cameras, heartbeats

Key = tuple[int, str]  # a camera and an edge
_NAMES: Final = tuple(field.name for field in fields(Heartbeat))
# A camera of which another edge reports has got a new one.
REPLACED_AFTER: Final = timedelta(days=1)
_MOST_AT_ONCE: Final = 1000
_COLUMNS: Final = (*_NAMES, "found", "held", "is_silent")
# One text, however many there are: a statement may not have so many values.
_STORE: Final = text(
    """
    INSERT INTO occupancy.heartbeats (heard_at, {columns})
    SELECT clock_timestamp(), {columns}
    FROM jsonb_populate_recordset(NULL::occupancy.heartbeats, CAST(:told AS jsonb))
    ON CONFLICT (camera_id, edge_id) DO UPDATE SET heard_at = excluded.heard_at, {changed}
    """.format(  # noqa: S608 - names of our own
        columns=", ".join(_COLUMNS),
        changed=", ".join(f"{name} = excluded.{name}" for name in _COLUMNS),
    )
)


class Heartbeats:
    """The last heartbeat of each camera and edge, in the caller's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def known(self, camera_ids: Collection[int]) -> set[int]:
        """Return which of these cameras exist."""
        found = select(cameras.c.id).where(cameras.c.id == any_(_all(camera_ids)))
        return set(await self._session.scalars(found))

    async def last(self) -> list[dict[str, Any]]:
        """List what each edge has last said of each camera."""
        found = select(heartbeats).order_by(heartbeats.c.camera_id, heartbeats.c.edge_id)
        return [dict(row) for row in (await self._session.execute(found)).mappings()]

    async def hold(self, camera_ids: Collection[int]) -> dict[Key, EdgeState]:
        """Return what is known of cameras, which nobody else judges until the transaction ends."""
        found = select(heartbeats).where(heartbeats.c.camera_id == any_(_all(camera_ids)))
        ordered = found.order_by(heartbeats.c.camera_id, heartbeats.c.edge_id).with_for_update()
        return {
            (row.camera_id, row.edge_id): _state(row)
            for row in await self._session.execute(ordered)
        }

    async def store(self, states: Iterable[EdgeState]) -> None:
        """Store what is known now."""
        rows = [
            {
                **asdict(state.last),
                "found": sorted(state.found),
                "held": sorted(state.held),
                "is_silent": state.is_silent,
            }
            for state in states
        ]
        await self._session.execute(_STORE, {"told": encode(rows).decode()})

    async def overdue(self, partitions: Collection[int], after_s: float) -> dict[Key, bool]:
        """Name edges that nothing was heard of for too long, of active cameras; a thousand at most.

        Args:
            partitions: on which they would have been heard.

        Returns:
            of each, whether its camera has got another one meanwhile.
        """
        other = heartbeats.alias()
        has_other = (
            select(other.c.edge_id)
            .where(other.c.camera_id == heartbeats.c.camera_id, ~other.c.is_silent)
            .exists()
        )
        age = func.clock_timestamp() - heartbeats.c.heard_at
        is_replaced = (heartbeats.c.is_silent & (age > REPLACED_AFTER) & has_other).label(
            "replaced"
        )
        found = (
            select(heartbeats.c.camera_id, heartbeats.c.edge_id, is_replaced)
            .join(cameras, cameras.c.id == heartbeats.c.camera_id)
            .where(
                cameras.c.is_active,
                heartbeats.c.partition.in_(partitions),
                age > timedelta(seconds=after_s),
                ~heartbeats.c.is_silent | is_replaced,
            )
        )
        rows = await self._session.execute(found.limit(_MOST_AT_ONCE))
        return {(row.camera_id, row.edge_id): row.replaced for row in rows}

    async def silence(self, keys: Collection[Key]) -> None:
        """Note that nothing was heard of edges for too long."""
        silenced = update(heartbeats).where(_key.in_(keys))
        await self._session.execute(silenced.values(is_silent=True))

    async def forget(self, keys: Collection[Key]) -> None:
        """Forget edges that cameras had before."""
        await self._session.execute(delete(heartbeats).where(_key.in_(keys)))

    async def begin_anew(self, camera_id: int) -> None:
        """Take a camera's edges for well until they are heard or missed again."""
        begun = update(heartbeats).where(heartbeats.c.camera_id == camera_id)
        well = {"found": [], "held": [], "is_silent": False}
        await self._session.execute(begun.values(heard_at=func.clock_timestamp(), **well))


def _all(camera_ids: Collection[int]) -> ColumnElement[list[int]]:
    return literal(list(camera_ids), ARRAY(Integer))


_key = tuple_(heartbeats.c.camera_id, heartbeats.c.edge_id)


def _state(row: Any) -> EdgeState:  # noqa: ANN401 - a row of the table
    last = Heartbeat(**{name: getattr(row, name) for name in _NAMES})
    return EdgeState(last, frozenset(row.found), frozenset(row.held), row.is_silent)
