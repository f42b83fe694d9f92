"""Seeing what happens in the web app: Chromium, on the running system, with the demo's clip."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import jdatetime
import pytest
from aiokafka import AIOKafkaProducer
from app_pages import Violations, browser_of, fill_sign_in, show_whole, sign_in
from counted_clip import MISSING, WHY_MISSING
from cut_network import network_to
from edges import watch
from making import make_camera, make_line, make_room, unique
from playwright.async_api import Browser, Locator, Page, Route, expect
from running_system import BIN, System, eventually

from common.ids import new_cuid

pytestmark = pytest.mark.timeout(240)
expect.set_options(timeout=20_000)
# Of the demo's clip, in pixels.
WIDTH, HEIGHT = 768, 576
FADED = """Promise.allSettled(document.getAnimations()
    .filter(one => one.transitionProperty).map(one => one.finished))"""


@pytest.fixture
async def walkway(
    system: System, admin: httpx.AsyncClient, tmp_path: Path
) -> AsyncIterator[dict[str, Any]]:
    """A camera without a line, whose edge plays the demo's clip again and again."""
    edge = f"edge-{new_cuid()}"
    camera = await make_camera(
        admin, camera_id=f"CLIP_{edge}", camera_name=unique("Walkway"), edge_id=edge
    )
    settings = {
        "EDGE_ID": edge,
        "EDGE_DEVICE_TOKEN": system.run("gateway", "devices", "add", "edge", edge),
        "EDGE_API_URL": system.base_url,
        "EDGE_SOURCES": f"CLIP_{edge}=vtest",
        "EDGE_LOOP": "1",
        "EDGE_STATE_DIR": str(tmp_path / "state"),
        "EDGE_POLL_S": "0.2",
        "EDGE_HEARTBEAT_S": "1",
        "EDGE_PORT": "0",
        "ATRIUM_KAFKA": system.kafka,
    }
    with (tmp_path / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            BIN / "edge-counter", "run", env=os.environ | settings, stderr=log
        )
        try:
            yield camera
        finally:
            process.terminate()
            await process.wait()


def tile_of(page: Page, name: str) -> Locator:
    return page.get_by_role("listitem").filter(has_text=name)


async def drag(page: Page, field: Locator, start: tuple[int, int], end: tuple[int, int]) -> None:
    """Drag over a picture, from pixel to pixel of its own."""
    await field.scroll_into_view_if_needed()
    box = await field.bounding_box()
    assert box is not None
    points = [
        (box["x"] + x * box["width"] / WIDTH, box["y"] + y * box["height"] / HEIGHT)
        for x, y in (start, end)
    ]
    await page.mouse.move(*points[0])
    await page.mouse.down()
    await page.mouse.move(*points[1], steps=5)
    await page.mouse.up()


