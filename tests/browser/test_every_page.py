"""Every page there is, found by the links of others: usable by everybody, in both languages, and of the portal alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pytest
import requests
from babel.messages.pofile import read_po
from playwright.sync_api import Browser, ViewportSize, expect

from grids.real_grid import Study
from servers.portal import RunningPortal
from support.visitor import Visitor
from synergos_portal import translations

pytestmark = pytest.mark.timeout(600)

_NARROW: ViewportSize = {"width": 320, "height": 640}
_WIDE: ViewportSize = {"width": 1280, "height": 900}
_LOOKS: tuple[tuple[Literal["light", "dark"], ViewportSize], ...] = (("light", _WIDE), ("dark", _NARROW))
"""Colours and widths do not depend on each other."""
_OLD = {
    "orchestrator/collaborations/create": "collaborations.new",
    "orchestrator/collaborations/view": "collaborations.listed",
    "orchestrator/projects/create": "collaborations.listed",
    "orchestrator/experiments/update": "collaborations.listed",
    "orchestrator/runs/delete": "collaborations.listed",
    "orchestrator/analytics/view": "jobs.listed",
    "orchestrator/analytics/start": "collaborations.listed",
    "orchestrator/optimizations/view": "studies.listed",
    "participant/participants/create": "participants.new",
    "participant/registrations/view": "participants.listed",
    "participant/inferences/start": "participants.listed",
}
"""Role, resource and action of the original's addresses, and the page of today that does that."""
_MOST = 400
"""Pages that are looked at for links, at most."""


@dataclass
class Found:
    """What links lead to.

    Attributes:
        pages: one address of every kind of page, by what the page calls itself.
        nowhere: addresses that links name and that have no page.
    """

    pages: dict[str, str] = field(default_factory=dict)
    nowhere: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def pages(found: Found) -> dict[str, str]:
    return found.pages


@pytest.fixture(scope="module")
def found(chromium: Browser, portal: RunningPortal, finished: Study) -> Iterator[Found]:
    """All pages that links lead to from the first page of each service."""
    context = chromium.new_context()
    page = context.new_page()
    found = Found()
    waiting = [f"{portal.nav}/", f"{portal.view}/collaborations", f"{portal.track}/"]
    seen: set[str] = set()
    while waiting and len(seen) < _MOST:
        address = waiting.pop(0)
        kind = re.sub("finished_[a-z]+|worker_[12]|[0-9a-f-]{32,36}", "*", address)
        if kind in seen:
            continue
        seen.add(kind)
        answer = context.request.get(address, headers={"Accept": "text/html"})
        if not answer.ok:
            found.nowhere.append(f"{address}: {answer.status}")
            continue
        if "text/html" not in answer.headers.get("content-type", "") or "data-page=" not in answer.text():
            continue
        page.goto(address)
        name = page.locator("body").get_attribute("data-page")
        assert name is not None
        found.pages.setdefault(name, page.url)
        # A link in a picture has its address in another form.
        links = page.locator("a[href]").evaluate_all(
            "links => links.map(link => new URL(link.getAttribute('href'), document.baseURI).href)"
        )
        waiting += [link.partition("#")[0] for link in links if _origin(link) in portal.origins]
    yield found
    context.close()


@pytest.fixture(scope="module")
def german() -> Mapping[str, str]:
    """What the portal's own English is in German, where that is something else."""
    found = {}
    with (Path(translations.__path__[0]) / "de.po").open("rb") as opened:
        for message in read_po(opened, locale="de"):
            if isinstance(message.id, str) and message.id and message.string != message.id:
                found[message.id] = str(message.string)
    # A word may be the German of another.
    return {text: said for text, said in found.items() if text not in found.values()}


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def test_no_link_leads_nowhere(found: Found) -> None:
    assert len(found.pages) > 40
    assert found.nowhere == []


