"""Nothing but numbers leaves: every write, file and socket of a running edge-counter is watched.

strace sees what the kernel is asked for, by our code and by every library. Pictures are in the
memory of the process and in that which it shares with its decoder, and nowhere else; but for one
that somebody in Atrium has asked for, which goes to the gateway, once, if its host allows it.
"""

import ast
import asyncio
import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from aiokafka import AIOKafkaConsumer

from common.events import CROSSINGS
from common.testing.plugin import Broker
from edge_counter.assets import assets, find
from edge_counter.camera import Camera, Source

LINE = {"id": 3, "x1": 550, "y1": 160, "x2": 550, "y2": 480}
ANSWERS = {
    "": [{"id": 7, "camera_id": "DOOR"}],
    "/7": {"id": 7, "camera_id": "DOOR"},
    "/7/lines": [LINE],
}
WANTED = "/api/occupancy/edges/lobby-1/snapshots"
CALLS = (
    *("open", "openat", "openat2", "creat", "mmap", "connect"),
    *("write", "writev", "pwrite64", "pwritev", "pwritev2", "sendto", "sendmsg", "sendmmsg"),
    *("sendfile", "splice", "tee", "vmsplice", "copy_file_range", "process_vm_writev"),
    *("io_uring_setup", "io_submit"),
)
# They move data past the eyes of this test.
UNSEEN = CALLS[CALLS.index("sendfile") :]
SENDS = CALLS[CALLS.index("write") : CALLS.index("sendfile")]
MAGIC = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"WEBP", b"ftyp", b"RIFF", b"\x93NUMPY")
BINARY = re.compile(rb"[^\x00]{48,}")  # numbers and headers have zeros in between
ENCODED = re.compile(rb"[A-Za-z0-9+/=]{120,}")  # words end earlier
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
CALL = re.compile(r"(\w+)\((.*)\) += (.*)", re.DOTALL)


def like_a_picture(data: bytes) -> str | None:
    """Tell what in some bytes may be a picture, a piece of one or a vector made of one."""
    if found := [magic for magic in MAGIC if magic in data]:
        return f"it has {found[0]!r}"
    for run in BINARY.findall(data):
        try:
            run.decode()
        except UnicodeDecodeError:
            if len(re.findall(rb"[^\x20-\x7e\s]", run)) > len(run) / 4:
                return f"{len(run)} bytes that are no text"
    if encoded := ENCODED.search(data):
        return f"{len(encoded.group())} letters without a space"
    return None


@dataclass(frozen=True)
class Call:
    """A call of the kernel: its arguments as strace shows them, and the first text in them."""

    name: str
    arguments: str
    result: str

    @property
    def data(self) -> bytes:
        texts = [ast.literal_eval(f'b"{text}"') for text in STRING.findall(self.arguments)]
        return b"".join(texts)

    @property
    def target(self) -> str:
        """What the first argument, a file descriptor, stands for."""
        found = re.match(r"\d+<(.*?)>(?=,|$)", self.arguments)
        return found[1] if found else ""


