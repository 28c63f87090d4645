"""What a page shows alike to whoever may see the same is put together once, as long as nothing changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
from flask import Blueprint, render_template_string
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from fakes.clock import Clock
from fakes.closed_orchestrator import closed
from fakes.portal import Portal, answering, portal
from synergos_portal.orchestrator.client import Orchestrator
from synergos_portal.orchestrator.feed import Feed, News
from synergos_portal.pages import FAMILIES
from synergos_portal.services import Service
from synergos_portal.web.links import Family
from synergos_portal.web.live_parts import Blocks

PAGE = "/numbered/page"


@dataclass
class Told:
    """What an orchestrator tells, and the feed that hears it."""

    cursor: str = "1"
    feed: Feed = field(init=False)

    def __post_init__(self) -> None:
        self.feed = Feed("orchestrator", lambda after, seconds: News(self.cursor))
        self.feed.turn()

    def change(self) -> None:
        self.cursor += "1"
        self.feed.turn()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    told = Told()
    monkeypatch.setattr(Orchestrator, "_feed_of", lambda *_: told.feed)
    return told


def family(service: Service, meanwhile: Callable[[], None] = lambda: None) -> Family:
    """A page that says as how many it was put together; something may happen in between."""
    pages, number = Blueprint("numbered", __name__, url_prefix="/numbered"), count(1)

    @pages.get("/page")
    def page() -> ResponseReturnValue:
        def made() -> int:
            meanwhile()
            return next(number)

        return render_template_string("{% call parts.kept() %}{{ made() }}{% endcall %}", made=made)

    return Family(service, pages)


def numbered(tmp_path: Path, meanwhile: Callable[[], None] = lambda: None) -> Portal:
    here = answering(("GET /health", 200, {"accounts": "off"}), ("POST /ttp/connect/collaborations", 201, {"data": {}}))
    return portal(tmp_path, here, families=[*FAMILIES, family(Service.VIEW, meanwhile)])


def test_it_is_put_together_once_as_long_as_nothing_changes_for_each_address_and_language(
    told: Told, tmp_path: Path
) -> None:
    grid = numbered(tmp_path)
    one, other = grid.visitor(), grid.visitor()

    assert [one.get(PAGE).text, other.get(PAGE).text, one.get(f"{PAGE}?state=failed").text] == ["1", "1", "2"]
    assert grid.visitor(Accept_Language="de").get(PAGE).text == "3"
    told.change()
    assert [one.get(PAGE).text, other.get(PAGE).text] == ["4", "4"]


def test_what_somebody_has_changed_by_this_portal_is_seen_before_the_orchestrator_tells_of_it(
    told: Told, tmp_path: Path
) -> None:
    visitor = numbered(tmp_path).visitor()
    assert visitor.get(PAGE).text == "1"

    visitor.send("/collaborations/new", {"collab_id": "heart"})

    assert [visitor.get(PAGE).text, visitor.get(PAGE).text] == ["2", "2"]


def test_what_was_read_before_a_change_is_not_kept_as_if_it_were_of_after_it(told: Told, tmp_path: Path) -> None:
    changes = [told.change]
    visitor = numbered(tmp_path, lambda: changes.pop()() if changes else None).visitor()

    assert [visitor.get(PAGE).text for _ in range(3)] == ["1", "2", "2"]


def test_it_is_put_together_each_time_while_nobody_tells_what_changes(tmp_path: Path) -> None:
    visitor = numbered(tmp_path).visitor()

    assert [visitor.get(PAGE).text for _ in range(2)] == ["1", "2"]


def test_who_is_signed_in_is_shown_nothing_that_was_put_together_for_nobody(told: Told, tmp_path: Path) -> None:
    orchestrators = {"open": answering(("GET /health", 200, {"accounts": "off"})), "closed": closed()}
    grid = portal(tmp_path, orchestrators, families=[*FAMILIES, family(Service.NAV)])
    lead = grid.visitor(Service.NAV)
    assert lead.send("/sign-in?at=closed", {"name": "lead", "password": "right"}).status_code == 303

    assert [who.get(PAGE).text for who in (lead, grid.visitor(Service.NAV), lead)] == ["1", "2", "1"]


def test_what_is_kept_is_good_for_seconds_and_bounded() -> None:
    clock = Clock(0.0)
    blocks = Blocks(clock)
    blocks.keep(("long",), Markup("x") * 2**17)
    for number in range(40):
        blocks.keep((number,), Markup("x"))

    assert [blocks.find(key, 5) for key in (("long",), (0,), (39,))] == [None, None, "x"]
    clock.now = 2.0
    assert [blocks.find((39,), 5), blocks.find((39,), 1)] == ["x", None]
    clock.now = 6.0
    assert blocks.find((39,), 5) is None
