"""Booking in the web app, as people do it: Chromium, on the running system."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from app_pages import (
    Violations,
    browser_of,
    fill_sign_in,
    press,
    show_whole,
    sign_in,
    tab_to,
    type_into,
)
from cut_network import network_to
from making import booking_of, iso, make_location, make_room, request_of, unique
from playwright.async_api import Browser, Locator, Page, Route, expect
from running_system import System, eventually

pytestmark = pytest.mark.timeout(180)
expect.set_options(timeout=15_000)
HOUR = timedelta(hours=1)


@pytest.fixture
async def rooms(admin: httpx.AsyncClient) -> list[dict[str, Any]]:
    """Three rooms of one building that never closes, known to whoever books."""
    open_always = {"opens_at": "00:00", "closes_at": "23:59"}
    building = await make_location(admin, **open_always)
    sizes = (30, 8, 12)
    made = [
        await make_room(admin, location=building["id"], capacity=size, name=unique(f"Room {size}"))
        for size in sizes
    ]

    async def names() -> set[str]:
        reply = await admin.get("/api/timeline/rooms")
        return {one["name"] for one in reply.raise_for_status().json()["data"]}

    await eventually(names, lambda known: {one["name"] for one in made} <= known)
    return made


@pytest.fixture
async def two(
    chromium: Browser, system: System, rooms: list[dict[str, Any]]
) -> AsyncIterator[tuple[Page, Page]]:
    """The timeline, before two people, with the rooms on it."""
    assert rooms
    async with browser_of(chromium) as one, browser_of(chromium) as other:
        yield (
            await sign_in(one, system, "FACULTY", "timeline"),
            await sign_in(other, system, "ADMIN", "timeline"),
        )


async def show(page: Page, room: dict[str, Any], day: datetime) -> Locator:
    """Show the whole of a day, of the rooms of a room's building; returns the room's row."""
    await page.get_by_role("combobox", name="Building").fill(room["location"]["name"])
    await page.get_by_role("option", name=room["location"]["name"]).click()
    await page.locator("label", has_text="All hours").click()
    for _ in range((day.date() - datetime.now(UTC).date()).days):
        await page.get_by_role("button", name="Next day").click()
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=room["name"]))
    await expect(row).to_be_visible()
    return row


async def drag(page: Page, start: Locator, dx: float, dy: float = 0, at: float = 0.5) -> None:
    """Drag from a place of something, a share of its width from its left."""
    box = await start.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] * at, box["y"] + box["height"] / 2
    await page.mouse.move(x, y)
    await page.mouse.down()
    await page.mouse.move(x + dx / 2, y + dy / 2, steps=3)
    await page.mouse.move(x + dx, y + dy, steps=3)
    await page.mouse.up()


async def bookings_of(
    client: httpx.AsyncClient, room: dict[str, Any], day: datetime
) -> list[dict[str, Any]]:
    reply = await client.get(f"/api/rooms/{room['id']}/bookings", params={"date": str(day.date())})
    found: list[dict[str, Any]] = reply.raise_for_status().json()["data"]
    return found


def tomorrow(hour: int) -> datetime:
    day = datetime.now(UTC) + timedelta(days=1)
    return day.replace(hour=hour, minute=0, second=0, microsecond=0)


async def test_a_student_asks_is_approved_is_told_and_checks_in(
    system: System,
    chromium: Browser,
    admin: httpx.AsyncClient,
    student: httpx.AsyncClient,
    rooms: list[dict[str, Any]],
) -> None:
    """By keys alone; and the session ends in the middle of it."""
    policy = f"/api/booking-policies/{rooms[1]['id']}/"
    (await admin.put(policy, json={"checkin_opens": 1440})).raise_for_status()
    # The room next to it in size is taken for a day.
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    taken = booking_of(rooms[2], now, 24 * 60)
    (await admin.post("/api/bookings", json=taken)).raise_for_status()
    async with browser_of(chromium) as browser:
        page = await sign_in(browser, system, "STUDENT")
        await page.get_by_role("combobox", name="Building").focus()
        await page.keyboard.type(rooms[0]["location"]["name"])
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")

        # What is free, the nearest fit first.
        names = page.get_by_role("listitem").get_by_role("heading")
        await expect(names).to_have_text([rooms[1]["name"], rooms[0]["name"]])
        people = page.get_by_role("textbox", name="People")
        await people.focus()
        await people.fill("9")
        await expect(names).to_have_text([rooms[0]["name"]])
        await people.fill("8")
        await page.get_by_role("button", name=f"Request: {rooms[1]['name']}").focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("textbox", name="What for")).to_be_focused()
        await page.keyboard.type("Chess club")
        await expect(page.get_by_text("Free:")).to_be_visible()

        # The session ends meanwhile, as by an administrator.
        await browser.clear_cookies()
        await page.get_by_role("button", name="Send request").focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Your session has ended")).to_be_visible()
        await fill_sign_in(page, "STUDENT")

        # What was written has gone on by itself, once.
        await expect(page.get_by_text("Your request was sent.")).to_be_visible()
        requests = f"{system.university_url}/api/requests"
        found = (await student.get(requests, params={"mine": "true"})).json()["data"]["data"]
        [request] = [one for one in found if one["room"]["name"] == rooms[1]["name"]]
        assert (request["purpose"], request["status"]) == ("Chess club", "PENDING")

        decision = {"status": "APPROVED", "reason": "Enjoy"}
        await page.evaluate("window.notReloaded = true")
        reply = await admin.patch(f"{requests}/{request['id']}", json=decision)
        reply.raise_for_status()
        await expect(page.get_by_text("Your request was approved")).to_be_visible()

        await page.get_by_role("link", name="My bookings").first.focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="My bookings", level=1)).to_be_focused()
        assert await page.evaluate("window.notReloaded")
        await page.get_by_role("button", name="Check in: Chess club").focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Chess club Checked in")).to_be_visible()
        day = datetime.fromisoformat(request["startAt"])
        booked = await bookings_of(admin, rooms[1], day)
        assert [one["checkedIn"] for one in booked] == [True]


async def test_two_people_want_the_same_time(
    two: tuple[Page, Page], admin: httpx.AsyncClient, rooms: list[dict[str, Any]]
) -> None:
    """One drags, the other goes by keys alone."""
    one, other = two
    day = tomorrow(0)
    rows = [await show(page, rooms[0], day) for page in two]
    await one.bring_to_front()
    await drag(one, rows[0].get_by_role("gridcell").first, 90)
    await one.get_by_role("textbox", name="Title").fill("Lecture")
    await expect(one.get_by_text("Free:")).to_be_visible()

    await other.bring_to_front()
    await go_to_row(other, rooms[0])
    for _ in range(24):
        await other.keyboard.press("ArrowRight")
    await other.keyboard.press("Enter")
    await expect(other.get_by_role("textbox", name="Title")).to_be_focused()
    await other.keyboard.type("Meeting")
    await expect(other.get_by_text("Free:")).to_be_visible()

    await one.get_by_role("button", name="Book", exact=True).click()
    await expect(one.get_by_text("The room is yours.")).to_be_visible()
    await other.keyboard.press("Enter")
    # The other one is told by whom it is taken, and which ways out there are.
    await expect(other.get_by_text(re.compile("Taken .*Lecture.*Faculty"))).to_be_visible()
    await expect(other.get_by_role("group", name="Other times")).to_be_visible()
    ways = other.get_by_role("group", name="Other rooms")
    await press(other, ways.get_by_role("button", name=rooms[2]["name"]))
    await expect(other.get_by_text("Free:")).to_be_visible()
    await press(other, other.get_by_role("button", name="Book", exact=True))
    await expect(other.get_by_role("dialog")).to_have_count(0)
    await expect(other.get_by_role("grid")).to_be_focused()

    [lecture], [meeting] = [await bookings_of(admin, room, day) for room in (rooms[0], rooms[2])]
    assert (lecture["title"], meeting["title"]) == ("Lecture", "Meeting")
    assert lecture["startTime"] == meeting["startTime"]
    # What the other has booked appears without reloading.
    await expect(one.get_by_role("button", name=re.compile("Meeting .* Admin"))).to_be_visible()


async def test_a_booking_is_moved_and_stretched_by_pointer_and_by_keys(
    two: tuple[Page, Page],
    faculty: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    rooms: list[dict[str, Any]],
) -> None:
    page, _ = two
    start = tomorrow(2)
    made = await faculty.post("/api/bookings", json=booking_of(rooms[0], start, 120))
    booking = made.raise_for_status().json()["data"]
    foreign = await admin.post("/api/bookings", json=booking_of(rooms[1], start, 120))
    assert foreign.status_code == 201
    await show(page, rooms[0], start)
    bar = page.locator(f"[data-id={booking['id']}]")
    width = (await bar.bounding_box() or {})["width"]

    async def times(room: dict[str, Any]) -> list[tuple[str, str]]:
        return [
            (one["startTime"][11:16], one["endTime"][11:16])
            for one in await bookings_of(faculty, room, start)
        ]

    async def are(room: dict[str, Any], wanted: list[tuple[str, str]]) -> None:
        await eventually(lambda: times(room), lambda seen: seen == wanted)

    # By pointer: two hours later, and from there at once its end an hour earlier.
    await drag(page, bar, width)
    await drag(page, bar, -width / 2, at=0.99)
    await are(rooms[0], [("04:00", "05:00")])
    # Somebody else's cannot be dragged.
    await drag(page, page.locator(f"[data-id={foreign.json()['data']['id']}]"), width)
    await are(rooms[1], [("02:00", "04:00")])
    await expect(page.get_by_role("dialog")).to_have_count(0)

    await page.bring_to_front()
    # By keys: to the booking, up with it, an hour later, half an hour longer, into a room below.
    slot = await go_to_row(page, rooms[0])
    for _ in range(8):
        await page.keyboard.press("ArrowRight")
    await page.keyboard.press("m")
    await expect(slot).to_have_accessible_name(re.compile("Planning is taken up"))
    for _ in range(4):
        await page.keyboard.press("ArrowRight")
    for _ in range(2):
        await page.keyboard.press("Shift+ArrowRight")
    await page.keyboard.press("Enter")
    await are(rooms[0], [("05:00", "06:30")])
    # Enter on free time books, and Escape leaves it.
    await page.keyboard.press("End")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("textbox", name="Title")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("grid")).to_be_focused()
    # Enter on a booking opens it.
    await page.keyboard.press("Home")
    for _ in range(11):
        await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog", name="Planning")).to_be_visible()


async def go_to_row(page: Page, room: dict[str, Any]) -> Locator:
    """Go to the beginning of a room's day by keys; returns the slot that they are at.

    Rooms are ordered by their names.
    """
    await page.get_by_role("grid").focus()
    await page.keyboard.press("Home")
    for _ in range(3):
        await page.keyboard.press("ArrowUp")
    slot = page.locator("[role=gridcell][id^=slot-]")

    async def is_there() -> bool:
        if (await slot.get_attribute("aria-label") or "").startswith(room["name"]):
            return True
        await page.keyboard.press("ArrowDown")
        return False

    await eventually(is_there, bool)
    return slot


async def test_a_series_shows_what_is_left_out_before_it_is_booked(
    system: System,
    chromium: Browser,
    admin: httpx.AsyncClient,
    rooms: list[dict[str, Any]],
) -> None:
    """By keys alone."""
    closed = {
        "room": rooms[0]["id"],
        "start_at": iso(tomorrow(0) + timedelta(days=1)),
        "end_at": iso(tomorrow(0) + timedelta(days=2)),
        "reason": "Painting",
    }
    (await admin.post("/api/blackouts/", json=closed)).raise_for_status()
    async with browser_of(chromium) as browser:
        page = await sign_in(browser, system, "FACULTY", "timeline")
        await show(page, rooms[0], tomorrow(0))
        await go_to_row(page, rooms[0])
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("textbox", name="Title")).to_be_focused()
        await page.keyboard.type("Course")
        await tab_to(page, page.get_by_label("Repeat"))
        await page.keyboard.type("Every day")
        await type_into(page, page.get_by_role("textbox", name="How many times"), "3")
        dates = page.get_by_role("region", name="Dates of the series")
        await expect(dates).to_contain_text("2 dates will be booked. 1 is left out.")
        await expect(dates).to_contain_text("Painting")
        await press(page, page.get_by_role("button", name="Book", exact=True))
        await expect(page.get_by_text("2 dates were booked, 1 left out.")).to_be_visible()
    assert len(await bookings_of(admin, rooms[0], tomorrow(0))) == 1


async def test_the_connection_goes_and_comes_back(
    system: System, chromium: Browser, admin: httpx.AsyncClient, rooms: list[dict[str, Any]]
) -> None:
    async with network_to(system.settings.port) as network, browser_of(chromium) as browser:
        page = await browser.new_page()
        await page.goto(f"{network.url}/app/timeline")
        await fill_sign_in(page, "FACULTY")
        row = await show(page, rooms[0], tomorrow(0))
        await row.get_by_role("gridcell").first.click()
        await page.get_by_role("textbox", name="Title").fill("Lecture")
        network.cut()
        await page.get_by_role("button", name="Book", exact=True).click()
        # It is said, and what was written stays.
        await expect(page.get_by_text("Nobody answered")).to_be_visible()
        await expect(page.get_by_role("textbox", name="Title")).to_have_value("Lecture")
        network.mend()
        await expect(page.get_by_text("No connection since")).to_have_count(0)
        await page.get_by_role("button", name="Book", exact=True).click()
        await expect(page.get_by_text("The room is yours.")).to_be_visible()
    assert len(await bookings_of(admin, rooms[0], tomorrow(0))) == 1


async def test_a_page_goes_when_somebody_else_signs_in_beside_it(
    system: System, chromium: Browser, rooms: list[dict[str, Any]]
) -> None:
    async with browser_of(chromium) as browser:
        page = await sign_in(browser, system, "FACULTY", "timeline")
        await show(page, rooms[0], tomorrow(0))
        await browser.clear_cookies()
        await sign_in(browser, system, "STUDENT")
        # Without a window every page has the focus, and is not told that it got it.
        await page.evaluate("dispatchEvent(new Event('focus'))")
        await expect(page).to_have_url(f"{system.base_url}/app/")
        action = re.compile("^Request: ")
        await expect(page.get_by_role("button", name=action).first).to_be_visible()


async def test_nothing_is_called_free_before_it_is_known(
    system: System, chromium: Browser, admin: httpx.AsyncClient, rooms: list[dict[str, Any]]
) -> None:
    """The network is slow, and what is still known is of another day."""
    for room in rooms[:2]:
        # At the end of a day the next one is shown first.
        for day in (tomorrow(0), tomorrow(0) + timedelta(days=1)):
            taken = booking_of(room, day, 24 * 60)
            (await admin.post("/api/bookings", json=taken)).raise_for_status()

    async def late(route: Route) -> None:
        await asyncio.sleep(2)
        await route.continue_()

    async with browser_of(chromium) as browser:
        page = await sign_in(browser, system, "FACULTY", "timeline")
        await show(page, rooms[0], datetime.now(UTC))
        await page.route(re.compile(r"/api/timeline\?"), late)
        await page.get_by_role("button", name="Next day").click()
        grid = page.get_by_role("grid")
        await expect(grid).to_have_attribute("aria-busy", "true")
        await grid.focus()
        for key in ("Home", "ArrowUp", "ArrowUp", "ArrowUp"):
            await page.keyboard.press(key)
        slot = page.locator("[role=gridcell][id^=slot-]")
        await expect(slot).to_have_accessible_name(re.compile("Loading"))
        await expect(grid).to_have_attribute("aria-busy", "false")
        await expect(slot).not_to_have_accessible_name(re.compile("Loading"))

        await page.get_by_role("link", name="Find a room").first.click()
        await page.get_by_role("combobox", name="Building").fill(rooms[0]["location"]["name"])
        await page.get_by_role("option", name=rooms[0]["location"]["name"]).click()
        count = page.get_by_role("main").get_by_role("heading", level=2)
        await expect(count).to_contain_text("free")
        await page.get_by_role("button", name="Choose a date").press("Enter")
        await expect(page.locator("[data-day]:focus")).to_be_visible()
        await page.keyboard.press("ArrowRight")
        await page.keyboard.press("Enter")
        await expect(count).to_contain_text("Loading")
        await expect(count).to_contain_text("1 room is free")


async def test_whoever_has_much_finds_all_of_it(
    system: System,
    chromium: Browser,
    admin: httpx.AsyncClient,
    faculty: httpx.AsyncClient,
    student: httpx.AsyncClient,
    rooms: list[dict[str, Any]],
) -> None:
    """More than the API tells at once: of bookings 100, of requests and notifications 50."""
    course, club = unique("Course"), unique("Club")
    rule = "FREQ=DAILY;COUNT=55"
    for room in rooms[:2]:
        body = {**booking_of(room, tomorrow(9)), "title": course, "recurrenceRule": rule}
        (await faculty.post("/api/bookings", json=body)).raise_for_status()
    asked = {**request_of(rooms[2], tomorrow(9)), "purpose": club, "recurrenceRule": rule}
    (await student.post("/api/requests", json=asked)).raise_for_status()

    def entries(page: Page, name: str) -> Locator:
        return page.get_by_role("listitem").filter(has_text=name)

    async with browser_of(chromium) as browser:
        page = await sign_in(browser, system, "FACULTY", "bookings")
        await expect(entries(page, course)).to_have_count(110)
        # Two months pass; and seven since the first day.
        database = await asyncpg.connect(system.installation.postgres.url("atrium"))
        for days, until in ((60, 55), (150, -59)):
            await database.execute(
                """
                UPDATE bookings.bookings SET status = 'completed',
                    starts_at = starts_at - $2::interval, ends_at = ends_at - $2::interval,
                    held = tstzrange(lower(held) - $2::interval, upper(held) - $2::interval)
                WHERE title = $1 AND starts_at < $3
                """,
                *(course, timedelta(days=days), tomorrow(0) + timedelta(days=until)),
            )
        await database.close()
        await page.get_by_role("tab", name="Past").click()
        await expect(entries(page, course)).to_have_count(108)
        times = entries(page, course).locator("time")
        newest = tomorrow(9) - timedelta(days=60 - 54)
        await expect(times.first).to_have_attribute("datetime", re.compile(f"^{newest.date()}"))
        older = page.get_by_role("button", name="Show older ones")
        await older.click()
        await expect(older).to_be_enabled()
        await expect(entries(page, course)).to_have_count(108)
        await older.click()
        await expect(entries(page, course)).to_have_count(110)

    async with browser_of(chromium) as browser:
        page = await sign_in(browser, system, "STUDENT", "bookings?tab=requests")
        await expect(entries(page, club)).to_have_count(50)
        await page.get_by_role("button", name="Show older ones").click()
        await expect(entries(page, club)).to_have_count(55)

        requests = f"{system.university_url}/api/requests"
        reply = await student.get(requests, params={"mine": "true", "limit": "100"})
        for one in reply.json()["data"]["data"]:
            if one["purpose"] == club:
                decision = {"status": "REJECTED", "reason": club}
                reply = await admin.patch(f"{requests}/{one['id']}", json=decision)
                reply.raise_for_status()
        await page.goto(f"{system.base_url}/app/notifications")
        await expect(entries(page, club)).to_have_count(50)
        await page.get_by_role("button", name="Show older ones").click()
        await expect(entries(page, club)).to_have_count(55)


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("fa", "dark")])
async def test_for_everybody(
    system: System,
    chromium: Browser,
    student: httpx.AsyncClient,
    rooms: list[dict[str, Any]],
    violations: Violations,
    language: str,
    scheme: Any,
) -> None:
    """Axe finds nothing on any page, and nothing is wider than a phone."""
    mine = await student.post("/api/bookings", json=booking_of(rooms[0], tomorrow(9)))
    mine.raise_for_status()
    found: dict[str, list[str]] = {}
    async with browser_of(chromium, language=language, color_scheme=scheme) as browser:
        page = await browser.new_page()
        await page.goto(f"{system.base_url}/app/")
        await expect(page.locator("input[name=email]")).to_be_visible()
        found["sign in"] = await violations(page)
        await fill_sign_in(page, "STUDENT")
        direction = {"en": "ltr", "fa": "rtl"}[language]
        await expect(page.locator("html")).to_have_attribute("dir", direction)
        for path in ("", "timeline", "bookings", "notifications"):
            await page.goto(f"{system.base_url}/app/{path}")
            await expect(page.get_by_role("heading", level=1)).to_be_visible()
            await expect(page.locator(".mantine-Skeleton-root")).to_have_count(0)
            found[path] = await violations(page)
            await show_whole(page, 390)
            found[f"{path} on a phone"] = await violations(page)
            if await page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                found[f"{path} on a phone"].append("it has to be scrolled sideways")
            await page.set_viewport_size({"width": 1440, "height": 900})
        await page.goto(f"{system.base_url}/app/")
        await page.locator("main li button").first.click()
        await expect(page.get_by_role("dialog")).to_be_visible()
        await expect(page.locator("[data-verdict]")).to_be_visible()
        found["dialog"] = await violations(page)

    assert {where: what for where, what in found.items() if what} == {}
