"""A source of pictures, decoded in a child process that may die without harm.

Pictures come through shared memory: nothing is copied, pickled or written to a disk. A file gives
every picture in order and waits for its reader. A stream gives what is new and drops the rest.
"""

import mmap
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self
from urllib.parse import urlsplit

import msgspec
import numpy as np

from edge_counter import decoder
from edge_counter.decoder import Ended, Failed, Opened, Request, Shot
from edge_counter.detections import Image
from edge_counter.errors import (
    BadSource,
    DecoderDied,
    SourceEmpty,
    SourceForbidden,
    SourceMissing,
    SourceRefused,
    SourceSilent,
    SourceUnreadable,
)

STREAMS: Final = ("rtsp", "rtsps", "http", "https")
SILENT_AFTER_S: Final = 5.0
OPEN_WITHIN_S: Final = 10.0
FILE_SILENT_AFTER_S: Final = 30.0
_START_S: Final = 30.0  # what a busy machine may take to start the child, above all time-outs
_LOOK_AROUND_S: Final = 0.2

# What FFmpeg may open from inside a source: a playlist must not lead it elsewhere.
_FILE_OPTIONS: Final = "protocol_whitelist;file"
# FFmpeg looks at a stream for up to three seconds before it gives the first picture, and then all
# of them at once. Two are enough to see a whole group of pictures of nearly every camera.
_STREAM_OPTIONS: Final = (
    "rtsp_transport;tcp|analyzeduration;2000000|protocol_whitelist;"
    + ",".join((*STREAMS, "tcp", "tls", "udp", "rtp", "srtp", "crypto", "httpproxy"))
)
# Only these words of FFmpeg are passed on: the rest of its lines may hold the address's secrets.
_KNOWN_REASONS: Final = re.compile(
    r"\b[45]\d\d \(?[A-Z][A-Za-z ]+\)?|Connection refused|Connection timed out|No route to host"
    r"|Network is unreachable|Name or service not known|Invalid data found|moov atom not found"
)
_FORBIDDEN: Final = re.compile(r"\b40[13]\b")
_CRASHES: Final = {signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL}

_messages: Final[msgspec.json.Decoder[decoder.Message]] = msgspec.json.Decoder(decoder.Message)


