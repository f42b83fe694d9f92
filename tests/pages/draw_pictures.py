"""Draws the README's pictures from the demo that runs: `make pictures`, beside `make run`.

Books some rooms for today, where they are free, and pairs a panel that is revoked again.
"""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
from playwright.async_api import Page, async_playwright

URL: Final = os.environ.get("ATRIUM_URL", "http://localhost:8000")
FOLDER: Final = Path(__file__).parents[2] / "docs/pictures"
ADMIN: Final = {"email": "admin@atrium.test", "password": "atrium-admin"}
BOOKED: Final = (
    ("Meeting Room 1", 0, 60, "Stand-up"),
    ("Meeting Room 1", 90, 60, "Interview"),
    ("Meeting Room 2", 30, 120, "Design review"),
    ("Seminar Room", 60, 90, "Algebra, group 2"),
    ("Auditorium", 120, 120, "Open lecture"),
)


async def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    async with (
        httpx.AsyncClient(base_url=URL, timeout=30) as client,
        async_playwright() as browsers,
    ):
        reply = await client.post("/api/auth/login", json=ADMIN)
        token = reply.raise_for_status().json()["data"]["token"]
        client.headers["authorization"] = f"Bearer {token}"
        rooms = {one["name"]: one for one in await rooms_of(client)}
        await book(client, rooms)
        chromium = await browsers.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        context = await chromium.new_context(
            locale="en-GB", viewport={"width": 1280, "height": 720}
        )
        page = await context.new_page()
        await page.goto(f"{URL}/app/timeline")
        await page.locator("input[name=email]").fill(ADMIN["email"])
        await page.locator("input[name=password]").fill(ADMIN["password"])
        await page.keyboard.press("Enter")
        await draw(page, "timeline", "Design review")
        await page.goto(f"{URL}/app/live")
        await draw(page, "live", "inside")
        await page.goto(f"{URL}/panel/")
        device = await pair(client, page, rooms["Meeting Room 1"])
        await draw(page, "panel", "Stand-up")
        (await client.delete(f"/api/admin/devices/{device}")).raise_for_status()
        await chromium.close()


async def rooms_of(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    reply = await client.get("/api/rooms", params={"limit": 100})
    found: list[dict[str, Any]] = reply.raise_for_status().json()["data"]
    return found


async def book(client: httpx.AsyncClient, rooms: dict[str, dict[str, Any]]) -> None:
    """Book what the pictures show; a time that is taken is booked already."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    begin = now - timedelta(minutes=now.minute % 15)
    for name, after, length, title in BOOKED:
        start = begin + timedelta(minutes=after)
        body = {
            "roomId": rooms[name]["id"],
            "title": title,
            "startTime": start.isoformat(),
            "endTime": (start + timedelta(minutes=length)).isoformat(),
        }
        reply = await client.post("/api/bookings", json=body)
        if reply.status_code != httpx.codes.CONFLICT:
            reply.raise_for_status()


async def pair(client: httpx.AsyncClient, page: Page, room: dict[str, Any]) -> str:
    code = await page.locator(".code bdi").inner_text()
    body = {"code": code, "name": "For a picture", "roomId": room["id"]}
    reply = await client.post("/api/admin/devices", json=body)
    return str(reply.raise_for_status().json()["data"]["id"])


async def draw(page: Page, name: str, shown: str) -> None:
    """Write a picture of a page when it shows some words."""
    await page.get_by_text(shown, exact=False).first.wait_for()
    # Whatever fades in has done so.
    await page.wait_for_timeout(1500)
    await page.screenshot(path=FOLDER / f"{name}.png")


if __name__ == "__main__":
    asyncio.run(main())
