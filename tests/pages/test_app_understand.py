"""What figures mean, as administrators read it in the web app: Chromium, on the running system."""

import csv
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from making import make, make_camera, make_location, make_room
from playwright.async_api import Browser, Page, expect
from publishing import booking, publisher
from running_system import PASSWORD, System, eventually

from common.ids import new_cuid

Violations = Callable[[Page], Awaitable[list[str]]]
pytestmark = pytest.mark.timeout(240)
expect.set_options(timeout=45_000)
# A week that no other test books in, and the one after it.
WEEK: Final = ("2033-05-02", "2033-05-08")
NEXT: Final = ("2033-05-09", "2033-05-15")
PAGES: Final = ("", "/rooms", "/no-shows", "/sizes", "/flow", "/real", "/reports", "/seats")


@asynccontextmanager
async def signed_in(
    chromium: Browser, system: System, role: str = "ADMIN", locale: str = "en-GB"
) -> AsyncIterator[Page]:
    """Give a page of the app to somebody; it must have said no error in its console."""
    context = await chromium.new_context(
        locale=locale, timezone_id="Europe/Berlin", base_url=system.base_url
    )
    errors: list[str] = []
    context.on("weberror", lambda error: errors.append(str(error.error)))
    context.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page = await context.new_page()
    await page.goto("/app/")
    await page.locator("input[name=email]").fill(f"{role.lower()}@example.test")
    await page.locator("input[name=password]").fill(PASSWORD)
    await page.locator("button[type=submit]").click()
    await expect(page.locator("#content h1")).to_be_visible()
    # Whoever is not signed in yet is told so: that is no error of the page.
    errors.clear()
    yield page
    await context.close()
    assert errors == []


def address(page: str, days: tuple[str, str], **more: object) -> str:
    query = httpx.QueryParams({"by": "week", "from": days[0], "to": days[1], **more})
    return f"/app/understand{page}?{query}"


async def figures(client: httpx.AsyncClient, path: str, days: tuple[str, str], **more: Any) -> Any:
    query = {"start_date": days[0], "end_date": days[1], **more}
    reply = await client.get(f"/api/analytics/{path}", params=query)
    # A building is known a moment after it was made.
    return reply.json()["data"] if reply.status_code == 200 else []


@pytest.fixture
async def oak(system: System, admin: httpx.AsyncClient) -> dict[str, Any]:
    """A room with three bookings in the week; nobody came to the last one."""
    building = await make_location(admin, timezone="Europe/Berlin")
    room = await make_room(admin, location=building["id"], capacity=8, name="=Oak, " + new_cuid())
    begins = datetime(2033, 5, 3, 8, tzinfo=UTC)
    async with publisher(system) as publish:
        for hours, changes in ((0, {}), (2, {}), (4, {"status": "no_show"})):
            start = begins + timedelta(hours=hours)
            end = start + timedelta(hours=1)
            released = {"checkin_until": start + timedelta(minutes=30)} if changes else {}
            await publish.booking(booking(room["id"], start, end, **changes, **released))

    async def booked() -> Any:
        return await figures(admin, "utilization", WEEK, building=building["id"])

    await eventually(booked, lambda found: found and found[0]["totalBookings"] == 3)
    return room


async def table_of(page: Page, title: str) -> list[list[str]]:
    """Open the table of a figure and return what it says, its head first."""
    figure = page.get_by_role("region", name=title, exact=True)
    await figure.get_by_role("button", name=f"Table: {title}").click()
    rows = figure.get_by_role("region", name=f"Table: {title}").get_by_role("row")
    await expect(rows.first).to_be_visible()
    return [
        [text.strip() for text in await row.locator("th, td").all_inner_texts()]
        for row in await rows.all()
    ]


async def download_of(page: Page, title: str, folder: Path) -> list[list[str]]:
    async with page.expect_download() as begun:
        await page.get_by_role("button", name=f"CSV: {title}").click()
    download = await begun.value
    file = folder / download.suggested_filename
    await download.save_as(file)
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.reader(lines, strict=True))


async def test_figures_shown_are_those_of_the_api_in_charts_tables_and_files(
    system: System, admin: httpx.AsyncClient, oak: dict[str, Any], chromium: Browser, tmp_path: Path
) -> None:
    building = oak["location"]["id"]
    [told] = await figures(admin, "utilization", WEEK, building=building)
    async with signed_in(chromium, system) as page:
        await page.goto(address("/rooms", WEEK, building=building))
        title = "Utilisation by room"
        await expect(page.get_by_role("img", name=f"Chart: {title}")).to_be_visible()
        [_, shown] = await table_of(page, title)
        rate, hours = told["utilizationRate"], told["totalHoursBooked"]
        assert shown[:4] == [oak["name"], f"{rate:g}%", f"{hours:g} h", "3"]
        head, row = await download_of(page, title, tmp_path)
        assert head[:4] == ["Room", "Utilisation", "Hours booked", "Bookings"]
        # A spreadsheet would run it.
        assert row[0] == "'" + oak["name"]
        assert [float(cell) for cell in row[1:4]] == [rate, hours, 3]
        # Its hours of the day, by the building's clock: 10, 12 and 14.
        [_, by_hour] = await download_of(page, "Rooms by hour of the day", tmp_path)
        assert [float(cell) > 0 for cell in by_hour[2:8]] == [False, True] * 3

        # The next week has nothing, and is in the address, and is that of the other pages.
        await page.get_by_role("button", name="Next period").click()
        await expect(page).to_have_url(
            f"{system.base_url}{address('/rooms', NEXT, building=building)}"
        )
        cell = page.get_by_role("region", name=f"Table: {title}").get_by_role("cell").first
        await expect(cell).to_have_text("0%")
        await page.get_by_role("link", name="Key figures").click()
        await expect(page).to_have_url(f"{system.base_url}{address('', NEXT)}")
        await page.get_by_role("button", name="Previous period").click()
        await expect(page).to_have_url(f"{system.base_url}{address('', WEEK)}")
        kpis = await figures(admin, "kpi", WEEK)
        cards = page.get_by_role("listitem").filter(has=page.get_by_role("heading", level=2))
        # Others make rooms meanwhile; nobody else books in this week.
        for kpi, card in list(zip(kpis, await cards.all(), strict=True))[2:]:
            value = f"{kpi['value']:g}%" if kpi["unit"] else f"{kpi['value']:g}"
            await expect(card.get_by_text(value, exact=True)).to_be_visible()
        await page.get_by_text("Month", exact=True).click()
        await expect(page.get_by_text("1 May 2033 – 31 May 2033")).to_be_visible()


