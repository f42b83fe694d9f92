"""Assets that are there, missing, wrong or on their way."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest

from edge_counter.assets import Asset, assets, cache_folder, find, pull, resolve_source
from edge_counter.errors import BadAsset

CONTENT = b"a model" * 50_000


class Host(BaseHTTPRequestHandler):
    """Serves one file, moves it, breaks off in the middle of it, or has never heard of it."""

    def do_GET(self) -> None:
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/asset")
            self.end_headers()
            return
        self.send_response(404 if self.path == "/gone" else 200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[: 1000 if self.path == "/broken" else None])

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def host() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Host)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("ATRIUM_ASSETS_DIR", str(tmp_path / "named"))
    return tmp_path


def asset(url: str = "") -> Asset:
    return Asset(
        name="model",
        kind="model",
        path="models/a.onnx",
        url=url,
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        size_bytes=len(CONTENT),
        licence="free",
    )


def put(folder: Path, content: bytes) -> Path:
    path = folder / "models" / "a.onnx"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def test_the_named_folder_comes_before_the_cache(cache: Path) -> None:
    put(cache_folder(), CONTENT)
    named = put(cache / "named", CONTENT)

    assert find(asset()) == named


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(CONTENT[:-1] + b"!", id="changed"),
        pytest.param(CONTENT[:-1], id="cut off"),
    ],
)
def test_a_wrong_file_is_passed_over(cache: Path, content: bytes) -> None:
    put(cache / "named", content)
    right = put(cache_folder(), CONTENT)

    assert find(asset()) == right


def test_a_missing_asset_is_not_found() -> None:
    assert find(asset()) is None


@pytest.mark.parametrize("path", ["/asset", "/moved"])
def test_a_fetched_asset_is_found_from_then_on(host: str, path: str) -> None:
    progress: list[int] = []

    stored = pull(asset(host + path), progress.append)

    assert find(asset()) == stored
    assert progress[-1] == len(CONTENT)


@pytest.mark.parametrize("path", ["/gone", "/broken"])
def test_a_failed_fetch_leaves_nothing_and_says_what_to_do(host: str, path: str) -> None:
    with pytest.raises(BadAsset, match="ATRIUM_ASSETS_DIR"):
        pull(asset(host + path), lambda _: None)

    assert not [file for file in cache_folder().rglob("*") if file.is_file()]


def test_a_fetched_file_with_other_content_is_refused(host: str) -> None:
    other = msgspec.structs.replace(asset(f"{host}/asset"), sha256="0" * 64)

    with pytest.raises(BadAsset, match="SHA-256"):
        pull(other, lambda _: None)

    assert not [file for file in cache_folder().rglob("*") if file.is_file()]


def test_nobody_there_to_fetch_from_is_told() -> None:
    with pytest.raises(BadAsset, match="yourself"):
        pull(asset("http://127.0.0.1:1/asset"), lambda _: None)


def test_a_clip_that_is_missing_says_how_to_go_on_without_it(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_counter.assets._folders", lambda: iter([cache]))

    with pytest.raises(BadAsset, match=r"assets pull.*rtsp"):
        resolve_source("vtest")


def test_the_table_names_what_is_needed_to_fetch_and_to_attribute() -> None:
    for one in assets().values():
        assert one.url.startswith("https://")
        assert len(one.sha256) == 64
        assert one.size_bytes > 0
        assert one.licence
