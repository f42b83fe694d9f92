"""``/`` says what is here; ``/docs`` describes it, without asking anybody else's server."""

import asyncio
import json
import re
from pathlib import Path

from raw_http import Answer, SeenRequest
from running_gateway import Running, StartGateway


async def test_home_names_the_contracts_and_their_descriptions(running: Running) -> None:
    machine = await running.client.get("/")
    person = await running.client.get("/", headers={"accept": "text/html,*/*"})

    assert machine.json()["contracts"] == {
        "heatmap": "/openapi/heatmap.json",
        "directory": "/openapi/directory.json",
        "occupancy": "/openapi/occupancy.json",
        "university": "/openapi/university.json",
        "circle_time": "/openapi/circle_time.json",
    }
    assert person.headers["content-type"].startswith("text/html")
    assert "/openapi/occupancy.json" in person.text


async def test_the_documentation_loads_nothing_from_elsewhere(running: Running) -> None:
    page = await running.client.get("/docs")

    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(addresses) == 3
    assert all(address.startswith("/docs/") for address in addresses)
    for address in addresses:
        assert (await running.client.get(address)).status_code == 200
    assert "script-src 'self'" in page.headers["content-security-policy"]


def describing(path: str, schema: str) -> Answer:
    """Answer as a service does that describes one path."""
    described = {"paths": {path: {"get": {}}}, "components": {"schemas": {schema: {}}}}
    body = json.dumps(described).encode()

    async def answer(_: SeenRequest, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))

    return answer


async def test_a_contracts_description_merges_the_services_that_serve_it(
    running: Running,
) -> None:
    running.rooms.answer = describing("/api/rooms", "RoomList")
    running.bookings.answer = describing("/api/bookings", "NewBooking")
    running.panel.answer = describing("/api/panel/rooms/{room_id}/state", "StateReply")
    running.analytics.answer = describing("/api/analytics/kpi", "KpiList")

    merged = (await running.client.get("/openapi/circle_time.json")).json()

    paths = {"/api/rooms", "/api/bookings", "/api/auth/login", "/api/auth/me"}
    assert paths <= merged["paths"].keys()
    assert {"RoomList", "NewBooking", "SignInReply"} <= merged["components"]["schemas"].keys()
    for service in (running.rooms, running.bookings, running.panel, running.analytics):
        assert service.seen[-1].target == "/openapi/circle_time"


async def test_the_documentation_can_be_switched_off(start_gateway: StartGateway) -> None:
    running = await start_gateway(documented=False)

    statuses = [
        (await running.client.get(path)).status_code
        for path in ("/docs", "/openapi/directory.json")
    ]

    assert statuses == [404, 404]


async def test_every_address_of_the_web_app_is_its_page(
    start_gateway: StartGateway, tmp_path: Path
) -> None:
    """What is opened or loaded anew below /app/ is found by the page itself; files are files."""
    for name, content in (("app/index.html", "<!doctype html>app"), ("app/icon.svg", "<svg/>")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    running = await start_gateway(web_dir=tmp_path)

    async def text(path: str) -> str:
        reply = await running.client.get(path)
        assert reply.status_code == 200, path
        assert "unsafe" not in reply.headers["content-security-policy"]
        return reply.text

    for path in ("/app/", "/app/timeline", "/app/rooms/c1/bookings"):
        assert await text(path) == "<!doctype html>app"
    assert await text("/app/icon.svg") == "<svg/>"
    assert (await running.client.get("/app")).headers["location"] == "/app/"
    for path in ("/app/nothing.js", "/application", "/nothing/app/"):
        assert (await running.client.get(path)).status_code == 404
    assert (await running.client.post("/app/timeline")).status_code == 405
    person = await running.client.get("/", headers={"accept": "text/html"})
    assert 'href="/app/"' in person.text
    assert (await running.client.get("/")).json()["app"] == "/app/"


async def test_health_and_metrics_are_not_public(running: Running) -> None:
    operations = running.gateway.settings.operations_port
    await running.client.get("/api/rooms/")

    public = [
        (await running.client.get(path)).status_code for path in ("/healthz", "/readyz", "/metrics")
    ]
    ready = await running.client.get(f"http://127.0.0.1:{operations}/readyz")
    metrics = await running.client.get(f"http://127.0.0.1:{operations}/metrics")
    sign_in = await running.client.post(f"http://127.0.0.1:{operations}/api/auth/login", json={})

    assert public == [404, 404, 404]
    assert ready.json() == {"ok": True, "reasons": {}}
    assert (
        'http_request_seconds_count{method="GET",route="/api/rooms/",status="200"}' in metrics.text
    )
    assert sign_in.status_code == 404