class Api(BaseHTTPRequestHandler):
    """The part of the occupancy contract that an edge-counter uses; wants one picture."""

    server: "Gateway"

    def do_GET(self) -> None:
        if self.path != WANTED:
            self.answer(200, ANSWERS[self.path.removeprefix("/api/occupancy/cameras")])
            return
        if self.server.brought:
            self.server.ended.wait(20)
        wanted = [] if self.server.brought else [{"id": 5, "camera_id": 7, "until": "2030"}]
        self.answer(200, {"snapshots": wanted})

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.brought.append((self.path.removeprefix(WANTED), body))
        self.answer(200, {})

    def do_DELETE(self) -> None:
        if "no_picture" not in self.path:  # its camera is not open yet
            self.server.brought.append((self.path.removeprefix(WANTED), b""))
        self.answer(200, {})

    def answer(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Gateway(ThreadingHTTPServer):
    """What has come for the picture that is wanted."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Api)
        self.brought: list[tuple[str, bytes]] = []
        self.ended = threading.Event()


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    server = Gateway()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.ended.set()
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def clip() -> Path:
    found = [find(assets()[name]) for name in ("vtest", "yolox-nano")]
    if found[0] is None or found[1] is None:
        pytest.skip("the clip vtest and the model yolox-nano are not on this machine")
    return found[0]


def started(command: list[str], environment: dict[str, str], folder: Path) -> subprocess.Popen[Any]:
    # Some libraries hold back where they believe to be tested.
    ours = {name: value for name, value in os.environ.items() if name != "CI"}
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(command, env=ours | environment, cwd=folder / "home", stderr=log)


def stop(strace: "subprocess.Popen[Any]") -> int:
    """End the edge-counter as its operator would; return the exit code."""
    [edge] = Path(f"/proc/{strace.pid}/task/{strace.pid}/children").read_text().split()
    os.kill(int(edge), signal.SIGTERM)
    return strace.wait(timeout=30)


async def sent(kafka: str, crossings: int) -> list[Any]:
    """Wait for so many crossings on the topic."""
    consumer = AIOKafkaConsumer(
        CROSSINGS.name, bootstrap_servers=kafka, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        records: list[Any] = []
        async with asyncio.timeout(60):
            while len(records) < crossings:
                for batch in (await consumer.getmany(timeout_ms=200)).values():
                    records += batch
        return records
    finally:
        await consumer.stop()


def calls_in(folder: Path) -> list[Call]:
    """Read what strace has written, a file for each thread."""
    calls = []
    for path in folder.glob("trace.*"):
        text = path.read_text(errors="surrogateescape")
        assert re.search(r"\+\+\+ (exited|killed)", text), f"{path.name} has not ended"
        found = (CALL.fullmatch(line) for line in text.splitlines())
        calls += [Call(one[1], one[2], one[3]) for one in found if one]
    return calls


@pytest.mark.clips
@pytest.mark.timeout(180)
@pytest.mark.parametrize("is_allowed", [False, True], ids=["forbidden", "asked for"])
async def test_a_running_edge_counter_sends_no_picture_but_the_one_that_was_asked_for(
    kafka: Broker, gateway: Gateway, clip: Path, tmp_path: Path, *, is_allowed: bool
) -> None:
    if shutil.which("strace") is None:
        assert "CI" not in os.environ, "strace is missing: .ci/run installs it"
        pytest.skip("needs strace")
    await kafka.fresh(CROSSINGS)
    state, traces, home = (tmp_path / name for name in ("state", "traces", "home"))
    for folder in (traces, home):
        folder.mkdir()
    environment = {
        "HOME": str(home),
        "ATRIUM_ASSETS_DIR": str(clip.parents[1]),
        "EDGE_ID": "lobby-1",
        "EDGE_CAMERA": "DOOR",
        "EDGE_SOURCE": str(clip),
        "EDGE_MODEL": "yolox-nano",
        "EDGE_SPEED": "0",
        "EDGE_STATE_DIR": str(state),
        "EDGE_API_URL": f"http://127.0.0.1:{gateway.server_port}",
        "EDGE_DEVICE_TOKEN": "atd_test",
        "EDGE_SNAPSHOTS": "1" if is_allowed else "0",
        "EDGE_PORT": "0",
        "ATRIUM_KAFKA": kafka.address,
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    watch = ["strace", "--follow-forks", "--seccomp-bpf", "--decode-fds=all", "--output-separately"]
    watch += ["--quiet=attach", f"--trace={','.join(f'?{call}' for call in CALLS)}"]
    watch += ["--string-limit=9999999", f"--output={traces / 'trace'}"]
    program = "from edge_counter.main import main; main(['run'])"
    strace = started([*watch, sys.executable, "-c", program], environment, tmp_path)
    try:
        records = await sent(kafka.address, 4)
    finally:
        gateway.ended.set()
        code = stop(strace)
    assert code == 0, (tmp_path / "log").read_text()

    calls = calls_in(traces)
    assert_only_numbers_are_sent(records)
    assert_files(calls, state, home)
    place = f"127.0.0.1:{gateway.server_port}"
    assert_sockets(calls, {place, kafka.address})
    assert [call for call in calls if call.name in UNSEEN] == []
    written = [call for call in calls if call.name in SENDS]
    assert len(written) > 100
    [(asked, picture)] = gateway.brought
    if is_allowed:
        assert asked == "/5?width=768&height=576"
        assert picture[:3] == b"\xff\xd8\xff"
        # What the gateway got of it was sent, to the gateway and once; then there is nothing more.
        parts = [call for call in written if len(call.data) > 100 and call.data in picture]
        assert sum(max(0, int(call.result.split()[0])) for call in parts) == len(picture)
        assert all(call.target.endswith(f"->{place}]") for call in parts)
        written = [call for call in written if call not in parts]
    else:
        assert (asked, picture) == ("/5?reason=forbidden", b"")
    assert [(call.target, why) for call in written if (why := like_a_picture(call.data))] == []


def assert_only_numbers_are_sent(records: list[Any]) -> None:
    fields = {"camera_id", "confidence", "crossed_at", "direction", "edge_id"}
    for record in records:
        assert len(record.value) < 1000
        assert set(json.loads(record.value)["data"]) == fields | {
            *("line_id", "sequence", "track_id")
        }


def assert_files(calls: list[Call], state: Path, home: Path) -> None:
    """Only the state folder is written, and what is left there is no picture."""
    opened = [call for call in calls if call.name.startswith(("open", "creat"))]
    for_writing = [one for one in opened if re.search(r"O_(WRONLY|RDWR|CREAT)", one.arguments)]
    paths = {os.fsdecode(one.data) for one in for_writing if not one.result.startswith("-1")}
    assert any(path.endswith("spool.sqlite3") for path in paths)
    assert {path for path in paths if Path(path).parent != state} <= {"/dev/null"}
    shared = [call for call in calls if call.name == "mmap" and "MAP_SHARED" in call.arguments]
    shared = [call for call in shared if "PROT_WRITE" in call.arguments]
    mapped = {found[1] for call in shared if (found := re.search(r"\d+<([^>]*)>", call.arguments))}
    # The pictures' memory, which is no file and vanishes; and the index of the spool's log.
    assert mapped == {"/memfd:pictures", f"{state}/spool.sqlite3-shm"}
    assert not any((state / "reserve").read_bytes())  # room on the disk, of zeros
    left = [path for path in state.iterdir() if path.name != "reserve"]
    assert sum(path.stat().st_size for path in left) < 400_000
    assert [(path.name, why) for path in left if (why := like_a_picture(path.read_bytes()))] == []
    assert list(home.iterdir()) == []


def assert_sockets(calls: list[Call], allowed: set[str]) -> None:
    """Only Kafka and the API are spoken to."""
    places = set()
    for call in calls:
        if call.name == "connect":
            port = re.search(r"sin6?_port=htons\((\d+)\)", call.arguments)
            place = re.search(r'inet_(?:addr\(|pton\(AF_INET6, )"([^"]+)"', call.arguments)
            places.add(f"{place[1]}:{port[1]}" if port and place else call.arguments)
        elif call.name in SENDS and (peer := re.search(r"->([\d.]+:\d+)", call.target)):
            places.add(peer[1])
    assert places == allowed


def a_crop(picture: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(picture[200:300, 490:530])


@pytest.mark.parametrize(
    "hide",
    [
        pytest.param(lambda crop: crop.tobytes(), id="as it is"),
        pytest.param(lambda crop: cv2.imencode(".jpg", crop)[1].tobytes(), id="as JPEG"),
        pytest.param(lambda crop: cv2.imencode(".jpg", crop)[1].tobytes()[20:], id="headless"),
        pytest.param(lambda crop: cv2.resize(crop, (8, 20))[..., 0].tobytes(), id="a thumbnail"),
        pytest.param(lambda crop: base64.b64encode(crop.tobytes()[:900]), id="as text"),
        pytest.param(
            lambda crop: (crop.ravel()[:256].astype(np.float32) / 255.1).tobytes(), id="a vector"
        ),
    ],
)
def test_a_person_cut_out_of_a_picture_would_be_seen(
    hide: Callable[[np.ndarray], bytes], clip: Path
) -> None:
    with Camera(Source(str(clip))) as camera:
        crop = a_crop(next(iter(camera)).image_bgr)

    assert like_a_picture(b'{"confidence": 0.83}\0' + hide(crop))
