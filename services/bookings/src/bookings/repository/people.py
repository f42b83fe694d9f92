"""Reads and writes the copy of people."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from bookings.domain import Person
from bookings.repository.rows import Values, store_newer
from bookings.tables import users

USER_COLUMNS = [column.label(f"user_{column.name}") for column in users.c]


class Users:
    """The copy of people with accounts."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def store(self, rows: Sequence[Values]) -> None:
        """Take over what their owner tells, unless something newer is known."""
        await store_newer(self._session, users, rows)

    async def ensure(self, person: Person) -> None:
        """Know somebody who calls us before the topic has told of them."""
        values = {
            "id": person.id,
            "version": 0,
            "name": person.name,
            "email": person.email,
            "role": person.role,
            "is_active": True,
        }
        await self._session.execute(insert(users).values(values).on_conflict_do_nothing())

    async def find(self, user_ids: Iterable[str]) -> dict[str, Person]:
        """Find people by their ids; who is unknown or disabled is left out."""
        wanted = set(user_ids)
        if not wanted:
            return {}
        found = select(users).where(users.c.id.in_(wanted), users.c.is_active)
        rows = await self._session.execute(found)
        return {row.id: person_of(row) for row in rows}

    async def admins(self) -> list[str]:
        """List the ids of the admins."""
        found = select(users.c.id).where(users.c.role == "ADMIN", users.c.is_active)
        return list(await self._session.scalars(found.order_by(users.c.id)))


def person_of(row: Row[Any], prefix: str = "") -> Person:
    """Make a person of a row whose columns have a prefix."""
    names = ("id", "name", "email", "role", "department")
    return Person(*(getattr(row, f"{prefix}{name}") for name in names))
