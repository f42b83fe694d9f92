"""Where those who wait for a camera's picture and those who bring one meet: in memory only.

A picture goes from the edge's request to the operator's answer and is kept nowhere. Postgres knows
who waits where, and tells the edges' waiting requests of every process (docs/adr/0029).
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Final, Literal

import httpx

from common.db import Database
from common.errors import Unavailable
from common.follower import Follower
from occupancy.repository.snapshots import CHANNEL, Snapshots

# Between two processes of ours.
_FORWARD_WITHIN_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture, and the size in which the camera gave it.

    Args:
        jpeg: may be smaller than that.
    """

    jpeg: bytes = field(repr=False)
    width_px: int
    height_px: int


Refusal = Literal["forbidden", "no_picture"]


@dataclass(frozen=True, slots=True)
class _Waiter:
    edge_id: str
    answer: "asyncio.Future[Picture | Refusal]"


class Desk:
    """Of one process.

    Args:
        address: at which other processes of this service reach it.
    """

    def __init__(self, database: Database, address: str) -> None:
        self._database = database
        self.address = address
        self._waiters: dict[int, _Waiter] = {}
        self._listening: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._follower = Follower(database, CHANNEL, self._tell)
        self.is_closed = False

    async def run(self) -> None:
        """Hear of requests until cancelled; an outage is waited out."""
        await self._follower.run()

    def close(self) -> None:
        """End all waiting: the process is about to end."""
        self.is_closed = True
        for waiter in self._waiters.values():
            if not waiter.answer.done():
                waiter.answer.set_exception(Unavailable("This process ends: ask again"))
        for events in self._listening.values():
            for event in events:
                event.set()

    @contextmanager
    def waiting(
        self, snapshot_id: int, edge_id: str
    ) -> "Iterator[asyncio.Future[Picture | Refusal]]":
        """Wait for a picture that only this edge may bring."""
        waiter = _Waiter(edge_id, asyncio.get_running_loop().create_future())
        self._waiters[snapshot_id] = waiter
        try:
            yield waiter.answer
        finally:
            self._waiters.pop(snapshot_id, None)
            waiter.answer.cancel()

    def hand_over(self, snapshot_id: int, edge_id: str, answer: Picture | Refusal) -> bool:
        """Give the one who waits what was brought; tell whether somebody did."""
        waiter = self._waiters.get(snapshot_id)
        if waiter is None or waiter.edge_id != edge_id or waiter.answer.done():
            return False
        waiter.answer.set_result(answer)
        return True

    @asynccontextmanager
    async def listening(self, edge_id: str) -> AsyncIterator[asyncio.Event]:
        """Hear of the next request for pictures of an edge."""
        told = asyncio.Event()
        self._listening[edge_id].add(told)
        try:
            yield told
        finally:
            self._listening[edge_id].discard(told)
            if not self._listening[edge_id]:
                del self._listening[edge_id]

    async def _tell(self, snapshot_ids: Sequence[int] | None) -> None:
        if snapshot_ids is None:
            edge_ids = set(self._listening)
        else:
            async with self._database.sessions() as session:
                edge_ids = await Snapshots(session).edges_of(snapshot_ids)
        for edge_id in edge_ids & set(self._listening):
            for event in self._listening[edge_id]:
                event.set()


async def forward(
    holder: str, method: str, target: str, *, headers: dict[str, str], body: bytes
) -> bool:
    """Pass a call on to the process that somebody waits in, as it came; tell whether it took it.

    Args:
        target: path and query.
        headers: with the caller's signed identity, which is good for this call and no other.
    """
    try:
        async with httpx.AsyncClient(timeout=_FORWARD_WITHIN_S, trust_env=False) as client:
            reply = await client.request(method, f"{holder}{target}", headers=headers, content=body)
    except httpx.HTTPError:
        return False  # it has ended, and who waited there was told
    return reply.is_success
