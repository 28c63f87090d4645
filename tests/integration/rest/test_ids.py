"""Ids of what is declared: which there can be, and that they stay."""

from __future__ import annotations

import pytest

from fakes.orchestration import (
    COLLABORATION_URL,
    CONNECT,
    EXPERIMENT_URL,
    LAYERS,
    PROJECT_URL,
    RUN_URL,
    C,
    Client,
    E,
    P,
    R,
)
from synergos.domain.records import Kind
from synergos.records import RecordStore


def test_an_id_in_the_url_that_cannot_be_one_is_refused(client: Client) -> None:
    status, answer = client.get(f"{CONNECT}/collaborations/a%00b")

    assert (status, answer["field"]) == (417, "collab_id")


@pytest.mark.parametrize(
    ("url", "body", "field"),
    [
        (f"{CONNECT}/participants/worker_1", {"id": "worker_9", "phone": "1"}, "id"),
        (f"{CONNECT}/participants/worker_1", {"participant_id": "worker_9"}, "participant_id"),
        (RUN_URL, {"run_id": "other"}, "run_id"),
        (PROJECT_URL, {"collab_id": "other"}, "collab_id"),
    ],
)
def test_an_id_cannot_be_changed(declared: Client, url: str, body: dict[str, str], field: str) -> None:
    status, answer = declared.put(url, body)

    assert (status, answer["field"]) == (417, field)
    assert "as the URL has it" in answer["message"]


@pytest.mark.parametrize(
    ("url", "field", "there"),
    [
        (f"{CONNECT}/collaborations", "collab_id", C),
        (f"{COLLABORATION_URL}/projects", "project_id", P),
        (f"{PROJECT_URL}/experiments", "expt_id", E),
        (f"{EXPERIMENT_URL}/runs", "run_id", R),
        (f"{CONNECT}/participants", "id", "worker_1"),
    ],
)
def test_a_new_id_is_one_that_every_file_system_holds_and_keeps_apart(
    declared: Client, url: str, field: str, there: str
) -> None:
    body = declared.data("GET", f"{url}/{there}")
    for wrong, told in (
        ("漢" * 128, "at most 200 bytes in UTF-8, got 384"),
        ("aux.txt", "the name of a device"),
        (there.upper(), f"cannot be told from {there!r}"),
    ):
        status, answer = declared.ask("POST", url, {**body, field: wrong})

        assert (status, answer["field"]) == (417, field)
        assert told in answer["message"]
    assert declared.ask("POST", url, {**body, field: there})[0] == 201


def test_what_has_an_id_of_before_is_read_changed_declared_again_and_deleted(
    declared: Client, store: RecordStore
) -> None:
    for old in ("CON", R.upper(), "漢" * 128):
        store.put(Kind.RUN, {"collab_id": C, "project_id": P, "expt_id": E, "run_id": old}, {"rounds": 1})
        url = f"{EXPERIMENT_URL}/runs/{old}"

        assert declared.data("GET", url)["key"]["run_id"] == old
        assert declared.data("PUT", url, {"rounds": 2})["rounds"] == 2
        assert declared.data("POST", f"{EXPERIMENT_URL}/runs", {"run_id": old, "rounds": 3})["rounds"] == 3
        declared.data("DELETE", url)


def test_an_id_is_held_to_those_beside_it_alone(declared: Client) -> None:
    declared.data("POST", f"{PROJECT_URL}/experiments", {"expt_id": "another", "model": LAYERS})

    assert (
        declared.data("POST", f"{PROJECT_URL}/experiments/another/runs", {"run_id": R.upper()})["key"]["run_id"]
        == R.upper()
    )
