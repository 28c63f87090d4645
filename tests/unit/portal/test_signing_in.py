"""Signing in: the orchestrator's token stays at the portal, menus go by role, and signing out ends it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client

from fakes.closed_orchestrator import TOKEN, closed
from fakes.portal import Portal, portal
from synergos_portal.program import by_https
from synergos_portal.services import Place, Service
from synergos_portal.web.sign_ins import FREE_OF_NAME, SignedIn, SignIns


@pytest.fixture
def grid(tmp_path: Path) -> Portal:
    return portal(tmp_path, closed())


def signed_in(grid: Portal, name: str, path: str = "/sign-in") -> Any:
    visitor = grid.visitor(Service.NAV)
    return visitor, visitor.send(path, {"name": name, "password": "right"})


def test_whoever_has_not_signed_in_is_led_there_and_back(grid: Portal) -> None:
    led = grid.visitor().get("/collaborations?order=oldest")
    assert led.status_code == 303
    assert led.location.startswith("http://localhost:4000/sign-in?service=view&next=")

    _, answer = signed_in(grid, "lead", led.location.removeprefix("http://localhost:4000"))

    assert (answer.status_code, answer.location) == (303, "http://localhost:4001/collaborations?order=oldest")


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/jobs/live", {}),
        (f"/collaborations/c/projects/p/launch/{'0a' * 16}/live", {}),
        ("/jobs/1/nodes", {"HX_Request": "true"}),
    ],
)
def test_a_live_part_is_told_that_nobody_is_signed_in_any_more_and_led_nowhere(
    grid: Portal, path: str, headers: dict[str, str]
) -> None:
    assert grid.visitor().get(path, **headers).status_code == 401


def test_the_token_reaches_no_browser(grid: Portal) -> None:
    visitor, answer = signed_in(grid, "lead")

    seen = [
        answer.text,
        str(answer.headers),
        visitor.get("/home").text,
        str(visitor.client.get_cookie("synergos_portal")),
    ]
    assert not [each for each in seen if TOKEN in each]
    assert "Sign out" in visitor.get("/home").text


@pytest.mark.parametrize("path", ["/home", "/search?q=x&format=json", "/health"])
def test_where_somebody_is_signed_in_nothing_is_kept_by_the_browser(grid: Portal, path: str) -> None:
    visitor, answer = signed_in(grid, "lead")

    assert {each.headers["Cache-Control"] for each in (answer, visitor.get(path))} == {"no-store"}


def test_signing_out_ends_the_token_itself(grid: Portal) -> None:
    visitor, _ = signed_in(grid, "lead")

    assert visitor.send("/home", to="/choices/sign-out").status_code == 303

    assert "DELETE /ttp/tokens/t1" in grid.asked
    assert visitor.get("/home").status_code == 303


def test_a_browser_that_is_somebody_at_nav_is_so_at_view(grid: Portal) -> None:
    nav, _ = signed_in(grid, "lead")
    view = grid.visitor()
    view.client.set_cookie("synergos_portal", nav.client.get_cookie("synergos_portal").value)

    assert view.get("/collaborations").status_code == 200


def test_by_https_the_cookie_is_one_that_no_script_sets_for_a_path(tmp_path: Path) -> None:
    app = portal(tmp_path, closed(), places={service: Place(443, "fl.example", True) for service in Service}).apps
    answer = by_https(app[Service.NAV])
    cookie = Client(answer).get("/sign-in").headers["Set-Cookie"]

    assert cookie.startswith("__Host-synergos_portal=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Strict"} <= set(cookie.split("; "))
    assert "Domain" not in cookie


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"name": "lead", "password": "wrong"}, "are not right"),
        ({"name": "lead"}, "Say name and password, or a token."),
        ({"token": "näh"}, "Expected a token"),
        ({"token": "unknown"}, "are not right"),
    ],
)
def test_who_cannot_be_told_is_nobody(grid: Portal, values: dict[str, str], said: str) -> None:
    answer = grid.visitor(Service.NAV).send("/sign-in", values)

    assert answer.status_code == 422
    assert said in answer.text
    assert "wrong" not in answer.text


def test_who_is_wrong_too_often_is_turned_away_in_words_before_the_orchestrator_is_asked(grid: Portal) -> None:
    visitor = grid.visitor(Service.NAV)
    wrong = {"name": "lead", "password": "wrong"}
    assert [visitor.send("/sign-in", wrong).status_code for _ in range(FREE_OF_NAME)] == [422] * FREE_OF_NAME
    asked = grid.asked.count("POST /ttp/tokens")

    answer = visitor.send("/sign-in", {"name": "lead", "password": "right"})

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 900
    assert "try again in 16 minutes" in answer.text
    assert grid.asked.count("POST /ttp/tokens") == asked == FREE_OF_NAME


def test_signing_in_leads_to_no_other_site(grid: Portal) -> None:
    too_long = "/sign-in?service=nav&next=/" + "x" * 8192
    for way in ("/sign-in?next=//evil.example&service=nav", "/sign-in?next=/x&service=http://evil.example", too_long):
        _, answer = signed_in(grid, "lead", way)
        assert answer.location == "/home"


def test_a_participant_is_led_to_its_own_pages(grid: Portal) -> None:
    visitor, _ = signed_in(grid, "hospital")

    led = visitor.get("/view/participant/inferences/start").location

    assert led == "http://localhost:4001/participants/hospital_1/predict"


def test_of_a_file_of_whoever_is_signed_in_others_read_nothing(tmp_path: Path) -> None:
    sign_ins = SignIns(tmp_path)
    name = sign_ins.add(SignedIn(orchestrator="o", token=TOKEN, name="lead", role="orchestrator"))

    [file] = (tmp_path / "signed_in").iterdir()
    assert (file.stat().st_mode & 0o077, name in file.name) == (0, False)
    assert sign_ins.find(name) is not None
    sign_ins.remove(name)
    assert [sign_ins.find(each) for each in (name, "../x", None, 3)] == [None] * 4


def test_a_token_is_in_no_text_of_whoever_is_signed_in() -> None:
    assert TOKEN not in repr(SignedIn(orchestrator="o", token=TOKEN, name="lead", role="orchestrator"))
