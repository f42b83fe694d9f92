"""Document 002 (`occupancy`): cameras and lines, through the gateway."""

from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaProducer
from edges import Edge
from making import make_camera, make_line
from running_system import eventually

from common.ids import new_cuid


async def test_create_camera_as_in_the_document(admin: httpx.AsyncClient) -> None:
    code = new_cuid()
    body = {
        "camera_id": code,
        "camera_name": "Gate A Entrance",
        "location": "Main Gate",
        "camera_type": "entry_only",
        "max_occupancy": 100,
        "resolution_width": 1920,
        "resolution_height": 1080,
    }

    reply = await admin.post("/api/occupancy/cameras", json=body)

    assert reply.status_code == 201
    camera = reply.json()
    assert isinstance(camera.pop("id"), int)
    assert camera == {
        "camera_id": code,
        "camera_name": "Gate A Entrance",
        "location": "Main Gate",
        "camera_type": "entry_only",
        "is_active": True,
        "max_occupancy": 100,
    }


async def test_the_documents_curl_and_python_examples_work(admin: httpx.AsyncClient) -> None:
    first = await make_camera(admin, camera_name="Gate A", camera_type="entry_only")
    second = await make_camera(admin, camera_type="exit_only", max_occupancy=150)

    assert first["max_occupancy"] is None
    assert second["camera_type"] == "exit_only"


async def test_a_camera_id_can_be_taken_once(admin: httpx.AsyncClient) -> None:
    camera = await make_camera(admin)
    other = await make_camera(admin)
    said = {"detail": f"Camera with ID '{camera['camera_id']}' already exists"}

    created = await admin.post(
        "/api/occupancy/cameras", json={"camera_id": camera["camera_id"], "camera_name": "x"}
    )
    renamed = await admin.put(
        f"/api/occupancy/cameras/{other['id']}", json={"camera_id": camera["camera_id"]}
    )

    assert (created.status_code, created.json()) == (409, said)
    assert (renamed.status_code, renamed.json()) == (409, said)


