"""Document 002 (`occupancy`), what it leaves silent: a picture of a camera, shown once."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaProducer
from edges import Edge
from making import make_camera
from running_system import BIN, System, eventually

from common.contracts import Contract
from common.identity import Identity, Role, Signer
from common.ids import new_cuid
from common.tasks import end
from common.testing.servers import NO_TLS, free_port
from local_stack.process_groups import ProcessGroups

SIZE = {"width": 640, "height": 480}


def jpeg(text: str = "x", size: int = 0) -> bytes:
    """Write what begins and ends as a JPEG picture does."""
    return b"\xff\xd8\xff\xe0" + text.encode() + b"\0" * size + b"\xff\xd9"


@dataclass
class Host:
    """A camera host as another team would write it, from the contract alone."""

    name: str
    client: httpx.AsyncClient

    @property
    def path(self) -> str:
        return f"/api/occupancy/edges/{self.name}/snapshots"

    async def wanted(self) -> list[dict[str, Any]]:
        """Wait until Atrium wants pictures."""
        async with asyncio.timeout(20):
            while True:
                reply = await self.client.get(self.path)
                assert reply.status_code == 200, reply.text
                if found := reply.json()["snapshots"]:
                    return found

    async def send(self, snapshot_id: int, picture: bytes, **more: Any) -> httpx.Response:
        headers = {"content-type": "image/jpeg"}
        path = f"{self.path}/{snapshot_id}"
        options = {"params": SIZE, "content": picture, "headers": headers, **more}
        return await self.client.put(path, **options)

    async def refuse(self, snapshot_id: int, reason: str) -> httpx.Response:
        return await self.client.delete(f"{self.path}/{snapshot_id}", params={"reason": reason})


@pytest.fixture(scope="module")
def edges_tokens(system: System) -> dict[str, str]:
    """Device tokens of two edges, by name."""
    names = [f"edge-{new_cuid()}" for _ in range(2)]
    return {name: system.run("gateway", "devices", "add", "edge", name) for name in names}


@pytest.fixture
async def hosts(system: System, edges_tokens: dict[str, str]) -> AsyncIterator[list[Host]]:
    async with AsyncExitStack() as stack:
        made = []
        for name, token in edges_tokens.items():
            headers = {"authorization": f"Bearer {token}"}
            client = httpx.AsyncClient(
                base_url=system.base_url, headers=headers, timeout=30, verify=NO_TLS
            )
            made.append(Host(name, await stack.enter_async_context(client)))
        yield made


@pytest.fixture
def host(hosts: list[Host]) -> Host:
    return hosts[0]


def path_of(camera: dict[str, Any]) -> str:
    return f"/api/occupancy/cameras/{camera['id']}/snapshot"


def asking(
    client: httpx.AsyncClient, camera: dict[str, Any], **headers: str
) -> "asyncio.Task[httpx.Response]":
    return asyncio.create_task(client.post(path_of(camera), headers=headers))


async def test_who_asks_is_shown_the_picture_once_and_it_is_nowhere(
    system: System, admin: httpx.AsyncClient, staff: httpx.AsyncClient, host: Host
) -> None:
    canary = f"canary-{new_cuid()}"
    size = {"resolution_width": 1920, "resolution_height": 1080}
    camera = await make_camera(admin, edge_id=host.name, **size)
    # A key by which answers of other services are stored and repeated.
    asked = asking(staff, camera, **{"idempotency-key": new_cuid()})
    [wanted] = await host.wanted()

    sent = await host.send(wanted["id"], jpeg(canary, 200_000))
    shown = await asked
    again = await host.send(wanted["id"], jpeg(canary))

    assert (wanted["camera_id"], sent.status_code) == (camera["id"], 204)
    assert shown.status_code == 200
    assert shown.content == jpeg(canary, 200_000)
    assert shown.headers["content-type"] == "image/jpeg"
    assert shown.headers["cache-control"] == "no-store"
    assert (shown.headers["x-lines-width"], shown.headers["x-lines-height"]) == ("1920", "1080")
    nobody = {"detail": f"Nobody waits for the snapshot {wanted['id']}"}
    assert (again.status_code, again.json()) == (404, nobody)
    assert (await staff.get(path_of(camera))).status_code == 405

    url = f"{system.university_url}/api/admin/audit"
    filters = {"actionType": "SNAPSHOT_REQUESTED", "limit": 100}

    async def audited() -> list[tuple[str, str]]:
        found = (await admin.get(url, params=filters)).json()["data"]["data"]
        return [
            (one["targetType"], one["actor"]["role"])
            for one in found
            if one["targetId"] == str(camera["id"])
        ]

    await eventually(audited, lambda found: found == [("CAMERA", "STAFF")])
    # Tables, write-ahead log, topics, spools and logs: the code of the camera is there, so that
    # what was written is where we look.
    state = system.environment["ATRIUM_STATE_DIR"]
    places = [state, system.output]
    assert files_with(camera["camera_id"], *places) != ""
    assert files_with(canary, *places) == ""


def files_with(text: str, *places: object) -> str:
    command = ["grep", "--recursive", "--files-with-matches", "--text", "--fixed-strings"]
    command += ["--exclude=*.index", "--exclude=*.timeindex", text]  # large, empty, of numbers
    found = subprocess.run([*command, *map(str, places)], capture_output=True, check=False)
    return found.stdout.decode()


async def test_only_the_cameras_edge_brings_its_picture_and_only_a_picture(
    admin: httpx.AsyncClient, hosts: list[Host]
) -> None:
    host, other = hosts
    camera = await make_camera(admin, edge_id=host.name)
    await make_camera(admin, edge_id=other.name)
    asked = asking(admin, camera)
    [wanted] = await host.wanted()
    number = wanted["id"]
    as_host = Host(host.name, other.client)
    png = b"\x89PNG\r\n\x1a\n"

    refused = {
        "of another": await other.send(number, jpeg()),
        "as another": await as_host.send(number, jpeg()),
        "heard by another": await as_host.client.get(host.path),
        "unasked": await host.send(2**31 - 1, jpeg()),
        "no number": await host.send("x", jpeg()),  # type: ignore[arg-type]
        "no picture": await host.send(number, png),
        "half a picture": await host.send(number, jpeg()[:-1]),
        "another kind": await host.send(number, jpeg(), headers={"content-type": "text/html"}),
        "without a size": await host.send(number, jpeg(), params={}),
        "of no size": await host.send(number, jpeg(), params={"width": 0, "height": 1}),
        "giant": await host.send(number, jpeg(size=1024 * 1024)),
        "no reason": await host.refuse(number, "x"),
    }
    second = await admin.post(path_of(camera))
    sent = await host.send(number, jpeg("right"))

    assert {name: reply.status_code for name, reply in refused.items()} == {
        **dict.fromkeys(["of another", "as another", "heard by another", "unasked"], 404),
        **dict.fromkeys(["no number", "no picture", "half a picture", "another kind"], 400),
        **dict.fromkeys(["without a size", "of no size", "no reason"], 400),
        "giant": 413,
    }
    assert all(list(reply.json()) == ["detail"] for reply in refused.values())
    assert (second.status_code, sent.status_code) == (409, 204)
    shown = await asked
    assert shown.content == jpeg("right")
    # A camera without a resolution has its lines in pixels of its own picture.
    assert (shown.headers["x-lines-width"], shown.headers["x-lines-height"]) == ("640", "480")


async def test_who_asks_in_vain_is_told_why(
    admin: httpx.AsyncClient, host: Host, producer: AIOKafkaProducer
) -> None:
    watched = [await make_camera(admin, edge_id=host.name) for _ in range(2)]
    unused = await make_camera(admin, edge_id=host.name, is_active=False)
    stray = await make_camera(admin)
    told = []
    for camera, reason in zip(watched, ("forbidden", "no_picture"), strict=True):
        asked = asking(admin, camera)
        [wanted] = await host.wanted()
        assert (await host.refuse(wanted["id"], reason)).status_code == 204
        told.append(await asked)
    told += [await admin.post(path_of(camera)) for camera in (unused, stray)]
    unknown = [
        await admin.post(f"/api/occupancy/cameras/{one}/snapshot") for one in (2**31, 0, "x")
    ]

    assert [reply.status_code for reply in told] == [409] * 4
    for reply, words in zip(
        told, ("EDGE_SNAPSHOTS=0", "no picture", "is_active", "edge_id"), strict=True
    ):
        assert words in reply.json()["detail"]
    assert [reply.status_code for reply in unknown] == [404, 404, 400]

    never, silent, deaf = [await make_camera(admin, edge_id=host.name) for _ in range(3)]
    edges = {one["id"]: Edge(producer, one["id"], 1) for one in (silent, deaf)}
    for edge in edges.values():
        edge.edge_id = host.name
        await edge.beat()

    async def beating() -> None:
        while True:
            await edges[deaf["id"]].beat()
            await asyncio.sleep(0.5)

    async with beside(beating()):
        late = await asyncio.gather(*(admin.post(path_of(one)) for one in (never, silent, deaf)))
    assert [reply.status_code for reply in late] == [504] * 3
    words = ("has never been heard of", "has not been heard from since 2", "EDGE_API_URL")
    for reply, said in zip(late, words, strict=True):
        assert f"The edge {host.name} " in reply.json()["detail"]
        assert said in reply.json()["detail"]
    # Whoever comes too late brings nothing, and the next may ask.
    asked = asking(admin, never)
    [wanted] = await host.wanted()
    assert (await host.send(wanted["id"] - 1, jpeg())).status_code == 404
    await host.refuse(wanted["id"], "forbidden")
    assert (await asked).status_code == 409


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Work beside a test."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        await end(task)


async def test_a_camera_gives_a_few_pictures_a_minute(admin: httpx.AsyncClient, host: Host) -> None:
    camera, other = [await make_camera(admin, edge_id=host.name) for _ in range(2)]

    async def taken(one: dict[str, Any]) -> httpx.Response:
        asked = asking(admin, one)
        await host.send((await host.wanted())[0]["id"], jpeg())
        return await asked

    assert [(await taken(camera)).status_code for _ in range(6)] == [200] * 6
    enough = await admin.post(path_of(camera))
    assert (enough.status_code, enough.headers["retry-after"]) == (429, "60")
    assert (await taken(other)).status_code == 200


@pytest.fixture(scope="module")
def replica(system: System, process_groups: ProcessGroups) -> Iterator[str]:
    """Run another process of the same service; its address."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    settings = {"OCCUPANCY_PORT": str(port), "OCCUPANCY_REACHED_AT": address}
    environment = system.installation.environment() | settings
    process = subprocess.Popen([BIN / "occupancy", "api"], env=environment, start_new_session=True)
    process_groups.started(process.pid)
    yield address
    process.terminate()
    process.wait(timeout=20)
    process_groups.ended(process.pid)


