"""Somebody who looks at pages in a browser, by mouse or by keyboard, and notices what they must not do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from typing import Any, Literal
from urllib.parse import urljoin, urlsplit

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import APIResponse, ConsoleMessage, Locator, Page, Request, ViewportSize, expect

from support.waiting import DEADLINE, until

_PATIENCE = 1000 * DEADLINE
"""Milliseconds that anything may take to be shown: only a mistake takes so long, also on a busy machine."""
_AWAY = ("The orchestrator does not answer", "Der Orchestrator antwortet nicht")
_RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    # What is right is most of a page, and nobody reads it.
    "resultTypes": ["violations"],
    # What sounds; styles are read anew for a rule that is not among these.
    "preload": {"assets": ["media"]},
}
_VIOLATIONS = "rules => axe.run(rules).then(found => found.violations)"
_LOOKS: tuple[tuple[Literal["light", "dark"], ViewportSize], ...] = (
    ("light", {"width": 1280, "height": 900}),
    ("dark", {"width": 320, "height": 640}),
)
"""Colours and widths do not depend on each other; the narrow one is what a page has of a desktop's at 400 %."""
_DRAWN = "[data-losses], .grid-stack"
"""What scripts draw for the colours and the window that a page was opened with."""

expect.set_options(timeout=_PATIENCE)