@pytest.mark.skipif(MISSING, reason=WHY_MISSING)
async def test_lines_are_drawn_on_a_picture_by_mouse_and_by_keys_and_the_counts_move(
    system: System, chromium: Browser, admin: httpx.AsyncClient, walkway: dict[str, Any]
) -> None:
    async def lines() -> list[dict[str, Any]]:
        reply = await admin.get("/api/occupancy/equipment")
        [camera] = [one for one in reply.json() if one["id"] == walkway["id"]]
        assert (camera["resolution_width"], camera["resolution_height"]) == (WIDTH, HEIGHT)
        found: list[dict[str, Any]] = camera["lines"]
        return found

    async with browser_of(chromium) as browser:
        page = await sign_in(browser, system, "STAFF", f"cameras/{walkway['id']}")
        await expect(page.get_by_text("No line yet")).to_be_visible(timeout=60_000)
        await page.get_by_role("button", name="Show the picture").press("Enter")
        picture = page.locator("img[src^=blob]")
        await expect(picture).to_be_visible()
        size = "img => img.decode().then(() => [img.naturalWidth, img.naturalHeight])"
        assert await picture.evaluate(size) == [WIDTH, HEIGHT]
        url = await picture.get_attribute("src")

        # By mouse, bottom to top: who walks to the left enters.
        await page.get_by_role("button", name="New line").click()
        field = page.get_by_role("group", name="The camera's picture with its lines")
        await drag(page, field, (550, 480), (550, 160))
        await page.get_by_role("button", name="Save the line").click()
        await expect(page.get_by_text("The line is saved")).to_be_visible()
        [drawn] = await lines()
        ends = [drawn[name] for name in ("x1", "y1", "x2", "y2")]
        assert ends == pytest.approx([550, 480, 550, 160], abs=2)
        assert drawn["entry_side"] == "left"

        # By keys: the line begins across the middle, its start has the focus.
        await page.get_by_role("button", name="New line").press("Enter")
        await expect(page.get_by_role("slider", name="Start of the line")).to_be_focused()
        for key in ("Shift+ArrowUp", "Shift+ArrowUp", "Tab", "ArrowDown", "ArrowRight"):
            await page.keyboard.press(key)
        await expect(page.get_by_role("slider", name="End of the line")).to_be_focused()
        await page.get_by_role("button", name="Switch the side of entry").press("Enter")
        await page.get_by_role("textbox", name="Name").press("Enter")
        await expect(page.get_by_role("button", name="Save the line")).to_have_count(0)
        [_, typed] = await lines()
        ends = [typed[name] for name in ("x1", "y1", "x2", "y2")]
        assert (ends, typed["entry_side"]) == ([192, 208, 580, 292], "right")

        # The clip's people cross, and the page that is open shows it.
        await page.get_by_role("link", name="Live", exact=True).click()
        await page.locator("label").filter(has_text="Cameras").click()
        tile = tile_of(page, walkway["camera_name"])
        for count in ("in", "out"):
            shown = tile.locator(f"[data-count={count}]")
            await expect(shown).not_to_have_text("0", timeout=90_000)
        before = await tile.locator("[data-count=in]").inner_text()
        await expect(tile.locator("[data-count=in]")).not_to_have_text(before, timeout=60_000)

        # The picture went with whoever looked at it.
        load = "url => { const img = new Image(); img.src = url; return img.decode() }"
        is_kept = await page.evaluate(f"url => ({load})(url).then(() => true, () => false)", url)
        assert not is_kept


async def test_the_stream_is_cut_and_comes_back(
    system: System, chromium: Browser, admin: httpx.AsyncClient, producer: AIOKafkaProducer
) -> None:
    name = unique("Gate")
    room = await make_room(admin, name=unique("Hall"))
    edge = await watch(admin, producer, camera_name=name, room_id=room["id"])
    await edge.beat()
    async with network_to(system.settings.port) as network, browser_of(chromium) as browser:
        page = await browser.new_page()
        await page.goto(f"{network.url}/app/live?by=room")
        await fill_sign_in(page, "STAFF")
        tile = tile_of(page, room["name"])
        people = tile.locator("[data-people]")
        await edge.send([edge.crossing(number) for number in (1, 2, 3)])
        await expect(people).to_have_attribute("data-people", "3")
        # It was heard of once, and no more.
        await expect(tile).to_contain_text("Edge is silent")

        network.cut()
        await expect(page.get_by_text("Cut off.")).to_be_visible()
        await expect(people).to_have_attribute("data-people", "3")
        await edge.send([edge.crossing(number) for number in (4, 5)])
        network.mend()

        await expect(people).to_have_attribute("data-people", "5")
        await expect(page.get_by_text("Cut off.")).to_have_count(0)

        # Heads are counted, and it goes on from there.
        await tile.get_by_role("link").click()
        await page.get_by_role("button", name="Correct the count").click()
        await page.get_by_role("textbox", name="People there now").fill("2")
        await page.get_by_role("button", name="Set the count").click()
        await expect(page.locator("[data-people='2']")).to_be_visible()


async def test_an_alert_appears_and_is_acknowledged(
    system: System, chromium: Browser, admin: httpx.AsyncClient, producer: AIOKafkaProducer
) -> None:
    edge = await watch(admin, producer, camera_name=unique("Hall"), max_occupancy=10)

    async def kinds() -> set[str]:
        reply = await admin.get("/api/occupancy/alerts", params={"camera_id": edge.camera_id})
        return {one["alert_type"] for one in reply.json()}

    async with browser_of(chromium) as one, browser_of(chromium) as other:
        page = await sign_in(one, system, "ADMIN", "alerts")
        entry = page.get_by_role("listitem").filter(
            has=page.locator(f"a[href$='/cameras/{edge.camera_id}']"), has_text="Over the limit"
        )
        await expect(page.get_by_role("heading", name="Rules")).to_be_visible()
        await expect(entry).to_have_count(0)
        await edge.send([edge.crossing(number) for number in range(1, 12)])
        await expect(entry).to_be_visible()
        await entry.get_by_role("button", name="Acknowledge").press("Enter")
        await expect(entry).to_have_count(0)
        await eventually(kinds, lambda open_ones: "capacity_exceeded" not in open_ones)

        page = await sign_in(other, system, "STUDENT", "alerts")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Not for your role")
        await expect(page.get_by_role("link", name="Cameras")).to_have_count(0)


