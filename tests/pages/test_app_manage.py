"""Running the house in the web app, as admins do it: Chromium, on the running system."""

import asyncio
import re
from datetime import date, datetime, timedelta
from typing import Any

import httpx
import pytest
from app_pages import Violations, browser_of, press, show_whole, sign_in, type_into
from making import booking_of, iso, make, make_room, request_of, soon, unique
from playwright.async_api import Browser, FilePayload, Locator, Page, Route, expect
from receiver import Reply, receiving
from running_system import System, eventually

pytestmark = pytest.mark.timeout(240)
expect.set_options(timeout=15_000)
HOUR = timedelta(hours=1)
PAGES = (
    "requests",
    "rooms",
    "rooms/buildings",
    "rooms/amenities",
    "terms",
    "terms/{term}",
    "terms/{term}?part=timetable",
    "closures",
    "closures/holidays",
    "rules",
    "rules/quotas",
    "users",
    "devices",
    "webhooks",
    "webhooks/{webhook}",
    "audit",
)
# Notes whether a request was ever said to be alone at its time.
WATCH = """purpose => {
    window.saidFree = false
    const isSaid = ({textContent: text}) =>
        text.includes(purpose) && text.includes("Nothing else is there")
    const look = () => window.saidFree ||= [...document.querySelectorAll("li")].some(isSaid)
    new MutationObserver(look).observe(document, {subtree: true, childList: true})
}"""
# Buttons that open a form, in each language.
FORMS = {
    "rooms": {"en": "New room", "fa": "اتاق تازه"},
    "rules": {"en": "Edit the rules", "fa": "ویرایش قواعد"},
    "rules/quotas": {"en": "New quota", "fa": "سهمیهٔ تازه"},
    "webhooks/{webhook}": {"en": "Send a time again", "fa": "ارسال دوبارهٔ یک بازه"},
    "users": {"en": "New user", "fa": "کاربر تازه"},
    "devices": {"en": "Pair a panel", "fa": "جفت کردن پنل"},
}


async def ask(
    client: httpx.AsyncClient, system: System, room: dict[str, Any], start: datetime, purpose: str
) -> dict[str, Any]:
    """Ask for a room, as soon as it is known to those who book."""
    body = {**request_of(room, start), "purpose": purpose}

    async def sent() -> httpx.Response:
        return await client.post(f"{system.university_url}/api/requests", json=body)

    reply = await eventually(sent, lambda answer: answer.status_code != 404)
    assert reply.status_code == 201, reply.text
    made: dict[str, Any] = reply.json()["data"]
    return made


async def became(
    client: httpx.AsyncClient, system: System, request: dict[str, Any]
) -> tuple[str, str]:
    path = f"{system.university_url}/api/requests"
    reply = await client.get(path, params={"mine": "true", "limit": 100})
    [found] = [one for one in reply.json()["data"]["data"] if one["id"] == request["id"]]
    return found["status"], found["reason"]


async def test_nothing_is_said_to_be_there_only_when_closures_are_known(
    chromium: Browser, system: System, admin: httpx.AsyncClient, student: httpx.AsyncClient
) -> None:
    """The network is slow."""
    room, start = await make_room(admin), soon(60 * 48)
    purpose, reason = unique("Debate"), unique("Painting")
    await ask(student, system, room, start, purpose)
    times = {"start_at": iso(start), "end_at": iso(start + HOUR)}
    closed = await admin.post(
        "/api/blackouts/", json={"room": room["id"], "reason": reason} | times
    )
    closed.raise_for_status()

    async def late(route: Route) -> None:
        await asyncio.sleep(2)
        await route.continue_()

    async with browser_of(chromium) as browser:
        page = await sign_in(browser, system, "ADMIN")
        await page.route("**/api/blackouts/*", late)
        await page.evaluate(WATCH, purpose)
        await page.get_by_role("link", name="Requests").first.click()
        card = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name=purpose))
        await expect(card.get_by_text(reason)).to_be_visible()
        assert not await page.evaluate("window.saidFree")


