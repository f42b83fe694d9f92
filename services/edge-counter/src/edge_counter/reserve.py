"""Room on the disk that is given back when there is no other, so that deleting goes on.

SQLite writes before it deletes. On a full disk, acknowledged crossings could otherwise not leave
the spool, which alone makes room again.
"""

import shutil
import time
from pathlib import Path
from typing import Final

# The write-ahead log is at most about 4 MB, and the database grows by as much when it is emptied.
SIZE_BYTES: Final = 8 * 1024 * 1024
_TRY_EVERY_S: Final = 1.0
_LEFT_TO_OTHERS_BYTES: Final = 1024 * 1024


class Reserve:
    """A file of zeros.

    Args:
        path: of the file; it is made by `restore`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._try_at_s = 0.0
        self.is_whole = False

    def restore(self) -> bool:
        """Take the room again, if it is there; tell whether it was. Tries once a second."""
        now_s = time.monotonic()
        if self.is_whole or now_s < self._try_at_s:
            return self.is_whole
        self._try_at_s = now_s + _TRY_EVERY_S
        try:
            self.is_whole = self._is_there() or self._make()
        except OSError:
            self.release()
        return self.is_whole

    def _is_there(self) -> bool:
        return self._path.exists() and self._path.stat().st_size == SIZE_BYTES

    def _make(self) -> bool:
        """Write the file, if that takes nobody else's last room."""
        if shutil.disk_usage(self._path.parent).free < SIZE_BYTES + _LEFT_TO_OTHERS_BYTES:
            return False
        self._path.write_bytes(bytes(SIZE_BYTES))
        return True

    def release(self) -> None:
        """Give the room back."""
        self.is_whole = False
        self._path.unlink(missing_ok=True)
