"""What a camera costs: time and memory of counting a clip with one thread.

The clip vtest is decoded by the decoder's own process, and detected, tracked and counted by ours.
A picture's time is that of detector, tracker and counter; pictures a second are those of the whole;
memory is that of both processes, what they share counted once. The limit is the model's bare run on
its whole input, by one thread, measured every tenth picture of the same run: a picture may take 1.5
of it, and a second must have 0.56 of the pictures that bare runs alone would allow (12 ms and 70 on
a machine on which a bare run takes 8 ms).

    uv run python -m benchmarks.edge.run [--model yolox-nano] [--frames 400]

Needs the clip and the model (`edge-counter assets`). Exits with 1 when a figure is past its limit.
"""

import argparse
import os
import re
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_counter.assets import assets, find
from edge_counter.camera import Camera, Source
from edge_counter.counting import Line
from edge_counter.detector import load_detector
from edge_counter.pipeline import Pipeline

LINE = Line(550, 160, 550, 480)
MOST_SHARE, LEAST_SHARE, MOST_MB = 1.5, 0.56, 250.0
BARE_EVERY = 10


@dataclass(frozen=True)
class Cost:
    """Of each picture in milliseconds, with its 95th percentile; of all, pictures a second."""

    median_ms: float
    p95_ms: float
    bare_ms: float
    frames_per_s: float
    memory_mb: float


def bare_run(model: Path) -> Callable[[], float]:
    """Make a function that runs the model alone, and returns for how many milliseconds."""
    import onnxruntime  # after edge_counter, which forbids it to report to its makers

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    [node] = session.get_inputs()
    picture = np.random.default_rng(7).uniform(0, 255, node.shape).astype(np.float32)

    def run() -> float:
        began = time.perf_counter()
        session.run(None, {node.name: picture})
        return (time.perf_counter() - began) * 1e3

    return run


def measure(clip: Path, model: str, frames: int) -> Cost:
    _, detector = load_detector(model)
    path = find(assets()[model])
    assert path is not None
    bare = bare_run(path)
    pipeline = Pipeline(detector, run_id="bench")
    pipeline.watch({1: LINE})
    times_ms: list[float] = []
    bare_ms: list[float] = []
    memory_mb = 0.0
    with Camera(Source(str(clip))) as camera:
        began = time.perf_counter()
        for frame in camera:
            at = time.perf_counter()
            pipeline.process(frame)
            times_ms.append((time.perf_counter() - at) * 1e3)
            if len(times_ms) % BARE_EVERY == 0:
                bare_ms.append(bare())
            if len(times_ms) == frames:
                memory_mb = memory_of(os.getpid())
                break
        elapsed_s = time.perf_counter() - began - sum(bare_ms) / 1e3
    return Cost(
        statistics.median(times_ms),
        statistics.quantiles(times_ms, n=20)[-1],
        statistics.median(bare_ms),
        len(times_ms) / elapsed_s,
        memory_mb,
    )


def memory_of(pid: int) -> float:
    """Return the proportional memory of a process and its children, in MB."""
    found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    own = int(found[1]) / 1024 if found else 0.0
    return own + sum(memory_of(int(child)) for child in children)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--model", default="yolox-nano")
    parser.add_argument("--frames", type=int, default=400)
    options = parser.parse_args()
    clip = find(assets()["vtest"])
    if clip is None:
        print("the clip vtest is not on this machine", file=sys.stderr)
        return 2
    cost = measure(clip, options.model, options.frames)
    share, rate = cost.median_ms / cost.bare_ms, cost.frames_per_s * cost.bare_ms / 1e3
    print(
        f"{options.model}: a picture {cost.median_ms:.1f} ms (p95 {cost.p95_ms:.1f}),"
        f" bare {cost.bare_ms:.1f} = {share:.2f} (at most {MOST_SHARE})\n"
        f"pictures a second {cost.frames_per_s:.0f} = {rate:.2f} of bare (at least {LEAST_SHARE})\n"
        f"memory {cost.memory_mb:.0f} MB (at most {MOST_MB:.0f})"
    )
    is_fast = share <= MOST_SHARE and rate >= LEAST_SHARE
    return 0 if is_fast and cost.memory_mb <= MOST_MB else 1


if __name__ == "__main__":
    sys.exit(main())