async def test_an_admin_decides_by_keys_beside_what_is_there(
    chromium: Browser,
    system: System,
    admin: httpx.AsyncClient,
    faculty: httpx.AsyncClient,
    student: httpx.AsyncClient,
) -> None:
    room, start = await make_room(admin), soon(60 * 24)
    contested, free = unique("Rehearsal"), unique("Chess")
    lost = await ask(student, system, room, start, contested)
    won = await ask(student, system, room, start + 3 * HOUR, free)
    booked = booking_of(room, start + timedelta(minutes=30)) | {"title": unique("Council")}
    (await faculty.post("/api/bookings", json=booked)).raise_for_status()

    async with browser_of(chromium) as browser:
        page = await sign_in(browser, system, "ADMIN", "manage/requests")
        card = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name=contested))
        await expect(card.get_by_text("1 conflict")).to_be_visible()
        await expect(card.get_by_text("Already booked")).to_be_visible()
        await expect(card.get_by_text(booked["title"])).to_be_visible()

        # The server decides: what was written stays, and there is a way out.
        await press(page, card.get_by_role("button", name="Approve"))
        dialog = page.get_by_role("dialog")
        words = dialog.get_by_label("Your words")
        await expect(words).to_be_focused()
        await page.keyboard.press("Control+A")
        await page.keyboard.type("Have fun.")
        await press(page, dialog.get_by_role("button", name="Approve"))
        await expect(dialog.get_by_text("The room is taken at that time")).to_be_visible()
        await expect(words).to_have_value("Have fun.")
        await press(page, dialog.get_by_role("button", name="Override instead"))
        await expect(dialog.get_by_text("Lose the room and are told")).to_be_visible()
        await expect(dialog.get_by_text(booked["title"])).to_be_visible()
        await press(page, dialog.get_by_role("button", name="Book and displace"))
        await expect(dialog.get_by_text("This is needed.")).to_be_visible()
        await page.keyboard.type("The concert is tomorrow.")
        await press(page, dialog.get_by_role("button", name="Book and displace"))
        await expect(card).to_have_count(0)

        other = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name=free))
        await expect(other.get_by_text("Nothing else is there")).to_be_visible()
        await press(page, other.get_by_role("button", name="Approve"))
        await expect(words).to_be_focused()
        await page.keyboard.press("Control+A")
        await page.keyboard.type("Lock up, please.")
        await press(page, dialog.get_by_role("button", name="Approve"))
        await expect(other).to_have_count(0)
        await expect(page.get_by_role("heading", name="Requests")).to_be_focused()

    assert await became(student, system, won) == ("APPROVED", "Lock up, please.")
    status, reason = await became(student, system, lost)
    assert (status, "The concert is tomorrow." in reason) == ("REJECTED", True)
    when = {"roomId": room["id"], "from": iso(start), "to": iso(start + HOUR)}
    there = (await admin.get("/api/bookings", params=when)).json()["data"]["data"]
    assert {(one["purpose"], one["isOverride"], one["isOverridden"]) for one in there} == {
        (contested, True, False),
        (booked["title"], False, True),
    }