@dataclass(frozen=True, slots=True)
class Source:
    """A file or an URL. As text it shows neither user, password nor query."""

    address: str = field(repr=False)

    @property
    def is_stream(self) -> bool:
        return urlsplit(self.address).scheme.lower() in STREAMS

    def __str__(self) -> str:
        if not self.is_stream:
            return self.address
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture; its pixels are the source's own and change when the next one is taken.

    Args:
        index: from 0, also counting those that were dropped.
        time_s: file: seconds from its start; stream: the monotonic clock when it arrived.
    """

    index: int
    time_s: float
    image_bgr: Image


class Camera:
    """An open source, as a context manager; leaving it ends the child.

    Args:
        source: what to open.
        stop: set from anywhere, it ends the pictures within a fraction of a second.
        silent_after_s: how long a stream may send nothing.
        open_within_s: how long opening it may take.
        most_per_s: pictures of a stream that are given; None: as many as are taken.

    Raises:
        BadSource: on entering, when the source cannot be opened.
    """

    def __init__(
        self,
        source: Source,
        *,
        stop: threading.Event | None = None,
        silent_after_s: float = SILENT_AFTER_S,
        open_within_s: float = OPEN_WITHIN_S,
        most_per_s: float | None = None,
    ) -> None:
        self._source = source
        self._stop = stop or threading.Event()
        self._silent_after_s = silent_after_s if source.is_stream else FILE_SILENT_AFTER_S
        self._open_within_s = open_within_s
        self._most_per_s = most_per_s
        self._unread = b""
        self._said: deque[str] = deque(maxlen=20)
        self.opened: Opened

    def __enter__(self) -> Self:
        if not self._source.is_stream and not Path(self._source.address).exists():
            raise SourceMissing(f"{self._source}: no such file")
        self._start()
        try:
            self.opened = self._first_message()
        except BaseException:
            self._end()
            raise
        shape = (decoder.SLOTS, self.opened.height_px, self.opened.width_px, 3)
        size = int(np.prod(shape))
        memory = mmap.mmap(self._memory.fileno(), size, prot=mmap.PROT_READ)
        self._slots: Image = np.ndarray(shape, np.uint8, memory)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def __iter__(self) -> Iterator[Frame]:
        """Give the pictures until the file's end, or until `stop` is set.

        Raises:
            BadSource: the stream fell silent, or the decoder died.
        """
        for slot in range(decoder.SLOTS):
            self._give_back(slot)
        while (message := self._receive(self._silent_after_s)) is not None:
            if isinstance(message, Ended):
                return
            if not isinstance(message, Shot):
                raise self._failure(message)
            yield Frame(message.index, message.time_s, self._slots[message.slot])
            self._give_back(message.slot)

    def _first_message(self) -> Opened:
        message = self._receive(_START_S + self._open_within_s)
        if isinstance(message, Opened):
            return message
        raise self._failure(message)

    def _start(self) -> None:
        self._memory = _anonymous_file()
        options = _STREAM_OPTIONS if self._source.is_stream else _FILE_OPTIONS
        memory = self._memory.fileno()
        self._child = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-P", "-m", decoder.__name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            pass_fds=[memory],
            env=_environment() | {"OPENCV_FFMPEG_CAPTURE_OPTIONS": options},
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        request = Request(
            address=self._source.address,
            is_stream=self._source.is_stream,
            memory=memory,
            open_ms=int(self._open_within_s * 1000),
            read_ms=int(self._silent_after_s * 1000),
            most_per_s=self._most_per_s,
        )
        self._tell(msgspec.json.encode(request) + b"\n")

    def _end(self) -> None:
        self._child.kill()
        self._child.wait()
        self._listener.join()
        for pipe in (self._child.stdin, self._child.stdout, self._child.stderr, self._memory):
            if pipe is not None:
                pipe.close()

    def _listen(self) -> None:
        """Keep the last of what FFmpeg and the C library say; nobody else empties that pipe."""
        assert self._child.stderr is not None  # noqa: S101 - it is a pipe
        for line in self._child.stderr:
            self._said.append(line.decode(errors="replace"))

    def _tell(self, data: bytes) -> None:
        assert self._child.stdin is not None  # noqa: S101 - it is a pipe
        try:
            self._child.stdin.write(data)
        except BrokenPipeError:
            return  # it has died, which the next message, the end, will tell

    def _give_back(self, slot: int) -> None:
        self._tell(bytes([slot]))

    def _receive(self, timeout_s: float) -> decoder.Message | None:
        """Return the next message, or None when `stop` is set.

        Raises:
            SourceSilent: nothing came in time.
            DecoderDied: nothing will come.
        """
        assert self._child.stdout is not None  # noqa: S101 - it is a pipe
        deadline = time.monotonic() + timeout_s
        while b"\n" not in self._unread:
            if self._stop.is_set():
                return None
            if time.monotonic() > deadline:
                raise SourceSilent(f"{self._source}: no picture for {timeout_s:.0f} s")
            if select.select([self._child.stdout], [], [], _LOOK_AROUND_S)[0]:
                data = os.read(self._child.stdout.fileno(), 65536)
                if not data:
                    raise self._death()
                self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        return _messages.decode(line)

    def _death(self) -> DecoderDied:
        self._listener.join()
        code = self._child.wait()
        if -code in _CRASHES:
            return DecoderDied(
                f"{self._source}: OpenCV crashed on it ({signal.Signals(-code).name}), as it does"
                " on raw AVI; convert it first: ffmpeg -i INPUT -c:v libx264 OUTPUT.mp4"
            )
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return DecoderDied(f"{self._source}: the decoder ended early ({how})")

    def _failure(self, message: decoder.Message | None) -> BadSource:
        """Turn the child's last message into the error that it means."""
        self._child.kill()
        self._listener.join()
        known = _KNOWN_REASONS.search("".join(reversed(self._said)))
        why = f" ({known.group().strip()})" if known else ""
        reason = message.reason if isinstance(message, Failed) else "stopped"
        match reason, self._source.is_stream:
            case "not opened", True:
                kind = SourceForbidden if _FORBIDDEN.search(why) else SourceRefused
                return kind(f"{self._source}: it cannot be opened{why}")
            case "not opened", False:
                return SourceUnreadable(f"{self._source}: not a video that OpenCV can read{why}")
            case "no picture", False:
                return SourceEmpty(f"{self._source}: a video without pictures{why}")
            case "resized", False:
                return SourceUnreadable(f"{self._source}: its pictures change their size")
            case "resized", True:
                return SourceSilent(f"{self._source}: its pictures have changed their size")
            case _:
                return SourceSilent(f"{self._source}: the pictures stopped{why}")


def _environment() -> dict[str, str]:
    """Leave out our own settings: what parses foreign video shall not hold our token."""
    ours = ("EDGE_", "ATRIUM_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def _anonymous_file() -> IO[bytes]:
    """Make memory that can be handed to a child; pictures of people belong on no disk."""
    if sys.platform == "linux":
        return os.fdopen(os.memfd_create("pictures"), "r+b", buffering=0)
    return tempfile.TemporaryFile()
