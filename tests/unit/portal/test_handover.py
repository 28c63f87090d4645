"""Services of different host names: whoever has signed in at nav is handed over to view and track, and nobody else is."""

from __future__ import annotations

import os
import re
import time
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.sessions import SecureCookieSessionInterface
from werkzeug.test import TestResponse

from fakes.closed_orchestrator import TOKEN, closed
from fakes.portal import Portal, Visitor, portal
from synergos_portal.services import Place, Service
from synergos_portal.web.handover import SECONDS

PLACES = {service: Place(443, f"{service}.example", True) for service in Service}
COOKIE = "__Host-synergos_portal"
ASKED = "/collaborations?order=oldest"


@pytest.fixture
def grid(tmp_path: Path) -> Portal:
    return portal(tmp_path, closed(), places=PLACES)


def browser(grid: Portal) -> dict[str, Visitor]:
    """Somebody's browser: cookies for each of the hosts."""
    return {
        # As browsers ask that were led here and have asked once more; see below.
        f"{service}.example": grid.visitor(service, **{"Host": f"{service}.example", "Sec-Fetch-Site": "same-origin"})
        for service in Service
    }


def sent_to(answer: TestResponse, host: str) -> str:
    """Where at a host an answer leads."""
    parts = urlsplit(answer.location)
    assert (answer.status_code, parts.scheme, parts.netloc) == (303, "https", host)
    return f"{parts.path}?{parts.query}"


def signed_in(grid: Portal, name: str = "lead") -> dict[str, Visitor]:
    """A browser that has signed in at nav, and has been nowhere else."""
    visitors = browser(grid)
    assert visitors["nav.example"].send("/sign-in", {"name": name, "password": "right"}).location == "/home"
    return visitors


def code_for(visitors: dict[str, Visitor], path: str = ASKED) -> str:
    """What nav has view's page with a path be asked by."""
    way = sent_to(visitors["view.example"].get(path), "nav.example")
    return sent_to(visitors["nav.example"].get(way), "view.example")


def test_whoever_has_signed_in_at_nav_is_somebody_at_view_and_track_without_a_word(grid: Portal) -> None:
    visitors = signed_in(grid)

    taken = visitors["view.example"].get(code_for(visitors))

    assert (taken.status_code, taken.location) == (303, ASKED)
    assert visitors["view.example"].get(ASKED).status_code == 200
    way = sent_to(visitors["track.example"].get("/station"), "nav.example")
    taken = visitors["track.example"].get(sent_to(visitors["nav.example"].get(way), "track.example"))
    assert visitors["track.example"].get(taken.location).status_code == 200


def test_whoever_signs_in_because_view_has_asked_comes_back_as_somebody(grid: Portal) -> None:
    visitors = browser(grid)
    way = sent_to(visitors["view.example"].get(ASKED), "nav.example")
    answer = visitors["nav.example"].send(way, {"name": "lead", "password": "right"})

    taken = visitors["view.example"].get(sent_to(answer, "view.example"))

    assert visitors["view.example"].get(taken.location).status_code == 200


def test_who_signs_out_anywhere_has_signed_out_everywhere(grid: Portal) -> None:
    visitors = signed_in(grid)
    visitors["view.example"].get(code_for(visitors))

    visitors["view.example"].send(ASKED, to="/choices/sign-out")

    assert "DELETE /ttp/tokens/t1" in grid.asked
    assert visitors["nav.example"].get("/home").status_code == 303
    way = sent_to(visitors["view.example"].get(ASKED), "nav.example")
    assert visitors["nav.example"].get(way).status_code == 200


def test_who_signs_in_anew_is_nowhere_any_more_whom_they_were_before(grid: Portal) -> None:
    visitors = signed_in(grid)
    visitors["view.example"].get(code_for(visitors))

    visitors["nav.example"].send("/sign-in", {"name": "hospital", "password": "right"})

    assert visitors["view.example"].get(ASKED).status_code == 303
    visitors["view.example"].get(code_for(visitors))
    assert "hospital" in visitors["view.example"].get(ASKED).text


def test_a_code_is_good_once(grid: Portal) -> None:
    visitors = signed_in(grid)
    code = code_for(visitors)
    visitors["view.example"].get(code)

    again = visitors["view.example"].get(code)

    assert again.status_code == 403
    assert "once, and for a moment" in again.text


def test_a_code_is_good_for_seconds(grid: Portal, tmp_path: Path) -> None:
    visitors = signed_in(grid)
    code = code_for(visitors)
    [kept] = (tmp_path / "handed_over").iterdir()
    long_ago = time.time() - SECONDS - 1
    os.utime(kept, (long_ago, long_ago))

    assert visitors["view.example"].get(code).status_code == 403
    code_for(visitors)
    assert kept not in (tmp_path / "handed_over").iterdir()


def test_a_code_is_good_for_the_browser_that_has_asked_alone(grid: Portal) -> None:
    visitors, others = signed_in(grid), browser(grid)
    others["view.example"].get(ASKED)
    code = code_for(visitors)

    assert others["view.example"].get(code).status_code == 403
    assert others["view.example"].get(ASKED).status_code == 303
    # Shown to whomever, it is gone.
    assert visitors["view.example"].get(code).status_code == 403