async def test_a_room_is_made_and_edited(
    chromium: Browser, system: System, admin: httpx.AsyncClient
) -> None:
    building = await make(admin, "/api/locations/", name=unique("Annexe"), timezone="Asia/Tehran")
    amenity = await make(admin, "/api/amenities/", name=unique("Organ"))
    name = unique("Hall")

    async def stored() -> dict[str, Any]:
        reply = await admin.get("/api/rooms/", params={"name": name})
        [room] = reply.json()["results"]
        found: dict[str, Any] = room
        return found

    async with browser_of(chromium) as browser:
        page = await sign_in(browser, system, "ADMIN", "manage/rooms")
        await page.get_by_role("button", name="New room").click()
        form = page.get_by_role("dialog")
        await form.get_by_label("Name").fill(name)
        await form.get_by_role("button", name="Save").click()
        # What is missing is said at its field, and the first of them has the focus.
        await expect(form.get_by_text("Choose a building.")).to_be_visible()
        await expect(form.get_by_label("Building", exact=True)).to_be_focused()
        await expect(form.get_by_label("Name")).to_have_value(name)
        await form.get_by_label("Building", exact=True).fill(building["name"])
        await page.get_by_role("option", name=building["name"]).click()
        await form.get_by_label("Seats").fill("40")
        await form.get_by_label("Amenities").fill(amenity["name"])
        await page.get_by_role("option", name=amenity["name"]).click()
        await page.keyboard.press("Escape")
        await form.get_by_text("On days of the week").click()
        for day in ("Thursday", "Friday"):
            await form.get_by_label(day).uncheck()
        await form.get_by_label("From", exact=True).fill("8:30")
        await form.get_by_label("Locked").check(force=True)
        await form.get_by_role("button", name="Save").click()
        await expect(form).to_have_count(0)

        await page.get_by_role("searchbox").fill(name)
        row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=name))
        await expect(row).to_contain_text("08:30 – 19:00")
        room = await stored()
        assert (room["capacity"], room["location"]["name"]) == (40, building["name"])
        assert [one["name"] for one in room["amenities"]] == [amenity["name"]]
        assert room["recurrence_rule"] == "FREQ=WEEKLY;BYDAY=SU,MO,TU,WE,SA"
        assert (await admin.get(f"/api/admin/rooms/{room['id']}")).json()["data"]["isLocked"]

        await row.get_by_role("button", name="Edit").click()
        await expect(form.get_by_label("From", exact=True)).to_have_value("08:30")
        await form.get_by_label("Seats").fill("45")
        await page.keyboard.press("Escape")
        await expect(form.get_by_text("not saved")).to_be_visible()
        await form.get_by_role("button", name="Go on writing").click()
        await form.get_by_role("button", name="Save").click()
        await expect(row.get_by_role("cell", name="45")).to_be_visible()
        await row.get_by_role("button", name="Deactivate").click()
        await expect(form.get_by_text("Bookings that exist stay")).to_be_visible()
        await form.get_by_role("button", name="Deactivate").click()
        await expect(row.get_by_text("Inactive")).to_be_visible()

    room = await stored()
    assert (room["capacity"], room["is_active"]) == (45, False)


async def test_numbers_are_written_in_the_digits_of_the_language(
    chromium: Browser, system: System, admin: httpx.AsyncClient
) -> None:
    room = await make_room(admin, name=unique("Room"), capacity=40)

    async with browser_of(chromium, language="fa") as browser:
        page = await sign_in(browser, system, "ADMIN", "manage/rooms")
        await page.get_by_role("searchbox").fill(room["name"])
        row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=room["name"]))
        await row.get_by_role("button", name="ویرایش").click()
        form = page.get_by_role("dialog")
        seats = form.get_by_label("صندلی")
        await expect(seats).to_have_value("۴۰")
        for written in ("۰", "", "هیچ"):
            await seats.fill(written)
            await form.get_by_role("button", name="ذخیره").click()
            await expect(seats).to_be_focused()
        await seats.fill("12")
        await expect(seats).to_have_value("۱۲")
        await form.get_by_role("button", name="ذخیره").click()
        await expect(form).to_have_count(0)

    stored = await admin.get(f"/api/rooms/{room['id']}/")
    assert stored.json()["capacity"] == 12


async def test_a_panel_is_paired_and_revoked(
    chromium: Browser, system: System, admin: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    room, name = await make_room(admin), unique("Door")
    pairing = (await anyone.post("/api/panel/pairings")).json()["data"]

    async def devices() -> list[dict[str, Any]]:
        found = (await admin.get("/api/admin/devices")).json()["data"]
        return [one for one in found if one["name"] == name]

    async with browser_of(chromium) as browser:
        page = await sign_in(browser, system, "ADMIN", "manage/devices")
        pair = page.get_by_role("button", name="Pair a panel")
        await pair.first.press("Enter")
        form = page.get_by_role("dialog")
        code = form.get_by_label("Code on the panel")
        await expect(code).to_be_focused()
        await page.keyboard.type("AAAA-AAAA")
        await type_into(page, form.get_by_label("Room"), room["name"])
        await expect(page.get_by_role("option", name=room["name"])).to_be_visible()
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await type_into(page, form.get_by_label("Name"), name)
        await page.keyboard.press("Enter")
        await expect(form.get_by_text("No panel shows this code")).to_be_visible()
        await type_into(page, code, pairing["code"].lower())
        await page.keyboard.press("Enter")
        await expect(form).to_have_count(0)
        await expect(pair.first).to_be_focused()
        # A list shows 25 at first, and others have theirs here.
        await page.get_by_role("searchbox").fill(name)
        row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=name))
        await expect(row).to_contain_text(room["name"])
        claimed = await anyone.post("/api/panel/pairings/claim", json={"secret": pairing["secret"]})
        assert claimed.json()["data"]["device"]["roomId"] == room["id"]
        assert [one["roomId"] for one in await devices()] == [room["id"]]

        await press(page, row.get_by_role("button", name="Revoke"))
        await press(page, form.get_by_role("button", name="Revoke"))
        await expect(row).to_have_count(0)
    assert await devices() == []


