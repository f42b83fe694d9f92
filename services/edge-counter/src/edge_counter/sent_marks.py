"""The highest number of each camera that was ever handed to Kafka, in a small file of its own.

It is raised before the handing over. So, when the spool is lost, what is above it has never left
this machine and can be used, and what is not above it must not be used for other crossings.
"""

import logging
from collections.abc import Mapping
from pathlib import Path

import msgspec

from edge_counter.files import write_atomically

_log = logging.getLogger(__name__)


class SentMarks:
    """The marks, by a text that names edge and camera."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_there = path.exists()
        self._is_broken = False
        self._marks: dict[str, int] = {}
        try:
            if self._is_there:
                self._marks = msgspec.json.decode(path.read_bytes(), type=dict[str, int])
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            self._is_broken = True
            _log.warning("sent marks cannot be read", extra={"reason": str(error)})

    def highest(self, key: str) -> int:
        """Return the highest number that Kafka may have seen; 0 for none."""
        return self._marks.get(key, 0)

    def is_lost(self, *, is_expected: bool) -> bool:
        """Tell whether marks were there that are not known now.

        Args:
            is_expected: this is not the first start.
        """
        return self._is_broken or (is_expected and not self._is_there)

    def raise_to(self, sequences: Mapping[str, int]) -> None:
        """Raise marks, never lower them.

        On a full disk the file is late. That is better than to stop sending, which alone makes
        room again, and it matters only when the spool is lost as well.
        """
        higher = {key: value for key, value in sequences.items() if value > self.highest(key)}
        if not higher:
            return
        self._marks |= higher
        try:
            write_atomically(self._path, msgspec.json.encode(self._marks))
        except OSError as error:
            _log.warning("sent marks cannot be written", extra={"reason": str(error)})
