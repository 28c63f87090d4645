"""Whoever declares, changes, trains, reads or deletes something at an orchestrator stands in its ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from fakes.orchestration import (
    ALIGNMENTS_URL,
    CONNECT,
    EXPERIMENT_URL,
    HYPERPARAMETERS,
    PROJECT_URL,
    RUN_URL,
    C,
    CannedDispatcher,
    Client,
    E,
    P,
    R,
)
from fakes.people import PASSWORD, add_people, basic
from synergos.accounts.sign_in import SignIn
from synergos.identity.identity import Renewable
from synergos.ledger.ledger import Ledger
from synergos.ledger.place import LedgerPlace
from synergos.ledger.reading import lines_in, rows_of
from synergos.ledger.verification import verify
from synergos.records import RecordStore
from synergos.rest import create_app
from synergos.rest.request_ledger import RequestLedger


@pytest.fixture
def place(tmp_path: Path) -> LedgerPlace:
    return LedgerPlace(tmp_path, "ttp")


@pytest.fixture
def noted(store: RecordStore, dispatcher: CannedDispatcher, declared: Client, place: LedgerPlace) -> Client:
    """A client of an orchestrator that keeps a ledger, where all is declared."""
    ledger = RequestLedger(Ledger(place, Renewable(place.own / ".trust" / "ttp.json")), lambda: 0.0)
    return Client(create_app(store, dispatcher, component_id="ttp/1", ledger=ledger).test_client())


@pytest.fixture
def noted_with_accounts(store: RecordStore, dispatcher: CannedDispatcher, place: LedgerPlace) -> FlaskClient:
    """The same, where people have accounts."""
    accounts = add_people(store, "lead", "looker")
    ledger = RequestLedger(Ledger(place, Renewable(place.own / ".trust" / "ttp.json")), lambda: 0.0)
    return create_app(store, dispatcher, component_id="ttp/1", ledger=ledger, sign_in=SignIn(accounts)).test_client()


def rows(place: LedgerPlace) -> list[dict[str, Any]]:
    return rows_of(line for line in lines_in(place) if line is not None)


def test_who_does_what_to_what_is_written_down(noted: Client, place: LedgerPlace) -> None:
    noted.post(f"{CONNECT}/collaborations", {"collab_id": "another"})
    noted.put(RUN_URL, {"rounds": 3})
    noted.post(ALIGNMENTS_URL, {})
    noted.get(RUN_URL)
    noted.delete(RUN_URL)

    found = rows(place)

    collaborations = "ttp/connect/collaborations"
    runs = f"{collaborations}/projects/experiments/runs"
    assert [(row["what"], row["more"]["asked"]) for row in found] == [
        ("declared", f"POST {collaborations}"),
        ("changed", f"PUT {runs}"),
        ("asked for", "POST ttp/train/collaborations/projects/alignments"),
        ("read", f"GET {runs}"),
        ("deleted", f"DELETE {runs}"),
    ]
    assert found[0]["collaboration"] == "another"
    assert (found[2]["collaboration"], found[2]["project"]) == (C, P)
    ids = ("collaboration", "project", "experiment", "run")
    assert [[found[number][name] for name in ids] for number in (1, 3, 4)] == [[C, P, E, R]] * 3
    assert {(row.get("who"), row["address"]) for row in found} == {(None, "127.0.0.1")}
    assert verify(place).is_sound


def test_what_is_read_again_and_again_is_one_line(noted: Client, place: LedgerPlace) -> None:
    for _ in range(5):
        noted.get(PROJECT_URL)
        noted.get(RUN_URL)

    assert [row["what"] for row in rows(place)] == ["read", "read"]


def test_what_is_refused_is_told_with_its_status_and_nothing_of_the_body(noted: Client, place: LedgerPlace) -> None:
    noted.post(f"{EXPERIMENT_URL}/runs", {"run_id": "another", **HYPERPARAMETERS, "lr": "secret-7"})

    [refused] = rows(place)

    assert (refused["what"], refused["reason"]) == ("refused", "status 417")
    assert "secret-7" not in place.files()[0].read_text()


def test_health_and_documentation_are_nobodys_business(noted: Client, place: LedgerPlace) -> None:
    for url in ("/health", "/ttp/connect/swagger.json", "/ttp/connect/", "/ttp/nowhere"):
        noted.http.get(url)

    assert place.files() == []


def test_nothing_is_begun_while_what_was_done_cannot_be_written_down(noted: Client, place: LedgerPlace) -> None:
    noted.put(RUN_URL, {"rounds": 3})
    [file] = place.files()
    file.rename(place.own / "aside")
    file.mkdir()
    # What makes room is done, and nothing else from then on.
    assert noted.delete(RUN_URL)[0] == 200
    status, answer = noted.post(f"{CONNECT}/collaborations", {"collab_id": "another"})
    assert noted.get(PROJECT_URL)[0] == 200
    file.rmdir()
    (place.own / "aside").rename(file)

    assert (status, "nothing is done that is not written down" in answer["message"]) == (507, True)
    assert noted.post(f"{CONNECT}/collaborations", {"collab_id": "another"})[0] == 201
    assert [row["what"] for row in rows(place)] == ["changed", "deleted", "not written down", "declared"]


def test_whoever_has_an_account_is_named_and_who_has_signed_in_wrongly_is_not(
    noted_with_accounts: FlaskClient, place: LedgerPlace
) -> None:
    def declares(name: str, password: str = PASSWORD) -> int:
        asked = noted_with_accounts.post(
            f"{CONNECT}/collaborations",
            json={"collab_id": "another"},
            headers={"Authorization": basic(name, password)},
        )
        return asked.status_code

    assert [declares("lead"), declares("looker"), declares("lead", "a guess")] == [201, 403, 401]

    told = [(row["what"], row.get("who"), row.get("reason")) for row in rows(place)]
    assert told == [("declared", "lead", None), ("refused", "looker", "status 403"), ("refused", None, "status 401")]
    assert "a guess" not in place.files()[0].read_text()