def csv_of(*rows: tuple[str, str, str, int, str, str]) -> str:
    """Write a timetable; times are those of the zone that is chosen."""
    names = "external_id;room;title;allocated_seats;start_at;end_at"
    return "\n".join([names, *(";".join(str(cell) for cell in row) for row in rows)])


async def paste(field: Locator, text: str) -> None:
    """Write over what is in a field, by keys alone."""
    await field.press("Control+A")
    await field.page.keyboard.insert_text(text)


async def agree_to(page: Page, apply: Locator) -> None:
    await press(page, apply)
    await press(page, page.get_by_role("dialog").get_by_role("button", name="Apply"))
    await expect(page.get_by_role("heading", name="The timetable is applied")).to_be_visible()


async def test_a_timetable_is_uploaded_seen_and_applied(
    chromium: Browser, system: System, admin: httpx.AsyncClient
) -> None:
    """By keys alone."""
    room = await make_room(admin, capacity=30, name=unique("Lecture hall"))
    dates = {"start_date": "2031-02-01", "end_date": "2031-06-30"}
    code = unique("T")[:32]
    term = await make(admin, "/api/terms/", name=unique("Spring"), code=code, **dates)
    nine, noon = "2031-02-03 09:00", "2031-02-03 12:00"
    physics = ("PHY", room["name"], "Physics", 35, nine, noon)
    maths = ("MAT", str(room["id"]), "Mathematics", 20, "2031-02-04 09:00", "2031-02-04 10:30")

    async def allocated() -> dict[str, int]:
        reply = await admin.get("/api/allocations/", params={"term": term["id"]})
        return {one["external_id"]: one["allocated_seats"] for one in reply.json()["results"]}

    async def known() -> int:
        """Whether those who book know the room: it is another service's."""
        return (await admin.get(f"/api/rooms/{room['id']}/bookings?date=2031-02-03")).status_code

    await eventually(known, lambda status: status == 200)
    async with browser_of(chromium) as browser:
        page = await sign_in(browser, system, "ADMIN", f"manage/terms/{term['id']}?part=timetable")
        text, look = page.get_by_label("Text of the timetable"), page.get_by_role("button")
        check = look.filter(has_text="See what would change")
        apply = look.filter(has_text=re.compile("^Apply$"))

        await paste(text, csv_of(("PHY", "No such hall", "Physics", 35, nine, "noon")))
        await press(page, check)
        await expect(page.get_by_text("Line 2: There is no room")).to_be_visible()
        await expect(page.get_by_text("“noon” is not a time")).to_be_visible()

        await paste(text, csv_of(physics, maths))
        await press(page, check)
        await expect(page.get_by_role("heading", name="In conflict")).to_be_visible()
        await expect(page.get_by_text("1 allocation cannot be as the timetable")).to_be_visible()
        await expect(page.get_by_text("35 would be allocated on Mon 3 Feb, 09:00")).to_be_visible()
        await expect(apply).to_have_count(0)
        assert await allocated() == {}

        mended = csv_of((*physics[:3], 30, *physics[4:]), maths).encode()
        async with page.expect_file_chooser() as chosen:
            await look.filter(has_text="Choose a file").press("Enter")
        await (await chosen.value).set_files(
            FilePayload(name="spring.csv", mimeType="text/csv", buffer=mended)
        )
        await press(page, check)
        await expect(page.get_by_role("heading", name="New")).to_be_visible()
        await agree_to(page, apply)
        assert await allocated() == {"PHY": 30, "MAT": 20}

        # The next one changes one and has the other no more.
        await paste(text, csv_of((*physics[:3], 25, *physics[4:])))
        await press(page, check)
        for name in ("Changed", "Gone"):
            await expect(page.get_by_role("heading", name=name)).to_be_visible()
        await agree_to(page, apply)
        assert await allocated() == {"PHY": 25}
        await look.filter(has_text="Publish").first.press("Enter")
        await press(page, page.get_by_role("dialog").get_by_role("button", name="Publish"))
        await expect(page.get_by_text("Draft")).to_have_count(0)
    shown = (await admin.get(f"/api/terms/{term['id']}/")).json()
    assert shown["is_published"] is True


