"""Serves the pages of `web/`, as `make web` has built them."""

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click
from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

# Pages run our own scripts and ask our own API; whatever else is written into them does nothing.
# A blob: is a picture of a camera that was asked for, which is shown and stored nowhere.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:;"
    " font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Their names change with what is in them.
_ASSETS: Final = "/assets/"
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_ASK_FIRST: Final = "no-cache"
_COMPRESSED: Final = frozenset({".html", ".css", ".js", ".svg", ".webmanifest"})
# A page that shows other pages by itself: whatever is below it and is no file is one of those.
APP: Final = "/app/"
_TYPES: Final = {".js": "text/javascript", ".webmanifest": "application/manifest+json"}


def web_pages(folder: Path) -> Mapping[str, ASGIApp]:
    """Read everything that was built, by path; a folder's page stands for the folder.

    Raises:
        ClickException: nothing was built there.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if not files:
        raise click.ClickException(f"GATEWAY_WEB_DIR: nothing is in {folder}; `make web` builds it")
    pages: dict[str, ASGIApp] = {}
    for file in files:
        path = f"/{file.relative_to(folder).as_posix()}"
        if file.name == "index.html":
            path = path.removesuffix("index.html")
            pages[path.removesuffix("/")] = RedirectResponse(path, 308)
        pages[path] = _File(path, file)
    return pages


class _File:
    """A file in memory, compressed once for whoever takes it so."""

    def __init__(self, path: str, file: Path) -> None:
        self._content = file.read_bytes()
        suffix = file.suffix
        is_compressed = suffix in _COMPRESSED
        self._compressed = gzip.compress(self._content, mtime=0) if is_compressed else None
        self._media_type = _TYPES.get(suffix) or mimetypes.guess_type(file.name)[0]
        self._headers = {
            "etag": f'"{hashlib.sha256(self._content).hexdigest()[:32]}"',
            "cache-control": _FOR_EVER if path.startswith(_ASSETS) else _ASK_FIRST,
            "content-security-policy": POLICY,
        }
        if self._compressed is not None:
            self._headers["vary"] = "accept-encoding"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = Headers(scope=scope)
        await self._answer(asked)(scope, receive, send)

    def _answer(self, asked: Headers) -> Response:
        headers = self._headers
        if headers["etag"] in asked.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if self._compressed is not None and "gzip" in asked.get("accept-encoding", ""):
            headers = {**headers, "content-encoding": "gzip"}
            return Response(self._compressed, headers=headers, media_type=self._media_type)
        return Response(self._content, headers=headers, media_type=self._media_type)
