"""What a crossing counts for. No I/O, no framework."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Final, Literal

Direction = Literal["entry", "exit"]


class CameraType(StrEnum):
    """Which crossings a camera is there for."""

    ENTRY_ONLY = "entry_only"
    EXIT_ONLY = "exit_only"
    BIDIRECTIONAL = "bidirectional"


class LineDirection(StrEnum):
    """Which crossings a line is there for."""

    ENTRY = "entry"
    EXIT = "exit"
    BIDIRECTIONAL = "bidirectional"


_COUNTED_BY_CAMERA: Final[dict[CameraType, set[Direction]]] = {
    CameraType.ENTRY_ONLY: {"entry"},
    CameraType.EXIT_ONLY: {"exit"},
    CameraType.BIDIRECTIONAL: {"entry", "exit"},
}
_COUNTED_BY_LINE: Final[dict[LineDirection, set[Direction]]] = {
    LineDirection.ENTRY: {"entry"},
    LineDirection.EXIT: {"exit"},
    LineDirection.BIDIRECTIONAL: {"entry", "exit"},
}


def counted_directions(camera: CameraType, line: LineDirection) -> set[Direction]:
    """Tell which crossings count, by what a camera and its line are there for."""
    return _COUNTED_BY_CAMERA[camera] & _COUNTED_BY_LINE[line]


# An edge whose clock has lost its battery may say anything.
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FAR: Final = datetime(2200, 1, 1, tzinfo=UTC)
# What is said to have been longer before its arrival, or longer after it, was not then.
LATEST: Final = timedelta(days=90)
AHEAD: Final = timedelta(minutes=1)


# Stands between names that go to the database as one text; no name has control characters.
SEPARATOR: Final = "\x1f"


@dataclass(frozen=True)
class Crossings:
    """Crossings, a list for each of their fields: thousands come at once.

    Args:
        edge_ids, sequences: with the camera, what names a crossing once and for all.
        track_ids: the edge's name for the person, unique per edge and run.
        confidences: of the detections, 0 to 1.
        crossed_at: aware, by the clock of the edge.
        arrived_ms: milliseconds since 1970 at which the broker took it.
    """

    camera_ids: Sequence[int]
    edge_ids: Sequence[str]
    sequences: Sequence[int]
    line_ids: Sequence[int]
    directions: Sequence[Direction]
    track_ids: Sequence[str]
    confidences: Sequence[float]
    crossed_at: Sequence[datetime]
    arrived_ms: Sequence[int]

    def __len__(self) -> int:
        return len(self.camera_ids)

    @cached_property
    def was_in_time(self) -> bool:
        """Whether no edge's clock can be told to be wrong."""
        first, last = _moment(min(self.arrived_ms)), _moment(max(self.arrived_ms))
        return min(self.crossed_at) >= last - LATEST and max(self.crossed_at) <= first + AHEAD

    @cached_property
    def dated(self) -> Sequence[datetime]:
        """When each was, as far as can be believed: else when it arrived."""
        if self.was_in_time:
            return self.crossed_at
        arrived = [_moment(ms) for ms in self.arrived_ms]
        return [
            told if came - LATEST <= told <= came + AHEAD else came
            for told, came in zip(self.crossed_at, arrived, strict=True)
        ]

    def only(self, places: Sequence[int]) -> "Crossings":
        """Return some of them."""
        columns = (getattr(self, field.name) for field in fields(self))
        return Crossings(*([column[at] for at in places] for column in columns))


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def datable(moments: Sequence[datetime]) -> Sequence[datetime]:
    """Return moments that every part of the system can write; one beyond is as wrong as before."""
    if min(moments) >= _EPOCH and max(moments) <= _FAR:
        return moments
    return [min(max(one, _EPOCH), _FAR) for one in moments]


# Of a hundred crossings at a good door, so many are missed or made up: others publish 2 to 5, and
# and what others publish: 95 to 98 of 100 are right).
WRONG: Final = 0.03


@dataclass(frozen=True, slots=True)
class Live:
    """How many people are in a camera's area.

    Args:
        entries, exits: counted since the camera exists.
        net: entries minus exits since somebody last corrected it, which may be below 0.
        unique_persons: distinct tracks among them.
        crossed: crossings since that correction.
        lost: crossings since then that an edge had to give up.
        room_id: of the room at whose door the camera is.
        updated_at: when one of these last changed, timezone-aware.
    """

    camera_id: int
    is_active: bool
    room_id: int | None
    entries: int
    exits: int
    net: int
    unique_persons: int
    crossed: int
    lost: int
    updated_at: datetime

    @property
    def occupancy(self) -> int:
        """People there now: never below 0, whatever was missed on the way in."""
        return max(0, self.net)

    @property
    def error(self) -> int:
        """How far the count may be off, in 19 of 20 cases; 0 right after a correction.

        Each crossing is wrong by one with a chance of `WRONG`, so that the variance of their sum
        is WRONG for each; two standard deviations. What was given up may have gone all one way.
        """
        return math.ceil(2 * math.sqrt(WRONG * self.crossed)) + self.lost

    @property
    def low(self) -> int:
        """The fewest people that may be there."""
        return max(0, self.net - self.error)

    @property
    def high(self) -> int:
        """The most people that may be there."""
        return max(0, self.net + self.error)


def people_in(cameras: Iterable[Live]) -> int:
    """Add areas up; the cameras at doors of one room are one, whoever comes by which."""
    by_area: dict[tuple[str, int], int] = defaultdict(int)
    for camera in cameras:
        area = ("camera", camera.camera_id) if camera.room_id is None else ("room", camera.room_id)
        by_area[area] += camera.net
    return sum(max(0, net) for net in by_area.values())


@dataclass(frozen=True, slots=True)
class Reading:
    """What a camera's alerts are judged by.

    Args:
        net: people there now, in its room if it has one; below 0 when more have left than came.
        capacity: how many there may be; None: any number.
    """

    camera_id: int
    net: int
    capacity: int | None

    @property
    def people(self) -> int:
        return max(0, self.net)


@dataclass(frozen=True, slots=True)
class Level:
    """How many people are in a room, by the cameras at its doors.

    Args:
        version: counts the changes of this room's level.
        occupancy: never below 0.
        measured_at: timezone-aware.
    """

    room_id: int
    version: int
    occupancy: int
    measured_at: datetime
