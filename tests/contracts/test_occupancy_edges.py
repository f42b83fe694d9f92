"""Document 002 (`occupancy`): what edge-counters are told, and nobody else."""

import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest
from making import make_camera, make_line
from running_system import System

from common.ids import new_cuid
from common.testing.servers import NO_TLS

STREAM = "rtsp://viewer:canary-of-the-camera@camera.example:8554/stream?channel=1"


@pytest.fixture
async def edge(system: System) -> AsyncIterator[tuple[str, httpx.AsyncClient]]:
    """An edge-counter: its name, and a client with its device token."""
    name = f"edge-{new_cuid()}"
    token = system.run("gateway", "devices", "add", "edge", name)
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(
        base_url=system.base_url, headers=headers, timeout=30, verify=NO_TLS
    ) as client:
        yield name, client


def path_of(edge_id: str) -> str:
    return f"/api/occupancy/edges/{edge_id}/configuration"


async def test_an_edge_is_told_its_active_cameras_with_all_their_lines(
    admin: httpx.AsyncClient, edge: tuple[str, httpx.AsyncClient]
) -> None:
    name, client = edge
    size = {"resolution_width": 1920, "resolution_height": 1080}
    first = await make_camera(admin, edge_id=name, stream_url=STREAM, **size)
    second = await make_camera(admin, edge_id=name)
    await make_camera(admin, edge_id=name, is_active=False)
    await make_camera(admin, edge_id="somebody-else")
    await make_camera(admin)
    left = await make_line(admin, first["id"])
    right = await make_line(admin, first["id"], entry_side="right", is_active=False)

    told = await client.get(path_of(name))

    ends = {"x1": 0, "y1": 300, "x2": 1920, "y2": 300}
    assert told.status_code == 200
    assert told.headers["cache-control"] == "no-store"
    assert told.json() == {
        "edge_id": name,
        "cameras": [
            {
                "id": first["id"],
                "camera_id": first["camera_id"],
                **size,
                "stream_url": STREAM,
                "lines": [
                    {"id": left["id"], **ends, "entry_side": "left", "is_active": True},
                    {"id": right["id"], **ends, "entry_side": "right", "is_active": False},
                ],
            },
            {
                "id": second["id"],
                "camera_id": second["camera_id"],
                "resolution_width": None,
                "resolution_height": None,
                "stream_url": None,
                "lines": [],
            },
        ],
    }


async def test_whoever_has_it_already_is_told_304_until_it_changes(
    admin: httpx.AsyncClient, edge: tuple[str, httpx.AsyncClient]
) -> None:
    name, client = edge
    camera = await make_camera(admin, edge_id=name, stream_url=STREAM)
    line = await make_line(admin, camera["id"])
    etags = []

    async def ask() -> int:
        known = {"if-none-match": etags[-1]} if etags else {}
        reply = await client.get(path_of(name), headers=known)
        etags.append(reply.headers["etag"])
        return reply.status_code

    asked = [await ask(), await ask()]
    path = f"/api/occupancy/cameras/{camera['id']}"
    for changed, values in (
        (f"/api/occupancy/lines/{line['id']}", {"entry_side": "right"}),
        (path, {"stream_url": "https://camera.example/mjpeg"}),
        (path, {"stream_url": None}),
        (path, {"edge_id": None}),
    ):
        assert (await admin.put(changed, json=values)).status_code == 200
        asked += [await ask(), await ask()]

    assert asked == [200, 304] * 5
    assert not any(etag.startswith("W/") for etag in etags)
    assert (await client.get(path_of(name))).json() == {"edge_id": name, "cameras": []}


