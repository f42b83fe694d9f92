"""The web app as somebody who is signed in has it: a browser each, on the running system."""

import asyncio
import re
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from playwright.async_api import Browser, BrowserContext, Locator, Page, expect
from running_system import PASSWORD, System

Violations = Callable[[Page], Awaitable[list[str]]]
# Ten attempts a minute are let in; one is left to tests that try by themselves.
_MOST_ATTEMPTS: Final = 9
_ATTEMPTS_WITHIN_S: Final = 61.0
_attempts: Final[defaultdict[str, deque[float]]] = defaultdict(deque)
# What Chromium itself says of a refusal, or of a network that is cut, is no error of the page.
_OF_THE_NETWORK = ("Failed to load resource", "net::ERR_")


@asynccontextmanager
async def browser_of(
    chromium: Browser, *, language: str = "en", width: int = 1440, **more: Any
) -> AsyncIterator[BrowserContext]:
    """Give a browser that shows no error in its console, nor a refusal by the page's policy."""
    locale = {"en": "en-GB", "fa": "fa-IR"}[language]
    viewport = {"width": width, "height": 900}
    # What fades in is not read half faded.
    context = await chromium.new_context(
        locale=locale, viewport=viewport, reduced_motion="reduce", **more
    )
    errors: list[str] = []
    context.on("weberror", lambda error: errors.append(str(error.error)))
    context.on("console", lambda said: _note(errors, said.type, said.text))
    yield context
    await context.close()
    assert errors == []


def _note(errors: list[str], kind: str, text: str) -> None:
    if kind == "error" and not any(part in text for part in _OF_THE_NETWORK):
        errors.append(text)


async def _may_sign_in(role: str) -> None:
    """Wait until an account may be signed in to once more: tests are quicker than people."""
    made = _attempts[role]
    if len(made) == _MOST_ATTEMPTS:
        await asyncio.sleep(made.popleft() + _ATTEMPTS_WITHIN_S - time.monotonic())
    made.append(time.monotonic())


async def fill_sign_in(page: Page, role: str) -> None:
    """Sign in by whichever form is open, by keys alone."""
    await _may_sign_in(role)
    email = page.locator("input[name=email]")
    await expect(email).to_be_visible()
    if await email.is_editable():
        await email.focus()
        await page.keyboard.type(f"{role.lower()}@example.test")
    await page.locator("input[name=password]").focus()
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(email).to_have_count(0)


async def sign_in(context: BrowserContext, system: System, role: str, path: str = "") -> Page:
    """Open a page of the app below /app/ and sign in there as a role."""
    page = await context.new_page()
    await page.goto(f"{system.base_url}/app/{path}")
    await fill_sign_in(page, role)
    await expect(page).to_have_url(re.compile(re.escape(f"/app/{path}")))
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    return page


async def tab_to(page: Page, wanted: Locator) -> None:
    """Go on by the tab key until something has the focus."""
    await expect(wanted).to_be_visible()
    for _ in range(150):
        if await wanted.evaluate("element => element === document.activeElement"):
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"the tab key does not lead to {wanted}")


async def press(page: Page, button: Locator) -> None:
    """Go to a button by the tab key, and press it by Enter."""
    await tab_to(page, button)
    await page.keyboard.press("Enter")


async def type_into(page: Page, field: Locator, text: str) -> None:
    """Go to a field by the tab key, and write over what is there."""
    await tab_to(page, field)
    await page.keyboard.press("Control+A")
    await page.keyboard.type(text)


async def show_whole(page: Page, width: int) -> None:
    """Make the window as tall as the page: what a bar covers for now is not out of reach."""
    await page.set_viewport_size({"width": width, "height": 900})
    height = await page.evaluate("document.documentElement.scrollHeight")
    await page.set_viewport_size({"width": width, "height": max(height, 900)})
