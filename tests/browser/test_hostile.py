"""Names and texts that would be more than text, and pages of others that would have something done: nothing comes of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Dialog, Route, ViewportSize

from servers.orchestrator import orchestrator
from servers.portal import RunningPortal, running
from support.visitor import Visitor
from synergos import Driver
from synergos_simulator.state import Program

pytestmark = pytest.mark.slow

NAMES = ("心 脏 ~(b)@=:+.-é", "new", "a" * 128)
TEXT = "</textarea></script><script>alert('x')</script><img src=x onerror=alert(1)>{{ 7 * 191 }}%(name)s '\"&amp;"
FORMULA = '=HYPERLINK("http://elsewhere.example")'
LAYER = {"is_input": True, "l_type": "Linear", "structure": {"in_features": 1, "out_features": 1}, "activation": ""}
NARROW: ViewportSize = {"width": 320, "height": 640}
_MOST = 150
_ROUTED = re.compile("/(collaborations|participants)/(=/)?new([/?]|$)|=new(&|$)")
"""The name that is a word of addresses, and nothing to be seen: its pages are all asked, and not opened where their kind was."""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """An orchestrator whose records have such names and texts in them."""
    with orchestrator(tmp_path_factory.mktemp("hostile") / "ttp") as (program, _):
        driver = Driver(program.host, program.port)
        for name in NAMES:
            driver.collaborations.create(name)
            driver.projects.create(name, name, "classify", {TEXT: [TEXT, FORMULA]})
            driver.experiments.create(name, name, name, [LAYER])
            driver.runs.create(name, name, name, name, rounds=1)
            driver.participants.create(name, summary=TEXT, phone=FORMULA, category=[TEXT], email=TEXT)
            registration = driver.registrations
            registration.add_node(host="127.0.0.1", port=9, f_port=10)
            registration.create(name, name, name, "guest")
            driver.tags.create(name, name, name, train=[["a<b>", "'c'"]], evaluate=[["心"]], predict=[])
            driver.alignments.create(name, name, respond_async=True)
        yield program


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, hostile: Program) -> Iterator[RunningPortal]:
    with running(tmp_path_factory.mktemp("portal"), hostile.address) as found:
        yield found


def test_on_every_page_they_are_text_and_every_link_leads_somewhere(visitor: Visitor, pages: RunningPortal) -> None:
    visitor.origins |= pages.origins
    said: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        said.append(dialog.message)
        dialog.dismiss()

    visitor.page.on("dialog", dismiss)
    visitor.page.set_viewport_size(NARROW)
    wrong: list[str] = []
    kinds: set[str] = set()
    begin = [f"{pages.nav}/home", f"{pages.view}/collaborations", f"{pages.view}/jobs", f"{pages.view}/participants"]
    begin += [f"{pages.nav}/search?q={quote(text)}" for text in (*NAMES, TEXT)]
    # In a card, where a long name is least ready to be broken.
    longest = quote(max(NAMES, key=len), safe="")
    begin.append(f"{pages.view}/collaborations/{longest}/projects/{longest}/compare")
    for address, answer in visitor.reached(*begin, most=_MOST):
        if not answer.ok:
            wrong.append(f"{address}: {answer.status}")
        named = re.findall(r'data-page="([^"]+)"', answer.text())
        if not named:
            continue
        if "1337" in answer.text():
            wrong.append(f"{address}: was computed")
        is_known = kinds.issuperset(named)
        kinds.update(named)
        if is_known and _ROUTED.search(address):
            continue
        visitor.open(address)
        if visitor.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wrong.append(f"{address}: wider than the window")

    assert said == []
    assert len(kinds) > 30
    assert not wrong, "\n".join(wrong)


def test_a_table_for_spreadsheets_has_no_formula_of_a_stranger(visitor: Visitor, pages: RunningPortal) -> None:
    visitor.origins |= pages.origins

    table = visitor.page.context.request.get(f"{pages.view}/participants?format=csv").text()

    assert TEXT.split("'")[0] in table
    assert not re.search(r'(^|,)"?[=+@-]', table, re.MULTILINE)


@pytest.mark.parametrize("place", ["http://127.0.0.1:9/", "http://elsewhere.example/"], ids=["port", "site"])
def test_a_page_of_another_port_or_site_changes_nothing_though_it_knows_all_tokens(
    visitor: Visitor, pages: RunningPortal, hostile: Program, place: str
) -> None:
    """By a browser that has been at the portal, so that its cookies are there to be sent."""
    visitor.origins |= {*pages.origins, place.rstrip("/")}
    visitor.expected.update({"403", "Content Security Policy", "Cross-Origin", "ERR_"})
    form = f"{pages.view}/collaborations/new"
    visitor.open(form)
    tokens = {name: visitor.page.locator(f"input[name={name}]").last.input_value() for name in ("csrf_token", "once")}
    fields = "".join(
        f'<input name="{name}" value="{value}">' for name, value in {**tokens, "collab_id": "forged"}.items()
    )
    answered: list[int] = []
    visitor.page.on(
        "response", lambda answer: answered.append(answer.status) if answer.request.method == "POST" else None
    )

    def serve(route: Route) -> None:
        body = f'<form method="post" action="{form}">{fields}<button>Win</button></form>'
        route.fulfill(content_type="text/html", body=body)

    visitor.page.route(f"{place}**", serve)
    visitor.page.goto(place)
    with visitor.page.expect_navigation():
        visitor.page.get_by_role("button", name="Win").click()

    assert answered == [403]
    assert "forged" not in json.dumps(Driver(hostile.host, hostile.port).collaborations.read_all()["data"])
    # The page itself is taken, with the very same tokens.
    visitor.open(form)
    visitor.fill({"Name": f"own {len(place)}"})
    visitor.follow("Declare")
    visitor.sees("There is no project yet")
    visitor.page.unroute_all()
