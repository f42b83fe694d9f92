"""Finds rooms, for what the gateway keeps of devices at their doors."""

import re
from http import HTTPStatus
from typing import Final

import httpx

from common.contracts import Contract
from common.errors import Unavailable
from common.identity import Identity
from gateway.asking import ask
from gateway.auth import Authenticator, Principal
from gateway.routes import ANYONE, Route
from gateway.upstream import Upstream

_ID: Final = re.compile(r"[A-Za-z0-9]{1,64}")


class RoomDirectory:
    """The rooms that the rooms service knows.

    Args:
        upstream: that service.
        authenticator: signs the questions.
    """

    def __init__(self, upstream: Upstream, authenticator: Authenticator) -> None:
        self._upstream = upstream
        self._authenticator = authenticator

    async def find(self, room_id: str, identity: Identity) -> int | None:
        """Return a room's integer id, as somebody sees it, by either of its ids; None: no room.

        Raises:
            Unavailable: the service does not answer.
        """
        if not _ID.fullmatch(room_id):
            return None
        path = f"/api/rooms/{room_id}/"
        route = Route(
            path=path, service="rooms", contract=Contract.DIRECTORY, read=ANYONE, write=ANYONE
        )
        try:
            reply = await ask(self._upstream, self._authenticator, Principal(identity), route)
            if reply.status_code == HTTPStatus.NOT_FOUND:
                return None
            return int(reply.raise_for_status().json()["id"])
        except httpx.HTTPError as error:
            raise Unavailable("Rooms cannot be looked up now.") from error
