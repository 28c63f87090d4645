"""The machine's Chromium, and somebody who looks at pages with it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, ViewportSize, sync_playwright

from support.visitor import Visitor
from support.waiting import DEADLINE

FAILURES = Path(__file__).parents[1] / "browser" / "failures"
"""Where what was to be seen when a test failed is kept."""
_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""The one without windows first, which takes half as long for a page."""
_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    # Without one, what draws needs no process of its own either: every frame would be handed from one to the other.
    "--in-process-gpu",
    # Each letter is drawn once, and not once for each colour of a screen's dots.
    "--disable-lcd-text",
    # Of a script, and of axe with its half a megabyte, what is called is compiled.
    "--js-flags=--max-lazy",
]
_DESKTOP: ViewportSize = {"width": 1280, "height": 900}


def is_installed() -> bool:
    """Whether there is one."""
    return _program() is not None


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser that runs inside the ``with`` block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_program(), args=_OPTIONS, timeout=1000 * DEADLINE)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visiting(browser: Browser) -> Iterator[Visitor]:
    """Somebody with cookies and a cache of their own."""
    context = browser.new_context(viewport=_DESKTOP, locale="en-GB", timezone_id="UTC", reduced_motion="reduce")
    try:
        yield Visitor(context.new_page())
    finally:
        context.close()


def keep_pictures(visitor: Visitor, name: str) -> None:
    """Keep what is to be seen in all windows."""
    FAILURES.mkdir(exist_ok=True)
    for number, page in enumerate(visitor.page.context.pages):
        page.screenshot(path=FAILURES / f"{name}-{number}.png", full_page=True)


def _program() -> str | None:
    return next((found for name in _NAMES if (found := shutil.which(name))), None)