async def test_what_an_alert_is_about_is_said_in_the_pages_language(
    system: System, chromium: Browser, admin: httpx.AsyncClient, producer: AIOKafkaProducer
) -> None:
    edge = await watch(admin, producer, camera_name=unique("Hall"))

    async def beat() -> None:
        slow = {"pictures_per_s": 25.0, "processed_per_s": 3.0}
        for waiting in count(10_001):
            ahead = datetime.now(UTC) + timedelta(seconds=90)
            await edge.beat(sent_at=ahead, started_at=ahead, spool_depth=waiting, **slow)
            await asyncio.sleep(1)

    beating = asyncio.create_task(beat())
    for language, said in (
        ("en", ("3.0 of 25.0 pictures", "s ahead", "crossings wait there")),
        ("fa", ("کمتر از ۵ تصویر", "ساعت لبه درست نیست", "عبور روی لبه مانده است")),
    ):
        async with browser_of(chromium, language=language) as browser:
            page = await sign_in(browser, system, "ADMIN", "alerts")
            entry = page.get_by_role("listitem").filter(
                has=page.locator(f"a[href$='/cameras/{edge.camera_id}']")
            )
            for words in said:
                await expect(entry).to_contain_text(words)
            of_english = entry.locator("[lang=en]")
            await expect(of_english).to_have_count(1 if language == "en" else 0)
    assert not beating.done()
    beating.cancel()


async def test_what_was_counted_is_told_by_hour_day_and_month(
    system: System, chromium: Browser, admin: httpx.AsyncClient, producer: AIOKafkaProducer
) -> None:
    # A room of two doors; whoever came went by the other.
    room = await make_room(admin, name=unique("Foyer"))
    front, back = [await watch(admin, producer, room_id=room["id"]) for _ in range(2)]
    at = (datetime.now(UTC) - timedelta(days=1)).replace(hour=10, minute=5)
    day = f"{at:%Y-%m-%d}"
    came = [front.crossing(one, crossed_at=at + timedelta(seconds=one)) for one in (1, 2, 3)]
    await front.send(came)
    await back.send([back.crossing(1, "exit", crossed_at=at + timedelta(hours=2))])
    days = f"by=custom&from={day}&to={day}"

    async def told() -> list[int]:
        paths = [f"/api/occupancy/cameras/{one.camera_id}/daily" for one in (front, back)]
        replies = [(await admin.get(path)).json() for path in paths]
        return [row["entries"] + row["exits"] for rows in replies for row in rows]

    await eventually(told, lambda found: sum(found) == 4)
    async with browser_of(chromium) as browser:
        page = await sign_in(browser, system, "STAFF", f"cameras/{front.camera_id}")
        await page.get_by_role("link", name="History").last.click()
        await expect(page.get_by_label("Where")).to_have_value(f"camera-{front.camera_id}")
        await page.goto(f"{system.base_url}/app/history?of=camera-{front.camera_id}&{days}")

        async def rows_of(title: str) -> list[list[str]]:
            async with page.expect_download() as begun:
                await page.get_by_role("button", name=f"CSV: {title}").click()
            lines = (await (await begun.value).path()).read_text("utf-8-sig").splitlines()
            return [line.split(",") for line in lines]

        head, first, *_ = await rows_of("In and out")
        assert (head, first) == (["Hour", "In", "Out", "Persons"], [f"{day} 10:00", "3", "0", "3"])

        # What is still shown of another step or place is in no file of this one.
        async def late(route: Route) -> None:
            await asyncio.sleep(1)
            await route.continue_()

        await page.route("**/api/occupancy/cameras/*/daily*", late)
        await page.locator("label").filter(has_text=re.compile("^Day$")).click()
        head, told_day = await rows_of("People there")
        assert (head[0], told_day[0], told_day[2]) == ("Day", day, "3")
        await page.get_by_label("Where").select_option(f"room-{room['id']}")
        await expect(page.get_by_role("heading", name="In and out")).to_have_count(0)
        await expect(page.get_by_text("2 cameras, added up.")).to_be_visible()
        await expect(page.get_by_role("heading", name="People there")).to_have_count(0)
        assert (await rows_of("In and out"))[1:] == [[day, "3", "1"]]

    async with browser_of(chromium, language="fa") as browser:
        page = await sign_in(browser, system, "ADMIN", f"history?of=room-{room['id']}&{days}")
        # Of a day its months are a year's: those of the calendar that is chosen.
        await page.locator("label").filter(has_text=re.compile("^ماه$")).last.click()
        jalali = jdatetime.date.fromgregorian(date=at.date()).replace(day=1)
        await page.get_by_role("button", name="جدول: ورود و خروج").click()
        row = page.get_by_role("row").last
        await expect(row.get_by_role("cell")).to_have_text(["۳", "۱"])
        digits = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
        await expect(row.get_by_role("rowheader")).to_contain_text(
            str(jalali.year).translate(digits)
        )
        await expect(page).to_have_url(re.compile("by=custom.*step=month"))


