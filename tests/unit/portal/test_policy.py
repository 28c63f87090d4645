"""What browsers are told about every answer, and what cookies are."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.portal import Portal, answering, portal
from synergos_portal.services import Service


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Portal:
    """In front of an orchestrator that has nothing."""
    return portal(tmp_path_factory.mktemp("portal"), answering(("GET /ttp/connect/collaborations", 200, {"data": []})))


PATHS = ["/", "/home", "/collaborations", "/collaborations/new", "/nothing", "/health", "/static/portal.css"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("service", list(Service))
def test_every_answer_has_the_policy(grid: Portal, service: Service, path: str) -> None:
    headers = grid.visitor(service).get(path).headers

    policy = headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


def test_only_the_station_may_show_a_page_in_a_window_and_only_one_of_view(grid: Portal) -> None:
    def framers(service: Service) -> str:
        policy = grid.visitor(service, Host="fl.example:1").get("/nothing").headers["Content-Security-Policy"]
        return policy.partition("frame-ancestors ")[2]

    assert framers(Service.VIEW) == "http://fl.example:4002"
    assert framers(Service.NAV) == framers(Service.TRACK) == "'none'"


def test_the_station_frames_its_own_address_and_view_and_no_other_service_frames_anything(grid: Portal) -> None:
    def frames(service: Service) -> str:
        policy = grid.visitor(service, Host="fl.example:1").get("/nothing").headers["Content-Security-Policy"]
        return policy.partition("frame-src ")[2].partition(";")[0]

    assert frames(Service.TRACK) == "'self' http://fl.example:4001"
    assert frames(Service.NAV) == frames(Service.VIEW) == "'none'"


def test_a_cookie_is_for_no_script_and_no_other_site(grid: Portal) -> None:
    cookie = grid.visitor().get("/collaborations/new").headers["Set-Cookie"]

    assert {"HttpOnly", "SameSite=Strict"} <= set(cookie.split("; "))


@pytest.mark.parametrize(
    "path", ["/collaborations", "/collaborations?format=csv", "/collaborations?format=json", "/health"]
)
def test_answers_are_asked_for_again(grid: Portal, path: str) -> None:
    assert grid.visitor().get(path).headers["Cache-Control"] == "no-cache, private"


def test_files_of_the_portal_are_kept_and_live_parts_are_not(grid: Portal) -> None:
    assert grid.visitor().get("/static/portal.css").headers["Cache-Control"] == "no-cache"
    live = grid.visitor().get("/choices/header").headers
    assert (live["Cache-Control"], "ETag" in live) == ("no-store", True)


def test_pages_have_no_script_and_no_style_in_them(grid: Portal) -> None:
    for page in ("/collaborations", "/collaborations/new", "/nothing"):
        html = grid.visitor().get(page).text
        assert "style=" not in html
        assert "<style" not in html
        assert html.count("<script") == html.count("<script src=")
        assert " on" + "click" not in html


def test_whoever_answers_nonsense_is_a_page_that_says_what_to_do(tmp_path: Path) -> None:
    told = answering(("GET /ttp/connect/collaborations", 200, {"data": [{"key": 3}]}))

    answer = portal(tmp_path, told).visitor().get("/collaborations")

    assert answer.status_code == 502
    assert "ask them whether it is right" in answer.text


def test_an_orchestrator_that_is_away_is_a_page_that_says_so(tmp_path: Path) -> None:
    away = portal(tmp_path, answering())
    next(iter(away.adapters.values())).away = True

    answer = away.visitor().get("/collaborations")

    assert answer.status_code == 502
    assert "The orchestrator does not answer" in answer.text


@pytest.mark.parametrize(
    ("service", "destination", "is_whole"),
    [
        (Service.VIEW, "iframe", False),
        (Service.VIEW, "document", True),
        (Service.VIEW, "", True),
        (Service.NAV, "iframe", True),
        (Service.TRACK, "iframe", True),
    ],
)
def test_a_page_of_view_in_a_window_has_no_header_and_every_other_has(
    grid: Portal, service: Service, destination: str, is_whole: bool
) -> None:
    answer = grid.visitor(service, Sec_Fetch_Dest=destination).get("/nothing")

    assert ('class="portal-header' in answer.text, 'href="#main"' in answer.text) == (is_whole, is_whole)
    assert answer.text.count('id="header-live"') == 1
    assert ("Sec-Fetch-Dest" in answer.headers.get("Vary", "")) == (service is Service.VIEW)
