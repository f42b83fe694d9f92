"""The demo: accounts, a building with rooms, and a camera whose clip is counted.

Everything goes through the gateway, as any client's would, but for the accounts, which only the
operator's command line makes.
"""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import httpx

from local_stack.errors import CannotStart

ACCOUNTS: Final = (
    {
        "email": "admin@atrium.test",
        "password": "atrium-admin",
        "name": "Ada Admin",
        "role": "ADMIN",
        "department": "Facilities",
    },
    {
        "email": "faculty@atrium.test",
        "password": "atrium-faculty",
        "name": "Farid Faculty",
        "role": "FACULTY",
        "department": "Mathematics",
    },
    {
        "email": "student@atrium.test",
        "password": "atrium-student",
        "name": "Sara Student",
        "role": "STUDENT",
        "department": None,
    },
)
CAMERA: Final = "DEMO_WALKWAY"
EDGE: Final = "demo"
MODEL: Final = "yolox-nano"
CLIP: Final = "vtest"
FETCHED_WITHIN_S: Final = 60.0
_ROOMS: Final = (
    ("Auditorium", 100, ["Projector", "Microphone"]),
    ("Meeting Room 1", 8, ["Whiteboard", "Video conference"]),
    ("Meeting Room 2", 12, ["Projector", "Whiteboard"]),
    ("Seminar Room", 24, ["Projector", "Whiteboard", "Video conference"]),
)
# Line A of the clip, drawn bottom to top: people who walk to the left enter.
_LINE: Final = {"line_name": "Walkway", "x1": 550, "y1": 480, "x2": 550, "y2": 160}


def refuse_open_house(host: str) -> None:
    """The demo's passwords are known to everybody.

    Raises:
        CannotStart: the gateway would listen on more than loopback.
    """
    if host not in {"127.0.0.1", "::1", "localhost"}:
        raise CannotStart(
            f"The demo has well-known passwords and starts on loopback only, not on {host}."
            " Set ATRIUM_DEMO=0, or ATRIUM_HOST=127.0.0.1."
        )


async def add_accounts(environment: Mapping[str, str]) -> None:
    """Make the demo's accounts by the gateway's command line; those that exist stay as they are."""
    process = await asyncio.create_subprocess_exec(
        "gateway",
        "users",
        "import",
        "-",
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate(json.dumps(ACCOUNTS).encode())
    if process.returncode != 0:
        raise CannotStart(f"the demo's accounts could not be made: {output.decode().strip()}")


async def edge_token(environment: Mapping[str, str], state: Path) -> str:
    """Return the token of the demo's camera host, made on first use and kept in a file."""
    path = state / "demo-edge.token"
    if not path.exists():
        process = await asyncio.create_subprocess_exec(
            "gateway",
            "devices",
            "add",
            "edge",
            EDGE,
            "--replace",
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        token, complaint = await process.communicate()
        if process.returncode != 0:
            raise CannotStart(f"the demo's edge has no token: {complaint.decode().strip()}")
        path.touch(mode=0o600)
        path.write_bytes(token.strip())
    return path.read_text()


async def fetch_assets(environment: Mapping[str, str], *names: str) -> str | None:
    """Fetch the demo's model and clip, those that this machine does not have.

    Returns:
        why not, if they could not be fetched: counting people is not all that there is to see.
    """
    process = await asyncio.create_subprocess_exec(
        "edge-counter",
        "assets",
        "pull",
        *names,
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(FETCHED_WITHIN_S):
            _, complaint = await process.communicate()
    except TimeoutError:
        return f"nothing was complete after {FETCHED_WITHIN_S:.0f} s"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    said = complaint.decode().strip().splitlines()
    return None if process.returncode == 0 else (said or ["no reason was given"])[-1]


async def seed(base_url: str, environment: Mapping[str, str]) -> None:
    """Make what is missing of the demo."""
    async with httpx.AsyncClient(base_url=base_url, timeout=30) as client:
        if not await _sign_in(client):
            await add_accounts(environment)
            if not await _sign_in(client):
                raise CannotStart(f"{ACCOUNTS[0]['email']} cannot sign in: was it changed by hand?")
        await _add_building(client)
        await _add_camera(client)


async def _sign_in(client: httpx.AsyncClient) -> bool:
    admin = ACCOUNTS[0]
    reply = await client.post(
        "/api/auth/login", json={"email": admin["email"], "password": admin["password"]}
    )
    if reply.status_code == httpx.codes.UNAUTHORIZED:
        return False
    token = reply.raise_for_status().json()["data"]["token"]
    client.headers["authorization"] = f"Bearer {token}"
    return True


async def _add_building(client: httpx.AsyncClient) -> None:
    known = (await client.get("/api/rooms/", params={"location": "Main Building"})).json()
    if known["count"]:
        return
    location = await _post(client, "/api/locations/", {"name": "Main Building"})
    amenities: dict[str, int] = {}
    for name in sorted({amenity for *_, names in _ROOMS for amenity in names}):
        amenities[name] = (await _post(client, "/api/amenities/", {"name": name}))["id"]
    for name, capacity, names in _ROOMS:
        await _post(
            client,
            "/api/rooms/",
            {
                "name": name,
                "location": location["id"],
                "capacity": capacity,
                "amenities_id": [amenities[amenity] for amenity in names],
                "start_datetime": "2026-01-05T07:00:00Z",
                "end_datetime": "2026-01-05T19:00:00Z",
                "recurrence_rule": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
            },
        )


async def _add_camera(client: httpx.AsyncClient) -> None:
    cameras = (await client.get("/api/occupancy/cameras")).raise_for_status().json()
    if any(camera["camera_id"] == CAMERA for camera in cameras):
        return
    camera = await _post(
        client,
        "/api/occupancy/cameras",
        {
            "camera_id": CAMERA,
            "camera_name": "Walkway (demo clip)",
            "location": "Main Building",
            "camera_type": "bidirectional",
            "max_occupancy": 50,
            "resolution_width": 768,
            "resolution_height": 576,
            "edge_id": EDGE,
        },
    )
    line = {**_LINE, "camera_id": camera["id"], "direction": "bidirectional"}
    await _post(client, "/api/occupancy/lines", line)


async def _post(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    reply = await client.post(path, json=body)
    if reply.is_error:
        raise CannotStart(f"the demo could not be made: POST {path}: {reply.text}")
    made: dict[str, Any] = reply.json()
    return made
