"""What travels through the queue, and what is said of what does not belong there."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from synergos.domain.job import Job, JobError, JobState, Stage
from synergos.domain.keys import job_key
from synergos.domain.messages import JOB_MESSAGE, OUTCOME_MESSAGE, JobMessage, Outcome, OutcomeMessage, job_message
from synergos.errors import InvalidRequest

RUN = {"collab_id": "c", "project_id": "p", "expt_id": "e", "run_id": "r"}
LEASE = "0123456789abcdef" * 2
JOB = replace(Job(Stage.TRAIN, job_key(RUN)), grid=1, ttp="ttp_1")
OUTCOME = Outcome(JOB, "here", LEASE, JobState.COMPLETED, {"global": {"path": "x"}})


def test_a_job_has_the_keys_of_the_original_and_can_be_found_again() -> None:
    message = job_message(JOB, "here", [[{"rest": {}}]], {"auto_align": True})
    assert {name: message[name] for name in ("process", "keys", "grids", "parameters")} == {
        "process": "train",
        "keys": ["c", "p", "e", "r"],
        "grids": [[{"rest": {}}]],
        "parameters": {"auto_align": True},
    }
    assert JOB_MESSAGE.read(json.loads(json.dumps(message))) == JobMessage(JOB.id, "here")


def test_an_alignment_is_about_a_project() -> None:
    job = Job(Stage.PREPROCESS, job_key({"collab_id": "c", "project_id": "p"}))
    assert job_message(job, "here", [], {})["keys"] == ["c", "p"]


@pytest.mark.parametrize("error", [None, JobError("WorkerUnreachable", "no answer", "worker_1", "rows")])
def test_an_outcome_comes_back_as_it_was_sent(error: JobError | None) -> None:
    sent = replace(OUTCOME, error=error).to_dict()
    assert (sent["process"], sent["filters"], sent["outputs"]) == ("train", ["c", "p", "e", "r"], OUTCOME.outputs)
    expected = OutcomeMessage(JOB.id, "here", LEASE, JobState.COMPLETED, OUTCOME.outputs, error)
    assert OUTCOME_MESSAGE.read(json.loads(json.dumps(sent))) == expected


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("job_id", None),
        ("job_id", 7),
        ("job_id", "no\0id"),
        ("cluster", ""),
        ("cluster", "x" * 200),
        ("cluster", "ü"),
        ("lease", 2),
        ("lease", "0" * 31),
        ("lease", "0" * 33),
        ("lease", "X" * 32),
        ("state", "running"),
        ("state", ["completed"]),
        ("outputs", [1]),
        ("error", "no"),
        ("error", {"kind": "", "message": "m"}),
        ("error.participant", {"kind": "X", "message": "m", "participant": 1}),
    ],
)
def test_what_is_no_outcome_is_refused_by_the_name_of_its_key(field: str, value: object) -> None:
    with pytest.raises(InvalidRequest) as refused:
        OUTCOME_MESSAGE.read({**OUTCOME.to_dict(), field.partition(".")[0]: value})
    assert refused.value.field == field


def test_what_an_outcome_says_is_not_repeated_when_it_is_refused() -> None:
    with pytest.raises(InvalidRequest) as refused:
        OUTCOME_MESSAGE.read({**OUTCOME.to_dict(), "error": {"kind": "X", "message": ["a row"]}})
    assert str(refused.value) == "error.message: expected a string"


def test_what_is_no_job_is_refused_by_the_name_of_its_key() -> None:
    with pytest.raises(InvalidRequest, match="job_id"):
        JOB_MESSAGE.read({"project_id": "test_project"})
