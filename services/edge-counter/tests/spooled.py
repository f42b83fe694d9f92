"""What a spool has given away, held against what it must have."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from common.events import CROSSINGS, DROPPED, DroppedV1
from edge_counter.spool import Entry, Spool


@dataclass
class Topic:
    """Everything that Kafka was given of one camera.

    Args:
        crossings: the bytes of each number.
        gaps: what was said to be missing, in the order it came.
        order: last numbers of crossings and gaps, as they came.
    """

    crossings: dict[int, bytes] = field(default_factory=dict)
    gaps: list[DroppedV1] = field(default_factory=list)
    order: list[int] = field(default_factory=list)

    def take(self, entry: Entry) -> None:
        self.order.append(entry.sequence)
        if entry.topic is DROPPED:
            self.gaps.append(DROPPED.decode(entry.event).data)
            return
        number = CROSSINGS.decode(entry.event).data.sequence
        assert self.crossings.setdefault(number, entry.event) == entry.event, "another content"

    def missing(self) -> set[int]:
        """Return the numbers that are said to be missing."""
        return {
            number
            for gap in self.gaps
            for number in range(gap.first_sequence, gap.last_sequence + 1)
        }

    def check(self) -> None:
        """Every number is there or said to be missing, from the first to the last."""
        known = self.missing() | set(self.crossings)
        assert known == set(range(1, max(known, default=0) + 1))


def drain(spool: Spool, topics: dict[int, Topic], *, most: int = 10**9) -> None:
    """Take everything out of a spool, as the uplink does when Kafka acknowledges."""
    while most > 0 and (entries := spool.oldest(after=0, limit=min(most, 500))):
        spool.about_to_send(entries)
        receive(entries, topics)
        spool.delete_through(entries[-1].position)
        most -= len(entries)


def receive(entries: Iterable[Entry], topics: dict[int, Topic]) -> None:
    for entry in entries:
        topics.setdefault(entry.camera_id, Topic()).take(entry)
