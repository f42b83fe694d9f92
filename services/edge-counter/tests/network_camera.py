"""A network camera: a real server of RTSP that plays a drawn clip."""

import signal
import subprocess
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from common.testing.servers import free_port

PER_S, CLIP_S, WALK_EVERY_S = 10, 60, 1.2


def draw_walkers(folder: Path) -> None:
    """Write an H.264 clip, walk.mp4, in which somebody walks past every 1.2 seconds."""
    dice = np.random.default_rng(7)
    with av.open(str(folder / "walk.mp4"), "w") as file:
        stream = file.add_stream("libx264", rate=PER_S)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        stream.time_base = Fraction(1, PER_S)
        stream.options = {"g": str(PER_S), "preset": "ultrafast", "tune": "zerolatency"}
        for index in range(CLIP_S * PER_S):
            picture = dice.integers(35, 45, (240, 320, 3), np.uint8)
            for walk in range(int(CLIP_S / WALK_EVERY_S)):
                x = int(80 * (index / PER_S - walk * WALK_EVERY_S)) - 20
                cv2.rectangle(picture, (x - 10, 80), (x + 10, 140), (255,) * 3, -1)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        file.mux(stream.encode())


@dataclass
class NetworkCamera:
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"rtsp://bob:canary@127.0.0.1:{self.port}/walk.mp4"

    def start(self) -> None:
        program = Path(sys.executable).with_name("rtsp-server")
        ports = ["-p", str(self.port), "-cp", str(free_port())]
        command = [program, "-d", str(self.folder), "-H", "127.0.0.1", *ports]
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def send(self, what: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(what)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
