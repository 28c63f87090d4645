"""Somebody who looks at pages in a browser, by mouse or by keyboard, and notices what they must not do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import urljoin, urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import APIResponse, ConsoleMessage, Locator, Page, Request, expect

_PATIENCE = 30_000.0
"""Milliseconds that anything may take to be shown; tests run beside others."""
_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}

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
        self.origins.add(_origin(address))
        answer = self.page.goto(address)
        assert answer is not None
        assert answer.status < 500, f"{address}: {answer.status}"

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
            answer = self.page.context.request.get(address, headers={"Accept": "text/html"})
            assert answer.status < 500, f"{address}: {answer.status}"
            yield address, answer
            fresh = [link for link in dict.fromkeys(_links_in(answer)) if _origin(link) in self.origins]
            fresh = [link for link in fresh if link not in seen and "/static/" not in link]
            waiting += fresh[: max(0, most - len(waiting))]
            seen.update(fresh)

    def findings(self) -> list[str]:
        """What axe finds wrong with the page as it is: rules of WCAG 2.2 AA and of best practice."""
        before = len(self._messages)
        found: Iterable[Mapping[str, Any]] = Axe().run(self.page, options=_RULES).response["violations"]
        # It speaks to frames of other origins, which the browser complains of.
        self._messages[before:] = [text for text in self._messages[before:] if "postMessage" not in text]
        return [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]]

    def has_no_complaints(self) -> None:
        """Nothing was asked outside the pages' own addresses, and nothing was said on the console."""
        elsewhere = {address for address in self._asked if _origin(address) not in self.origins}
        assert not elsewhere, f"asked elsewhere: {sorted(elsewhere)[:5]}"
        said = [text for text in self._messages if not any(part in text for part in self.expected)]
        assert not said, f"the console says: {said[:5]}"

    def _said(self, message: ConsoleMessage) -> None:
        self._messages.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def _requested(self, request: Request) -> None:
        if not request.url.startswith(("data:", "blob:", "about:")):
            self._asked.append(request.url)


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _links_in(answer: APIResponse) -> list[str]:
    """Where the links of a page lead, without their anchors; nothing of what is no page."""
    if "text/html" not in answer.headers.get("content-type", ""):
        return []
    found = re.findall(r'\bhref="([^"]+)"', answer.text())
    return [urljoin(answer.url, unescape(link)).partition("#")[0] for link in found]
