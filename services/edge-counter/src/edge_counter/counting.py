"""Tells when somebody has crossed a line. Pure functions of points and times.

The foot point of a track has a side of the line once it is further from it than the dead band.
A crossing is a change of that side, by a path that passed between the ends of the line. The
side is remembered for as long as the track lives, so that an occlusion on the line loses
nothing, and inside the dead band nothing is decided, so that standing on the line counts
nothing.
"""

import math
from dataclasses import dataclass, field
from typing import Final, Literal

Direction = Literal["entry", "exit"]

DEAD_BAND: Final = 0.09  # of the height of the box: what a standing person's foot point jitters
_ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Line:
    """A line from a (x1, y1) to b (x2, y2), in pixels, y down.

    Raises:
        ValueError: a and b are the same point.
    """

    x1: float
    y1: float
    x2: float
    y2: float

    def __post_init__(self) -> None:
        if not 0 < self.length_px < math.inf:
            raise ValueError("the line has no length")

    @property
    def length_px(self) -> float:
        return math.hypot(self.x2 - self.x1, self.y2 - self.y1)

    def lies_within(self, width_px: float, height_px: float) -> bool:
        """Tell whether both ends are in a picture of that size, its edges included."""
        return all(0 <= x <= width_px for x in (self.x1, self.x2)) and all(
            0 <= y <= height_px for y in (self.y1, self.y2)
        )

    def signed_distance_px(self, x: float, y: float) -> float:
        """Measure how far a point is from the line's infinite extension, and on which side.

        Returns:
            Positive to the right of someone who walks from a to b as seen on the screen,
            negative to the left, 0 on the line. The sign is the contract's `side`.
        """
        across = (self.x2 - self.x1) * (y - self.y1) - (self.y2 - self.y1) * (x - self.x1)
        return across / self.length_px

    def has_beside(self, x: float, y: float) -> bool:
        """Tell whether a point's foot on the extension lies between a and b, ends included."""
        along = (self.x2 - self.x1) * (x - self.x1) + (self.y2 - self.y1) * (y - self.y1)
        return -_ROUNDING <= along / self.length_px**2 <= 1 + _ROUNDING


@dataclass(frozen=True, slots=True)
class Passage:
    """A counted crossing.

    Args:
        direction: from side +1 to -1 is an entry, from -1 to +1 an exit.
        time_s: when the foot point passed the line, on the clock of the updates.
    """

    direction: Direction
    time_s: float


@dataclass(slots=True)
class _Path:
    """Where one track was last, and what is known of its way.

    Args:
        side: +1 or -1 where it last was clear of the dead band; 0 when it never was.
        half: +1 or -1, the half plane it was last in; 0 when it was only exactly on the line.
        passed_at_s: when it last changed the half plane.
        passed_between_ends: whether it did so between a and b.
    """

    x: float
    y: float
    distance_px: float
    time_s: float
    side: int
    half: int
    passed_at_s: float = math.nan
    passed_between_ends: bool = False


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


@dataclass(slots=True)
class LineCounter:
    """Follows tracks past one line.

    Args:
        line: in pixels of the picture.
        dead_band: half its width, as a share of the height of the person's box.
    """

    line: Line
    dead_band: float = DEAD_BAND
    _paths: dict[int, _Path] = field(default_factory=dict)

    def update(
        self, track: int, *, x: float, y: float, height_px: float, time_s: float
    ) -> Passage | None:
        """Take the next place of a track; return a crossing once it is certain.

        It is certain when the dead band is left on the other side, and then dated back to the
        last passage of the line. Of a track whose first place is in the band it is not known
        where it came from: leaving the band only gives it a side.

        Args:
            track: an id that stays the same for one person.
            x, y: where the person stands, in pixels.
            height_px: of the person's box.
            time_s: of the picture, later than that of the update before.
        """
        distance_px = self.line.signed_distance_px(x, y)
        side = _sign(distance_px) if abs(distance_px) > self.dead_band * height_px else 0
        path = self._paths.get(track)
        if path is None:
            self._paths[track] = _Path(x, y, distance_px, time_s, side, _sign(distance_px))
            return None
        self._advance(path, x, y, distance_px, time_s)
        if side == 0:
            return None
        came_from, path.side = path.side, side
        if came_from in {0, side} or not path.passed_between_ends:
            return None
        return Passage("entry" if side < 0 else "exit", path.passed_at_s)

    def forget(self, track: int) -> None:
        """Drop what is known of a track that has ended."""
        self._paths.pop(track, None)

    def _advance(self, path: _Path, x: float, y: float, distance_px: float, time_s: float) -> None:
        """Move a path to its next place, noting a passage of the line on the way.

        A place exactly on the line belongs to the half plane that it was reached from.
        """
        half = _sign(distance_px) or path.half
        if path.half not in {0, half}:
            share = path.distance_px / (path.distance_px - distance_px)
            path.passed_at_s = path.time_s + share * (time_s - path.time_s)
            path.passed_between_ends = self.line.has_beside(
                path.x + share * (x - path.x), path.y + share * (y - path.y)
            )
        path.x, path.y, path.distance_px, path.time_s = x, y, distance_px, time_s
        path.half = half