def test_nobody_is_kept_from_a_page(pages: dict[str, str], portal: RunningPortal, visitor: Visitor) -> None:
    """By axe, in both themes, and narrow as at 400 %."""
    visitor.origins |= portal.origins
    wrong = []
    for name, address in pages.items():
        for scheme, size in _LOOKS:
            visitor.page.emulate_media(color_scheme=scheme)
            visitor.page.set_viewport_size(size)
            visitor.open(address)
            wrong += [f"{name} ({scheme}, {size['width']}): {each}" for each in visitor.findings()]
            if visitor.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                wrong.append(f"{name}: wider than a window of {size['width']}")

    assert not wrong, "\n".join(wrong)


def test_whoever_reads_german_finds_no_english(
    pages: dict[str, str], chromium: Browser, german: Mapping[str, str]
) -> None:
    context = chromium.new_context(locale="de-DE")
    page = context.new_page()
    left = []
    for name, address in pages.items():
        page.goto(address)
        assert page.locator("html").get_attribute("lang") == "de"
        texts = page.evaluate(
            """() => {
                const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
                while (walker.nextNode()) {
                    const text = walker.currentNode.data.trim(), around = walker.currentNode.parentElement;
                    // What an orchestrator calls something stays as it is.
                    if (!(around.tagName === "OPTION" && around.value === text)) found.push(text);
                }
                return found;
            }"""
        )
        left += [f"{name}: {text}" for text in texts if text in german]
    context.close()

    assert len(german) > 50
    assert not left, "\n".join(left)


def test_a_project_and_its_collaboration_say_by_themselves_who_can_be_reached_and_what_is_used(
    portal: RunningPortal, finished: Study, visitor: Visitor
) -> None:
    collab_id, project_id, *_ = finished.keys
    for path in (f"{collab_id}/projects/{project_id}", collab_id):
        visitor.open(f"{portal.view}/collaborations/{path}")
        row = visitor.page.get_by_role("row").filter(has_text="worker_1")
        expect(row).to_contain_text("✓ reachable")
        expect(row).to_contain_text(re.compile(r"\d+ to train on"))


def test_a_run_shows_its_losses_as_a_curve_with_a_table_and_what_was_measured_by_class(
    portal: RunningPortal, finished: Study, visitor: Visitor
) -> None:
    collab_id, project_id, expt_id, run_id = finished.keys
    run = f"{portal.view}/collaborations/{collab_id}/projects/{project_id}/experiments/{expt_id}/runs/{run_id}"
    visitor.open(run)

    expect(visitor.page.locator(".jobs-chart canvas")).to_be_visible()
    expect(visitor.page.locator("tr[id^=round-]")).to_have_count(3)
    by_class = visitor.page.get_by_role("group", name="By class: All participants together").or_(
        visitor.page.get_by_role("group", name="By class: worker_1")
    )
    expect(by_class.first).to_contain_text("f_score")


def arrived(address: str) -> tuple[int, str]:
    """What an address leads to in the end: its status, and what the page calls itself."""
    answer = requests.get(address, headers={"Accept": "text/html"}, timeout=60)
    found = re.search('data-page="([^"]*)"', answer.text)
    return answer.status_code, found[1] if found else ""


def test_the_originals_addresses_lead_to_the_pages_of_today(portal: RunningPortal) -> None:
    """Through all three services as they run: from nav, and from view's own address, by one redirection or several."""
    found = {}
    for old in _OLD:
        role, resource, action = old.split("/")
        assert arrived(f"{portal.nav}/actions/{role}/{resource}") == (200, "old.actions")
        found[old] = {
            arrived(f"{portal.nav}/view/{old}"),
            arrived(f"{portal.view}/?r={role}&p={resource}&a={action}"),
        }

    assert found == {old: {(200, page)} for old, page in _OLD.items()}
    assert arrived(f"{portal.view}/") == (200, "home.home")
    for unknown in (f"{portal.nav}/view/nobody/collaborations/view", f"{portal.view}/?r=orchestrator&p=nothing"):
        assert arrived(unknown)[0] == 404
