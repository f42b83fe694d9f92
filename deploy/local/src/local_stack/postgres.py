"""PostgreSQL from the binaries that the POM pins.

PostgreSQL refuses to run as root. There it runs as an unprivileged user, and its programs and
data lie where that user can reach them: in the state folder, or, when a parent of that is closed
to others (as /root is), in /var/lib/atrium under a name made from the state folder's path.
"""

import hashlib
import os
import pwd
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from local_stack import installation
from local_stack.errors import CannotStart

# The same order of texts on every machine and in every image.
_COLLATION = (
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--locale=C",
    "--builtin-locale=C.UTF-8",
)


@dataclass(frozen=True, slots=True)
class Account:
    """Who the server runs as; None: as we are."""

    uid: int
    gid: int


def server_account() -> Account | None:
    """Choose whom the server runs as: ourselves, or for root `postgres`, else `nobody`."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise CannotStart("PostgreSQL does not run as root, and there is no user `nobody` to run it.")


def _reachable_by_others(folder: Path) -> bool:
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    return all(path.stat().st_mode & 0o001 for path in (existing, *existing.parents))


def reachable(folder: Path) -> Path:
    """Return the folder itself, or its stand-in where the server's account can reach it."""
    if server_account() is None or _reachable_by_others(folder):
        return folder
    name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]
    return Path("/var/lib/atrium") / name


@dataclass(frozen=True, slots=True)
class Postgres:
    """A PostgreSQL server on 127.0.0.1, without a Unix socket.

    Args:
        servers: where the jars are.
        folder: where its data goes; a stand-in where its account can't reach that.
        port: on 127.0.0.1.
        password: of the superuser `postgres`, set when the data folder is made.
        options: server settings beside ours.
    """

    servers: Path
    folder: Path
    port: int
    password: str
    options: dict[str, str] = field(default_factory=dict)
    account: Account | None = field(default_factory=server_account)

    @property
    def data(self) -> Path:
        """The data folder."""
        return reachable(self.folder) / "data"

    def url(self, database: str = "postgres") -> str:
        """Where the superuser connects."""
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/{database}"

    def prepare(self) -> None:
        """Unpack the programs and make the data folder on first use."""
        self._program("postgres")
        marker = self.data / "complete"
        if not marker.exists():
            self._make_data_folder()
        elif marker.read_text() not in {"", self._password_digest}:
            # The state folder that this belonged to was deleted, with its passwords: nobody can
            # get in any more, but what is in it is not ours to delete.
            aside = self.data.with_name(f"data.abandoned-{int(time.time())}")
            self.data.rename(aside)
            print(f"PostgreSQL's data of a deleted state folder was put aside: {aside}")  # noqa: T201
            self._make_data_folder()

    def command(self) -> list[str]:
        """The server's command line; in the foreground, ends at once and cleanly on SIGINT."""
        settings = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": "100",
            "shared_buffers": "64MB",
            "log_checkpoints": "off",
            "log_line_prefix": "",
            **self.options,
        }
        pairs = [f"--{key}={value}" for key, value in settings.items()]
        return [self._program("postgres"), "-D", str(self.data), *pairs]

    def become_account(self) -> None:
        """Give up root in this process, for a program about to be executed."""
        if self.account is not None:
            os.setgroups([])
            os.setgid(self.account.gid)
            os.setuid(self.account.uid)

    def _program(self, name: str) -> str:
        programs = installation.unpack_postgres(self.servers, reachable(self.servers))
        return str(programs / "bin" / name)

    def _make_data_folder(self) -> None:
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        self.data.mkdir(mode=0o700)
        password_file = self.data.parent / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self.password)
        if self.account is not None:
            for path in (self.data, password_file):
                os.chown(path, self.account.uid, self.account.gid)
        options = ["--username=postgres", "--auth=scram-sha-256", f"--pwfile={password_file}"]
        made = subprocess.run(
            [self._program("initdb"), "-D", str(self.data), *_COLLATION, *options],
            check=False,
            capture_output=True,
            text=True,
            cwd=self.data.parent,
            user=self.account.uid if self.account else None,
            group=self.account.gid if self.account else None,
            extra_groups=[] if self.account else None,
        )
        password_file.unlink()
        if made.returncode != 0:
            raise CannotStart(f"PostgreSQL could not make {self.data}: {made.stderr.strip()}")
        (self.data / "complete").write_text(self._password_digest)

    @property
    def _password_digest(self) -> str:
        return hashlib.sha256(self.password.encode()).hexdigest()
