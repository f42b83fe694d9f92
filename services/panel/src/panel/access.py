"""Which room a caller may see."""

from common.errors import Forbidden, NotFound, Unavailable
from common.identity import Identity
from panel.board import Board

NO_ROOM = "Room not found"


def find_room(board: Board, identity: Identity, room_id: str) -> int:
    """Find the room that is named in a path.

    Raises:
        Unavailable: nothing is known yet.
        NotFound: there is none.
        Forbidden: the caller is the panel of another.
    """
    if not board.is_loaded:
        raise Unavailable("Service temporarily unavailable", headers={"retry-after": "1"})
    found = board.find(room_id)
    if found is None:
        raise NotFound(NO_ROOM)
    if identity.kind == "panel" and identity.room_id not in {None, found}:
        raise Forbidden("This panel is of another room.")
    return found
