"""Declaring, changing and deleting."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.orchestration import (
    COLLABORATION_URL,
    CONNECT,
    EXPERIMENT_URL,
    LAYERS,
    MODELS_URL,
    PROJECT,
    PROJECT_URL,
    RUN_URL,
    TAGS_URL,
    Client,
    E,
    P,
    R,
    registration,
    registration_url,
    tags,
)
from synergos.domain.records import Kind
from synergos.records import RecordStore

SINGLES = [COLLABORATION_URL, PROJECT_URL, EXPERIMENT_URL, RUN_URL, f"{CONNECT}/participants/worker_1"]


def test_a_run_that_is_declared_again_forgets_what_was_left_out(declared: Client) -> None:
    again = declared.data("POST", f"{EXPERIMENT_URL}/runs", {"run_id": R, "rounds": 5})

    assert again["doc_id"] == "1"
    assert again["rounds"] == 5
    assert "lr" not in again


def test_a_change_keeps_what_was_left_out_and_ignores_what_is_ours_to_say(declared: Client) -> None:
    changed = declared.data("PUT", RUN_URL, {"rounds": 7, "run_id": R, "key": {}, "doc_id": 9, "kind": "X"})

    assert changed["rounds"] == 7
    assert changed["lr"] == 0.001
    assert (changed["doc_id"], changed["kind"], changed["key"]["run_id"]) == ("1", "Run", R)


def test_an_id_that_somebody_else_took_before_is_told(declared: Client) -> None:
    url, project = f"{COLLABORATION_URL}/projects", {"project_id": "risk", "action": "regress", "incentives": {}}

    first, same = (declared.post(url, project)[1] for _ in range(2))
    other = declared.post(url, {**project, "action": "classify"})[1]

    assert "warnings" not in first
    assert "warnings" not in same
    assert other["warnings"] == ["'risk' was declared before and has been replaced; what differs: action"]


@pytest.mark.parametrize("url", [*SINGLES, registration_url("worker_1"), TAGS_URL])
@pytest.mark.parametrize("verb", ["GET", "PUT", "DELETE"])
def test_what_is_not_there_is_not_found(client: Client, verb: str, url: str) -> None:
    status, answer = client.ask(verb, url, {} if verb == "PUT" else None)

    assert status == 404
    assert answer["success"] == 0
    assert "data" not in answer


@pytest.mark.parametrize(
    ("missing", "url", "body"),
    [
        (COLLABORATION_URL, f"{COLLABORATION_URL}/projects", {"project_id": "p", "incentives": {}}),
        (PROJECT_URL, f"{PROJECT_URL}/experiments", {"expt_id": "e", "model": LAYERS}),
        (EXPERIMENT_URL, f"{EXPERIMENT_URL}/runs", {"run_id": "r"}),
        (f"{CONNECT}/participants/worker_1", registration_url("worker_1"), registration("h")),
        (registration_url("worker_1"), TAGS_URL, tags("data1")),
    ],
)
def test_nothing_is_declared_below_what_is_not_there(declared: Client, missing: str, url: str, body: Any) -> None:
    kind = declared.data("DELETE", missing)["kind"]

    status, answer = declared.post(url, body)

    assert status == 404
    assert f"no {kind} with" in answer["message"]
    assert declared.get(registration_url("worker_1"))[0] in {200, 404}, "a half-written registration breaks its readers"


@pytest.mark.parametrize("url", [f"{CONNECT}/participants", f"{CONNECT}/collaborations/nowhere/projects"])
def test_a_list_of_nothing_is_an_empty_list(client: Client, url: str) -> None:
    assert client.data("GET", url) == []


def test_equal_ids_in_two_collaborations_are_two_things(finished: Client) -> None:
    other = f"{CONNECT}/collaborations/other"
    finished.data("POST", f"{CONNECT}/collaborations", {"collab_id": "other"})
    finished.data("POST", f"{other}/projects", {"project_id": P, "incentives": {}})
    finished.data("POST", f"{other}/projects/{P}/experiments", {"expt_id": E, "model": LAYERS})
    finished.data("POST", f"{other}/projects/{P}/experiments/{E}/runs", {"run_id": R})

    shown = finished.data("DELETE", f"{other}/projects/{P}")

    assert shown["relations"]["Model"] == []
    assert len(shown["relations"]["Run"]) == 1
    assert len(finished.data("GET", MODELS_URL)) == 1
    assert finished.get(f"{other}/projects/{P}/experiments/{E}")[0] == 404


def test_deleting_a_collaboration_leaves_nothing_but_the_participants(finished: Client, store: RecordStore) -> None:
    finished.data("DELETE", COLLABORATION_URL)

    left = {kind.value for kind in Kind if store.find(kind)}
    assert left == {"Participant"}


def test_an_experiment_that_names_no_family_is_stored_without_one(declared: Client, store: RecordStore) -> None:
    [stored] = store.find(Kind.EXPERIMENT, PROJECT)

    assert set(stored) == {"key", "kind", "doc_id", "created_at", "model"}


def test_an_experiment_may_name_its_family(declared: Client) -> None:
    declared.data("POST", f"{PROJECT_URL}/experiments", {"expt_id": E, "model": LAYERS, "family": "layers"})

    assert declared.data("GET", EXPERIMENT_URL)["family"] == "layers"
