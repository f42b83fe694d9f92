"""The decoder in its child process, on files and streams that are drawn or broken here."""

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median

import cv2
import numpy as np
import pytest

from edge_counter.camera import Camera, Source
from edge_counter.errors import (
    BadSource,
    DecoderDied,
    SourceEmpty,
    SourceMissing,
    SourceRefused,
    SourceSilent,
    SourceUnreadable,
)

Until = Callable[[Callable[[], object]], None]


def test_a_file_gives_every_picture_in_order_with_its_time(walkers_clip: Path) -> None:
    with Camera(Source(str(walkers_clip))) as camera:
        frames = [(frame.index, frame.time_s) for frame in camera]
        opened = camera.opened

    assert (opened.width_px, opened.height_px, opened.frames) == (320, 240, 70)
    assert [index for index, _ in frames] == list(range(70))
    assert [time_s for _, time_s in frames] == pytest.approx([n / 10 for n in range(70)])


def test_pictures_are_those_that_opencv_reads_itself(walkers_clip: Path) -> None:
    capture = cv2.VideoCapture(str(walkers_clip), cv2.CAP_FFMPEG)

    with Camera(Source(str(walkers_clip))) as camera:
        for frame in camera:
            np.testing.assert_array_equal(frame.image_bgr, capture.read()[1])

    assert not capture.read()[0]


def test_a_slow_reader_misses_no_picture(walkers_clip: Path) -> None:
    """The decoder is far ahead of one that dawdles, if it does not wait."""
    indices = []
    with Camera(Source(str(walkers_clip))) as camera:
        for frame in camera:
            time.sleep(0.005)
            indices.append(frame.index)

    assert indices == list(range(70))


def test_a_picture_cannot_be_changed_by_who_looks_at_it(walkers_clip: Path) -> None:
    with Camera(Source(str(walkers_clip))) as camera:
        frame = next(iter(camera))

        with pytest.raises(ValueError, match="read-only"):
            frame.image_bgr[0, 0] = 0


