"""Buildings and amenities: changed, deleted."""

from collections.abc import Mapping
from typing import Any

from common.db import AsyncSession
from common.errors import Invalid, NotFound, invalid_field
from rooms.repository.named import Named
from rooms.repository.rooms import Rooms
from rooms.service.rooms import tell


async def change_named(
    session: AsyncSession, kind: str, entry_id: int, values: Mapping[str, Any], *, by: str | None
) -> dict[str, Any]:
    """Change a building or an amenity; its rooms are told as new versions.

    Args:
        by: the user who wants it.

    Raises:
        NotFound: there is none of this id.
        Invalid: its name is taken, or it would close before it opens.
    """
    entries = Named(session, kind)
    entry = await entries.get(entry_id, lock=True)
    if entry is None:
        raise _no_match(kind)
    check_hours({**entry, **values})
    if not values:
        return entry
    changed = await entries.change(entry_id, values)
    rooms = Rooms(session)
    await rooms.renew([room.id for room in await rooms.of(kind, entry_id)])
    await tell(session, await rooms.of(kind, entry_id), by)
    return changed


async def remove_named(session: AsyncSession, kind: str, entry_id: int) -> None:
    """Delete a building or an amenity.

    Raises:
        NotFound: there is none of this id.
        Invalid: rooms refer to it; they are named.
    """
    entries = Named(session, kind)
    if await entries.get(entry_id, lock=True) is None:
        raise _no_match(kind)
    if not await entries.remove(entry_id):
        names = [room.name for room in await Rooms(session).of(kind, entry_id)]
        shown = ", ".join(names[:20]) + (" …" if len(names) > 20 else "")
        raise Invalid(f"This {kind} is in use by: {shown}.")


def check_hours(building: Mapping[str, Any]) -> None:
    """Refuse a building that closes before it opens.

    Raises:
        Invalid: with the field `closes_at`.
    """
    if "opens_at" in building and building["closes_at"] <= building["opens_at"]:
        raise invalid_field("closes_at", "Closing time must be after opening time.")


def _no_match(kind: str) -> NotFound:
    return NotFound(f"No {kind.capitalize()} matches the given query.")
