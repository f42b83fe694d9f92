"""Crossings that were given up: which, how many each way, and when they were."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal, Self

import msgspec

from common.events import DROPPED, CrossingV1, DroppedV1
from edge_counter.counting import Direction

Reason = Literal["spool_full", "spool_broken"]


@dataclass(frozen=True, slots=True)
class Loss:
    """Crossings that are gone.

    Args:
        first_at, last_at: when the first and the last of them were.
    """

    entries: int
    exits: int
    first_at: datetime
    last_at: datetime

    @classmethod
    def of(cls, crossings: Iterable[tuple[Direction, datetime]]) -> Self:
        """Sum crossings up, of which there is at least one."""
        directions, instants = zip(*crossings, strict=True)
        each = Counter(directions)
        return cls(each["entry"], each["exit"], min(instants), max(instants))

    @property
    def crossings(self) -> int:
        return self.entries + self.exits

    def and_then(self, later: "Loss") -> "Loss":
        return replace(
            self,
            entries=self.entries + later.entries,
            exits=self.exits + later.exits,
            first_at=min(self.first_at, later.first_at),
            last_at=max(self.last_at, later.last_at),
        )


def loss_of(crossings: Iterable[CrossingV1]) -> Loss:
    return Loss.of((one.direction, one.crossed_at) for one in crossings)


def gap(
    edge_id: str, camera_id: int, first: int, last: int, *, reason: Reason, loss: Loss | None = None
) -> DroppedV1:
    """Describe numbers whose crossings will not come.

    Args:
        loss: what they were; None: nobody knows.
    """
    return DroppedV1(
        edge_id=edge_id,
        camera_id=camera_id,
        first_sequence=first,
        last_sequence=last,
        entries=loss.entries if loss else None,
        exits=loss.exits if loss else None,
        first_crossed_at=loss.first_at if loss else None,
        last_crossed_at=loss.last_at if loss else None,
        dropped_at=datetime.now(UTC),
        reason=reason,
    )


def merged(one: DroppedV1, later: DroppedV1) -> DroppedV1:
    """Join a gap with the one that follows it, of the same reason and with known losses."""
    assert one.entries is not None  # noqa: S101 - only full spools' gaps are merged
    assert one.exits is not None  # noqa: S101
    return msgspec.structs.replace(
        later,
        first_sequence=one.first_sequence,
        entries=one.entries + (later.entries or 0),
        exits=one.exits + (later.exits or 0),
        first_crossed_at=min(filter(None, (one.first_crossed_at, later.first_crossed_at))),
        last_crossed_at=max(filter(None, (one.last_crossed_at, later.last_crossed_at))),
    )


def encoded(dropped: DroppedV1) -> bytes:
    """Write a gap as it stands on its topic; the same gap gives the same bytes."""
    numbers = f"{dropped.first_sequence}-{dropped.last_sequence}"
    return DROPPED.encode(
        dropped,
        event_id=f"{dropped.edge_id}/{dropped.camera_id}/{numbers}/dropped",
        source=f"edge/{dropped.edge_id}",
        subject=f"camera/{dropped.camera_id}",
        at=dropped.dropped_at,
    )