async def test_nobody_else_is_told(
    system: System,
    anyone: httpx.AsyncClient,
    staff: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    edge: tuple[str, httpx.AsyncClient],
) -> None:
    name, client = edge
    other = f"edge-{new_cuid()}"
    await make_camera(admin, edge_id=other, stream_url=STREAM)
    await make_camera(admin, edge_id=name, stream_url=STREAM)

    foreign = await client.get(path_of(other))
    shown = await admin.get(path_of(name))

    assert (foreign.status_code, foreign.json()) == (404, {"detail": f"Edge {other} not found"})
    assert (await anyone.get(path_of(name))).status_code == 401
    assert (await staff.get(path_of(name))).status_code == 403
    # The other route of occupancy is open to all: it must not lead here.
    for way in (f"{path_of(name)}/", f"/api/occupancy/edges/{name}//configuration"):
        assert (await anyone.get(way)).status_code in {400, 404}
    unnamed = await admin.get(path_of(".edge"))
    assert (unnamed.status_code, "letter or digit first" in unnamed.text) == (400, True)
    [camera] = shown.json()["cameras"]
    assert "stream_url" not in camera
    assert STREAM not in shown.text


async def test_where_pictures_come_from_is_in_no_reply_event_row_or_log(
    system: System, admin: httpx.AsyncClient
) -> None:
    canary = "canary-of-the-camera"
    camera = await make_camera(admin, stream_url=STREAM, edge_id="lobby-1")
    path = f"/api/occupancy/cameras/{camera['id']}"
    replies = [
        await admin.put(path, json={"stream_url": STREAM, "camera_name": "Main"}),
        await admin.put(path, json={"stream_url": STREAM.replace("rtsp", "ftp")}),
        await admin.put(path, json={"stream_url": STREAM, "id": 3}),
        await admin.get(path),
        await admin.get("/api/occupancy/cameras"),
        await admin.get(path_of("lobby-1")),
    ]
    connection = await asyncpg.connect(system.installation.postgres.url("atrium"))
    found = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'occupancy'")
    kept = {
        row["tablename"]: repr(await connection.fetch(f'SELECT * FROM occupancy."{row[0]}"'))
        for row in found
    }
    await connection.close()
    logged = system.output.read_text()

    assert [reply.status_code for reply in replies] == [200, 400, 400, 200, 200, 200]
    assert [reply.text for reply in replies if canary in reply.text] == []
    assert all("stream_url" not in reply.text for reply in replies[3:])
    assert camera["camera_id"] in kept["outbox"]
    assert [name for name, rows in kept.items() if canary in rows] == []
    assert canary not in logged


@pytest.mark.parametrize(
    "wrong",
    [
        "ftp://camera.example/x",
        "file:///etc/passwd",
        "camera.test",
        "rtsp:///stream",
        "rtsp://camera.example:99999/",
        "rtsp://[::1/",
        "rtsp://camera.example/a b",
        "rtsp://camera.example/\nx",
        "-i rtsp://camera.example",
        "rtsp://camera.example/" + "x" * 2000,
        "",
        7,
    ],
    ids=lambda one: str(one)[:40],
)
async def test_what_is_no_address_of_a_camera_is_400_and_not_repeated(
    admin: httpx.AsyncClient, wrong: object
) -> None:
    body = {"camera_id": new_cuid(), "camera_name": "x", "stream_url": wrong}

    reply = await admin.post("/api/occupancy/cameras", json=body)

    assert reply.status_code == 400
    assert reply.json()["detail"].startswith("stream_url: ")
    assert not wrong or str(wrong) not in reply.text


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("cameras", {"edge_id": "-x"}),
        ("cameras", {"edge_id": "a b"}),
        ("cameras", {"edge_id": "x" * 65}),
        ("cameras", {"edge_id": ""}),
        ("lines", {"entry_side": "up"}),
        ("lines", {"entry_side": None}),
    ],
)
async def test_wrong_names_and_sides_are_400(
    admin: httpx.AsyncClient, path: str, change: dict[str, Any]
) -> None:
    reply = await admin.post(f"/api/occupancy/{path}", json=change)

    assert reply.status_code == 400
    assert next(iter(change)) in json.dumps(reply.json())
