"""The panel page as people at a door see it: Chromium, on the running system."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jdatetime
import pytest
from cut_network import Network, network_to
from making import booking_of, make_room, unique
from playwright.async_api import Browser, BrowserContext, Page, expect
from running_system import System, eventually

Violations = Callable[[Page], Awaitable[list[str]]]
pytestmark = pytest.mark.timeout(120)
expect.set_options(timeout=15_000)
TEN_MINUTES = timedelta(minutes=10)
# Connects, leaves when it is told something, and says with which code that ended.
CLOSE_CODE = """({path, protocols}) => new Promise((resolve) => {
  const socket = new WebSocket(location.origin.replace("http", "ws") + path, protocols);
  socket.onmessage = () => socket.close(1000);
  socket.onclose = ({code}) => resolve(code);
})"""


@pytest.fixture
async def network(system: System) -> AsyncIterator[Network]:
    async with network_to(system.settings.port) as network:
        yield network


@pytest.fixture
async def room(admin: httpx.AsyncClient) -> dict[str, Any]:
    return await make_room(admin, capacity=7)


@pytest.fixture
async def tablet(chromium: Browser) -> AsyncIterator[BrowserContext]:
    """A tablet that shows no error in its console."""
    context = await chromium.new_context(
        locale="en-GB", viewport={"width": 1280, "height": 800}, has_touch=True
    )
    errors: list[str] = []
    context.on("weberror", lambda error: errors.append(str(error.error)))
    context.on("console", lambda said: _note(errors, said.type, said.text))
    yield context
    await context.close()
    assert not errors


def _note(errors: list[str], kind: str, text: str) -> None:
    # What Chromium itself says of a refusal, or of a network that is cut, is no error of the page.
    of_the_network = ("Failed to load resource", "net::ERR_", "WebSocket connection")
    if kind == "error" and not any(part in text for part in of_the_network):
        errors.append(text)


async def pair(
    tablet: BrowserContext, network: Network, admin: httpx.AsyncClient, room: dict[str, Any]
) -> Page:
    """Open the page on a new tablet and make it the panel of a room, as an admin does."""
    page = await tablet.new_page()
    await page.goto(f"{network.url}/panel/")
    code = await page.locator(".code bdi").inner_text()
    body = {"code": code, "name": unique("Door"), "roomId": room["id"]}
    reply = await admin.post("/api/admin/devices", json=body)
    assert reply.status_code == 201, reply.text
    await expect(page.get_by_role("heading", name=room["name"])).to_be_visible()
    await expect(page.locator("main")).to_have_attribute("data-linked", "true")
    return page


async def book(
    admin: httpx.AsyncClient, room: dict[str, Any], title: str, minutes: float, length: float = 60
) -> dict[str, Any]:
    start = (datetime.now(UTC) + timedelta(minutes=minutes)).replace(microsecond=0)
    body = booking_of(room, start, length) | {"title": title}
    reply = await admin.post("/api/bookings", json=body)
    assert reply.status_code == 201, reply.text
    made: dict[str, Any] = reply.json()["data"]
    return made


async def bookings_of(admin: httpx.AsyncClient, room: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for day in (datetime.now(UTC).date(), (datetime.now(UTC) + timedelta(days=1)).date()):
        reply = await admin.get(f"/api/rooms/{room['id']}/bookings", params={"date": str(day)})
        found += reply.raise_for_status().json()["data"]
    return found


@asynccontextmanager
async def cut(network: Network, page: Page) -> AsyncIterator[None]:
    """Cut the network, until the page has seen it is back."""
    network.cut()
    await expect(page.get_by_role("alert")).to_contain_text("No connection")
    yield
    network.mend()
    await expect(page.locator("main")).to_have_attribute("data-linked", "true")
    await expect(page.get_by_role("alert")).to_be_empty()


async def test_a_day_at_the_door(
    tablet: BrowserContext, network: Network, admin: httpx.AsyncClient, room: dict[str, Any]
) -> None:
    page = await pair(tablet, network, admin, room)
    await expect(page.get_by_role("heading", name="Available")).to_be_visible()

    # Somebody books elsewhere, for now and for later.
    meeting = await book(admin, room, "Planning", 0, 40)
    await book(admin, room, "Review", 60, 30)
    await expect(page.get_by_role("heading", name="In use")).to_be_visible()
    await expect(page.get_by_role("heading", name="Planning")).to_be_visible()
    await expect(page.get_by_text("Will be released at")).to_be_visible()

    await page.get_by_role("button", name="Check in").click()
    await expect(page.get_by_text("Enjoy your meeting")).to_be_visible()
    await expect(page.get_by_text("Checked in", exact=False).first).to_be_visible()
    [first, *_] = await bookings_of(admin, room)
    assert (first["id"], first["checkedIn"]) == (meeting["id"], True)

    # Up to the next one there are 20 minutes: 15, or all of them.
    await expect(page.get_by_role("button", name="Extend by")).to_have_count(2)
    await page.get_by_role("button", name="Extend by 15 minutes").click()
    await expect(page.get_by_text("The meeting is longer now")).to_be_visible()
    await expect(page.get_by_text("Ends in 55 minutes")).to_be_visible()

    # A meeting does not end because somebody leans on the panel.
    await page.get_by_role("button", name="End meeting").click()
    await page.get_by_role("button", name="Keep it").click()
    await expect(page.get_by_role("heading", name="In use")).to_be_visible()
    await page.get_by_role("button", name="End meeting").click()
    await page.get_by_role("button", name="End now").click()
    await expect(page.get_by_role("heading", name="Available")).to_be_visible()

    await page.get_by_role("button", name="30 minutes").click()
    await expect(page.get_by_text("The room is yours")).to_be_visible()
    await expect(page.get_by_role("heading", name="Booked at the door")).to_be_visible()
    booked = [one for one in await bookings_of(admin, room) if one["title"] == "Booked at the door"]
    assert len(booked) == 1


async def test_the_network_is_cut_and_comes_back(
    tablet: BrowserContext, network: Network, admin: httpx.AsyncClient, room: dict[str, Any]
) -> None:
    page = await pair(tablet, network, admin, room)
    meeting = await book(admin, room, "Planning", 0)
    await book(admin, room, "Review", 60)
    await expect(page.get_by_role("heading", name="Planning")).to_be_visible()
    await expect(page.get_by_text("Review")).to_be_visible()

    async with cut(network, page):
        # What was known stays, and what cannot be done is not offered.
        await expect(page.get_by_role("heading", name="Planning")).to_be_visible()
        await expect(page.get_by_text("Review")).to_be_visible()
        await expect(page.get_by_role("button", name="Extend")).to_have_count(0)
        clicked_at = datetime.now(UTC)
        await page.get_by_role("button", name="Check in").click()
        await expect(page.get_by_text("it will be sent later")).to_be_visible()
        # Through a reload too, which finds the page where there is no network.
        await page.reload()
        await expect(page.get_by_role("heading", name="Planning")).to_be_visible()
        await expect(page.get_by_text("will be sent when the network is back")).to_be_visible()
        await expect(page.get_by_role("button", name="Check in")).to_have_count(0)
        cut_until = datetime.now(UTC)

    await expect(page.get_by_text("will be sent when the network is back")).to_have_count(0)
    [checked_in] = [one for one in await bookings_of(admin, room) if one["id"] == meeting["id"]]
    at = datetime.fromisoformat(checked_in["checkedInAt"])
    assert clicked_at - timedelta(seconds=1) <= at <= cut_until


async def test_what_happened_meanwhile_is_shown_at_once(
    tablet: BrowserContext, network: Network, admin: httpx.AsyncClient, room: dict[str, Any]
) -> None:
    page = await pair(tablet, network, admin, room)

    async with cut(network, page):
        await book(admin, room, "Planning", 0)

    await expect(page.get_by_role("heading", name="Planning")).to_be_visible()


async def test_time_goes_on_without_the_network(
    tablet: BrowserContext, network: Network, admin: httpx.AsyncClient, room: dict[str, Any]
) -> None:
    page = await pair(tablet, network, admin, room)
    # It ends in eight seconds, and the next begins then.
    end = (datetime.now(UTC) + timedelta(seconds=8)).replace(microsecond=0)
    for title, start, length in (("Planning", end - TEN_MINUTES, 10), ("Review", end, 60)):
        body = booking_of(room, start, length) | {"title": title}
        assert (await admin.post("/api/bookings", json=body)).status_code == 201
    await expect(page.get_by_text("Planning")).to_be_visible()
    await expect(page.get_by_text("Review")).to_be_visible()

    async with cut(network, page):
        await expect(page.get_by_role("heading", name="Review")).to_be_visible()
        await expect(page.get_by_role("heading", name="In use")).to_be_visible()


async def test_where_no_websocket_gets_through(
    system: System, tablet: BrowserContext, admin: httpx.AsyncClient, room: dict[str, Any]
) -> None:
    async with network_to(system.settings.port, without_websockets=True) as network:
        page = await pair(tablet, network, admin, room)
        await book(admin, room, "Planning", 0)

        await expect(page.get_by_role("heading", name="Planning")).to_be_visible()
        await expect(page.get_by_role("alert")).to_be_empty()


async def test_the_clock_is_the_servers(
    tablet: BrowserContext, network: Network, admin: httpx.AsyncClient, room: dict[str, Any]
) -> None:
    """A tablet's own clock is three hours slow, and is in another zone than the building."""
    await tablet.add_init_script("const own = Date.now; Date.now = () => own() - 3 * 3600e3;")
    building = await admin.get(f"/api/locations/{room['location']['id']}/")
    path = f"/api/locations/{building.json()['id']}/"
    (await admin.patch(path, json={"timezone": "Asia/Tehran"})).raise_for_status()
    page = await pair(tablet, network, admin, room)

    shown = page.locator(".clock time")
    tehran = timedelta(hours=3, minutes=30)

    async def is_right() -> bool:
        said = await shown.inner_text()
        now = datetime.now(UTC) + tehran
        return said in {f"{now - timedelta(seconds=2):%H:%M}", f"{now:%H:%M}"}

    await eventually(is_right, bool)