async def test_a_terms_seats_are_seen_once_its_timetable_was_pushed(
    system: System, admin: httpx.AsyncClient, chromium: Browser
) -> None:
    days = {"start_date": "2034-03-21", "end_date": "2034-06-21"}
    code = new_cuid()
    term = await make(admin, "/api/terms/", name=f"Spring {code}", code=code, **days)
    tehran = await make_location(admin, timezone="Asia/Tehran")
    hall = await make_room(admin, capacity=100, location=tehran["id"])
    entry = {
        "external_id": "1",
        "room": hall["id"],
        "title": "Algebra",
        "allocated_seats": 90,
        # Wednesday, 2 Farvardin 1413.
        "start_at": "2034-03-22T08:00:00+03:30",
        "end_at": "2034-03-22T10:00:00+03:30",
    }
    path = f"/api/terms/{term['id']}/"
    (await admin.put(f"{path}timetable/", json={"allocations": [entry]})).raise_for_status()
    (await admin.post(f"{path}publish/")).raise_for_status()
    query = {"term": term["id"], "room": hall["id"], "end_date": "2034-03-22"}

    async def peak() -> int:
        reply = await admin.get("/api/rooms/capacity-heatmap/", params=query)
        if reply.status_code != 200:
            return 0
        return int(reply.json()["rooms"][0]["days"][-1]["peak_allocated_seats"])

    await eventually(peak, lambda one: one == 90)

    async with signed_in(chromium, system, "STUDENT") as page:
        await page.goto(f"/app/understand/seats?term={term['id']}&by=day")
        await expect(page.get_by_role("link", name="Seats of a term")).to_be_visible()
        # Figures of bookings are the administrators'.
        await expect(page.get_by_role("link", name="Key figures")).to_have_count(0)
        await page.get_by_role("searchbox", name="Find a room").fill(hall["name"])
        grid = page.get_by_role("grid")
        await expect(page.get_by_role("rowheader")).to_have_text([f"{hall['name']}100"])
        await grid.focus()
        await page.keyboard.press("ArrowRight")
        chosen = page.locator("[role=gridcell][aria-selected=true]")
        when = "Wednesday, 22 March 2034"
        words = f"\u2068{hall['name']}\u2069, {when}: at most 90 of 100 seats (90%); 1 allocation"
        await expect(chosen).to_have_accessible_name(words)
        named = await grid.get_attribute("aria-activedescendant")
        assert named == await chosen.get_attribute("id")
        # The last day of the term is far to the side.
        await page.keyboard.press("End")
        await expect(chosen).to_have_attribute("aria-colindex", "94")
        await expect(chosen).to_be_in_viewport()

    async with signed_in(chromium, system, "STUDENT", "fa-IR") as page:
        await page.goto(f"/app/understand/seats?term={term['id']}")
        await page.get_by_role("searchbox").fill(hall["name"])
        # The week from Tuesday, the first of the term, to Friday: Jalali weeks begin on Saturday.
        cell = page.get_by_role("gridcell").first
        await expect(cell).to_have_text("۹۰")
        await expect(cell).to_have_accessible_name(
            f"\u2068{hall['name']}\u2069، ۱ فروردین ۱۴۱۳ تا ۴ فروردین ۱۴۱۳:"
            " حداکثر ۹۰ از ۱۰۰ صندلی (۹۰٪)؛ ۱ تخصیص"
        )


@pytest.mark.parametrize("locale", ["en-GB", "fa-IR"])
async def test_axe_finds_nothing(
    system: System,
    admin: httpx.AsyncClient,
    oak: dict[str, Any],
    chromium: Browser,
    violations: Violations,
    locale: str,
) -> None:
    await make_camera(admin, room_id=oak["id"])
    code = new_cuid()
    days = {"start_date": "2035-03-21", "end_date": "2035-06-21"}
    term = await make(admin, "/api/terms/", name=f"Spring {code}", code=code, **days)
    async with signed_in(chromium, system, locale=locale) as page:
        for path in PAGES:
            await page.goto(address(path, WEEK, term=term["id"]))
            drawn = page.locator("main").locator("canvas, [role=grid], table:visible")
            await expect(drawn.first).to_be_visible()
            for button in await page.locator("main button[aria-expanded]").all():
                await button.click()
            assert await violations(page) == [], path
