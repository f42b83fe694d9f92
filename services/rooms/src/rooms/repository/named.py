"""Buildings and amenities: things with a name that rooms refer to."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from common.errors import invalid_field
from common.paging import Slice
from rooms.tables import amenities, buildings

_NAMED: Final = {"location": buildings, "amenity": amenities}


class Named:
    """Buildings or amenities: things with a name that rooms refer to.

    Args:
        kind: `location` or `amenity`, as `directory` calls them.
    """

    def __init__(self, session: AsyncSession, kind: str) -> None:
        self._session = session
        self._kind = kind
        self._table = _NAMED[kind]

    async def count(self) -> int:
        """Count all of them."""
        return int(await self._session.scalar(select(func.count()).select_from(self._table)) or 0)

    async def find(self, part: Slice) -> list[dict[str, Any]]:
        """List a part of them by id."""
        found = select(self._table).order_by(self._table.c.id)
        rows = await self._session.execute(found.offset(part.offset).limit(part.limit))
        return [dict(row) for row in rows.mappings()]

    async def get(self, entry_id: int, *, lock: bool = False) -> dict[str, Any] | None:
        """Find one; ``lock`` holds its row until the transaction ends."""
        found = select(self._table).where(self._table.c.id == entry_id)
        rows = await self._session.execute(found.with_for_update() if lock else found)
        row = rows.mappings().first()
        return dict(row) if row else None

    async def missing(self, entry_ids: Iterable[int]) -> list[int]:
        """Tell which of these ids there are none of; the others stay until the transaction ends."""
        wanted = set(entry_ids)
        found = (
            select(self._table.c.id)
            .where(self._table.c.id.in_(wanted))
            .with_for_update(key_share=True, read=True)
        )
        return sorted(wanted - set(await self._session.scalars(found)))

    async def add(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Store one.

        Raises:
            Invalid: there is one of this name.
        """
        added = insert(self._table).values(values).on_conflict_do_nothing().returning(self._table)
        row = (await self._session.execute(added)).mappings().first()
        if row is None:
            raise self._name_taken()
        return dict(row)

    async def ensure(self, names: Sequence[str], values: Mapping[str, Any]) -> list[int]:
        """Return the ids of these names; those that there are none of are made.

        Args:
            values: of the other columns of what is made.
        """
        columns = self._table.c
        # All who make the same names at once wait for each other in one order.
        rows = [{"name": name, **values} for name in sorted(set(names))]
        ids: dict[str, int] = {}
        while not ids.keys() >= set(names):
            await self._session.execute(insert(self._table).values(rows).on_conflict_do_nothing())
            # One may have been deleted between the two; those that are held stay.
            held = (
                select(columns.name, columns.id)
                .where(columns.name.in_(set(names)))
                .order_by(columns.id)
                .with_for_update(key_share=True, read=True)
            )
            ids = {row.name: row.id for row in await self._session.execute(held)}
        return [ids[name] for name in names]

    async def change(self, entry_id: int, values: Mapping[str, Any]) -> dict[str, Any]:
        """Change one that exists.

        Raises:
            Invalid: there is another one of this name.
        """
        changed = (
            update(self._table)
            .where(self._table.c.id == entry_id)
            .values(values)
            .returning(self._table)
        )
        try:
            async with self._session.begin_nested():
                return dict((await self._session.execute(changed)).mappings().one())
        except IntegrityError as error:
            raise self._name_taken() from error

    async def remove(self, entry_id: int) -> bool:
        """Delete one; False if a room refers to it."""
        try:
            async with self._session.begin_nested():
                await self._session.execute(delete(self._table).where(self._table.c.id == entry_id))
        except IntegrityError:
            return False
        return True

    def _name_taken(self) -> Exception:
        return invalid_field("name", f"{self._kind} with this name already exists.")
