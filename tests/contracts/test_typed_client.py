"""The pages call what there is: their client is typed by what the gateway says of itself."""

import subprocess
from pathlib import Path

import httpx
from running_system import System

WEB = Path(__file__).parents[2] / "web"


def test_the_pages_client_is_as_the_gateway_says(system: System, tmp_path: Path) -> None:
    described = httpx.get(f"{system.base_url}/openapi/circle_time.json", timeout=30)
    (tmp_path / "openapi.json").write_text(described.raise_for_status().text)
    written = tmp_path / "circle_time.ts"

    subprocess.run(
        [WEB / "node_modules/.bin/openapi-typescript", "openapi.json", "--output", written],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )

    committed = (WEB / "src/shared/circle_time.ts").read_text()
    assert written.read_text() == committed, "`make client` writes it anew"
