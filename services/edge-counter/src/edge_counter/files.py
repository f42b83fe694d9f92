"""A folder of one process, and small files that a crash never leaves half written."""

import fcntl
import os
from pathlib import Path

from edge_counter.errors import SpoolUnavailable, StateInUse


def write_atomically(path: Path, data: bytes, *, is_synced: bool = True) -> None:
    """Replace a file so that after any crash the old or the new content is there, whole.

    Nobody but its owner can read it.

    Args:
        is_synced: also after a power cut; without it the file may then be old, or broken.

    Raises:
        OSError: the old content is still there.
    """
    new = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        os.fchmod(file.fileno(), 0o600)  # one that a crash left may have been for all
        file.write(data)
        file.flush()
        if is_synced:
            os.fsync(file.fileno())
    new.replace(path)
    if is_synced:
        sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make what was renamed in a folder durable.

    Raises:
        OSError: it may not be.
    """
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def own(folder: Path) -> int:
    """Lock a folder, made if it is missing, until this process ends; return the lock.

    Raises:
        StateInUse: another process has it.
        SpoolUnavailable: it cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise SpoolUnavailable(f"the state folder cannot be used: {error}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise StateInUse(f"another edge-counter works in {folder} (EDGE_STATE_DIR)") from error
    return lock
