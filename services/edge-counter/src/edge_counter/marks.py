"""The highest number of each camera of which something is known, in a small file of its own.

`sent.json` is raised before Kafka is handed a number. So, when the spool is lost, what is above it
has never left this machine and can be used, and what is not above it must not be used for other
crossings. `acknowledged.json` is raised after Kafka has acknowledged a number: what lies between
the two was on its way.
"""

import logging
from collections.abc import Mapping
from pathlib import Path

import msgspec

from edge_counter.files import write_atomically

_log = logging.getLogger(__name__)


class Marks:
    """The marks, by a text that names edge and camera.

    Args:
        is_synced: whether a mark must be on the disk when it has been raised. An acknowledged
            number that is forgotten does no harm: it is sent again.
    """

    def __init__(self, path: Path, *, is_synced: bool) -> None:
        self._path = path
        self._is_synced = is_synced
        self._is_there = path.exists()
        self._is_broken = False
        self._marks: dict[str, int] = {}
        try:
            if self._is_there:
                self._marks = msgspec.json.decode(path.read_bytes(), type=dict[str, int])
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            self._is_broken = True
            _log.warning("marks cannot be read", extra={"file": path.name, "reason": str(error)})

    def highest(self, key: str) -> int:
        """Return the mark of a camera; 0 for none."""
        return self._marks.get(key, 0)

    def keys(self) -> set[str]:
        return set(self._marks)

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
            write_atomically(
                self._path, msgspec.json.encode(self._marks), is_synced=self._is_synced
            )
        except OSError as error:
            reason = {"file": self._path.name, "reason": str(error)}
            _log.warning("marks cannot be written", extra=reason)
