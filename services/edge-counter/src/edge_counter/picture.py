"""Tells from looks at its pictures, one a second, whether a camera still sees its door.

Pure functions of small thumbnails and times; 0.2 ms a look, whatever the picture's size. What is
measured, and why:

- *frozen*: a sample of the picture's own pixels, every 8th of every 8th row, is equal to the last
  byte for byte. A sensor's noise changes some of them always, also behind a lossy codec; an
  averaged thumbnail would hide that noise.
- *dark*: the thumbnail's mean and its deviation are both low. A room at night has a low mean, but
  its lamps and windows stand out.
- *moved*: the directions of the edges, which light hardly changes, are not those that they were.
  Each pixel of the thumbnail has a vector of twice its gradient's angle, so that dark on bright is
  as bright on dark, and of a length that a strong edge does not raise beyond a clear one. The
  likeness to the view so far is a cosine: 0.64 to 0.95 on our clips with people in them, 0.73 and
  more at a fifth of the light, 0.5 to 0.7 with a third to a half of the view hidden, 0.45 and less
  when the camera has turned by a twentieth of its view, 0.0 for another place. The view so far is
  a mean over ten minutes, which follows the sun and forgets who walks through; it stands still
  while the view is another.
"""

import zlib
from dataclasses import dataclass, field
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_counter.detections import Image

Verdict = Literal["good", "frozen", "dark", "moved"]

LOOK_EVERY_S: Final = 1.0
FROZEN_AFTER_S: Final = 30.0
DARK_AFTER_S: Final = 10.0
MOVED_AFTER_S: Final = 20.0

_SIZE_PX: Final = (96, 72)
_SAMPLED: Final = 8
_DARK_MEAN: Final = 24  # of 255
_DARK_DEVIATION: Final = 10
_CLEAR_EDGE: Final = 40.0  # of the gradient, in grey levels; a stronger one weighs little more
_LIKE: Final = 0.5
_LOOKS_TO_KNOW: Final = 10  # a view is known after so many looks
_REMEMBERED: Final = 600  # looks that the view so far is a mean of
_NOTHING: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Look:
    """What is kept of a picture.

    Args:
        sample: a checksum of some of its pixels.
        grey: a thumbnail.
    """

    sample: int
    grey: Image

    @classmethod
    def at(cls, image_bgr: Image) -> "Look":
        small = cv2.resize(image_bgr, _SIZE_PX, interpolation=cv2.INTER_AREA)
        sample = zlib.crc32(image_bgr[::_SAMPLED, ::_SAMPLED].tobytes())
        return cls(sample, cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.uint8))

    @property
    def is_dark(self) -> bool:
        return bool(self.grey.mean() < _DARK_MEAN and self.grey.std() < _DARK_DEVIATION)


def edges(grey: Image) -> NDArray[np.float32]:
    """Return the (2, h, w) directions of a thumbnail's edges, in twice their angle."""
    smooth = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 1)
    x, y = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    doubled = np.stack([x * x - y * y, 2 * x * y])
    return (doubled / (x * x + y * y + _CLEAR_EDGE**2)).astype(np.float32)


def likeness(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Compare two views by their edges: 1 for the same, about 0 for different places."""
    lengths = float(np.sqrt((one * one).sum() * (other * other).sum()))
    return float((one * other).sum()) / (lengths + _NOTHING)


@dataclass(slots=True)
class View:
    """What a camera has been looking at since the run began."""

    _edges: NDArray[np.float32] | None = None
    _looks: int = 0

    def is_left(self, grey: Image) -> bool:
        """Compare the next thumbnail, and learn from it if it is of this view."""
        found = edges(grey)
        if self._edges is None:
            self._edges = np.zeros_like(found)
        if self._looks >= _LOOKS_TO_KNOW and likeness(self._edges, found) < _LIKE:
            return True
        self._looks = min(self._looks + 1, _REMEMBERED)
        self._edges += (found - self._edges) / np.float32(self._looks)
        return False


@dataclass(slots=True)
class Watch:
    """Follows one camera's looks.

    Args:
        verdict: after the last look.
    """

    verdict: Verdict = "good"
    _view: View = field(default_factory=View)
    _sample: int | None = None
    _since_s: dict[Verdict, float] = field(default_factory=dict)

    def see(self, look: Look, time_s: float) -> Verdict:
        """Take the next look; a fault counts once it has lasted without a break.

        Args:
            time_s: of a clock that never goes back.
        """
        is_dark = look.is_dark
        found: dict[Verdict, bool] = {
            "dark": is_dark,
            "frozen": look.sample == self._sample,
            "moved": not is_dark and self._view.is_left(look.grey),
        }
        self._sample = look.sample
        self._since_s = {
            fault: self._since_s.get(fault, time_s) for fault, is_so in found.items() if is_so
        }
        lasting = (
            fault for fault, since_s in self._since_s.items() if _lasts(fault, since_s, time_s)
        )
        self.verdict = next(lasting, "good")
        return self.verdict

    def begin_anew(self) -> None:
        """Take what comes now for the right view: somebody has placed the lines in it."""
        self._view = View()


def _lasts(fault: Verdict, since_s: float, now_s: float) -> bool:
    after_s = {"dark": DARK_AFTER_S, "frozen": FROZEN_AFTER_S, "moved": MOVED_AFTER_S}
    return now_s - since_s >= after_s[fault]
