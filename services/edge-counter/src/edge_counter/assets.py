"""Models and clips that are not part of the package: where they are, and how to get them.

Looked for in `ATRIUM_ASSETS_DIR`, then in the `../shared/data` of the project's root and of the
working directory, then in the user's cache, where `edge-counter assets pull` puts them.
"""

import hashlib
import logging
import os
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Literal

import msgspec

from edge_counter.camera import Source
from edge_counter.errors import BadAsset

_log = logging.getLogger(__name__)


class Asset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file that is fetched, not shipped.

    Args:
        path: in a folder of assets.
    """

    name: str
    kind: Literal["model", "clip"]
    path: str
    url: str
    sha256: str
    size_bytes: int
    licence: str


class _Table(msgspec.Struct, forbid_unknown_fields=True):
    asset: list[Asset]


@cache
def assets() -> dict[str, Asset]:
    """Return all assets by name."""
    text = resources.files("edge_counter").joinpath("assets.toml").read_text()
    table = msgspec.convert(tomllib.loads(text), _Table)
    return {asset.name: asset for asset in table.asset}


def cache_folder() -> Path:
    """Return where fetched assets are kept."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "atrium" / "assets"


def find(asset: Asset) -> Path | None:
    """Return the asset's file if there is one with the right content."""
    for folder in _folders():
        path = folder / asset.path
        if not path.is_file():
            continue
        if is_genuine(asset, path):
            return path
        _log.warning("asset ignored: wrong content", extra={"asset": asset.name, "path": str(path)})
    return None


def is_genuine(asset: Asset, path: Path) -> bool:
    """Tell whether a file is the asset. A few milliseconds, so that it is done at each start."""
    if path.stat().st_size != asset.size_bytes:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == asset.sha256


def resolve_source(text: str) -> Source:
    """Take a path, an URL or the name of a clip.

    Raises:
        BadAsset: the clip of that name is not on this machine.
    """
    asset = assets().get(text)
    if asset is None or asset.kind != "clip" or Path(text).exists():
        return Source(text)
    path = find(asset)
    if path is None:
        raise BadAsset(
            f"the clip {text} is not on this machine: `edge-counter assets pull` fetches it,"
            " ATRIUM_ASSETS_DIR names a folder that has it, and a path or a camera's rtsp://"
            " address can be played instead"
        )
    return Source(str(path))


def pull(asset: Asset, progress: Callable[[int], None]) -> Path:
    """Fetch an asset into the cache; a file there is complete and checked, or is not there.

    Args:
        progress: told the number of bytes that have come, again and again.

    Raises:
        BadAsset: it cannot be fetched or stored, or is not what it should be.
    """
    import httpx

    path = cache_folder() / asset.path
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            httpx.stream("GET", asset.url, follow_redirects=True, timeout=20) as answer,
            part.open("wb") as file,
        ):
            answer.raise_for_status()
            for chunk in answer.iter_bytes():
                file.write(chunk)
                progress(answer.num_bytes_downloaded)
        if not is_genuine(asset, part):
            raise BadAsset(_by_hand(asset, path, "size or SHA-256 is not the expected one"))
        part.replace(path)
    except (httpx.HTTPError, OSError) as error:
        raise BadAsset(_by_hand(asset, path, str(error) or type(error).__name__)) from error
    finally:
        part.unlink(missing_ok=True)
    return path


def _by_hand(asset: Asset, path: Path, reason: str) -> str:
    return (
        f"{asset.name} could not be fetched: {reason}. Try again later, or bring the file yourself:"
        f" from {asset.url} to {path}, or to {asset.path} in a folder named by ATRIUM_ASSETS_DIR"
    )


def _folders() -> Iterator[Path]:
    if named := os.environ.get("ATRIUM_ASSETS_DIR"):
        yield Path(named)
    # In a checkout this file is at services/edge-counter/src/edge_counter of the root.
    root = Path(__file__).resolve().parents[4]
    yield root.parent / "shared" / "data"
    yield Path.cwd().parent / "shared" / "data"
    yield cache_folder()