async def test_persian(
    tablet: BrowserContext, network: Network, admin: httpx.AsyncClient, room: dict[str, Any]
) -> None:
    page = await pair(tablet, network, admin, room)

    await page.get_by_role("button", name="فارسی").click()

    await expect(page.get_by_role("heading", name="آزاد")).to_be_visible()
    assert await page.locator("html").get_attribute("dir") == "rtl"
    assert await page.locator("html").get_attribute("lang") == "fa"
    today = jdatetime.date.fromgregorian(date=datetime.now(UTC).date())
    year = str(today.year).translate(str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹"))
    await expect(page.locator(".clock")).to_contain_text(year)
    await expect(page.get_by_role("button", name="۳۰ دقیقه")).to_be_visible()
    # It stays so.
    await page.reload()
    await expect(page.get_by_role("heading", name="آزاد")).to_be_visible()


async def test_a_panel_that_an_admin_removes(
    tablet: BrowserContext, network: Network, admin: httpx.AsyncClient, room: dict[str, Any]
) -> None:
    page = await pair(tablet, network, admin, room)

    async def listed() -> dict[str, Any]:
        devices = (await admin.get("/api/admin/devices")).json()["data"]
        [device] = [one for one in devices if one["roomId"] == room["id"]]
        return device

    # It says which program it is.
    device = await eventually(listed, lambda device: device["appVersion"] is not None)
    assert device["status"] == "online"
    assert device["appVersion"].startswith("/assets/panel-")

    (await admin.delete(f"/api/admin/devices/{device['id']}")).raise_for_status()

    await expect(page.get_by_text("An admin has removed this panel")).to_be_visible()
    await expect(page.locator(".code bdi")).to_be_visible()
    assert room["name"] not in await page.evaluate("JSON.stringify({...localStorage})")


async def test_a_refusal_is_said(
    tablet: BrowserContext, network: Network, admin: httpx.AsyncClient, room: dict[str, Any]
) -> None:
    path = f"/api/booking-policies/{room['id']}/"
    (await admin.put(path, json={"checkin_opens": 2})).raise_for_status()
    page = await pair(tablet, network, admin, room)
    await book(admin, room, "Planning", 10)
    await expect(page.get_by_role("heading", name="Starts soon")).to_be_visible()

    await page.get_by_role("button", name="Check in: Planning").click()

    await expect(page.get_by_text("It is too early to check in")).to_be_visible()


@pytest.mark.parametrize("language", ["English", "فارسی"])
async def test_for_everybody(
    tablet: BrowserContext,
    network: Network,
    admin: httpx.AsyncClient,
    room: dict[str, Any],
    violations: Violations,
    language: str,
) -> None:
    """Axe finds nothing in any state and language, wide and tall; keys do what fingers do."""
    tall = {"width": 600, "height": 960}
    page = await tablet.new_page()
    await page.goto(f"{network.url}/panel/")
    await expect(page.locator(".code bdi")).to_be_visible()
    assert await violations(page) == []
    await page.close()

    page = await pair(tablet, network, admin, room)
    if language == "فارسی":
        await page.get_by_role("button", name=language).click()
    assert await violations(page) == []

    await book(admin, room, "Planning", 5, 30)
    await expect(page.locator("[data-status=upcoming]")).to_be_visible()
    assert await violations(page) == []
    # By keys alone: the button of the language, and the next one.
    check_in = page.get_by_role("button", name="Planning")
    await page.get_by_role("button").first.focus()
    await page.keyboard.press("Tab")
    await expect(check_in).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(check_in).to_have_count(0)
    [made] = await bookings_of(admin, room)
    assert made["checkedIn"] is True

    await page.set_viewport_size(tall)
    assert await violations(page) == []
    wider = await page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert not wider, "it has to be scrolled sideways"

    network.cut()
    await expect(page.get_by_role("alert")).not_to_be_empty()
    assert await violations(page) == []


async def test_a_browser_sees_why_it_was_not_let_in(
    tablet: BrowserContext, network: Network, admin: httpx.AsyncClient, room: dict[str, Any]
) -> None:
    other = await make_room(admin)
    page = await pair(tablet, network, admin, room)
    token = await page.evaluate("JSON.parse(localStorage['atrium.panel.device']).token")
    ways: list[tuple[str, list[str]]] = [("?token={}", []), ("", ["atrium", "atrium.token.{}"])]
    for query, protocols in ways:

        async def closed(
            room_id: int, shown: str, query: str = query, protocols: list[str] = protocols
        ) -> int:
            asked = {
                "path": f"/api/panel/rooms/{room_id}/ws{query.format(shown)}",
                "protocols": [one.format(shown) for one in protocols],
            }
            code: int = await page.evaluate(CLOSE_CODE, asked)
            return code

        assert await closed(room["id"], "ad_wrong") == 4001
        assert await closed(other["id"], token) == 4003
        assert await closed(2**31 - 1, token) == 4004
        # Let in; it is we who leave.
        assert await closed(room["id"], token) == 1000


async def test_the_page_is_safe(system: System, anyone: httpx.AsyncClient) -> None:
    reply = await anyone.get("/panel/")
    policy = reply.headers["content-security-policy"]

    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "<script>" not in reply.text
    assert reply.headers["cache-control"] == "no-cache"
    script = reply.text.partition('src="')[2].partition('"')[0]
    asset = await anyone.get(script)
    assert "immutable" in asset.headers["cache-control"]
    assert asset.headers["content-encoding"] == "gzip"
    known = {"if-none-match": asset.headers["etag"]}
    assert (await anyone.get(script, headers=known)).status_code == 304
    assert (await anyone.get("/panel", follow_redirects=False)).headers["location"] == "/panel/"
    assert (await anyone.post("/panel/")).status_code == 405
    for outside in ("/assets/%2e%2e/panel/sw.js", "/panel/nothing.js"):
        assert (await anyone.get(outside)).status_code in {400, 404}
