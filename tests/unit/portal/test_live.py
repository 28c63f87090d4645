"""Live parts that many browsers look at are made once for all of them."""

from __future__ import annotations

import gzip
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from flask import Blueprint, render_template_string
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import ETags

from fakes.clock import Clock
from fakes.portal import Portal, answering, portal
from synergos_portal.pages import FAMILIES
from synergos_portal.services import Service
from synergos_portal.web.links import Family
from synergos_portal.web.live import fragment, is_live
from synergos_portal.web.live_parts import Made, Part, Parts

KEY = ("/jobs/1/live",)


def made(version: str, at: float) -> Made:
    return Made(version, at, Part.of(b"<p>", 1))


def test_a_part_is_good_while_nothing_changes_and_for_a_moment_after() -> None:
    clock = Clock(0.0)
    parts = Parts(clock)
    assert parts.take(KEY, "1") is None
    parts.keep(KEY, made("1", 0.0))

    clock.now = 0.8
    assert parts.take(KEY, "2") == made("1", 0.0)
    clock.now = 0.9
    assert parts.take(KEY, "1") == made("1", 0.0)
    assert parts.take(KEY, "2") is None


def test_while_a_part_is_made_anew_the_one_before_is_found_for_a_moment_more() -> None:
    clock = Clock(0.0)
    parts = Parts(clock)
    assert parts.take(KEY, "1") is None
    assert parts.find(KEY, "1") is None
    parts.keep(KEY, made("1", 0.0))

    clock.now = 0.9
    assert parts.find(KEY, "2") is None
    assert parts.take(KEY, "2") is None
    assert parts.find(KEY, "2") == made("1", 0.0)
    clock.now = 1.1
    assert parts.find(KEY, "2") is None


def test_while_one_makes_a_part_the_others_wait_for_it() -> None:
    parts, there = Parts(Clock(0.0)), Barrier(9)
    assert parts.take(KEY, "1") is None

    def ask() -> Made | None:
        there.wait(60)
        return parts.take(KEY, "1")

    with ThreadPoolExecutor(8) as browsers:
        answers = [browsers.submit(ask) for _ in range(8)]
        there.wait(60)
        parts.keep(KEY, made("1", 0.0))

        assert [answer.result(60) for answer in answers] == [made("1", 0.0)] * 8


def test_a_part_that_comes_to_nothing_is_made_by_the_next() -> None:
    parts = Parts(Clock(0.0))
    assert parts.take(KEY, "1") is None
    parts.give_up(KEY)

    assert parts.take(KEY, "1") is None


@pytest.mark.parametrize(("unfinished", "pace"), [(True, "1"), (False, "15")])
def test_a_part_and_its_page_say_how_soon_it_is_asked_for_again(tmp_path: Path, unfinished: bool, pace: str) -> None:
    pages = Blueprint("parts", __name__, url_prefix="/parts")

    @pages.get("/live")
    def live_part() -> ResponseReturnValue:
        return fragment(None, unfinished=unfinished)

    @pages.get("/page")
    def page() -> ResponseReturnValue:
        told = "{% call parts.live('/parts/live', live_pace(unfinished)) %}{% endcall %}"
        return render_template_string(told, unfinished=unfinished)

    here = answering(("GET /health", 200, {"accounts": "off"}), ("GET /ttp/jobs", 200, {"params": {"counts": {}}}))
    visitor = portal(tmp_path, here, families=[*FAMILIES, Family(Service.NAV, pages)]).visitor(Service.NAV)

    assert visitor.get("/parts/live").headers["Live-Pace"] == pace
    assert f'data-pace="{pace}"' in visitor.get("/parts/page").text


def test_every_address_of_a_live_part_is_one_to_the_memo(grid: Portal) -> None:
    rules = [rule for app in grid.apps.values() for rule in app.url_map.iter_rules() if rule.rule.endswith("/live")]

    assert len(rules) > 8
    for rule in rules:
        assert is_live(rule.endpoint), rule.endpoint


def test_a_part_is_packed_for_whoever_takes_that_and_worth_it() -> None:
    html = b"<p>" * 1000
    part = Part.of(html, 1)

    status, fields, body = part.answer(ETags(), takes_packed=True)
    assert (status, gzip.decompress(body), len(body) < len(html)) == (200, html, True)
    assert {("Content-Encoding", "gzip"), ("Content-Length", str(len(body)))} <= set(fields)
    assert part.answer(ETags(), takes_packed=False)[2] == html
    assert Part.of(b"<p>", 1).answer(ETags(), takes_packed=True)[2] == b"<p>"
    assert part.answer(ETags(weak_etags=[part.tag]), takes_packed=True)[::2] == (304, b"")
