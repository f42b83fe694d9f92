"""The pages call what there is: their client is typed by what the gateway says of itself."""

import subprocess
from pathlib import Path

import httpx
import pytest
from running_system import System

from common.contracts import Contract

WEB = Path(__file__).parents[2] / "web"


@pytest.mark.parametrize("contract", Contract)
def test_the_pages_client_is_as_the_gateway_says(
    system: System, tmp_path: Path, contract: Contract
) -> None:
    described = httpx.get(f"{system.base_url}/openapi/{contract}.json", timeout=30)
    (tmp_path / "openapi.json").write_text(described.raise_for_status().text)
    written = tmp_path / "contract.ts"

    # As `make client` writes it.
    command = ["npm", "run", "--silent", "client", "--", tmp_path / "openapi.json"]
    subprocess.run([*command, "--output", written], cwd=WEB, check=True, capture_output=True)

    committed = (WEB / f"src/shared/contracts/{contract}.ts").read_text()
    assert written.read_text() == committed, "`make client` writes it anew"
