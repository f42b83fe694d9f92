"""Draws the README's pictures: `make pictures`.

Brings up a system of its own and fills it with a campus on a working morning: where it is half past
eight is chosen for that, as nothing can be booked for what is over.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
from aiokafka import AIOKafkaProducer
from edges import Edge, watch
from making import iso, make, make_room
from playwright.async_api import BrowserContext, Page, ViewportSize, async_playwright
from running_system import System, eventually, free_ports

from common.testing.servers import NO_TLS, scratch_folder
from local_stack.process_groups import ProcessGroups

FOLDER: Final = Path(__file__).parents[2] / "docs/pictures"
PASSWORD: Final = "quiet corner by the window"
HOUR: Final = 8
DESK: Final[ViewportSize] = {"width": 1440, "height": 860}
PEOPLE: Final = {
    "Nora Lindqvist": "ADMIN",
    "Omid Karimi": "FACULTY",
    "Amara Okafor": "FACULTY",
    "Jonas Weber": "FACULTY",
    "Leila Haddad": "STUDENT",
}
WHO: Final = "Amara Okafor"
BUILDINGS: Final = {
    "Library": (
        ("Reading Room", 48, ["Whiteboard"]),
        ("Study Room 1", 6, ["Screen"]),
        ("Study Room 2", 6, ["Screen", "Whiteboard"]),
        ("Workshop", 16, ["Projector"]),
    ),
    "Main Building": (
        ("Auditorium", 220, ["Projector", "Microphone"]),
        ("Board Room", 14, ["Video conference"]),
        ("Lecture Hall A", 120, ["Projector", "Microphone"]),
        ("Lecture Hall B", 90, ["Projector"]),
        ("Seminar Room", 24, ["Whiteboard"]),
    ),
    "Science Wing": (
        ("Chemistry Lab", 18, ["Fume hood"]),
        ("Computer Lab", 32, ["Workstations"]),
        ("Physics Lab", 20, ["Oscilloscopes"]),
    ),
}
# Quarters of an hour from the one that has begun, and for how many.
BOOKED: Final[Mapping[str, Sequence[tuple[int, int, str, int | str]]]] = {
    "Reading Room": [
        (0, 10, "Book club", 1),
        (16, 8, "Poetry reading", 2),
        (28, 8, "Exhibition set-up", 0),
    ],
    "Study Room 1": [
        (1, 4, "Thesis talk", WHO),
        (7, 6, "Group project", 4),
        (18, 6, "Chess", 4),
        (30, 8, "Tutoring", 4),
    ],
    "Study Room 2": [
        (3, 5, "Language exchange", 4),
        (12, 8, "Interviews", 0),
        (26, 6, "Study group", 4),
    ],
    "Workshop": [(0, 14, "3D printing basics", 3), (22, 8, "Repair café", 1)],
    "Auditorium": [
        (2, 8, "Open day: welcome", 0),
        (14, 12, "Guest lecture: coral reefs", 1),
        (31, 10, "Choir", 3),
    ],
    "Board Room": [
        (0, 4, "Stand-up", 0),
        (6, 6, "Budget 2027", 0),
        (15, 6, "Hiring", WHO),
        (28, 6, "Retrospective", 0),
    ],
    "Lecture Hall A": [
        (0, 7, "Linear algebra", WHO),
        (8, 7, "Statistics", 3),
        (16, 8, "Logic", 1),
        (27, 8, "Geometry", WHO),
    ],
    "Lecture Hall B": [
        (1, 7, "Macroeconomics", 1),
        (10, 7, "Ethics", WHO),
        (20, 8, "Film club", 3),
    ],
    "Seminar Room": [
        (2, 6, "Algebra, group 2", WHO),
        (9, 6, "Algebra, group 3", WHO),
        (20, 10, "Faculty meeting", 2),
    ],
    "Chemistry Lab": [(0, 12, "Organic chemistry II", 3), (14, 12, "Practical exam", 3)],
    "Computer Lab": [(2, 8, "Programming 1", 1), (11, 8, "Databases", 3), (24, 10, "Hackathon", 4)],
}
# People inside, of them those who have left meanwhile, and how many there may be.
COUNTED: Final = {
    "Reading Room": (37, 21, 48),
    "Auditorium": (164, 32, 220),
    "Lecture Hall A": (96, 7, 120),
    "Lecture Hall B": (91, 3, 90),
    "Chemistry Lab": (14, 2, 18),
    "Computer Lab": (27, 9, 32),
}


def here() -> tuple[str, datetime]:
    """Return a zone whose clocks show the hour now, and the quarter that has begun."""
    now = datetime.now(UTC)
    east = (HOUR - now.hour + 12) % 24 - 12
    quarter = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
    # POSIX counts to the west.
    return f"Etc/GMT{-east:+d}", quarter


async def main() -> None:
    zone, quarter = here()
    FOLDER.mkdir(exist_ok=True)
    with ProcessGroups() as groups, scratch_folder() as folder:
        environment = free_ports(folder / "state", ATRIUM_DEMO="0", ATRIUM_TIMEZONE=zone)
        system = System(environment, groups)
        try:
            system.start()
            await draw(system, zone, quarter)
        finally:
            system.end()


async def draw(system: System, zone: str, quarter: datetime) -> None:
    async with AsyncExitStack() as stack:
        clients = await clients_of(system, stack)
        admin = clients["Nora Lindqvist"]
        producer = AIOKafkaProducer(bootstrap_servers=system.kafka)
        await stack.enter_async_context(producer)
        rooms = await make_rooms(admin)
        await book(clients, rooms, quarter)
        edges = await count(admin, producer, rooms)
        playwright = await stack.enter_async_context(async_playwright())
        chromium = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        looks: Any = {"locale": "en-GB", "timezone_id": zone, "reduced_motion": "reduce"}
        app = await chromium.new_context(viewport=DESK, **looks)
        page = await sign_in(app, system, WHO, "timeline")
        await shot(page, "timeline", "Linear algebra")
        app = await chromium.new_context(viewport=DESK, **looks)
        page = await sign_in(app, system, "Nora Lindqvist", "live?by=room")
        for edge in edges:
            await edge.beat()
        await shot(page, "live", "Reading Room")
        tablet = await chromium.new_context(viewport={"width": 1280, "height": 800}, **looks)
        page = await tablet.new_page()
        await page.goto(f"{system.base_url}/panel/")
        code = await page.locator(".code bdi").inner_text()
        body = {"code": code, "name": "Board Room", "roomId": rooms["Board Room"]["id"]}
        (await admin.post("/api/admin/devices", json=body)).raise_for_status()
        await shot(page, "panel", "Stand-up")
        await chromium.close()


async def clients_of(system: System, stack: AsyncExitStack) -> dict[str, httpx.AsyncClient]:
    """Make everybody's account; returns a client that is signed in for each."""
    people = [
        {"email": email_of(name), "name": name, "role": role, "password": PASSWORD}
        for name, role in PEOPLE.items()
    ]
    system.run("gateway", "users", "import", "-", stdin=json.dumps(people))
    clients = {}
    for name in PEOPLE:
        client = httpx.AsyncClient(base_url=system.base_url, timeout=30, verify=NO_TLS)
        clients[name] = await stack.enter_async_context(client)
        body = {"email": email_of(name), "password": PASSWORD}
        reply = (await client.post("/api/auth/login", json=body)).raise_for_status()
        client.headers["authorization"] = f"Bearer {reply.json()['data']['token']}"
    return clients


