"""Invitations: whom a collaboration belongs to invites, a participant sees it on its own page and registers from there."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from fakes.orchestration import C, P
from fakes.portal import Portal, Visitor, tokens_of
from synergos.domain.records import Kind
from synergos.records import RecordStore
from synergos_portal.web import forms

PROJECT = f"/collaborations/{C}/projects/{P}"
NINE = {"collab_id": C, "project_id": P, "participant_id": "worker_9"}
ASK = f"/participants/worker_9/invitations/{C}/{P}"
TAKE_BACK = f"{PROJECT}/invitations/worker_9/delete"
SignedIn = Callable[[str], Visitor]


def words(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", page))


def hidden(page: str) -> dict[str, str]:
    """What the form of a page is sent with by itself."""
    return {**tokens_of(page), "revision": page.partition('name="revision" type="hidden" value="')[2].partition('"')[0]}


@pytest.fixture
def outsider(store: RecordStore, signed_in: SignedIn) -> Visitor:
    """The account of a participant that has declared its profile, and nothing else."""
    visitor = signed_in("outsider")
    assert visitor.send("/participants/new", {"id": "worker_9"}).status_code == 303
    return visitor


def states(store: RecordStore) -> list[str]:
    return [each["state"] for each in store.find(Kind.INVITATION, NINE)]


def test_who_is_invited_registers_from_its_own_page(store: RecordStore, signed_in: SignedIn, outsider: Visitor) -> None:
    lead = signed_in("lead")
    assert "Nobody is invited" in lead.get(PROJECT).text

    led = lead.send(f"{PROJECT}/invitations/new", {"participant_id": "worker_9"})
    assert (led.status_code, led.location, states(store)) == (303, f"{PROJECT}#invitations", ["invited"])
    for page in (PROJECT, f"/collaborations/{C}"):
        assert "worker_9" in lead.get(page).text
        assert "invited, not registered yet" in lead.get(page).text

    own = outsider.get("/participants/worker_9").text
    register = f"/participants/worker_9/registrations/{C}/{P}/nodes"
    assert f'href="{register}"' in own
    node = {"role": "guest", "count": "1", "node_0_host": "172.18.0.9", "node_0_f_port": "5000", "node_0_port": "8020"}
    assert outsider.send(register, node).status_code == 303
    assert "✓ registered" in words(lead.get(PROJECT).text)


def test_who_is_not_invited_is_led_to_asking_for_it_and_who_asks_is_seen(
    store: RecordStore, signed_in: SignedIn, outsider: Visitor
) -> None:
    led = outsider.send("/participants/worker_9/register", {"project": f"{C}/{P}"})
    assert led.location == ASK
    assert outsider.send(ASK).location == "/participants/worker_9#invitations"
    assert states(store) == ["asked"]

    page = signed_in("lead").get(PROJECT).text
    assert "has asked to be invited" in page
    assert f'href="{PROJECT}/invitations/new?participant=worker_9"' in page


def test_an_invitation_is_taken_back_after_a_page_that_says_so(
    store: RecordStore, signed_in: SignedIn, outsider: Visitor
) -> None:
    lead = signed_in("lead")
    lead.send(f"{PROJECT}/invitations/new", {"participant_id": "worker_9"})

    assert f"worker_9 may register for project {P} no more." in words(lead.get(TAKE_BACK).text)
    assert states(store) == ["invited"]
    assert lead.send(TAKE_BACK).location == f"{PROJECT}#invitations"
    assert states(store) == []


def test_who_answers_a_request_is_told_that_it_stands_no_more(
    store: RecordStore, signed_in: SignedIn, outsider: Visitor
) -> None:
    lead, answer = signed_in("lead"), f"{PROJECT}/invitations/new?participant=worker_9"
    outsider.send(ASK)
    shown = {**hidden(lead.get(answer).text), "participant_id": "worker_9"}
    outsider.send(TAKE_BACK)

    refused = lead.post(answer, shown)
    assert (refused.status_code, states(store)) == (422, [])
    again = {**hidden(refused.text), "participant_id": "worker_9"}
    assert lead.post(answer, again).status_code == 303
    assert states(store) == ["invited"]


def test_who_declines_a_request_is_told_that_it_was_answered_meanwhile(
    store: RecordStore, signed_in: SignedIn, outsider: Visitor
) -> None:
    lead = signed_in("lead")
    outsider.send(ASK)
    shown = hidden(lead.get(TAKE_BACK).text)
    lead.send(f"{PROJECT}/invitations/new", {"participant_id": "worker_9"})

    refused = lead.post(TAKE_BACK, shown)
    assert (refused.status_code, states(store)) == (422, ["invited"])
    assert "worker_9 may register for project" in words(refused.text)
    assert "What is saved there now" in words(refused.text)
    assert "Saving again" not in refused.text
    assert lead.post(TAKE_BACK, hidden(refused.text)).status_code == 303
    assert states(store) == []


@pytest.mark.parametrize("is_given", [True, False])
def test_a_participant_declines_or_asks_no_more(
    store: RecordStore, signed_in: SignedIn, outsider: Visitor, is_given: bool
) -> None:
    if is_given:
        signed_in("lead").send(f"{PROJECT}/invitations/new", {"participant_id": "worker_9"})
    else:
        outsider.send(ASK)

    assert ("Decline" if is_given else "Ask no more") in outsider.get("/participants/worker_9").text
    assert outsider.send(TAKE_BACK).location == "/participants/worker_9#invitations"
    assert states(store) == []


def test_who_takes_part_is_not_invited_again_nor_let_go_by_taking_that_back(
    store: RecordStore, signed_in: SignedIn
) -> None:
    lead = signed_in("lead")
    lead.send(f"{PROJECT}/invitations/new", {"participant_id": "worker_1"})

    assert f"{PROJECT}/invitations/worker_1/delete" not in lead.get(PROJECT).text
    refused = lead.send(f"{PROJECT}/invitations/worker_1/delete")
    assert (refused.status_code, "is registered" in refused.text) == (422, True)


def test_of_many_invitations_the_newest_are_shown_and_lead_to_all(store: RecordStore, signed_in: SignedIn) -> None:
    for number in range(51):
        store.put(Kind.INVITATION, {**NINE, "participant_id": f"hospital_{number}"}, {"state": "invited"})
    store.put(Kind.INVITATION, {**NINE, "participant_id": "worker_1"}, {"state": "invited"})
    lead = signed_in("lead")

    for address in (PROJECT, f"/collaborations/{C}"):
        page = lead.get(address).text
        assert ("hospital_2<" in page, "hospital_1<" in page) == (True, False)
        assert ("Only the newest 50 are shown" in page, f'href="{address}/invitations"' in page) == (True, True)
        first = lead.get(f"{address}/invitations").text
        [following] = re.findall(r'rel="next" href="([^"]*)"', first)
        rest = lead.get(following.replace("&amp;", "&")).text
        assert [who in first for who in ("✓", "hospital_2<", "hospital_1<")] == [True, True, False]
        assert [who in rest for who in ("hospital_2<", "hospital_1<", "hospital_0<")] == [False, True, True]
        assert len(lead.get(f"{address}/invitations?format=csv").text.splitlines()) == 1 + 52
        assert "hospital_7<" in lead.get(f"{address}/invitations?participant_id=hospital_7").text
        assert "No invitation is like that" in lead.get(f"{address}/invitations?participant_id=nobody").text


def test_a_participant_has_a_list_of_its_own_invitations(
    store: RecordStore, signed_in: SignedIn, outsider: Visitor
) -> None:
    store.put(Kind.INVITATION, NINE, {"state": "invited"})
    for number in range(51):
        store.put(Kind.INVITATION, {**NINE, "project_id": f"project_{number}"}, {"state": "invited"})

    assert 'href="/participants/worker_9/invitations"' in outsider.get("/participants/worker_9").text
    assert len(outsider.get("/participants/worker_9/invitations?format=json").json or []) == 52
    # It is among those that are not shown, and need not be asked for.
    led = outsider.send("/participants/worker_9/register", {"project": f"{C}/{P}"})
    assert led.location == f"/participants/worker_9/registrations/{C}/{P}/nodes"


def test_of_many_participants_the_one_to_invite_is_found_by_a_part_of_its_name(
    store: RecordStore, signed_in: SignedIn, outsider: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead, new = signed_in("lead"), f"{PROJECT}/invitations/new"
    assert "containing" not in lead.get(new).text
    monkeypatch.setattr(forms, "MOST_CHOICES", 1)

    page = lead.get(new).text
    assert [f'value="{who}"' in page for who in ("worker_1", "worker_9")] == [True, False]
    assert re.search(r"the first 1 of \d+ are below", page)
    page = lead.get(f"{new}?containing=R_9").text
    assert [f'value="{who}"' in page for who in ("worker_1", "worker_9")] == [False, True]
    assert "1 is below" in page
    nobody = lead.get(f"{new}?containing=nobody").text
    assert ("0 are below" in nobody, "<select" in nobody) == (True, False)
    # One that is not shown may be sent as well: the list may have grown meanwhile.
    assert lead.send(new, {"participant_id": "worker_9"}).status_code == 303
    assert states(store) == ["invited"]


@pytest.mark.parametrize("name", ["second", "looker", "rival"])
def test_nobody_else_sees_or_changes_an_invitation(
    store: RecordStore, signed_in: SignedIn, outsider: Visitor, name: str
) -> None:
    signed_in("lead").send(f"{PROJECT}/invitations/new", {"participant_id": "worker_9"})
    other = signed_in(name)

    assert "worker_9" not in other.get(PROJECT).text
    assert "worker_9" not in other.get(f"{PROJECT}/invitations").text
    assert other.get(TAKE_BACK).status_code in (403, 404)
    assert states(store) == ["invited"]


def test_where_there_are_no_accounts_nobody_is_invited(store: RecordStore, grid: Portal) -> None:
    store.put(Kind.COLLABORATION, {"collab_id": C}, {})
    store.put(Kind.PROJECT, {"collab_id": C, "project_id": P}, {"action": "classify"})
    visitor = grid.visitor()

    assert "nvitation" not in visitor.get(PROJECT).text
    assert [visitor.get(page).status_code for page in (f"{PROJECT}/invitations/new", ASK)] == [404, 404]


@pytest.mark.parametrize("page", [f"{PROJECT}/invitations/new", TAKE_BACK, ASK])
def test_who_has_not_signed_in_yet_is_led_there_and_back(closed: Portal, page: str) -> None:
    led = closed.visitor().get(page)

    assert (led.status_code, parse_qs(urlsplit(led.location).query)["next"]) == (303, [page])
