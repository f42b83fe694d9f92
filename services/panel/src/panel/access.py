"""Which room a caller may see."""

import asyncio
import time
from typing import Final

from common.errors import Forbidden, NotFound, Unavailable
from common.identity import Identity
from common.ids import age_of_cuid, is_cuid
from panel.board import Board

NO_ROOM: Final = "Room not found"
# A room that was made just now may be a moment ahead of its event.
_FRESH_S: Final = 60.0
_FRESH_IDS: Final = 1000
_WAIT_FOR_FRESH_S: Final = 2.0


async def find_room(board: Board, identity: Identity, room_id: str) -> int:
    """Find the room that is named in a path; one that was made a moment ago is waited for.

    Raises:
        Unavailable: nothing is known yet.
        NotFound: there is none.
        Forbidden: the caller is the panel of another.
    """
    if not board.is_loaded:
        raise Unavailable("Service temporarily unavailable", headers={"retry-after": "1"})
    found = board.find(room_id)
    deadline = time.monotonic() + (_WAIT_FOR_FRESH_S if _may_be_fresh(board, room_id) else 0.0)
    while found is None and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
        found = board.find(room_id)
    if found is None:
        raise NotFound(NO_ROOM)
    if identity.kind == "panel" and identity.room_id not in {None, found}:
        raise Forbidden("This panel is of another room.")
    return found


def _may_be_fresh(board: Board, room_id: str) -> bool:
    if is_cuid(room_id):
        return -_FRESH_S < age_of_cuid(room_id) < _FRESH_S
    is_number = room_id.isascii() and room_id.isdecimal() and len(room_id) < 11
    return is_number and 0 < int(room_id) - board.newest_room <= _FRESH_IDS