def email_of(name: str) -> str:
    return f"{name.split(maxsplit=1)[0].lower()}@example.test"


async def make_rooms(admin: httpx.AsyncClient) -> dict[str, dict[str, Any]]:
    """Make the campus, and wait until those who book know it."""
    amenities: dict[str, int] = {}
    rooms = {}
    for building, inside in BUILDINGS.items():
        hours = {"opens_at": "07:00", "closes_at": "19:00"}
        location = await make(admin, "/api/locations/", name=building, **hours)
        for name, capacity, has in inside:
            for one in has:
                if one not in amenities:
                    amenities[one] = (await make(admin, "/api/amenities/", name=one))["id"]
            values = {"name": name, "capacity": capacity, "location": location["id"]}
            ids = [amenities[one] for one in has]
            rooms[name] = await make_room(admin, **values, amenities_id=ids)

    async def known() -> int:
        reply = await admin.get("/api/timeline/rooms")
        return len(reply.raise_for_status().json()["data"])

    await eventually(known, lambda count: count == len(rooms))
    return rooms


async def book(
    clients: Mapping[str, httpx.AsyncClient],
    rooms: Mapping[str, dict[str, Any]],
    quarter: datetime,
) -> None:
    for name, booked in BOOKED.items():
        for after, length, title, who in booked:
            start = quarter + timedelta(minutes=15 * after)
            body = {
                "roomId": rooms[name]["id"],
                "title": title,
                "startTime": iso(start),
                "endTime": iso(start + timedelta(minutes=15 * length)),
            }
            client = clients[who if isinstance(who, str) else list(PEOPLE)[who]]
            (await client.post("/api/bookings", json=body)).raise_for_status()
    closed = {
        "room": rooms["Physics Lab"]["id"],
        "start_at": iso(quarter),
        "end_at": iso(quarter + timedelta(hours=5)),
        "reason": "New gas lines",
    }
    await make(clients["Nora Lindqvist"], "/api/blackouts/", **closed)


async def count(
    admin: httpx.AsyncClient, producer: AIOKafkaProducer, rooms: Mapping[str, dict[str, Any]]
) -> list[Edge]:
    """Have cameras count who goes in and out."""
    edges = []
    now = datetime.now(UTC)
    for name, (inside, left, limit) in COUNTED.items():
        camera = {"camera_name": f"{name}, door", "room_id": rooms[name]["id"]}
        edge = await watch(admin, producer, **camera, max_occupancy=limit)
        went = ["entry"] * (inside + left) + ["exit"] * left
        at = [now - timedelta(seconds=20 * (len(went) - n)) for n in range(len(went))]
        await edge.send([edge.crossing(n + 1, way, crossed_at=at[n]) for n, way in enumerate(went)])
        edges.append(edge)

    async def people() -> int:
        reply = await admin.get("/api/occupancy/facility/live")
        return int(reply.raise_for_status().json()["facility_occupancy"])

    everybody = sum(inside for inside, _, _ in COUNTED.values())
    await eventually(people, lambda seen: seen == everybody, within_s=60)
    return edges


async def sign_in(context: BrowserContext, system: System, name: str, path: str) -> Page:
    page = await context.new_page()
    await page.goto(f"{system.base_url}/app/{path}")
    await page.locator("input[name=email]").fill(email_of(name))
    await page.locator("input[name=password]").fill(PASSWORD)
    await page.keyboard.press("Enter")
    return page


async def shot(page: Page, name: str, shown: str) -> None:
    """Write a picture of a page when it shows some words, and whatever fades in has done so."""
    await page.get_by_text(shown).first.wait_for()
    await page.wait_for_timeout(1500)
    await page.screenshot(path=FOLDER / f"{name}.png")


if __name__ == "__main__":
    asyncio.run(main())