def test_nobody_becomes_somebody_else_by_following_a_link(grid: Portal) -> None:
    visitors, attacker = signed_in(grid, "hospital"), signed_in(grid)
    visitors["view.example"].get(code_for(visitors))

    visitors["view.example"].get(code_for(attacker))

    assert "hospital" in visitors["view.example"].get(ASKED).text
    assert "lead" not in visitors["view.example"].get(ASKED).text


@pytest.mark.parametrize(("service", "host"), [("track.example", "view.example"), ("view.example", "other.example")])
def test_a_code_is_good_for_its_service_and_name_alone(grid: Portal, service: str, host: str) -> None:
    visitors = signed_in(grid)
    visitor = visitors["view.example"]
    code = code_for(visitors)
    if service == "track.example":
        # What view's cookie says a track of the same name is told too.
        visitor = Visitor(grid.apps[Service.TRACK], {"Host": "view.example"})
        there = visitors["view.example"].client.get_cookie(COOKIE, "view.example")
        assert there is not None
        visitor.client.set_cookie(COOKIE, there.value, domain="view.example")

    assert visitor.get(code, Host=host).status_code == 403


def test_no_address_and_no_cookie_has_a_token_or_a_name_that_is_good_twice(grid: Portal, tmp_path: Path) -> None:
    visitors = signed_in(grid)
    way = sent_to(visitors["view.example"].get(ASKED), "nav.example")
    answer = visitors["nav.example"].get(way)
    taken = visitors["view.example"].get(sent_to(answer, "view.example"))

    cookie = taken.headers["Set-Cookie"]
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Strict"} <= set(cookie.split("; "))
    assert answer.headers["Cache-Control"] == taken.headers["Cache-Control"] == "no-store"
    assert TOKEN not in f"{way}{answer.headers}{taken.headers}"
    reads = SecureCookieSessionInterface().get_signing_serializer(grid.apps[Service.VIEW])
    assert reads is not None
    session = reads.loads(cookie.partition("=")[2].partition(";")[0])
    for secret in (session["asks_nav"], *session["signed_in"].values()):
        assert secret not in f"{way}{answer.location}"
    assert list((tmp_path / "handed_over").iterdir()) == []


def test_no_frame_and_no_script_is_handed_over(grid: Portal) -> None:
    visitors = signed_in(grid)
    way = sent_to(visitors["view.example"].get(ASKED), "nav.example")

    for dest in ("iframe", "empty"):
        assert visitors["nav.example"].get(way, Sec_Fetch_Dest=dest).status_code == 200
    window = visitors["view.example"].get(ASKED, Sec_Fetch_Dest="iframe")
    assert window.status_code == 401
    assert "open this page in a tab" in window.text


@pytest.mark.parametrize("challenge", ["", "x", "x" * 42 + "!", "x" * 44])
def test_what_asks_with_no_hash_is_handed_nothing(grid: Portal, tmp_path: Path, challenge: str) -> None:
    nav = signed_in(grid)["nav.example"]

    assert nav.get(f"/sign-in?service=view&next=/jobs&challenge={challenge}").status_code == 200
    assert not (tmp_path / "handed_over").exists()


def test_who_is_led_on_without_a_cookie_is_asked_once_more_from_here(grid: Portal) -> None:
    """No browser sends a strict cookie where another site leads it, and by plain http it does not say that one does."""
    visitors = signed_in(grid)
    code = code_for(visitors)

    page = grid.visitor(Service.VIEW, Host="view.example").get(code)

    assert page.status_code == 200
    found = re.search(r'content="0; url=([^"]+)"', page.text)
    assert found is not None
    here = unescape(found[1])
    assert here == f"{code}&again=1"
    assert visitors["view.example"].get(here).location == ASKED
    assert grid.visitor(Service.VIEW, Host="view.example").get(here).status_code == 403


def test_of_several_orchestrators_the_one_that_is_missed_is_signed_in_at(tmp_path: Path) -> None:
    grid = portal(tmp_path, {"heart": closed(), "lung": closed()}, places=PLACES)
    visitors = signed_in(grid)
    visitors["view.example"].get(code_for(visitors))
    visitors["view.example"].send(ASKED, {"orchestrator": "lung"}, to="/choices/orchestrator")

    way = sent_to(visitors["view.example"].get(ASKED), "nav.example")
    assert parse_qs(urlsplit(way).query)["at"] == ["lung"]
    form = visitors["nav.example"].get(way)
    assert "At the orchestrator lung." in form.text
    answer = visitors["nav.example"].send(way, {"name": "lead", "password": "right"})
    visitors["view.example"].get(sent_to(answer, "view.example"))

    assert visitors["view.example"].get(ASKED).status_code == 200


def test_services_of_one_name_share_a_cookie_and_need_no_code(tmp_path: Path) -> None:
    grid = portal(tmp_path, closed())
    way = grid.visitor().get(ASKED).location

    assert "challenge" not in way
    answer = grid.visitor(Service.NAV).send(
        way.removeprefix("http://localhost:4000"), {"name": "lead", "password": "right"}
    )
    assert answer.location == f"http://localhost:4001{ASKED}"
    assert not (tmp_path / "handed_over").exists()
