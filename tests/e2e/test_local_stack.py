"""One command runs the system; nothing outlives it; what was stored survives."""

import asyncio
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from running_system import BIN, System, free_ports, is_alive

from common.ids import new_cuid
from local_stack import demo
from local_stack.kafka import Kafka
from local_stack.postgres import Postgres, server_account
from local_stack.process_groups import ProcessGroups

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def system(scratch: Path, process_groups: ProcessGroups) -> Iterator[System]:
    folder = scratch / new_cuid()
    folder.mkdir()
    system = System(free_ports(folder / "state", ATRIUM_DEMO="0"), process_groups)
    yield system
    system.end()


def gone(pids: Iterable[int], within_s: float = 20) -> set[int]:
    """Wait for processes to end; returns those that still run."""
    deadline = time.monotonic() + within_s
    while left := {pid for pid in pids if is_alive(pid)}:
        if time.monotonic() > deadline:
            return left
        time.sleep(0.1)
    return set()


def refused_start(environment: dict[str, str]) -> str:
    """Start a system that must refuse in one line; returns the line."""
    done = subprocess.run(
        [BIN / "local-stack", "run"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    return line


def names_of_locations(system: System) -> list[str]:
    page = httpx.get(f"{system.base_url}/api/locations/").raise_for_status().json()
    return [entry["name"] for entry in page["results"]]


def test_stopping_and_killing_leave_no_process_and_lose_no_data(system: System) -> None:
    system.start()
    system.add_accounts()
    headers = {"authorization": f"Bearer {system.tokens['ADMIN']}"}
    url = f"{system.base_url}/api/locations/"
    httpx.post(url, json={"name": "Kept"}, headers=headers).raise_for_status()

    # A second start says what is in its way.
    again = refused_start(system.environment)
    assert "running already" in again
    elsewhere = {
        **system.environment,
        "ATRIUM_STATE_DIR": f"{system.environment['ATRIUM_STATE_DIR']}-2",
    }
    taken = refused_start(elsewhere)
    assert "is taken" in taken
    assert "ATRIUM_PORT" in taken

    # SIGTERM, as Ctrl-C.
    running = system.descendants()
    system.stop()
    assert gone(running) == set()

    # kill -9 of everything at once; the reaper among it.
    system.start()
    assert names_of_locations(system) == ["Kept"]
    running = system.descendants()
    for pid in running:
        with suppress(ProcessLookupError):  # it has died with another
            os.kill(pid, signal.SIGKILL)
    assert system.process is not None
    system.process.wait()
    assert gone(running) == set()

    # kill -9 of the supervisor alone.
    system.start()
    assert names_of_locations(system) == ["Kept"]
    running = system.descendants()
    assert system.process is not None
    system.process.kill()
    system.process.wait()
    assert gone(running) == set()


def test_a_killed_parent_takes_the_system_with_it(system: System) -> None:
    parent = subprocess.Popen(
        ["/bin/sh", "-c", f'"{BIN}/local-stack" run & wait'],
        env=system.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    system.process = parent
    assert parent.stdout is not None
    for line in parent.stdout:
        if b"Atrium is ready" in line:
            break
    running = system.descendants() - {parent.pid}
    assert len(running) > 5

    parent.kill()
    parent.wait()
    parent.stdout.close()

    assert gone(running) == set()


def test_a_process_that_keeps_failing_ends_the_start_and_is_named(system: System) -> None:
    system.environment["ROOMS_DATABASE_POOL"] = "0"  # refused by its settings

    with pytest.raises(AssertionError, match="rooms could not be brought up"):
        system.start()

    # Long before its end, if others had much to say meanwhile.
    said = system.output.read_text()
    assert "ROOMS_DATABASE_POOL: Input should be greater than or equal to 1" in said


def test_the_demo_does_not_start_where_others_could_use_its_passwords(system: System) -> None:
    open_house = {**system.environment, "ATRIUM_DEMO": "1", "ATRIUM_HOST": "0.0.0.0"}  # noqa: S104

    assert "ATRIUM_DEMO=0" in refused_start(open_house)


def test_a_demo_whose_clip_cannot_be_fetched_is_told_why_and_goes_on(system: System) -> None:
    environment = system.installation.environment()

    reason = asyncio.run(demo.fetch_assets(environment, "no-such-clip"))

    assert reason is not None
    assert "no asset no-such-clip" in reason


def test_a_port_that_another_program_has_is_named(system: System) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        said = refused_start({**system.environment, "ATRIUM_KAFKA_PORT": port})

    assert port in said
    assert "ATRIUM_KAFKA_PORT" in said


def test_missing_maven_is_one_line_that_says_what_to_install(
    system: System, tmp_path: Path
) -> None:
    java = subprocess.run(["which", "java"], capture_output=True, text=True, check=True).stdout
    environment = {
        **system.environment,
        "ATRIUM_SERVERS_DIR": str(tmp_path / "servers"),
        "JAVA_HOME": str(Path(java.strip()).resolve().parents[1]),
        "PATH": str(BIN),
    }

    done = subprocess.run(
        [BIN / "local-stack", "install"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "apt-get install maven" in done.stderr.splitlines()[-1]


def test_kafka_takes_an_id_that_begins_like_an_option(
    tmp_path: Path, servers_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "token_bytes", lambda size: b"\xfb" * size)
    kafka = Kafka(servers_dir, tmp_path / "kafka", port=1)

    kafka.prepare()

    assert "cluster.id=-" in (tmp_path / "kafka/log/meta.properties").read_text()


def test_data_of_a_deleted_state_folder_is_put_aside(scratch: Path, servers_dir: Path) -> None:
    folder, account = scratch / "abandoned", server_account()
    Postgres(servers_dir, folder, port=1, password="of yesterday", account=account).prepare()
    today = Postgres(servers_dir, folder, port=1, password="of today", account=account)

    today.prepare()

    kept = sorted(path.name for path in today.data.parent.glob("data*"))
    assert kept[0] == "data"
    assert kept[1].startswith("data.abandoned-")