@pytest.mark.parametrize("language", ["en", "fa"])
async def test_for_everybody(
    system: System,
    chromium: Browser,
    admin: httpx.AsyncClient,
    producer: AIOKafkaProducer,
    violations: Violations,
    language: str,
) -> None:
    """Axe finds nothing on any page, on a phone in the dark and on a desk; none goes sideways."""
    size = {"resolution_width": WIDTH, "resolution_height": HEIGHT}
    camera = await make_camera(admin, camera_name=unique("Gate"), max_occupancy=9, **size)
    await make_line(admin, camera["id"], x2=700)
    one = f"cameras/{camera['id']}"
    words = {
        "en": ("New line", "Save the line", "Edit", "Correct the count", "New camera"),
        "fa": ("خط تازه", "ذخیرهٔ خط", "ویرایش", "اصلاح شمار", "دوربین تازه"),
    }
    new_line, save_line, edit, headcount, new_camera = words[language]
    counted = {"occupancy_value": 12}
    (await admin.post(f"/api/occupancy/{one}/calibrate", json=counted)).raise_for_status()

    async def is_well(page: Page) -> None:
        await show_whole(page, width)
        # What is being faded in has no colour yet.
        await page.evaluate(FADED)
        assert await violations(page) == []
        assert not await page.evaluate("document.documentElement.scrollWidth > innerWidth")

    for width, scheme in ((390, "dark"), (1440, "light")):
        look = {"language": language, "width": width, "color_scheme": scheme}
        async with browser_of(chromium, **look) as browser:
            page = await sign_in(browser, system, "ADMIN", "live")
            await expect(tile_of(page, camera["camera_name"])).to_contain_text(
                "12" if language == "en" else "۱۲"
            )
            await is_well(page)
            await page.goto(f"{system.base_url}/app/live?by=building&wall=1")
            await expect(page.get_by_role("dialog")).to_be_visible()
            await is_well(page)
            await page.keyboard.press("Escape")
            await expect(page).to_have_url(re.compile("by=building$"))

            await page.goto(f"{system.base_url}/app/cameras")
            await expect(page.get_by_text(camera["camera_name"])).to_be_visible()
            await is_well(page)
            await page.get_by_role("button", name=new_camera).click()
            await expect(page.get_by_role("dialog")).to_be_visible()
            await is_well(page)

            await page.goto(f"{system.base_url}/app/{one}")
            await page.get_by_role("button", name=new_line).click()
            await expect(page.get_by_role("button", name=save_line)).to_be_visible()
            await is_well(page)
            for name in (headcount, edit):
                await page.get_by_role("button", name=name, exact=True).first.click()
                await expect(page.get_by_role("dialog")).to_be_visible()
                await is_well(page)
                await page.keyboard.press("Escape")
                await expect(page.get_by_role("dialog")).to_have_count(0)

            await page.goto(f"{system.base_url}/app/history?of=camera-{camera['id']}")
            await expect(page.locator("canvas")).to_have_count(2)
            for button in await page.locator("main button[aria-expanded]").all():
                await button.click()
            await is_well(page)

            await page.goto(f"{system.base_url}/app/alerts")
            await expect(
                page.get_by_role("button", name=re.compile("Ack|رسیدگی")).first
            ).to_be_visible()
            await is_well(page)
