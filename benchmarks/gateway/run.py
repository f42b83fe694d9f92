"""The gateway against nginx before the same upstream: requests a second, and added latency.

An authenticated, rate-limited GET of 2 KB. The upstream is an nginx that serves a file; the limit
is a second nginx that proxies to it. Both are asked in turn, round by round, in one run, so that
a busy machine slows both; the figure is the median of the rounds' ratios.

    uv run python -m benchmarks.gateway.run [--rounds 5] [--seconds 4]

Needs Debian's nginx-light and wrk. Exits with 1 when a figure is past its limit.
"""

import argparse
import base64
import json
import os
import re
import secrets
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.ground import has_programs, prepared, process_settings, sign_in, until_answering

from common.testing.servers import free_port
from gateway.main import SCHEMA

PATH = "/api/rooms"
CONNECTIONS = 32
LEAST_SHARE, GOAL_SHARE = 0.25, 0.35
MOST_LATENCY, GOAL_LATENCY = 10.0, 4.0

# Worker and connections as measured in the figures that the limits come from.
NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 1000000000; default_type application/json;
  client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
  uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
  upstream files {{
    server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 1000000000;
  }}
  server {{
    listen 127.0.0.1:{upstream}; root {folder}; location / {{ try_files /body.json =404; }}
  }}
}}
"""
PROXY = """
  server {{
    listen 127.0.0.1:{proxy};
    location / {{
      proxy_pass http://files; proxy_http_version 1.1; proxy_set_header Connection "";
    }}
  }}
"""


@dataclass(frozen=True)
class Bench:
    """What is asked, and how."""

    upstream: str
    nginx: str
    gateway: str
    gateway_pid: int
    token: str
    seconds: int


@dataclass(frozen=True)
class Load:
    """What wrk says of one run."""

    requests_per_s: float
    median_us: float


def wrk(address: str, bench: Bench, connections: int, seconds: int) -> Load:
    load = ["-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    said = subprocess.run(
        ["wrk", *load, "-H", f"Authorization: Bearer {bench.token}", address + PATH],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "Non-2xx" not in said, said
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    median = re.search(r"50%\s+([\d.]+)(us|ms|s)", said)
    assert rate is not None
    assert median is not None
    unit = {"us": 1.0, "ms": 1e3, "s": 1e6}[median[2]]
    return Load(float(rate[1]), float(median[1]) * unit)


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run(bench: Bench, rounds: int) -> bool:
    shares, latencies, costs = [], [], []
    for number in range(1, rounds + 1):
        nginx = wrk(bench.nginx, bench, CONNECTIONS, bench.seconds)
        before = cpu_s(bench.gateway_pid)
        gateway = wrk(bench.gateway, bench, CONNECTIONS, bench.seconds)
        costs.append((cpu_s(bench.gateway_pid) - before) * 1e6)
        costs[-1] /= gateway.requests_per_s * bench.seconds
        direct, proxied, passed = (
            wrk(address, bench, 1, max(1, bench.seconds // 2)).median_us
            for address in (bench.upstream, bench.nginx, bench.gateway)
        )
        shares.append(gateway.requests_per_s / nginx.requests_per_s)
        latencies.append((passed - direct) / max(1.0, proxied - direct))
        print(
            f"round {number}: {gateway.requests_per_s:,.0f} of nginx's"
            f" {nginx.requests_per_s:,.0f} requests/s = {shares[-1]:.2f};"
            f" median at one connection {direct:.0f} µs direct, {proxied:.0f} nginx,"
            f" {passed:.0f} gateway = {latencies[-1]:.1f} times the added time"
        )
    share, latency = statistics.median(shares), statistics.median(latencies)
    print(
        f"gateway/nginx requests a second at {CONNECTIONS} connections: {share:.2f}"
        f" (at least {LEAST_SHARE}, goal {GOAL_SHARE})"
    )
    print(
        f"gateway/nginx added median latency: {latency:.1f}"
        f" (at most {MOST_LATENCY:.0f}, goal {GOAL_LATENCY:.0f})"
    )
    print(f"gateway CPU a request: {statistics.median(costs):.0f} µs")
    return share >= LEAST_SHARE and latency <= MOST_LATENCY


@contextmanager
def bench_stand(seconds: int) -> Iterator[Bench]:
    """Start two nginx, Postgres and a gateway; end them again."""
    with prepared(SCHEMA) as ground:
        rooms = [{"id": number, "name": f"Room {number}"} for number in range(64)]
        ports = {"upstream": free_port(), "proxy": free_port()}
        for name in ("upstream", "proxy"):
            home = ground.folder / name
            home.mkdir()
            (home / "body.json").write_text(json.dumps(rooms)[:2040].ljust(2048))
            written = NGINX.format(folder=home, **ports)
            if name == "proxy":
                server_block = written.index("  server {\n    listen")
                written = written[:server_block] + PROXY.format(**ports) + "}\n"
            (home / "nginx.conf").write_text(written)
            ground.start(["nginx", "-c", str(home / "nginx.conf")])
        upstream, nginx = (f"http://127.0.0.1:{port}" for port in ports.values())
        environment = {
            **process_settings(ground),
            "GATEWAY_IDENTITY_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
            "GATEWAY_ROOMS_URL": upstream,
            "GATEWAY_READ_LIMIT": "1000000000",
        }
        gateway, pid = ground.start_gateway(environment)
        token, _ = sign_in(ground, gateway, environment)
        until_answering(nginx)
        yield Bench(upstream, nginx, gateway, pid, token, seconds)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4, help="of load, a run")
    options = parser.parse_args()
    if not has_programs({"nginx": "nginx-light", "wrk": "wrk"}):
        return 2
    with bench_stand(options.seconds) as bench:
        return 0 if run(bench, options.rounds) else 1


if __name__ == "__main__":
    sys.exit(main())