async def test_why_allocations_are_refused_is_said_in_persian(
    chromium: Browser, system: System, admin: httpx.AsyncClient
) -> None:
    room = await make_room(admin, capacity=30, name=unique("Lecture hall"))
    dates = {"start_date": "2032-03-20", "end_date": "2032-06-20"}
    code = unique("T")[:32]
    term = await make(admin, "/api/terms/", name=unique("Spring"), code=code, **dates)
    rows = [
        ("A", str(room["id"]), "Many", 35, "2032-03-22 09:00", "2032-03-22 10:00"),
        ("B", str(room["id"]), "Late", 5, "2032-06-21 09:00", "2032-06-21 10:00"),
    ]

    async def known() -> int:
        return (await admin.get(f"/api/rooms/{room['id']}/bookings?date=2032-03-22")).status_code

    await eventually(known, lambda status: status == 200)
    async with browser_of(chromium, language="fa") as browser:
        page = await sign_in(browser, system, "ADMIN", f"manage/terms/{term['id']}?part=timetable")
        await page.get_by_label("متن برنامه").fill(csv_of(*rows))
        await page.get_by_role("button", name="دیدن تغییرها").click()
        conflicts = page.locator("section[data-kind=conflicts] li")
        seats = "۳۰ صندلی دارد؛ در دوشنبه ۳ فروردین، ۰۹:۰۰ به ۳۵ صندلی می‌رسید."
        await expect(conflicts.filter(has_text="Many")).to_contain_text(seats)
        ends = "نیم‌سال در ۳۱ خرداد ۱۴۱۱ پایان می‌یابد."
        await expect(conflicts.filter(has_text="Late")).to_contain_text(ends)

        # A single one is refused in words alone, without a code.
        await page.get_by_role("link", name="تخصیص‌ها").click()
        await page.get_by_role("button", name="تخصیص تازه").click()
        form = page.get_by_role("dialog")
        title = form.get_by_label("چه چیزی")
        await expect(title).to_have_css("direction", "rtl")
        await title.fill("Many")
        await form.get_by_label("اتاق", exact=True).fill(room["name"])
        await page.get_by_role("option", name=room["name"]).click()
        await form.get_by_label("صندلی").fill("35")
        await form.get_by_role("button", name="ذخیره").click()
        seats = "۳۰ صندلی دارد؛ در شنبه ۱ فروردین، ۰۹:۰۰ به ۳۵ صندلی می‌رسید."
        await expect(form).to_contain_text(seats)


