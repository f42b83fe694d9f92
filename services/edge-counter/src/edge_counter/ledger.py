"""Brings crossings into the spool, and holds on to them while it cannot take them."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from edge_counter.errors import SpoolUnavailable
from edge_counter.gaps import Loss
from edge_counter.health import CROSSINGS, Health
from edge_counter.spool import DatedCrossing, Recording, Spool

_log = logging.getLogger(__name__)

_RETRY_S: Final = 1.0
MOST_WAITING: Final = 10_000  # about 5 MB of memory
_PROGRESS_S: Final = 5.0  # how much of a recording a restart may have to count again, silently


class Ledger:
    """The way of one camera's crossings into the spool.

    Args:
        code: of the camera, for metrics.
        stored: told after crossings became durable.
    """

    def __init__(
        self,
        spool: Spool,
        camera_id: int,
        health: Health,
        stored: Callable[[], None],
        *,
        code: str = "",
    ) -> None:
        self._spool = spool
        self.camera_id = camera_id
        self._code = code
        self._health = health
        self._stored = stored
        self._waiting: list[DatedCrossing] = []
        self._lost: Loss | None = None
        self._write_at_s = 0.0

    def write(self, crossings: Sequence[DatedCrossing], recording: Recording | None = None) -> bool:
        """Make crossings durable, at once or, while that fails, with a later call.

        Args:
            recording: how far it is with these crossings; without any it is noted now and then,
                and when it is finished.

        Returns:
            Whether all that was asked for is durable.
        """
        self._waiting += crossings
        now_s = time.monotonic()
        is_due = recording is not None and (recording.is_finished or now_s >= self._write_at_s)
        is_blocked = "spool" in self._health.problems and now_s < self._write_at_s
        if is_blocked:
            return False
        if not (self._waiting or is_due):
            return True
        try:
            self._spool.store(self.camera_id, self._waiting, recording, lost=self._lost)
        except SpoolUnavailable as error:
            self._write_at_s = now_s + _RETRY_S
            if self._health.note("spool", str(error)):
                _log.error("crossings wait", extra={"reason": str(error)})
            return False
        self._lost = None
        self._write_at_s = now_s + _PROGRESS_S
        if self._health.note("spool", None):
            _log.info("spool can be written again")
        self._announce()
        return True

    @property
    def is_full(self) -> bool:
        """Whether no more crossings may come before these are in the spool."""
        return len(self._waiting) > MOST_WAITING

    def give_up_oldest(self) -> None:
        """Make room in memory; the spool will be told that these are lost."""
        gone, self._waiting = self._waiting[:-MOST_WAITING], self._waiting[-MOST_WAITING:]
        loss = Loss.of((one.direction, one.crossed_at) for one in gone)
        self._lost = self._lost.and_then(loss) if self._lost else loss

    def _announce(self) -> None:
        if not self._waiting:
            return
        for direction, count in Counter(one.direction for one in self._waiting).items():
            CROSSINGS.labels(self._code, direction).inc(count)
        self._waiting.clear()
        self._stored()
