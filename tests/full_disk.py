"""A small disk of its own, and somebody else who takes all the room on it."""

import errno
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk() -> Iterator[Path]:
    """Mount a disk of 24 MB.

    Not below `tmp_path`: a run that is killed leaves it mounted, and pytest could not clear that.
    """
    disk = Path(tempfile.mkdtemp(prefix="atrium-small-disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        disk.rmdir()
        pytest.skip("no right to mount a disk here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
        disk.rmdir()


def eat(disk: Path, leave: int = 0) -> Path:
    """Let somebody else take all that is left of a disk."""
    meal, free = disk / "of somebody else", os.statvfs(disk)
    with meal.open("ab") as file:
        try:
            file.write(bytes(max(0, free.f_bavail * free.f_frsize - leave)))
            file.flush()
        except OSError as error:
            assert error.errno == errno.ENOSPC  # noqa: PT017 - full is what it shall be
    return meal