async def test_a_room_gets_rules_of_its_own_and_a_role_a_quota(
    chromium: Browser, system: System, admin: httpx.AsyncClient
) -> None:
    room = await make_room(admin)

    async def stored() -> dict[str, Any]:
        reply = await admin.get(f"/api/booking-policies/{room['id']}/")
        found: dict[str, Any] = reply.json() if reply.status_code == 200 else {}
        return found

    usual = await eventually(stored, bool)
    async with browser_of(chromium) as browser:
        page = await sign_in(browser, system, "ADMIN", "manage/rules")
        form = page.get_by_role("dialog")
        save = form.get_by_role("button", name="Save")
        await page.get_by_role("button", name="Rules for a room").click()
        await form.get_by_label("Which room").fill(room["name"])
        await page.get_by_role("option", name=room["name"]).click()
        longest = form.get_by_label("Longest, in minutes")
        await form.get_by_label("Shortest, in minutes").fill("60")
        await longest.fill("30")
        await form.get_by_label("Before, in minutes").fill("soon")
        await save.click()
        await expect(form.get_by_text("The longest may not be shorter")).to_be_visible()
        await expect(form.get_by_text("A whole number from 0 to 10,080.")).to_be_visible()
        await expect(longest).to_be_focused()
        await longest.fill("۱۲۰")
        await form.get_by_label("Before, in minutes").fill("5")
        await save.click()
        row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=room["name"]))
        await expect(row).to_contain_text("60 to 120 min")
        own = {"min_minutes": 60, "max_minutes": 120, "buffer_before": 5}
        assert await stored() == usual | own
        await row.get_by_role("button", name="Drop").click()
        await form.get_by_role("button", name="Drop").click()
        await expect(row).to_have_count(0)
        assert await stored() == usual

        # So many that it is in nobody's way.
        await page.get_by_role("link", name="Quotas").click()
        await page.get_by_role("button", name="New quota").click()
        await form.get_by_label("Role").select_option("STAFF")
        await form.get_by_label("Counted in").select_option("month")
        await save.click()
        await expect(form.get_by_text("Limit the bookings, the minutes, or both.")).to_be_visible()
        await form.get_by_label("Bookings at most").fill("99999")
        await save.click()
        row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="Staff"))
        await expect(row).to_contain_text("99,999")
        await row.get_by_role("button", name="Delete").click()
        await form.get_by_role("button", name="Delete").click()
        await expect(row).to_have_count(0)


async def test_a_room_is_closed_for_a_time_and_opened_again(
    chromium: Browser, system: System, admin: httpx.AsyncClient
) -> None:
    room, why = await make_room(admin), unique("Repairs")
    async with browser_of(chromium) as browser:
        page = await sign_in(browser, system, "ADMIN", "manage/closures")
        form = page.get_by_role("dialog")
        await page.get_by_role("button", name="New blackout").click()
        await form.get_by_label("Why").fill(why)
        await form.get_by_label("Room").fill(room["name"])
        await page.get_by_role("option", name=room["name"]).click()
        await form.get_by_label("To: Time").fill("7:00")
        await form.get_by_role("button", name="Save").click()
        await expect(form.get_by_text("The end has to be after the start.")).to_be_visible()
        await form.get_by_label("To: Time").fill("19:30")
        await form.get_by_role("button", name="Save").click()
        row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=why))
        await expect(row).to_contain_text(room["name"])
        await row.get_by_role("button", name="Edit").click()
        await expect(form.get_by_label("To: Time")).to_have_value("19:30")
        await form.get_by_label("To: Time").fill("20:00")
        await form.get_by_role("button", name="Save").click()
        await expect(row).to_contain_text("20:00")
        await row.get_by_role("button", name="Delete").click()
        await form.get_by_role("button", name="Delete").click()
        await expect(row).to_have_count(0)


async def test_a_delivery_that_failed_is_sent_again(
    chromium: Browser, system: System, admin: httpx.AsyncClient
) -> None:
    room = await make_room(admin)
    async with receiving() as receiver, browser_of(chromium) as browser:
        receiver.answer = lambda _: Reply(500, body=b"out of order")
        body = {"url": receiver.url, "events": ["booking.created"]}
        webhook = (await make(admin, "/api/webhooks", **body))["data"]["id"]
        # Before: who waits to be let in finds it tried ever more seldom.
        page = await sign_in(browser, system, "ADMIN", "manage/webhooks")
        booked = await admin.post("/api/bookings", json=booking_of(room, soon()))
        booking = booked.raise_for_status().json()["data"]["id"]

        async def received() -> int:
            return sum(one.event["data"]["id"] == booking for one in receiver.received)

        await page.get_by_role("link", name=f"Deliveries to {receiver.url}").click()
        row = page.get_by_role("row").filter(has_text="Booked").first
        await expect(row).to_contain_text("out of order")
        await expect(row).to_contain_text("Waiting")
        receiver.answer = lambda _: Reply()
        await expect(row).to_contain_text("Delivered")
        before = await received()
        await row.get_by_role("checkbox").check()
        await page.get_by_role("button", name="Send again (1)").click()
        await expect(page.get_by_text("1 delivery is sent again")).to_be_visible()
        await eventually(received, lambda count: count > before)
        (await admin.delete(f"/api/webhooks/{webhook}")).raise_for_status()