@dataclass
class Visitor:
    """One window of a browser.

    Attributes:
        origins: the addresses that pages may be of and ask; all others are complained of.
        expected: parts of messages on the console that belong to a test, such as of a server that it stops.
    """

    page: Page
    origins: set[str] = field(default_factory=set)
    expected: set[str] = field(default_factory=set)
    _messages: list[str] = field(default_factory=list)
    _asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(_PATIENCE)
        self.watch(self.page)

    def watch(self, page: Page) -> None:
        """Listen to another window of the same browser too."""
        page.on("console", self._said)
        page.on("pageerror", lambda error: self._messages.append(str(error)))
        page.on("request", self._requested)

    def open(self, address: str) -> None:
        """Go to a page of one of the ``origins``."""
        self.origins.add(origin(address))
        before = len(self._messages)

        def is_there() -> bool:
            answer = self.page.goto(address)
            assert answer is not None
            is_away = answer.status >= 500 and _is_away(answer.status, answer.text(), address)
            if is_away:
                # What the browser says of an orchestrator that does not answer for seconds is not the page's.
                del self._messages[before:]
            return not is_away

        until(is_there, f"the orchestrator to answer for {address}", every=0.5)

    def follow(self, name: str) -> None:
        """Click on the link or button that is called so."""
        self.named(name).click()

    def named(self, name: str) -> Locator:
        """The one link or button of the page's main part that is called so."""
        main = self.page.get_by_role("main")
        return (
            main.get_by_role("link", name=name, exact=True).or_(main.get_by_role("button", name=name, exact=True)).first
        )

    def fill(self, fields: Mapping[str, str | bool]) -> None:
        """Fill in fields by their labels."""
        for label, value in fields.items():
            found = self.page.get_by_role("main").get_by_label(label, exact=True)
            if isinstance(value, bool):
                found.set_checked(value)
            elif found.evaluate("field => field.tagName") == "SELECT":
                found.select_option(value)
            else:
                found.fill(value)

    def sees(self, *texts: str) -> None:
        """Wait until all of these are to be read in the page's main part."""
        for text in texts:
            expect(self.page.get_by_role("main")).to_contain_text(text)

    def does_not_see(self, *texts: str) -> None:
        """None of these is to be read anywhere in the page."""
        shown = self.page.locator("body").inner_text()
        assert not [text for text in texts if text in shown]

    def press(self, *keys: str) -> None:
        """Press keys, one after the other, wherever the focus is."""
        for key in keys:
            self.page.keyboard.press(key)

    def tab_to(self, name: str, most: int = 200) -> None:
        """Press Tab until the focus is on what is called so."""
        for _ in range(most):
            self.press("Tab")
            if self.focused() == name:
                return
        raise AssertionError(f"{name!r} cannot be reached with the Tab key")

    def focused(self) -> str:
        """What is called that has the focus: its label, or its text."""
        return str(
            self.page.evaluate(
                """() => {
                    const element = document.activeElement;
                    const label = element.getAttribute('aria-label') || (element.labels && element.labels[0]?.innerText);
                    return (label || element.innerText || element.value || '').trim();
                }"""
            )
        )

    def reached(self, *addresses: str, most: int) -> Iterator[tuple[str, APIResponse]]:
        """What these addresses have, and all at the ``origins`` that links lead to from there: pages, tables and records."""
        waiting = list(addresses)
        seen = set(waiting)
        for address in waiting:
            answer = self._asked_for(address)
            yield address, answer
            is_page = "text/html" in answer.headers.get("content-type", "")
            links = links_in(answer.text(), answer.url) if is_page else []
            fresh = [link for link in links if origin(link) in self.origins]
            fresh = [link for link in fresh if link not in seen and "/static/" not in link]
            waiting += fresh[: max(0, most - len(waiting))]
            seen.update(fresh)

    def _asked_for(self, address: str) -> APIResponse:
        found: list[APIResponse] = []

        def is_there() -> bool:
            found[:] = [
                self.page.context.request.get(address, headers={"Accept": "text/html"}, timeout=1000 * DEADLINE)
            ]
            return found[0].status < 500 or not _is_away(found[0].status, found[0].text(), address)

        until(is_there, f"the orchestrator to answer for {address}", every=0.5)
        return found[0]

    def kept_from(self, addresses: Iterable[str]) -> list[str]:
        """What keeps people from pages, in both themes, wide and narrow: as :meth:`findings`, and what is wider than its window."""
        wrong = []
        looks = _LOOKS
        for address in addresses:
            for number, (scheme, size) in enumerate(looks):
                self.page.emulate_media(color_scheme=scheme)
                self.page.set_viewport_size(size)
                if number == 0 or self.page.locator(_DRAWN).count():
                    self.open(address)
                wrong += [f"{address} ({scheme}, {size['width']}): {each}" for each in self.findings()]
                if self.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                    wrong.append(f"{address}: wider than a window of {size['width']}")
            # The next page is opened as this one is looked at last.
            looks = looks[::-1]
        return wrong

    def findings(self) -> list[str]:
        """What axe finds wrong with the page as it is: rules of WCAG 2.2 AA and of best practice."""
        before = len(self._messages)
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE_SCRIPT)
        found: Iterable[Mapping[str, Any]] = self.page.evaluate(_VIOLATIONS, _RULES)
        # It speaks to frames of other origins, which the browser complains of.
        self._messages[before:] = [text for text in self._messages[before:] if "postMessage" not in text]
        return [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]]

    @contextmanager
    def bearing(self, part: str) -> Iterator[None]:
        """What is said on the console meanwhile, and has this part in it, is no complaint."""
        before = len(self._messages)
        yield
        self._messages[before:] = [text for text in self._messages[before:] if part not in text]

    def has_no_complaints(self) -> None:
        """Nothing was asked outside the pages' own addresses, and nothing was said on the console."""
        elsewhere = {address for address in self._asked if origin(address) not in self.origins}
        assert not elsewhere, f"asked elsewhere: {sorted(elsewhere)[:5]}"
        said = [text for text in self._messages if not any(part in text for part in self.expected)]
        assert not said, f"the console says: {said[:5]}"

    def _said(self, message: ConsoleMessage) -> None:
        self._messages.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def _requested(self, request: Request) -> None:
        if not request.url.startswith(("data:", "blob:", "about:")):
            self._asked.append(request.url)


def _is_away(status: int, page: str, address: str) -> bool:
    """Whether a failure is that the orchestrator is away, as it seems to be on a machine that is busy for seconds; no other may be."""
    assert any(heading in page for heading in _AWAY), f"{address}: {status}"
    return True


def origin(address: str) -> str:
    """The scheme, host and port of an address."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def links_in(html: str, address: str) -> list[str]:
    """Where the links of a page at this address lead, each once, without their anchors."""
    found = re.findall(r'\bhref="([^"]+)"', html)
    return list(dict.fromkeys(urljoin(address, unescape(link)).partition("#")[0] for link in found))
