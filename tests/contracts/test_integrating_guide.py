"""The commands of the integrators' guide run as they are written."""

import asyncio
import json
import re
import subprocess
from pathlib import Path

import pytest
from making import make_location
from running_system import System

GUIDE = Path(__file__).parents[2] / "docs/guides/integrating.md"
# The receiver's commands need the receiver: test_webhooks.py runs them.
ELSEWHERE = ("Webhooks", "Refusals")


@pytest.fixture(scope="module")
def demo_accounts(system: System) -> None:
    """The accounts that the guide signs in as."""
    people = [
        {
            "email": f"{role}@atrium.test",
            "name": role.title(),
            "role": role.upper(),
            "password": f"atrium-{role}",
        }
        for role in ("admin", "faculty", "student")
    ]
    system.run("gateway", "users", "import", "-", stdin=json.dumps(people))


async def location_of(system: System) -> int:
    async with system.client("ADMIN") as admin:
        return int((await make_location(admin))["id"])


@pytest.mark.usefixtures("demo_accounts")
def test_every_command_is_answered(system: System) -> None:
    location = asyncio.run(location_of(system))
    sections = re.split(r"^## ", GUIDE.read_text(), flags=re.MULTILINE)
    blocks = [
        block
        for section in sections
        if not section.startswith(ELSEWHERE)
        for block in re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    ]
    script = "\n".join(blocks).replace("curl -s", "curl -sS --fail-with-body")
    # The one command that shows a refusal.
    script = script.replace("--fail-with-body $api/api/rooms ", "$api/api/rooms ")
    for written, here in (
        ("http://localhost:8000", system.base_url),
        ("http://localhost:3000", system.university_url),
        ('"location":1,', f'"location":{location},'),
    ):
        assert written in script
        script = script.replace(written, here)

    done = subprocess.run(
        ["sh", "-eux"], input=script, capture_output=True, text=True, check=False, timeout=50
    )

    assert len(blocks) > 7
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-1000:]
    assert '"title":"Planning, at last"' in done.stdout
    assert '"role":"STUDENT"' in done.stdout
