"""Nobody makes itself a member of another's project: whom the collaboration belongs to invites participants, or takes in who asks."""

from __future__ import annotations

import pytest

from fakes.orchestration import (
    COLLABORATION_URL,
    CONNECT,
    MODELS_URL,
    PROJECT,
    PROJECT_URL,
    C,
    Client,
    E,
    P,
    R,
    registration,
    registration_url,
    tags,
)
from fakes.people import As
from synergos.domain.records import Kind
from synergos.orchestration.invitations import MOST_ASKED
from synergos.records import RecordStore
from synergos.records.owners import Owners

NINE = registration("172.18.0.9")


def invitation_url(who: str) -> str:
    return f"{PROJECT_URL}/participants/{who}/invitation"


@pytest.fixture
def outsider(owned: As) -> Client:
    """The account of a participant that has declared its profile, and nothing else."""
    client = owned("outsider")
    client.data("POST", f"{CONNECT}/participants", {"id": "worker_9"})
    return client


def states(client: Client) -> dict[str, str]:
    found = client.data("GET", f"{PROJECT_URL}/invitations")
    return {each["key"]["participant_id"]: each["state"] for each in found}


def test_a_participant_does_not_make_itself_a_member(finished: Client, outsider: Client, store: RecordStore) -> None:
    before = store.find(Kind.ALIGNMENT)

    for verb in ("POST", "PUT"):
        status, answer = outsider.ask(verb, registration_url("worker_9"), NINE)
        assert status == 403
        assert "is not invited to project" in answer["message"]
        assert f"synergos invitation create {C}/{P}/worker_9" in answer["message"]
    assert outsider.post(f"{registration_url('worker_9')}/tags", tags("data9"))[0] == 404

    assert store.find(Kind.ALIGNMENT) == before
    assert not store.find(Kind.REGISTRATION, {**PROJECT, "participant_id": "worker_9"})
    assert outsider.http.get(f"{MODELS_URL}/{E}/{R}/artifacts/global_model.pt").status_code == 403


def test_who_asks_is_no_member_until_it_is_invited(finished: Client, outsider: Client, owned: As) -> None:
    assert outsider.data("POST", invitation_url("worker_9"), {})["state"] == "asked"
    assert outsider.post(registration_url("worker_9"), NINE)[0] == 403
    assert states(owned("lead")) == {"worker_9": "asked"}

    assert owned("lead").data("POST", invitation_url("worker_9"), {})["state"] == "invited"

    assert outsider.post(registration_url("worker_9"), NINE)[0] == 201
    assert outsider.post(f"{registration_url('worker_9')}/tags", tags("data9"))[0] == 201
    # Asking once more takes nothing from what it was given.
    assert outsider.data("POST", invitation_url("worker_9"), {})["state"] == "invited"


def test_only_whom_the_collaboration_belongs_to_invites(finished: Client, outsider: Client, owned: As) -> None:
    for name in ("rival", "first", "looker"):
        assert owned(name).post(invitation_url("worker_9"), {})[0] == 403, name
    status, answer = outsider.post(invitation_url("worker_9"), {"state": "invited"})

    assert (status, answer["field"]) == (417, "state")
    assert states(owned("lead")) == {}


def test_whoever_orchestrates_elsewhere_sends_no_participants_of_its_own(
    finished: Client, owned: As, store: RecordStore
) -> None:
    rival = owned("rival")
    rival.data("POST", f"{CONNECT}/participants", {"id": "worker_3"})

    for verb, url in (("POST", registration_url("worker_3")), ("POST", invitation_url("worker_3"))):
        assert rival.ask(verb, url, registration("172.18.0.7") if "registration" in url else {})[0] == 403

    assert not store.find(Kind.REGISTRATION, {**PROJECT, "participant_id": "worker_3"})
    assert states(owned("lead")) == {}


def test_an_invitation_is_to_one_project(finished: Client, outsider: Client, owned: As) -> None:
    lead = owned("lead")
    lead.data("POST", f"{COLLABORATION_URL}/projects", {"project_id": "other", "action": "regress", "incentives": {}})
    lead.data("POST", f"{COLLABORATION_URL}/projects/other/participants/worker_9/invitation", {})

    assert outsider.post(registration_url("worker_9"), NINE)[0] == 403


def test_who_is_registered_already_changes_its_registration_and_may_come_back(finished: Client, owned: As) -> None:
    first = owned("first")

    assert first.put(registration_url("worker_1"), registration("172.18.0.9"))[0] == 200
    assert first.delete(registration_url("worker_1"))[0] == 200

    assert first.post(registration_url("worker_1"), registration("172.18.0.3"))[0] == 201
    status, answer = first.post(invitation_url("worker_1"), {})
    assert status == 201
    assert answer["data"]["state"] == "invited"