async def test_the_list_has_the_active_cameras(
    anyone: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    camera = await make_camera(admin)
    idle = await make_camera(admin, is_active=False)

    listed = (await anyone.get("/api/occupancy/cameras")).json()

    assert camera in listed
    assert idle["id"] not in {each["id"] for each in listed}


async def test_details_and_updates_of_a_camera(
    anyone: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    camera = await make_camera(admin, resolution_width=640, resolution_height=480, room_id=3)
    path = f"/api/occupancy/cameras/{camera['id']}"

    updated = await admin.put(path, json={"camera_name": "Main", "max_occupancy": 120})
    shown = await anyone.get(path)

    assert updated.status_code == 200
    assert updated.json() == shown.json()
    assert shown.json() == {
        **camera,
        "camera_name": "Main",
        "max_occupancy": 120,
        "resolution_width": 640,
        "resolution_height": 480,
        "room_id": 3,
    }


@pytest.mark.parametrize(
    ("method", "path", "detail"),
    [
        ("GET", "cameras/999999", "Camera 999999 not found"),
        ("PUT", "cameras/999999", "Camera 999999 not found"),
        ("GET", "cameras/999999/lines", "Camera 999999 not found"),
        ("GET", "cameras/999999/live", "Camera 999999 not found"),
        ("GET", "cameras/99999999999999999999", "Camera 99999999999999999999 not found"),
        ("GET", "lines/999999", "Line 999999 not found"),
        ("PUT", "lines/999999", "Line 999999 not found"),
        ("GET", "nothing", "Not found."),
    ],
)
async def test_what_does_not_exist_is_404(
    admin: httpx.AsyncClient, method: str, path: str, detail: str
) -> None:
    body = {"json": {}} if method == "PUT" else {}

    reply = await admin.request(method, f"/api/occupancy/{path}", **body)

    assert (reply.status_code, reply.json()) == (404, {"detail": detail})


@pytest.mark.parametrize(
    "change",
    [
        {"camera_id": None},
        {"camera_id": ""},
        {"camera_id": "x" * 51},
        {"camera_id": 7},
        {"camera_name": ""},
        {"camera_name": "x" * 201},
        {"camera_type": "sideways"},
        {"max_occupancy": 0},
        {"max_occupancy": "many"},
        {"max_occupancy": 10**12},
        {"resolution_width": -1},
        {"room_id": 0},
        {"is_active": "perhaps"},
        {"id": 5},
        {"unknown": 1},
    ],
    ids=str,
)
async def test_a_wrong_camera_is_400_in_one_line(
    admin: httpx.AsyncClient, change: dict[str, Any]
) -> None:
    body = {"camera_id": new_cuid(), "camera_name": "x", **change}

    reply = await admin.post("/api/occupancy/cameras", json=body)

    assert reply.status_code == 400
    assert reply.json().keys() == {"detail"}
    assert reply.json()["detail"].startswith(f"{next(iter(change))}: ")


async def test_an_id_that_is_no_number_is_400(anyone: httpx.AsyncClient) -> None:
    reply = await anyone.get("/api/occupancy/cameras/abc")

    assert reply.status_code == 400
    assert reply.json() == {"detail": "camera_id: A valid integer is required."}


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff", b"[" * 50_000])
async def test_a_body_that_cannot_be_read_is_400(admin: httpx.AsyncClient, raw: bytes) -> None:
    headers = {"content-type": "application/json"}

    reply = await admin.post("/api/occupancy/cameras", content=raw, headers=headers)

    assert reply.status_code == 400
    assert isinstance(reply.json()["detail"], str)


async def test_create_line_as_in_the_document(admin: httpx.AsyncClient) -> None:
    camera = await make_camera(admin, resolution_width=1920, resolution_height=1080)
    body = {
        "camera_id": camera["id"],
        "line_name": "Entrance A",
        "x1": 0,
        "y1": 300,
        "x2": 1920,
        "y2": 300,
        "direction": "entry",
        "confidence_threshold": 0.5,
    }

    reply = await admin.post("/api/occupancy/lines", json=body)

    assert reply.status_code == 201
    line = reply.json()
    assert isinstance(line.pop("id"), int)
    assert line.pop("created_at").endswith("Z")
    del body["confidence_threshold"]
    assert line == {**body, "is_active": True}


async def test_a_cameras_lines_are_listed_as_in_the_document(
    anyone: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    camera = await make_camera(admin)
    lines = [await make_line(admin, camera["id"]) for _ in range(2)]
    for line in lines:
        del line["created_at"]

    reply = await anyone.get(f"/api/occupancy/cameras/{camera['id']}/lines")

    assert reply.json() == lines


async def test_details_and_updates_of_a_line(
    anyone: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    line = await make_line(admin, (await make_camera(admin))["id"])
    path = f"/api/occupancy/lines/{line['id']}"

    updated = await admin.put(path, json={"confidence_threshold": 0.6})
    shown = await anyone.get(path)

    assert updated.json() == shown.json() == {**line, "confidence_threshold": 0.6}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"x2": 0}, "The line has no length: (x1, y1) and (x2, y2) are the same point"),
        ({"x2": 641}, "The point (641, 300) is outside the picture of 640x480 pixels"),
        ({"y1": 481}, "The point (0, 481) is outside the picture of 640x480 pixels"),
        ({"x1": -1}, "x1: Ensure this value is greater than or equal to 0."),
        ({"x1": 1.5}, "x1: A valid integer is required."),
        ({"direction": "up"}, None),
        ({"confidence_threshold": 1.1}, None),
        ({"confidence_threshold": "nan"}, None),
        ({"line_name": ""}, "line_name: This field may not be blank."),
    ],
    ids=str,
)
async def test_a_wrong_line_is_400_when_drawn_and_when_moved(
    admin: httpx.AsyncClient, change: dict[str, Any], said: str | None
) -> None:
    camera = await make_camera(admin, resolution_width=640, resolution_height=480)
    good = {"x1": 0, "y1": 300, "x2": 640, "y2": 300}
    line = await make_line(admin, camera["id"], **good)
    if change == {"x2": 0}:
        good["y1"] = good["y2"] = 300

    drawn = await admin.post(
        "/api/occupancy/lines",
        json={"camera_id": camera["id"], "line_name": "x", **good, **change},
    )
    moved = await admin.put(f"/api/occupancy/lines/{line['id']}", json=change)

    for reply in (drawn, moved):
        assert reply.status_code == 400, reply.text
        assert said is None or reply.json() == {"detail": said}


async def test_a_line_of_no_camera_is_404(admin: httpx.AsyncClient) -> None:
    reply = await admin.post(
        "/api/occupancy/lines",
        json={"camera_id": 999_999, "line_name": "x", "x1": 0, "y1": 0, "x2": 1, "y2": 1},
    )

    assert (reply.status_code, reply.json()) == (404, {"detail": "Camera 999999 not found"})


@pytest.mark.parametrize(
    ("who", "status"),
    [(None, 401), ("STUDENT", 403), ("FACULTY", 403), ("STAFF", 201), ("ADMIN", 201)],
)
async def test_writing_is_for_admins_and_staff(system: Any, who: str | None, status: int) -> None:
    async with system.client(who) as client:
        body = {"camera_id": new_cuid(), "camera_name": "x"}
        reply = await client.post("/api/occupancy/cameras", json=body)

    assert reply.status_code == status
    assert status == 201 or reply.json().keys() == {"detail"}


async def test_operators_see_all_cameras_with_lines_and_reports(
    staff: httpx.AsyncClient, admin: httpx.AsyncClient, producer: AIOKafkaProducer
) -> None:
    made = await make_camera(
        admin, edge_id="lobby-9", room_id=3, stream_url="rtsp://viewer:canary@camera.example/1"
    )
    idle = await make_camera(admin, is_active=False)
    line = await make_line(admin, made["id"], entry_side="right")
    edge = Edge(producer, made["id"], line["id"])
    await edge.beat(picture="dark", reason="it is night")

    async def shown() -> dict[int, Any]:
        reply = await staff.get("/api/occupancy/equipment")
        assert reply.status_code == 200
        assert "canary" not in reply.text
        return {one["id"]: one for one in reply.json()}

    seen = await eventually(shown, lambda all_: all_[made["id"]]["reports"] != [])
    camera = seen[made["id"]]
    [report] = camera.pop("reports")
    assert report.pop("heard_at").endswith("Z")
    assert report == {
        "edge_id": edge.edge_id,
        "is_silent": False,
        "picture": "dark",
        "reason": "it is night",
        "pictures_per_s": 10.0,
        "processed_per_s": 10.0,
        "lag_s": 0.2,
        "spool_depth": 0,
    }
    assert camera == {
        **made,
        "resolution_width": None,
        "resolution_height": None,
        "room_id": 3,
        "edge_id": "lobby-9",
        "has_stream_url": True,
        "lines": [{**line, "confidence_threshold": 0.5, "entry_side": "right"}],
    }
    nothing = {"edge_id": None, "has_stream_url": False, "lines": [], "reports": []}
    assert {name: seen[idle["id"]][name] for name in nothing} == nothing
    assert seen[idle["id"]]["is_active"] is False
