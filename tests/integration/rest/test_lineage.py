"""``/ttp/lineage``: what a model was made of, as it was trained, and what of that has changed since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import RowMapping

from fakes.orchestration import (
    ALIGNMENTS_URL,
    MODELS_URL,
    PROJECT,
    RUN,
    RUN_URL,
    C,
    Client,
    E,
    P,
    R,
    registration_url,
    tags,
)
from synergos.domain.damage import Damaged
from synergos.domain.grid import nodes_of
from synergos.domain.job import Job, JobState, Stage
from synergos.domain.keys import RegistrationKey, RunKey
from synergos.domain.records import Kind
from synergos.records import RecordStore
from synergos.records import job_store as record_store
from synergos.records.catalogues import Catalogues
from synergos.records.jobs import read_job

URL = f"/ttp/lineage/{C}/{P}/{E}/{R}"
FOLDER = "dataset:worker_1:data1/train"


def lineage(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = client.data("GET", URL)
    return found


def changes(client: Client) -> dict[str, str]:
    return {each["node"]: each["text"] for each in lineage(client)["changes"]}


def nodes(client: Client) -> Mapping[str, Any]:
    return {node["id"]: node for node in lineage(client)["nodes"]}


@pytest.fixture
def tag(finished: Client, store: RecordStore) -> list[str]:
    """Of worker_1, as the model was trained with it."""
    tag: list[str] = store.get(Kind.TAG, {**PROJECT, "participant_id": "worker_1"})["train"][0]
    datasets = {"worker_1": {"train": [{"tag": tag, "fingerprint": "k.1"}]}}
    store.merge(Kind.MODEL, RUN, {"datasets": datasets})
    return tag


def look(store: RecordStore, tag: list[str], fingerprint: str | None) -> None:
    """The worker was asked just now, and said this of its dataset."""
    key = RegistrationKey.of({**PROJECT, "participant_id": "worker_1"})
    nonce = nodes_of(store.get(Kind.REGISTRATION, key))[0].nonce or ""
    kept, now = Catalogues(store), store.database.now()
    kept.want({(key, 0): nonce}, now)
    told = [{"purpose": "train", "tag": tag, "fingerprint": fingerprint}]
    kept.found((key, 0), nonce, now, {"extent": "off", "folders": [], "fingerprints": told})


def test_a_model_is_followed_from_its_data_to_what_was_made_with_it(finished: Client, tag: list[str]) -> None:
    found = lineage(finished)
    by_kind = [node["kind"] for node in found["nodes"]]
    edges = {(edge["from"], edge["to"]) for edge in found["edges"]}
    dataset = f"dataset:worker_1:{'/'.join(tag)}"

    assert found["state"] == "current"
    assert by_kind[:6] == ["dataset", "alignment", "network", "run", "job", "model"]
    assert {"validation", "prediction"} <= set(by_kind)
    assert {
        (dataset, "alignment"), ("alignment", "network"), ("network", "run"), ("run", "job"), ("job", "model"),
        ("model", "validation:worker_1"),
    } <= edges  # fmt: skip
    about = nodes(finished)
    assert about["run"]["about"]["hyperparameters"]["rounds"] == 2
    assert about["job"]["about"]["state"] == "completed"
    assert about[dataset]["about"]["rows"] == {"train": 3}
    assert about["validation:worker_1"]["participant_id"] == "worker_1"


def test_a_result_names_the_newest_job_that_was_done_and_no_other_is_read(
    finished: Client, store: RecordStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [Job(Stage.VALIDATE, RunKey.of(RUN)) for _ in range(4)]
    store.add_jobs(jobs)
    for job in jobs:
        store.save_job(job.started().ended(JobState.FAILED if job is jobs[-1] else JobState.COMPLETED))
    read: list[str] = []

    def counted(row: RowMapping) -> Job | Damaged:
        read.append(row["stage"])
        return read_job(row)

    monkeypatch.setattr(record_store, "read_job", counted)
    told = nodes(finished)

    validated = [node for name, node in told.items() if name.startswith("validation:")]
    assert [node["about"]["job"] for node in validated] == [jobs[2].id] * len(validated)
    assert len(validated) > 1
    assert read.count("validate") == 1


def test_a_run_that_was_changed_says_what_it_was_and_that_the_model_is_hidden(finished: Client) -> None:
    finished.put(RUN_URL, {"rounds": 9})

    found = changes(finished)

    assert found["run"] == "rounds was 2 and is 9 now"
    assert "is hidden until the run is trained again" in found["model"]
    assert nodes(finished)["run"]["about"]["hyperparameters"]["rounds"] == 2
    assert lineage(finished)["state"] == "changed"
    finished.put(RUN_URL, {"rounds": 2})
    assert changes(finished) == {}


def test_a_training_before_the_newest_is_followed_as_it_was(finished: Client, store: RecordStore) -> None:
    store.merge(Kind.MODEL, RUN, {"agreement": {"version": 1, "columns": ["age"]}})
    finished.put(RUN_URL, {"rounds": 9})
    finished.data("POST", f"{MODELS_URL}/{E}/{R}", {})

    first, second = (finished.data("GET", f"{URL}?version={each}") for each in (1, 2))

    about = {node["id"]: node["about"] for node in first["nodes"]}
    assert (about["model"]["version"], about["run"]["hyperparameters"]["rounds"]) == (1, 2)
    assert about["alignment"]["version"] == 1
    assert not [name for name in about if name.startswith(("validation", "prediction"))]
    texts = {each["node"]: each["text"] for each in first["changes"]}
    assert texts["run"] == "rounds was 2 and is 9 now"
    assert texts["model"] == "the run was trained again since: training 2 is the newest"
    assert second == lineage(finished)


@pytest.mark.parametrize(("version", "status"), [("3", 404), ("0", 417), ("x", 417), ("", 417)])
def test_a_training_that_is_not_there_is_not_there(finished: Client, version: str, status: int) -> None:
    code, answer = finished.get(f"{URL}?version={version}")

    assert code == status
    assert "version" in answer["message"]


def test_layers_that_were_changed_are_named(finished: Client, store: RecordStore) -> None:
    layers = store.get(Kind.EXPERIMENT, RUN)["model"]
    wider = {**layers[0], "structure": {**layers[0]["structure"], "bias": False}}
    store.merge(Kind.EXPERIMENT, RUN, {"model": [wider, *layers[1:], wider]})

    texts = [each["text"] for each in lineage(finished)["changes"] if each["node"] == "network"]
    assert texts == ["it had 1 layers and has 2 now", "layer 1 has changed since the model was trained"]


def test_an_agreement_that_was_made_again_or_withdrawn_is_said(finished: Client, store: RecordStore) -> None:
    store.merge(Kind.MODEL, RUN, {"agreement": {"version": 1}})
    finished.data("POST", ALIGNMENTS_URL, {})
    assert "was aligned again since: agreement 2" in changes(finished)["alignment"]

    finished.put(f"{registration_url('worker_1')}/tags", tags("other"))

    [withdrawn] = [each["text"] for each in lineage(finished)["changes"] if "withdrawn" in each["text"]]
    assert withdrawn.startswith("it was withdrawn because")


@pytest.mark.parametrize(
    ("fingerprint", "compared", "said"),
    [
        ("k.1", "same", []),
        ("k.2", "changed", ["has changed since the model was trained"]),
        (None, "changed", ["cannot be read any more"]),
        ("another.2", "unknown", []),
    ],
)
def test_a_dataset_is_compared_by_its_fingerprint(
    finished: Client, store: RecordStore, tag: list[str], fingerprint: str | None, compared: str, said: list[str]
) -> None:
    look(store, tag, fingerprint)

    node = nodes(finished)[f"dataset:worker_1:{'/'.join(tag)}"]

    assert (node["about"]["compared"], node["changes"]) == (compared, said)
    assert (node["about"]["fingerprint"], node["about"]["fingerprint_now"]) == ("k.1", fingerprint)


def test_a_dataset_that_is_used_no_more_is_said_to_be_so(finished: Client, tag: list[str]) -> None:
    finished.put(f"{registration_url('worker_1')}/tags", {"train": [["elsewhere"]]})

    node = nodes(finished)[f"dataset:worker_1:{'/'.join(tag)}"]

    assert node["changes"] == ["is tagged to train no more"]


def test_a_worker_of_a_release_that_gives_no_fingerprint_is_not_known_to_have_changed(
    finished: Client, store: RecordStore, tag: list[str]
) -> None:
    store.merge(Kind.MODEL, RUN, {"datasets": {"worker_1": {"train": [{"tag": tag, "fingerprint": None}]}}})
    look(store, tag, "k.2")

    assert nodes(finished)[f"dataset:worker_1:{'/'.join(tag)}"]["about"]["compared"] == "unknown"


def test_a_model_of_before_names_who_took_part(finished: Client) -> None:
    datasets = [node for node in lineage(finished)["nodes"] if node["kind"] == "dataset"]

    assert [(node["title"], node["about"]["tag"]) for node in datasets] == [("worker_1", None), ("worker_2", None)]


def test_what_is_not_trained_says_what_it_would_come_from(declared: Client) -> None:
    found = lineage(declared)

    assert found["state"] == "untrained"
    assert {node["kind"] for node in found["nodes"]} == {"dataset", "network", "run"}


def test_what_is_not_there_is_not_there(finished: Client) -> None:
    assert finished.get(f"{URL}x")[0] == 404
    assert finished.get(f"{URL}?x=1")[0] == 417
    finished.delete(f"{MODELS_URL}/{E}/{R}")
    assert lineage(finished)["state"] == "untrained"
