"""The child process that decodes video, because OpenCV can crash on it or hang in it.

It reads a `Request` from standard input, answers on standard output, a JSON message a line, and
puts the pictures into the shared memory that the parent has passed on. A byte on standard input
gives it a free slot of that memory. When standard input ends, the parent has ended or wants no
more: the child exits at once, whatever OpenCV is busy with.
"""

import mmap
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Literal

import cv2
import msgspec
import numpy as np

from edge_counter.budget import FrameBudget
from edge_counter.detections import Image

SLOTS = 2  # the parent works on one picture while the next is decoded


class Request(msgspec.Struct, frozen=True):
    """What to play.

    Args:
        address: a file or an URL; not in the arguments, which every user can see.
        is_stream: never wait for the parent, drop pictures instead.
        memory: file descriptor of the shared memory.
        open_ms, read_ms: how long opening, and reading a picture, may take.
        most_per_s: pictures of a stream that are given to the parent; None: as many as it takes.
    """

    address: str
    is_stream: bool
    memory: int
    open_ms: int
    read_ms: int
    most_per_s: float | None


class Opened(msgspec.Struct, frozen=True, tag=True):
    """The first message. The memory then holds `SLOTS` pictures, one after another, as BGR."""

    width_px: int
    height_px: int
    frames_per_s: float
    frames: int | None  # None for a stream and where the file does not say


class Shot(msgspec.Struct, frozen=True, tag=True):
    """A picture stands in a slot until the parent gives the slot back."""

    index: int  # counts every decoded picture from 0, also those dropped
    time_s: float  # file: from its start; stream: monotonic clock at arrival
    slot: int


class Ended(msgspec.Struct, frozen=True, tag=True):
    """The last message of a file that was read to its end."""


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The last message otherwise."""

    reason: Literal["not opened", "no picture", "resized", "stopped"]


Message = Opened | Shot | Ended | Failed


class _Pictures:
    """An open capture and the shared memory that its pictures go to."""

    def __init__(self, request: Request, free: "SimpleQueue[int]") -> None:
        self._is_stream = request.is_stream
        self._budget = FrameBudget(request.most_per_s if request.is_stream else None)
        self._free = free
        self._capture = cv2.VideoCapture(
            request.address,
            cv2.CAP_FFMPEG,  # the time-outs only work when the backend is named
            [
                cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
                request.open_ms,
                cv2.CAP_PROP_READ_TIMEOUT_MSEC,
                request.read_ms,
            ],
        )
        self._memory = request.memory

    def play(self) -> Iterator[Message]:
        if not self._capture.isOpened():
            yield Failed("not opened")
            return
        # The container's size is not the picture's when that is turned: take the picture's.
        is_there, picture = self._capture.read()
        if not is_there:
            yield Failed("no picture")
            return
        slots = self._share(picture.shape)
        yield self._opened(picture.shape)
        yield from self._shots(slots)

    def _share(self, shape: tuple[int, ...]) -> Image:
        size = SLOTS * int(np.prod(shape))
        os.ftruncate(self._memory, size)
        return np.ndarray((SLOTS, *shape), np.uint8, mmap.mmap(self._memory, size))

    def _opened(self, shape: tuple[int, ...]) -> Opened:
        frames_per_s = self._capture.get(cv2.CAP_PROP_FPS)
        frames = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        return Opened(
            width_px=shape[1],
            height_px=shape[0],
            frames_per_s=frames_per_s if 0 < frames_per_s < 1000 else 25.0,
            frames=int(frames) if frames > 0 and not self._is_stream else None,
        )

    def _shots(self, slots: Image) -> Iterator[Message]:
        index, time_s, is_there = 0, -1.0, True
        while is_there:
            time_s = self._time_s(time_s)
            # The parent is busy: this picture is dropped, and costs no colour conversion.
            is_wanted = not (self._is_stream and self._free.empty())
            if is_wanted and self._budget.takes(time_s):
                slot = self._free.get()
                _, picture = self._capture.retrieve(slots[slot])
                if picture is None or picture.shape != slots.shape[1:]:
                    yield Failed("resized")
                    return
                yield Shot(index, time_s, slot)
            index += 1
            is_there = self._capture.grab()
        yield Failed("stopped") if self._is_stream else Ended()

    def _time_s(self, last_s: float) -> float:
        if self._is_stream:
            return time.monotonic()
        time_s = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        if time_s > last_s:
            return time_s
        return last_s + 1 / (self._capture.get(cv2.CAP_PROP_FPS) or 25.0)


def _take_slots(free: "SimpleQueue[int]") -> None:
    while slot := sys.stdin.buffer.read(1):
        free.put(slot[0])
    os._exit(0)  # the main thread may be in OpenCV for seconds


def main() -> None:
    # Ctrl-C reaches the whole foreground group; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # FFmpeg may write to standard output, which is not its own: give it standard error.
    messages = os.dup(1)
    os.dup2(2, 1)
    cv2.setNumThreads(1)
    request = msgspec.json.decode(sys.stdin.buffer.readline(), type=Request)
    free: SimpleQueue[int] = SimpleQueue()
    threading.Thread(target=_take_slots, args=(free,), daemon=True).start()
    for message in _Pictures(request, free).play():
        os.write(messages, msgspec.json.encode(message) + b"\n")


if __name__ == "__main__":
    main()
