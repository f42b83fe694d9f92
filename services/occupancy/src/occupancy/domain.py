"""What a crossing counts for. No I/O, no framework."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

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


_COUNTED_BY_CAMERA = {
    CameraType.ENTRY_ONLY: {"entry"},
    CameraType.EXIT_ONLY: {"exit"},
    CameraType.BIDIRECTIONAL: {"entry", "exit"},
}
_COUNTED_BY_LINE = {
    LineDirection.ENTRY: {"entry"},
    LineDirection.EXIT: {"exit"},
    LineDirection.BIDIRECTIONAL: {"entry", "exit"},
}


@dataclass(frozen=True, slots=True)
class Watch:
    """A line as it is configured now, with its camera: what decides whether a crossing counts."""

    camera_id: int
    line_id: int
    camera_type: CameraType
    direction: LineDirection
    confidence_threshold: float
    is_active: bool


@dataclass(frozen=True, slots=True)
class Crossing:
    """Somebody crossed a line.

    Args:
        edge_id, sequence: with the camera, what names it once and for all.
        track_id: the edge's name for the person, unique per edge and run.
        confidence: of the detection, 0 to 1.
        crossed_at: timezone-aware.
    """

    camera_id: int
    edge_id: str
    sequence: int
    line_id: int
    direction: Direction
    track_id: str
    confidence: float
    crossed_at: datetime


def counts(crossing: Crossing, watch: Watch) -> bool:
    """Tell whether a crossing counts, by what its line and camera are there for."""
    return (
        watch.is_active
        and crossing.confidence >= watch.confidence_threshold
        and crossing.direction in _COUNTED_BY_CAMERA[watch.camera_type]
        and crossing.direction in _COUNTED_BY_LINE[watch.direction]
    )


@dataclass(frozen=True, slots=True)
class Tally:
    """What a batch of counted crossings adds to a camera."""

    entries: int
    exits: int


def tally(crossings: Iterable[Crossing]) -> dict[int, Tally]:
    """Add counted crossings up, by camera; their order does not matter."""
    added = Counter((crossing.camera_id, crossing.direction) for crossing in crossings)
    cameras = sorted({camera_id for camera_id, _ in added})
    return {
        camera_id: Tally(added[camera_id, "entry"], added[camera_id, "exit"])
        for camera_id in cameras
    }


@dataclass(frozen=True, slots=True)
class Live:
    """How many people are in a camera's area.

    Args:
        entries, exits: counted since the camera exists.
        net: entries minus exits since somebody last corrected it, which may be below 0.
        unique_persons: distinct tracks among them.
        updated_at: when one of these last changed, timezone-aware.
    """

    camera_id: int
    entries: int
    exits: int
    net: int
    unique_persons: int
    updated_at: datetime

    @property
    def occupancy(self) -> int:
        """People there now: never below 0, whatever was missed on the way in."""
        return max(0, self.net)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a camera's alerts are judged by.

    Args:
        net: people there now; below 0 when more have left than came.
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
