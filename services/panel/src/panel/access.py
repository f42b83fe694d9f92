"""Which room a caller may see."""

from collections.abc import Collection
from typing import Final

from common.copies import find_fresh
from common.errors import Forbidden, NotFound, Unavailable
from common.fields import parse_room_id
from common.identity import Identity
from panel.board import Board

NO_ROOM: Final = "Room not found"


async def find_room(board: Board, identity: Identity, room_id: str) -> int:
    """Find the room that is named in a path; one that was made a moment ago is waited for.

    Raises:
        Unavailable: nothing is known yet.
        NotFound: there is none.
        Forbidden: the caller is the panel of another.
    """
    if not board.is_loaded:
        raise Unavailable("Service temporarily unavailable", headers={"retry-after": "1"})
    parsed = parse_room_id(room_id)
    if parsed is None:
        raise NotFound(NO_ROOM)

    async def find(names: Collection[int | str]) -> dict[int | str, int]:
        return {name: found for name in names if (found := board.find(name)) is not None}

    async def newest() -> int:
        return board.newest_room

    found = (await find_fresh(find, {parsed}, newest)).get(parsed)
    if found is None:
        raise NotFound(NO_ROOM)
    if identity.kind == "panel" and identity.room_id not in {None, found}:
        raise Forbidden("This panel is of another room.")
    return found