async def test_why_nobody_has_answered_is_said_in_the_pages_language(
    chromium: Browser, system: System, admin: httpx.AsyncClient
) -> None:
    room = await make_room(admin)
    # Nobody listens at the port for what is thrown away.
    webhook = (await make(admin, "/api/webhooks", url="http://127.0.0.1:9/"))["data"]["id"]
    (await admin.post("/api/bookings", json=booking_of(room, soon()))).raise_for_status()

    for language, said in (("en", "Nobody answers there."), ("fa", "آنجا کسی پاسخ نمی‌دهد")):
        async with browser_of(chromium, language=language) as browser:
            page = await sign_in(browser, system, "ADMIN", f"manage/webhooks/{webhook}")
            await expect(page.get_by_role("row").nth(1)).to_contain_text(said)
    (await admin.delete(f"/api/webhooks/{webhook}")).raise_for_status()


# axe takes seconds for each of the pages where the machine has other work.
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("language", "width", "scheme"), [("en", 1440, "light"), ("fa", 390, "dark")]
)
async def test_axe_finds_nothing(
    chromium: Browser,
    system: System,
    admin: httpx.AsyncClient,
    student: httpx.AsyncClient,
    violations: Violations,
    language: str,
    width: int,
    scheme: str,
) -> None:
    room = await make_room(admin)
    await ask(student, system, room, soon(60 * 24), unique("Meeting"))
    dates = {"start_date": str(date(2031, 9, 1)), "end_date": str(date(2031, 12, 31))}
    name = unique("Autumn")
    term = await make(admin, "/api/terms/", name=name, code=unique("T")[:32], **dates)
    webhook = (await make(admin, "/api/webhooks", url="http://127.0.0.1:9/"))["data"]["id"]
    (await admin.post("/api/bookings", json=booking_of(room, soon()))).raise_for_status()

    found: list[str] = []
    look = {"language": language, "width": width, "color_scheme": scheme}
    async with browser_of(chromium, **look) as browser:
        page = await sign_in(browser, system, "ADMIN", "manage/requests")
        for path in PAGES:
            address = path.format(term=term["id"], webhook=webhook)
            await page.goto(f"{system.base_url}/app/manage/{address}")
            await expect(page.get_by_role("heading", level=1)).to_be_visible()
            await expect(
                page.get_by_role("status").filter(has=page.locator("[data-animate]"))
            ).to_have_count(0)
            await show_whole(page, width)
            found += [f"{path}: {one}" for one in await violations(page)]
            is_wide = "document.documentElement.scrollWidth > innerWidth"
            found += [f"{path} scrolls sideways"] * await page.evaluate(is_wide)
            if path in FORMS:
                await page.get_by_role("button", name=FORMS[path][language]).first.click()
                await expect(page.get_by_role("dialog")).to_be_visible()
                await expect(page.get_by_role("dialog").locator("input").first).to_be_visible()
                found += [f"{path}, its form: {one}" for one in await violations(page)]
    assert found == []


async def test_what_is_for_others_is_not_shown(chromium: Browser, system: System) -> None:
    async with browser_of(chromium) as browser:
        page = await sign_in(browser, system, "STUDENT", "manage/users")
        await expect(page.get_by_role("heading", name="Not for your role")).to_be_visible()
        await expect(page.get_by_role("link", name="Users")).to_have_count(0)
    async with browser_of(chromium) as browser:
        page = await sign_in(browser, system, "FACULTY", "manage/rooms")
        await expect(page.get_by_role("button", name="New room")).to_be_visible()
        await expect(page.get_by_role("link", name="Requests")).to_have_count(0)