def raw_avi(width: int, height: int, frames: int) -> bytes:
    """Make an uncompressed 24-bit AVI, which OpenCV's FFmpeg reads past its end."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return kind + struct.pack("<I", len(data)) + data

    size = (width * 3 + 3) // 4 * 4 * height
    header = struct.pack("<10I16x", 100_000, size * 10, 0, 16, frames, 0, 1, size, width, height)
    stream = struct.pack(
        "<4s4sIHHIIIIIIIIhhhh",
        *(b"vids", b"DIB ", 0, 0, 0, 0, 1, 10, 0, frames, size, 0xFFFFFFFF, 0, 0, 0, width, height),
    )
    bitmap = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, size, 0, 0, 0, 0)
    strl = chunk(b"LIST", b"strl" + chunk(b"strh", stream) + chunk(b"strf", bitmap))
    hdrl = chunk(b"LIST", b"hdrl" + chunk(b"avih", header) + strl)
    movi = chunk(b"LIST", b"movi" + chunk(b"00db", bytes(size)) * frames)
    return chunk(b"RIFF", b"AVI " + hdrl + movi)


@pytest.fixture
def bad_file(tmp_path: Path) -> Callable[[str], Path]:
    """Make a file that is no good, by what is wrong with it."""

    def make(what: str) -> Path:
        path = tmp_path / "bad.avi"
        match what:
            case "raw":
                path.write_bytes(raw_avi(48, 48, 50))
            case "junk":
                path.write_bytes(os.urandom(5000))
            case "nothing in it":
                path.touch()
            case "no pictures":
                fourcc = cv2.VideoWriter.fourcc(*"MJPG")
                cv2.VideoWriter(str(path), fourcc, 10, (320, 240)).release()
            case "a folder":
                path.mkdir()
        return path

    return make


@pytest.mark.parametrize(
    ("what", "error", "text"),
    [
        ("raw", DecoderDied, "ffmpeg -i"),
        ("junk", SourceUnreadable, "not a video"),
        ("nothing in it", SourceUnreadable, "not a video"),
        ("no pictures", SourceEmpty, "without pictures"),
        ("a folder", SourceUnreadable, "not a video"),
        ("missing", SourceMissing, "no such file"),
    ],
)
def test_a_bad_file_is_named_with_what_is_wrong(
    bad_file: Callable[[str], Path], what: str, error: type[BadSource], text: str
) -> None:
    path = bad_file(what)

    with pytest.raises(error, match=text) as raised, Camera(Source(str(path))) as camera:
        list(camera)

    assert str(path) in str(raised.value)


def test_a_killed_decoder_is_told_and_does_not_hang_the_reader(walkers_clip: Path) -> None:
    with Camera(Source(str(walkers_clip))) as camera:
        frames = iter(camera)
        next(frames)
        os.kill(camera._child.pid, signal.SIGKILL)

        with pytest.raises(DecoderDied, match="SIGKILL"):
            list(frames)


def test_stopping_ends_the_pictures(walkers_clip: Path) -> None:
    stop = threading.Event()

    with Camera(Source(str(walkers_clip)), stop=stop) as camera:
        for frame in camera:
            if frame.index == 10:
                stop.set()

    assert frame.index < 69


def test_leaving_early_leaves_no_child(
    walkers_clip: Path, is_running: Callable[[int], bool]
) -> None:
    with Camera(Source(str(walkers_clip))) as camera:
        next(iter(camera))
        child = camera._child.pid

    assert not is_running(child)


class Jpegs(BaseHTTPRequestHandler):
    """A network camera: a JPEG, then another, for as long as it is switched on."""

    is_on = threading.Event()
    picture = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        try:
            while True:
                self.is_on.wait()
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(self.picture)}"
                self.wfile.write(f"{head}\r\n\r\n".encode() + self.picture + b"\r\n")
                time.sleep(0.02)
        except OSError:
            return  # the other side has gone

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def network_camera() -> Iterator[tuple[str, threading.Event]]:
    """Give its address, with a password in it, and its switch."""
    Jpegs.picture = cv2.imencode(".jpg", np.full((120, 160, 3), 200, np.uint8))[1].tobytes()
    Jpegs.is_on.set()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Jpegs)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://bob:secret@127.0.0.1:{server.server_port}/live", Jpegs.is_on
    Jpegs.is_on.set()
    server.shutdown()
    server.server_close()


def test_a_stream_drops_what_a_slow_reader_has_no_time_for(
    network_camera: tuple[str, threading.Event],
) -> None:
    seen = []
    with Camera(Source(network_camera[0])) as camera:
        for frame in camera:
            seen.append((frame.index, time.monotonic() - frame.time_s))
            time.sleep(0.2)
            if len(seen) == 6:
                break

    # The camera gives 50 a second, a busy machine fewer: all together they are many in any case.
    assert seen[-1][0] - seen[0][0] > 2 * len(seen)
    assert median(age_s for _, age_s in seen) < 0.5


def test_a_stream_gives_no_more_pictures_than_are_wanted(
    network_camera: tuple[str, threading.Event],
) -> None:
    """The camera gives 50 a second."""
    with Camera(Source(network_camera[0]), most_per_s=10) as camera:
        seen = [frame for frame, _ in zip(camera, range(11), strict=False)]

    span_s = seen[-1].time_s - seen[0].time_s
    assert span_s > 0.85
    assert seen[-1].index > len(seen)


def test_a_stream_that_falls_silent_is_told_in_time_and_without_its_password(
    network_camera: tuple[str, threading.Event],
) -> None:
    address, switch = network_camera

    with Camera(Source(address), silent_after_s=1) as camera:
        frames = iter(camera)
        next(frames)
        switch.clear()
        began_s = time.monotonic()
        with pytest.raises(SourceSilent) as raised:
            list(frames)

    assert time.monotonic() - began_s < 4
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_a_refused_stream_is_told_with_the_reason_and_without_its_password(scheme: str) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"{scheme}://bob:secret@127.0.0.1:{closed.getsockname()[1]}/live"

        with pytest.raises(SourceRefused, match="Connection refused") as raised:
            Camera(Source(address)).__enter__()

    assert "secret" not in str(raised.value)
    assert "bob" not in str(raised.value)


@contextmanager
def deaf_host() -> Iterator[str]:
    """Accept connections and never answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"rtsp://bob:secret@127.0.0.1:{server.getsockname()[1]}/live"


def test_a_host_that_never_answers_is_given_up_in_time() -> None:
    with deaf_host() as address:
        began_s = time.monotonic()

        with pytest.raises(BadSource):
            Camera(Source(address), silent_after_s=1, open_within_s=1).__enter__()

    assert time.monotonic() - began_s < 10


PARENT = """
import sys
from edge_counter.camera import Camera, Source
camera = Camera(Source(sys.argv[1]), silent_after_s=60)
camera._start()
print(camera._child.pid, flush=True)
sys.stdin.read()
"""


def test_a_killed_parent_takes_along_a_decoder_that_hangs_in_opencv(
    until: Until, is_running: Callable[[int], bool]
) -> None:
    with deaf_host() as address:
        parent = subprocess.Popen(
            [sys.executable, "-c", PARENT, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        with parent:
            assert parent.stdout is not None
            child = int(parent.stdout.readline())
            until(lambda: is_connected(address))
            parent.kill()

        until(lambda: not is_running(child))


def is_connected(address: str) -> bool:
    """Tell whether somebody has an open connection to the address."""
    port = f":{int(address.rpartition(':')[2].partition('/')[0]):04X}"
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(row[2].endswith(port) and row[3] == "01" for row in rows)


def test_nobody_sees_the_password_in_the_arguments_of_the_child(
    network_camera: tuple[str, threading.Event],
) -> None:
    with Camera(Source(network_camera[0])) as camera:
        arguments = Path(f"/proc/{camera._child.pid}/cmdline").read_bytes()

    assert b"secret" not in arguments


def test_the_decoder_is_not_given_our_secrets(
    walkers_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGE_DEVICE_TOKEN", "canary")

    with Camera(Source(str(walkers_clip))) as camera:
        environment = Path(f"/proc/{camera._child.pid}/environ").read_bytes()

    assert b"canary" not in environment
