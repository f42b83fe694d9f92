"""docker-compose.yml: one command, one way in, and no container with more than it needs."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
import yaml
from dockerfile import stages
from environments import ROOT
from processes import (
    PROCESSES,
    SCHEMAS,
    SERVICES,
    check_command,
    image_process,
    roles_variables,
    settings_from,
)

from common.process import DRAIN_S

Composition = dict[str, Any]

_FILE: Final = ROOT / "docker-compose.yml"
_VARIABLE: Final = re.compile(r"\$\{(\w+)(?:(:[-?])([^}]*))?\}")
_SERVERS: Final = {"postgres", "kafka"}
_STAGES: Final = stages()


@pytest.fixture(scope="module")
def composition() -> Composition:
    content: Composition = yaml.safe_load(_FILE.read_text())
    return content


@pytest.fixture(scope="module")
def services(composition: Composition) -> dict[str, Any]:
    own: dict[str, Any] = composition["services"]
    return own


@pytest.fixture(scope="module")
def env(env_file: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in env_file.read_text().splitlines())


def _interpolated(value: object, env: dict[str, str]) -> str:
    def value_of(found: re.Match[str]) -> str:
        name, kind, text = found.groups()
        return env[name] if kind != ":-" else env.get(name) or text

    return _VARIABLE.sub(value_of, str(value))


def _environment(service: dict[str, Any], env: dict[str, str]) -> dict[str, str]:
    return {name: _interpolated(value, env) for name, value in service["environment"].items()}


def _docker_compose(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    if shutil.which("docker-compose") is None:
        missing = "install Debian's package docker-compose: apt-get install docker-compose"
        if os.environ.get("CI") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    clean = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME"}}
    return subprocess.run(
        ["docker-compose", "--file", _FILE, *arguments],
        check=False,
        capture_output=True,
        text=True,
        env=clean,
        cwd=_FILE.parent,
    )


# --- whole --------------------------------------------------------------------------------------


def test_compose_takes_the_file(env_file: Path) -> None:
    checked = _docker_compose("--env-file", env_file, "config")

    assert checked.returncode == 0, checked.stderr


def test_without_secrets_nothing_starts_and_it_says_how_to_make_them(tmp_path: Path) -> None:
    nothing = tmp_path / "empty.env"
    nothing.touch()

    refused = _docker_compose("--env-file", nothing, "config")

    assert refused.returncode != 0
    assert "deploy/images/make-env.sh" in refused.stderr


def test_every_secret_is_asked_for_by_name_and_has_no_default(env: dict[str, str]) -> None:
    kinds: dict[str, set[str | None]] = {}
    for name, kind, _ in _VARIABLE.findall(_FILE.read_text()):
        kinds.setdefault(name, set()).add(kind)

    assert {name for name, kind in kinds.items() if ":?" in kind} == env.keys()
    assert not any(":-" in kinds[name] for name in env)


# --- confined -----------------------------------------------------------------------------------


def test_every_container_has_only_what_it_needs(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not service.keys() & {"privileged", "cap_add", "pid", "ipc", "network_mode"}, name
        assert service.keys() >= {"tmpfs", "cpus", "mem_limit", "pids_limit"}, name


def test_no_container_runs_as_root(services: dict[str, Any]) -> None:
    # Kafka's image has a user of its own, Postgres' begins as root unless told otherwise.
    assert services["postgres"]["user"] == "postgres"
    for name, service in services.items():
        if name not in _SERVERS:
            assert "user" not in service, "the image says who"
            process = image_process(service["image"])
            assert process is not None


def test_only_the_gateway_is_reachable_and_only_from_this_machine(
    composition: Composition, env: dict[str, str]
) -> None:
    open_networks = {
        name for name, one in composition["networks"].items() if not one.get("internal")
    }
    for name, service in composition["services"].items():
        assert (name == "gateway") == ("ports" in service)
        # Bookings calls others; without a published port nobody comes in by that network.
        own = {"gateway": {"front"}, "bookings": {"outward"}}.get(name, set())
        assert open_networks & set(service["networks"]) == own, name
    published = [_interpolated(one, env) for one in composition["services"]["gateway"]["ports"]]

    assert published == ["127.0.0.1:8000:8000", "127.0.0.1:3000:3000"]


def test_only_migrations_and_the_roles_know_the_owners_passwords(services: dict[str, Any]) -> None:
    for name, service in services.items():
        knows = any("OWNER_PASSWORD" in str(value) for value in service["environment"].values())
        assert knows == (name == "database-roles" or name.endswith("-migrate")), name


def test_data_outlives_the_containers(composition: Composition) -> None:
    services = composition["services"]
    kept = {
        name: volume.partition(":")[2]
        for name, service in services.items()
        for volume in service.get("volumes", [])
        if not volume.startswith((".", "$"))
    }

    assert kept == {
        "postgres": "/var/lib/postgresql",
        "kafka": "/var/lib/kafka/data",
        "edge-counter": "/var/lib/edge",
    }
    state = _STAGES["edge-counter"].environment["EDGE_STATE_DIR"]
    assert state.startswith("/var/lib/edge/")
    assert services["kafka"]["environment"]["KAFKA_LOG_DIRS"].startswith("/var/lib/kafka/data/")


# --- as the code has it -------------------------------------------------------------------------


def test_processes_are_told_only_what_they_read(services: dict[str, Any]) -> None:
    for name, service in services.items():
        process = image_process(service["image"])
        if process is not None and "entrypoint" not in service:
            assert service["environment"].keys() <= process.variables().keys() | process.also_reads
            assert service["build"]["target"] == process.name, name


def test_every_process_finds_all_that_it_needs(
    services: dict[str, Any], env: dict[str, str]
) -> None:
    for service in services.values():
        process = image_process(service["image"])
        if process is not None and "entrypoint" not in service:
            image = _STAGES[process.name].environment
            settings_from(process, image | _environment(service, env))  # raises, if not


def test_every_container_runs_a_command_of_its_process(services: dict[str, Any]) -> None:
    for service in services.values():
        process = image_process(service["image"])
        if process is not None and "entrypoint" not in service:
            check_command(process.main, service.get("command", _STAGES[process.name].command))


def test_roles_are_made_for_every_schema(services: dict[str, Any]) -> None:
    roles = services["database-roles"]

    assert roles["entrypoint"] == ["python", "-m", "common.roles"]
    assert set(roles["command"]) == SCHEMAS
    assert roles["environment"].keys() == roles_variables(roles["command"])


def test_every_schema_is_migrated_before_its_process_starts(services: dict[str, Any]) -> None:
    done, healthy = "service_completed_successfully", "service_healthy"
    for process in PROCESSES.values():
        if process.schema is None:
            continue
        migrate = services[f"{process.name}-migrate"]
        before = services[process.name]["depends_on"]
        assert before == {f"{process.name}-migrate": {"condition": done}}
        assert migrate["command"] == ["migrate"]
        assert migrate["restart"] == "no"
        assert f"{process.name.upper()}_OWNER_DATABASE_URL" in migrate["environment"]
        assert migrate["depends_on"] == {
            "database-roles": {"condition": done},
            "kafka": {"condition": healthy},
        }
    assert services["database-roles"]["depends_on"] == {"postgres": {"condition": healthy}}


def test_what_others_wait_for_says_when_it_is_healthy(services: dict[str, Any]) -> None:
    for service in services.values():
        for name, wait in service.get("depends_on", {}).items():
            if wait["condition"] == "service_healthy":
                process = image_process(services[name]["image"])
                if process is None:
                    assert "test" in services[name]["healthcheck"]
                else:
                    assert "healthcheck" not in services[name], "the image has one"


def test_every_address_is_that_of_a_service_on_a_common_network(
    services: dict[str, Any], env: dict[str, str]
) -> None:
    servers = {"postgres": {5432}, "kafka": {9092}}
    for name, service in services.items():
        if name in _SERVERS:
            continue
        for variable, value in _environment(service, env).items():
            if not variable.endswith("_URL") and variable != "ATRIUM_KAFKA":
                continue
            if variable == "BOOKINGS_SMTP_URL":  # an installation's own
                assert value == ""
                continue
            address = urlsplit(value if "://" in value else f"//{value}")
            assert address.hostname is not None
            process = PROCESSES.get(address.hostname)
            ports = _STAGES[process.name].ports if process else servers[address.hostname]
            assert address.port in ports, f"{name}: {variable}"
            assert set(service["networks"]) & set(services[address.hostname]["networks"]), variable


def test_the_gateway_is_told_where_every_service_is(
    services: dict[str, Any], env: dict[str, str]
) -> None:
    environment = _environment(services["gateway"], env)

    for name in SERVICES:
        assert urlsplit(environment[f"GATEWAY_{name.upper()}_URL"]).hostname == name


def test_each_process_works_in_its_schema_by_its_role(
    services: dict[str, Any], env: dict[str, str]
) -> None:
    for process in PROCESSES.values():
        if process.schema is None:
            continue
        environment = _environment(services[f"{process.name}-migrate"], env)
        for owner in ("", "_owner"):
            role = f"{process.schema.name}{owner}"
            url = urlsplit(environment[f"{process.name.upper()}{owner.upper()}_DATABASE_URL"])
            assert (url.username, url.password) == (role, env[f"{role.upper()}_PASSWORD"])
            assert url.path == "/atrium"


@pytest.mark.parametrize("name", ["bookings", "occupancy"])
def test_secrets_can_be_kept(services: dict[str, Any], env: dict[str, str], name: str) -> None:
    environment = _STAGES[name].environment | _environment(services[name], env)
    settings: Any = settings_from(PROCESSES[name], environment)

    assert settings.secrets_key is not None, "it does without, but for webhooks or streams"


def test_published_ports_are_those_on_which_the_gateway_listens(services: dict[str, Any]) -> None:
    inside = {int(one.rpartition(":")[2]) for one in services["gateway"]["ports"]}
    gateway = _STAGES["gateway"]

    operations = int(gateway.environment["GATEWAY_OPERATIONS_PORT"])
    assert inside == gateway.ports - {operations}


def test_containers_outlive_the_requests_that_are_under_way(services: dict[str, Any]) -> None:
    for process in PROCESSES:
        assert int(services[process]["stop_grace_period"].removesuffix("s")) > DRAIN_S


def test_processes_come_back_and_one_time_work_does_not(services: dict[str, Any]) -> None:
    for name, service in services.items():
        once = name == "database-roles" or name.endswith("-migrate")
        assert service["restart"] == ("no" if once else "unless-stopped"), name


def test_the_demos_camera_is_there_only_when_asked_for(services: dict[str, Any]) -> None:
    assert [name for name, one in services.items() if "profiles" in one] == ["edge-counter"]
    assert services["edge-counter"]["profiles"] == ["demo"]