def test_whose_registration_was_deleted_by_the_owner_is_invited_no_more(
    finished: Client, outsider: Client, owned: As
) -> None:
    lead = owned("lead")
    lead.data("POST", invitation_url("worker_9"), {})
    outsider.data("POST", registration_url("worker_9"), NINE)

    for who, client in (("worker_9", outsider), ("worker_1", owned("first"))):
        assert lead.delete(registration_url(who))[0] == 200
        assert client.post(registration_url(who), NINE)[0] == 403


def test_an_invitation_is_taken_back_and_declined(finished: Client, outsider: Client, owned: As) -> None:
    lead = owned("lead")
    lead.data("POST", invitation_url("worker_9"), {})
    assert owned("first").delete(invitation_url("worker_9"))[0] == 403
    assert lead.delete(invitation_url("worker_9"))[0] == 200
    assert outsider.post(registration_url("worker_9"), NINE)[0] == 403

    outsider.data("POST", invitation_url("worker_9"), {})
    assert outsider.delete(invitation_url("worker_9"))[0] == 200
    assert states(lead) == {}


def test_what_a_registration_makes_use_of_is_taken_back_with_it(
    finished: Client, owned: As, store: RecordStore
) -> None:
    owned("lead").data("POST", invitation_url("worker_1"), {})

    for name in ("lead", "first"):
        status, answer = owned(name).delete(invitation_url("worker_1"))
        assert status == 409
        assert "delete its registration" in answer["message"]

    assert store.find(Kind.ALIGNMENT)


def test_an_invitation_is_given_and_taken_back_as_it_was_read(finished: Client, outsider: Client, owned: As) -> None:
    lead, url = owned("lead").http, invitation_url("worker_9")
    asked = {"If-Match": f'"{outsider.post(url, {})[1]["revision"]}"'}
    assert lead.post(url, json={}, headers={"If-None-Match": "*"}).status_code == 412

    assert lead.post(url, json={}, headers=asked).status_code == 201
    refused = lead.delete(url, headers=asked)
    assert (refused.status_code, refused.get_json()["changed"]) == (412, {"state": "invited"})
    assert lead.delete(url, headers={"If-Match": refused.headers["ETag"]}).status_code == 200
    assert lead.post(url, json={}, headers=asked).status_code == 412
    assert states(owned("lead")) == {}


def test_who_is_registered_asks_for_nothing(finished: Client, owned: As) -> None:
    status, answer = owned("first").post(invitation_url("worker_1"), {})

    assert status == 409
    assert "is registered for project" in answer["message"]


def test_what_was_asked_for_is_bounded(finished: Client, outsider: Client, owned: As, store: RecordStore) -> None:
    for number in range(MOST_ASKED):
        store.put(Kind.INVITATION, {**PROJECT, "participant_id": f"p{number}"}, {"state": "asked"})

    status, answer = outsider.post(invitation_url("worker_9"), {})

    assert status == 429
    assert "may invite you unasked" in answer["message"]
    assert owned("lead").delete(invitation_url("p0"))[0] == 200
    for _ in range(2):
        assert outsider.post(invitation_url("worker_9"), {})[0] == 201


@pytest.mark.parametrize("url", [PROJECT_URL, f"{CONNECT}/participants/worker_9"], ids=["project", "participant"])
def test_an_invitation_goes_with_what_it_is_about(
    finished: Client, outsider: Client, owned: As, url: str, store: RecordStore
) -> None:
    owned("lead").data("POST", invitation_url("worker_9"), {})

    (owned("lead") if url == PROJECT_URL else outsider).data("DELETE", url)

    assert store.find(Kind.INVITATION) == []


def test_nobody_is_invited_who_is_not_there(declared: Client, owned: As) -> None:
    assert owned("lead").post(invitation_url("worker_8"), {})[0] == 404


def test_an_invitation_of_before_accounts_counts_as_soon_as_there_are(
    declared: Client, as_: As, store: RecordStore
) -> None:
    declared.data("POST", f"{CONNECT}/participants", {"id": "worker_9"})
    answer = declared.post(invitation_url("worker_9"), {})[1]
    Owners(store).give(Kind.PARTICIPANT, "worker_9", "outsider")

    assert "there are no accounts here" in answer["warnings"][0]
    assert as_("outsider").post(registration_url("worker_9"), NINE)[0] == 201


def test_without_accounts_whoever_asks_registers(declared: Client, store: RecordStore) -> None:
    declared.data("POST", f"{CONNECT}/participants", {"id": "worker_9"})

    assert declared.post(registration_url("worker_9"), NINE)[0] == 201
    assert store.find(Kind.INVITATION) == []
