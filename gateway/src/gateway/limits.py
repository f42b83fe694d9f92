"""Sliding windows of 60 s: how often one caller may do one class of things.

Exact, in the memory of this process: an entry a request of the last minute, so memory follows the
rate of requests and not the number of callers ever seen.
"""

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from common.errors import TooManyRequests

WINDOW_S: Final = 60.0
_SWEEP_EVERY_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a window after a request.

    Args:
        limit: requests a window.
        remaining: how many are left.
        resets_at: Unix time at which the oldest request leaves the window.
        retry_after_s: whole seconds to wait, if this request was one too many; else 0.
    """

    limit: int
    remaining: int
    resets_at: float
    retry_after_s: int

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Write the headers that the `university` document names."""
        headers = [
            (b"x-ratelimit-limit", b"%d" % self.limit),
            (b"x-ratelimit-remaining", b"%d" % self.remaining),
            (b"x-ratelimit-reset", _iso(int(self.resets_at) + 1)),
        ]
        if self.retry_after_s:
            headers.append((b"retry-after", b"%d" % self.retry_after_s))
        return headers


def too_many(allowance: Allowance) -> TooManyRequests:
    """Make the refusal of what was one request too many."""
    headers = {name.decode(): value.decode() for name, value in allowance.headers()}
    return TooManyRequests("Too many requests. Please try again later.", headers=headers)


@lru_cache(maxsize=256)
def _iso(second: int) -> bytes:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()


class SlidingWindows:
    """Counts requests by key; each key has its own window."""

    def __init__(self) -> None:
        self._windows: dict[Hashable, deque[float]] = {}
        self._swept_at = 0.0

    def take(self, key: Hashable, limit: int, now: float) -> Allowance:
        """Count a request at ``now`` (Unix time), unless it is one too many."""
        if now - self._swept_at > _SWEEP_EVERY_S:
            self._sweep(now)
        window = self._windows.get(key)
        if window is None:
            window = self._windows[key] = deque()
        begin = now - WINDOW_S
        while window and window[0] <= begin:
            window.popleft()
        if len(window) >= limit:
            wait = window[0] + WINDOW_S - now
            return Allowance(limit, 0, window[0] + WINDOW_S, max(1, int(wait) + 1))
        window.append(now)
        return Allowance(limit, limit - len(window), window[0] + WINDOW_S, 0)

    def give_back(self, key: Hashable) -> None:
        """Count one request less, because it turned out to be none of those that are limited."""
        if window := self._windows.get(key):
            window.pop()

    def _sweep(self, now: float) -> None:
        self._swept_at = now
        begin = now - WINDOW_S
        self._windows = {
            key: window for key, window in self._windows.items() if window and window[-1] > begin
        }
