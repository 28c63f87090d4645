"""A change is made when a page of the portal asks for it, once, and for nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import request
from werkzeug.test import TestResponse

from fakes.portal import Portal, answering, portal, tokens_of
from synergos_portal.services import Service
from synergos_portal.web import once

NEW = "/collaborations/new"


@pytest.fixture
def willing(tmp_path: Path) -> Portal:
    """In front of an orchestrator that declares whatever it is asked to."""
    return portal(tmp_path, answering(("POST /ttp/connect/collaborations", 201, {"data": {}})))


def declared(grid: Portal) -> int:
    return sum(asked.startswith("POST ") for asked in grid.asked)


def test_a_form_declares_what_it_says_and_leads_to_what_came_of_it(grid: Portal) -> None:
    visitor = grid.visitor()

    answer = visitor.send(NEW, {"collab_id": "heart"})

    assert (answer.status_code, answer.location) == (303, "/collaborations/heart")
    assert "heart" in visitor.get("/collaborations").text


def test_a_form_that_is_sent_twice_acts_once_and_answers_the_same(willing: Portal) -> None:
    visitor = willing.visitor()
    values = {**tokens_of(visitor.get(NEW).text), "collab_id": "heart"}

    answers = [visitor.post(NEW, values) for _ in range(2)]

    assert [(answer.status_code, answer.location) for answer in answers] == [(303, "/collaborations/heart")] * 2
    assert declared(willing) == 1


def test_what_is_still_being_made_is_not_made_again_and_leads_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(once, "PATIENCE", 0.0)
    orchestrator = answering(("POST /ttp/connect/collaborations", 201, {"data": {}}))
    grid = portal(tmp_path, orchestrator)
    first, second = grid.visitor(), grid.visitor()
    values = {"collab_id": "heart"}
    meanwhile: list[TestResponse] = []

    @orchestrator.before_request
    def send_again() -> None:
        if request.method == "POST" and not meanwhile:
            meanwhile.append(second.post(NEW, values))
            meanwhile.append(second.get(leads_to(meanwhile[0])))

    values |= tokens_of(first.get(NEW).text)
    cookie = first.client.get_cookie("synergos_portal")
    assert cookie is not None
    second.client.set_cookie("synergos_portal", cookie.value)
    assert first.post(NEW, values).location == "/collaborations/heart"

    assert [(each.status_code, each.headers["Retry-After"]) for each in meanwhile] == [(503, "3")] * 2
    assert "still being made" in meanwhile[0].text
    assert second.get(leads_to(meanwhile[1])).location == "/collaborations/heart"
    assert declared(grid) == 1


def leads_to(answer: TestResponse) -> str:
    return answer.headers["Refresh"].partition("url=")[2]


def test_where_nothing_is_being_made_that_is_said(willing: Portal) -> None:
    answer = willing.visitor().get("/choices/made/something")

    assert (answer.status_code, "Nothing is being made" in answer.text) == (404, True)


def test_of_those_who_send_the_same_one_waits() -> None:
    changes = once.OnlyOnce()
    changes.begin("a")
    change = changes.begin("a")
    assert change is not None
    change.is_awaited = True

    assert not changes.has_ended(change, patience=3600)


def test_a_change_in_hand_is_not_forgotten_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(once, "_MOST", 2)
    changes = once.OnlyOnce()
    changes.begin("in hand")
    for token in "abc":
        changes.begin(token)
        changes.end(token, "/there")

    assert changes.begin("in hand") is not None
    assert changes.find("a") is None


def test_what_is_kept_of_a_change_is_short_whatever_it_was_called(
    willing: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = once.OnlyOnce()
    monkeypatch.setattr(once, "OnlyOnce", lambda: changes)
    visitor = willing.visitor()
    values = {**tokens_of(visitor.get(NEW).text), "collab_id": "heart"}

    for name in ("a", "a", "b"):
        assert visitor.post(NEW, {**values, "once": name * 2**20}).status_code == 303

    assert len(changes._changes) == 2
    assert max(map(len, changes._changes)) <= 64
    assert declared(willing) == 2


def test_a_form_that_was_refused_may_be_sent_again(grid: Portal) -> None:
    visitor = grid.visitor()
    values = tokens_of(visitor.get(NEW).text)

    assert visitor.post(NEW, {**values, "collab_id": "a/b"}).status_code == 422
    assert visitor.post(NEW, {**values, "collab_id": "ab"}).status_code == 303


@pytest.mark.parametrize("left_out", ["csrf_token", "session"])
def test_without_token_or_session_nothing_is_changed(willing: Portal, left_out: str) -> None:
    visitor = willing.visitor()
    values = {**tokens_of(visitor.get(NEW).text), "collab_id": "heart"}
    values.pop(left_out, None)
    if left_out == "session":
        visitor = willing.visitor()

    answer = visitor.post(NEW, values)

    assert answer.status_code == 403
    assert "Nothing was changed" in answer.text
    assert declared(willing) == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "none"},
        {"Sec_Fetch_Site": ""},
        {"Sec_Fetch_Site": "", "Origin": "http://localhost:4002"},
        {"Sec_Fetch_Site": "", "Origin": "null"},
        {"Sec_Fetch_Site": "same-site", "Origin": "http://localhost"},
    ],
)
def test_what_another_origin_sends_changes_nothing_token_or_not(willing: Portal, headers: dict[str, str]) -> None:
    answer = willing.visitor().send(NEW, {"collab_id": "heart"}, **headers)

    assert answer.status_code == 403
    assert declared(willing) == 0


def test_a_browser_that_says_no_more_than_its_origin_is_believed(willing: Portal) -> None:
    """By plain http Chromium says Sec-Fetch-Site to loopback addresses only."""
    answer = willing.visitor().send(NEW, {"collab_id": "heart"}, Sec_Fetch_Site="", Origin="http://localhost")

    assert answer.status_code == 303


@pytest.mark.parametrize("service", list(Service))
def test_a_language_is_chosen_at_every_service_and_leads_back(tmp_path: Path, service: Service) -> None:
    grid = portal(tmp_path, answering())
    visitor = grid.visitor(service)
    page = "/home" if service is Service.NAV else "/nothing/here"

    answer = visitor.send(page, {"language": "de", "back": "/there?x=1"}, to="/choices/language")

    assert (answer.status_code, answer.location) == (303, "/there?x=1")
    assert '<html lang="de">' in visitor.get(page).text


@pytest.mark.parametrize("back", ["//evil.example/", "https://evil.example", "/\\evil.example", "", "/a\r\nX: y"])
def test_a_choice_leads_to_no_other_site(tmp_path: Path, back: str) -> None:
    visitor = portal(tmp_path, answering()).visitor(Service.NAV)

    answer = visitor.send("/home", {"language": "de", "back": back}, to="/choices/language")

    assert (answer.status_code, answer.location) == (303, "/")
