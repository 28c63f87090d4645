"""Every page there is, found by the links of others: usable by everybody, in both languages, and of the portal alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
from babel.messages.pofile import read_po
from playwright.sync_api import Browser, expect

from grids.real_grid import Study
from servers.portal import RunningPortal
from support.visitor import Visitor, links_in, origin
from synergos_portal import translations

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
_EVERYWHERE = {"htmx.min.js", "live.js"}
"""Scripts of every page: they write nothing of their own; whoever has others is opened."""
_OF_A_BROWSER = {"Accept": "text/html", "Accept-Language": "de-DE"}
_TEXTS = """html => {
    const read = new DOMParser().parseFromString(html, "text/html");
    const found = [], walker = read.createTreeWalker(read.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const text = walker.currentNode.data.trim(), around = walker.currentNode.parentElement;
        // What an orchestrator calls something stays as it is.
        if (!(around.tagName === "OPTION" && around.value === text)) found.push(text);
    }
    return [read.documentElement.lang, found];
}"""
"""The language of a page, and all its texts."""
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
def found(portal: RunningPortal, finished: Study) -> Found:
    """All pages that links lead to from the first page of each service."""
    found = Found()
    waiting = [f"{portal.nav}/", f"{portal.view}/collaborations", f"{portal.track}/"]
    seen: set[str] = set()
    with requests.Session() as reader:
        while waiting and len(seen) < _MOST:
            address = waiting.pop(0)
            kind = re.sub("finished_[a-z]+|worker_[12]|[0-9a-f-]{32,36}", "*", address)
            # What other tests have declared has the same pages.
            if kind in seen or re.search("/static/|(?<!finished)_collaboration", address):
                continue
            seen.add(kind)
            answer = reader.get(address, headers={"Accept": "text/html"}, timeout=60)
            if not answer.ok:
                found.nowhere.append(f"{address}: {answer.status_code}")
            elif name := page_of(answer):
                found.pages.setdefault(name, answer.url)
                waiting += [link for link in links_in(answer.text, answer.url) if origin(link) in portal.origins]
    return found


def page_of(answer: requests.Response) -> str:
    """What a page calls itself; nothing of what is no page."""
    is_page = "text/html" in answer.headers.get("Content-Type", "")
    named = re.search('data-page="([^"]*)"', answer.text) if is_page else None
    return named[1] if named else ""


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


def test_no_link_leads_nowhere(found: Found) -> None:
    assert len(found.pages) > 50
    assert found.nowhere == []


def test_nobody_is_kept_from_a_page(pages: dict[str, str], portal: RunningPortal, visitor: Visitor) -> None:
    visitor.origins |= portal.origins

    wrong = visitor.kept_from(pages.values())

    assert not wrong, "\n".join(wrong)


def test_whoever_reads_german_finds_no_english(
    pages: dict[str, str], chromium: Browser, german: Mapping[str, str]
) -> None:
    context = chromium.new_context(locale="de-DE")
    page = context.new_page()
    left = []
    for name, address in pages.items():
        answer = context.request.get(address, headers=_OF_A_BROWSER)
        assert answer.ok, name
        text = answer.text()
        scripts = set(re.findall('<script src="[^"]*/([^/"?]+)[?"]', text))
        assert len(scripts) == text.count("<script"), f"{name}: a script that is not known"
        assert scripts >= _EVERYWHERE, name
        if scripts > _EVERYWHERE:
            page.goto(address)
            text = page.content()
        language, texts = page.evaluate(_TEXTS, text)
        assert language == "de", name
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
    return answer.status_code, page_of(answer)


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