@pytest.mark.parametrize("asked_at", ["replica", "gateway"])
async def test_a_picture_finds_whoever_waits_in_another_process(
    system: System, admin: httpx.AsyncClient, host: Host, replica: str, asked_at: str
) -> None:
    camera = await make_camera(admin, edge_id=host.name)
    key = system.installation.environment()["GATEWAY_IDENTITY_KEY"]
    edge = Identity(kind="edge", id=new_cuid(), name=host.name)
    person = Identity(kind="user", id=new_cuid(), role=Role.ADMIN)

    async def signed(request: httpx.Request) -> None:
        token = Signer(key).sign(
            edge if "/edges/" in request.url.path else person,
            service="occupancy",
            contract=Contract.OCCUPANCY,
            method=request.method,
            path=request.url.path,
        )
        request.headers["atrium-identity"] = token

    hooks = {"request": [signed]}
    async with httpx.AsyncClient(
        base_url=replica, timeout=30, verify=NO_TLS, event_hooks=hooks
    ) as there:

        async def is_ready() -> int:
            with suppress(httpx.TransportError):
                return (await there.get("/readyz")).status_code
            return 0

        await eventually(is_ready, lambda status: status == 200)
        asks, brings = (there, host) if asked_at == "replica" else (admin, Host(host.name, there))
        hearing = asyncio.create_task(brings.wanted())
        asked = asking(asks, camera)
        [wanted] = await hearing
        sent = await brings.send(wanted["id"], jpeg("from afar"))
        again = await brings.send(wanted["id"], jpeg("from afar"))

        assert (sent.status_code, again.status_code) == (204, 404)
        assert (await asked).content == jpeg("from afar")
