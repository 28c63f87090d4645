"""What would be agreed without anything being stored, and what each participant has in what was."""

from __future__ import annotations

from typing import Any

from fakes.orchestration import (
    ALIGNMENTS_URL,
    CONNECT,
    FITTED,
    NOTE,
    PROJECT,
    SHARE,
    SPACE,
    CannedDispatcher,
    Client,
    E,
    fail,
    leave,
)
from synergos.domain.job import Job, JobState, Stage
from synergos.domain.records import Kind
from synergos.records import RecordStore

CHECK = f"{ALIGNMENTS_URL}?check=true"


def share_url(participant: str) -> str:
    ids = "/".join(("collaborations", PROJECT["collab_id"], "projects", PROJECT["project_id"]))
    return f"{CONNECT}/participants/{participant}/{ids}/agreement"


def test_a_dry_run_says_what_would_be_agreed_and_stores_nothing_of_it(declared: Client, store: RecordStore) -> None:
    data: dict[str, Any] = declared.data("POST", CHECK, {})

    assert data["kind"] == "Agreement"
    assert data["agreement"] == {
        "version": 0,
        "notes": [{"text": NOTE, "levels_of": None}],
        "participants": {"worker_1": SHARE, "worker_2": SHARE},
    }
    assert data["feature_space"]["X"] == SPACE["X"]
    assert data["fitted"] == {E: FITTED}
    assert store.find(Kind.ALIGNMENT, PROJECT) == []
    assert store.find(Kind.FEATURE_SPACE, PROJECT) == []
    assert "fitted_model" not in store.get(Kind.EXPERIMENT, {**PROJECT, "expt_id": E})


def test_a_dry_run_leaves_the_alignment_there_is(finished: Client, store: RecordStore) -> None:
    before = finished.data("GET", ALIGNMENTS_URL)

    finished.data("POST", CHECK, {})

    assert finished.data("GET", ALIGNMENTS_URL) == before
    assert store.find(Kind.FEATURE_SPACE, PROJECT)[0]["agreement"]["version"] == 1


def test_a_dry_run_that_has_not_ended_is_answered_with_its_job(declared: Client, dispatcher: CannedDispatcher) -> None:
    dispatcher.do = leave

    status, answer = declared.post(CHECK, {})

    [job] = answer["data"]
    assert status == 202
    assert (job["stage"], job["state"]) == (Stage.CHECK, JobState.QUEUED)


def test_why_nothing_would_be_agreed_is_said_as_of_an_alignment(declared: Client, dispatcher: CannedDispatcher) -> None:
    dispatcher.do = fail("InvalidRequest", "they share no label", field="target")

    status, answer = declared.post(CHECK, {})

    assert (status, answer["message"], answer["field"]) == (417, "they share no label", "target")


def test_a_dry_run_takes_the_options_of_an_alignment_and_no_others(
    declared: Client, dispatcher: CannedDispatcher
) -> None:
    assert declared.post(f"{ALIGNMENTS_URL}?check=perhaps", {})[1]["field"] == "check"
    assert declared.post(f"{ALIGNMENTS_URL}?chek=true", {})[1]["field"] == "chek"
    assert declared.post(CHECK, {"unseen": "drop"})[1]["field"] == "unseen"
    declared.data("POST", CHECK, {"unseen": "refuse", "shared_labels": False})

    job: Job = dispatcher.submitted[-1]
    assert job.parameters["unseen"] == "refuse"
    assert job.parameters["shared_labels"] is False


def test_a_participant_reads_what_of_its_data_became_an_input(finished: Client) -> None:
    data = finished.data("GET", share_url("worker_1"))

    assert data["kind"] == "Agreement"
    assert data["key"] == {**PROJECT, "participant_id": "worker_1"}
    assert {name: data[name] for name in SHARE} == SHARE
    assert (data["version"], data["notes"]) == (1, [NOTE])
    assert data["feature_space"]["X"] == SPACE["X"]


def test_who_has_no_part_in_an_agreement_is_told_so(declared: Client) -> None:
    status, answer = declared.get(share_url("worker_1"))

    assert status == 404
    assert "align it" in answer["message"]
    assert declared.get(share_url("nobody"))[0] == 404
