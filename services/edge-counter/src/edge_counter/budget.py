"""How many pictures a second are looked at for people."""

from dataclasses import dataclass
from typing import Final

_SAVED: Final = 2.0  # pictures; what is above one lets them come unevenly
_ROUNDING: Final = 1e-6


@dataclass(slots=True)
class FrameBudget:
    """Takes pictures up to a rate, by the times that they bear, and skips the others.

    The same times give the same pictures, so that a file that is played again is counted alike.

    Args:
        most_per_s: None takes all.
    """

    most_per_s: float | None
    _saved: float = _SAVED
    _at_s: float | None = None

    def takes(self, time_s: float) -> bool:
        if self.most_per_s is None:
            return True
        earned = 0.0 if self._at_s is None else (time_s - self._at_s) * self.most_per_s
        self._saved = min(_SAVED, self._saved + earned)
        self._at_s = time_s
        if self._saved < 1 - _ROUNDING:
            return False
        self._saved -= 1
        return True
