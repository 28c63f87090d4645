"""Live parts that were made are good for others for a moment: for the same question, and within bounds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint
from flask.typing import ResponseReturnValue

from fakes.closed_orchestrator import closed
from fakes.portal import answering, portal
from synergos_portal.orchestrator.client import Orchestrator
from synergos_portal.orchestrator.feed import SILENT_SECONDS, Feed, News
from synergos_portal.pages import FAMILIES
from synergos_portal.services import Service
from synergos_portal.web import current, live
from synergos_portal.web.links import Family
from synergos_portal.web.live_parts import MOST_BYTES, Made, Part, Parts

NOW = 100.0


def found(parts: Parts, key: tuple[Any, ...], version: str) -> Made | None:
    """One that is kept; that it is looked for makes nobody wait."""
    made = parts.take(key, version)
    parts.give_up(key)
    return made


def made(size: int, version: str = "1") -> Made:
    return Made(version, NOW, Part(b"x" * size, None, "tag", "1"))


def test_what_is_kept_is_bounded_by_its_bytes() -> None:
    parts = Parts(lambda: NOW)
    for number in range(20):
        parts.keep((number,), made(MOST_BYTES // 5))

    assert [number for number in range(20) if found(parts, (number,), "1")] == [16, 17, 18, 19]


def test_the_same_made_anew_takes_the_place_of_the_one_before() -> None:
    parts = Parts(lambda: NOW)
    for _ in range(20):
        parts.keep(("often",), made(MOST_BYTES // 5))
    parts.keep(("once",), made(MOST_BYTES // 5))

    assert found(parts, ("often",), "1") is not None


def test_what_is_too_large_is_not_kept_nor_what_is_asked_for_at_too_great_a_length() -> None:
    parts = Parts(lambda: NOW)
    parts.keep(("page",), made(MOST_BYTES // 2))
    parts.keep(("x" * MOST_BYTES,), made(1))

    assert [found(parts, key, "1") for key in (("page",), ("x" * MOST_BYTES,))] == [None, None]


def test_only_what_the_page_knows_makes_another_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    feed = Feed("orchestrator", lambda after, seconds: News("1"))
    feed.turn()
    monkeypatch.setattr(Orchestrator, "_feed_of", lambda *_: feed)
    kept: list[tuple[Any, ...]] = []
    monkeypatch.setattr(Parts, "keep", lambda _, key, made: kept.append(key))
    family = Family(Service.VIEW, _pages())
    visitor = portal(tmp_path, answering(), families=[*FAMILIES, family]).visitor()

    paths = ["?kind=a", "?kind=b", "?kind=a&x=1", "?x=2", ""]
    assert [visitor.get(f"/parts/live{path}").status_code for path in paths] == [200] * 5

    assert len(kept) == len(set(kept)) == 3


def test_what_is_made_before_anything_was_heard_is_good_for_others_for_a_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [NOW]
    feed = Feed("orchestrator", lambda after, seconds: News("1"), lambda: now[0])
    monkeypatch.setattr(Orchestrator, "_feed_of", lambda *_: feed)
    monkeypatch.setattr("synergos_portal.web.live_parts._MOMENT", 600.0)
    monkeypatch.setattr("synergos_portal.web.live_parts._GOOD_SECONDS", 0.0)
    asked: list[str] = []
    pages = _pages()
    pages.before_request(lambda: asked.append("part"))
    visitor = portal(tmp_path, answering(), families=[*FAMILIES, Family(Service.VIEW, pages)]).visitor()

    def ask() -> int:
        assert visitor.get("/parts/live").status_code == 200
        return len(asked)

    assert [ask(), ask()] == [1, 1]
    # Nobody waits for another where an orchestrator does not answer.
    now[0] += SILENT_SECONDS
    assert [ask(), ask()] == [2, 3]


def test_what_somebody_is_at_another_orchestrator_makes_another_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = Feed("open", lambda after, seconds: News("1"))
    feed.turn()
    monkeypatch.setattr(Orchestrator, "_feed_of", lambda *_: feed)
    asked: list[bool] = []
    pages = Blueprint("parts", __name__, url_prefix="/parts")

    @pages.get("/live")
    def live_part() -> ResponseReturnValue:
        asked.append(current.person_at("closed") is not None)
        return live.fragment(None, unfinished=False)

    orchestrators = {"open": answering(("GET /health", 200, {"accounts": "off"})), "closed": closed()}
    grid = portal(tmp_path, orchestrators, families=[*FAMILIES, Family(Service.NAV, pages)])
    lead = grid.visitor(Service.NAV)
    assert lead.send("/sign-in?at=closed", {"name": "lead", "password": "right"}).status_code == 303

    for visitor in (lead, grid.visitor(Service.NAV), lead):
        assert visitor.get("/parts/live").status_code == 200
    assert asked == [True, False]


def _pages() -> Blueprint:
    pages = Blueprint("parts", __name__, url_prefix="/parts")

    @pages.get("/live")
    @live.knows("kind")
    def live_part() -> ResponseReturnValue:
        return live.fragment(None, unfinished=False)

    return pages
