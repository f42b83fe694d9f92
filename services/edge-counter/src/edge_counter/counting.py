"""Tells when somebody has crossed a line. Pure functions of points and times.

A track has the side of the line on which its foot point first was beyond the dead band. It
changes sides by being beyond it on the other one twice in a row, or once twice as far. A crossing
is such a change, by a path that passed between the ends of the line. The side is remembered for
as long as the track lives, so that an occlusion on the line loses nothing. Inside the dead band
nothing is decided, so that who stands on the line counts nothing, however the box trembles.
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
        side: +1 or -1 where it last surely was; 0 when it never surely was anywhere.
        beyond: +1 or -1 beyond the dead band, 0 in it, at the last place.
        half: +1 or -1, the half plane it was last in; 0 when it was only exactly on the line.
        passed_at_s: when it last changed the half plane.
        passed_between_ends: whether it did so between a and b.
    """

    x: float
    y: float
    distance_px: float
    time_s: float
    half: int
    side: int = 0
    beyond: int = 0
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

        That is once it is surely on the other side, a little later than the passage, to which
        the crossing is dated back. Of a track that began in the band it is not known where it
        came from: leaving the band only gives it a side.

        Args:
            track: an id that stays the same for one person.
            x, y: where the person stands, in pixels.
            height_px: of the person's box.
            time_s: of the picture, later than that of the update before.
        """
        distance_px = self.line.signed_distance_px(x, y)
        path = self._paths.get(track)
        if path is None:
            path = _Path(x, y, distance_px, time_s, half=_sign(distance_px))
            self._paths[track] = path
        else:
            self._advance(path, x, y, distance_px, time_s)
        band_px = self.dead_band * height_px
        before, path.beyond = path.beyond, _sign(distance_px) * (abs(distance_px) > band_px)
        is_sure = path.side == 0 or path.beyond == before or abs(distance_px) > 2 * band_px
        if path.beyond == 0 or not is_sure:
            return None
        came_from, path.side = path.side, path.beyond
        if came_from in {0, path.side} or not path.passed_between_ends:
            return None
        return Passage("entry" if path.side < 0 else "exit", path.passed_at_s)

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
