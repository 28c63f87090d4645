"""What a stage needs may still be on its way: its request is accepted, and its job waits."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.orchestration import (
    ALIGNMENTS_URL,
    EXPERIMENT_URL,
    MODELS_URL,
    VALIDATIONS_URL,
    C,
    CannedDispatcher,
    Client,
    E,
    P,
    R,
    leave,
    predictions_url,
)
from synergos.domain.job import Job, JobState, Stage
from synergos.domain.keys import job_key
from synergos.records import RecordStore

PREDICT = {"tags": {P: [["abalone", "new"]]}}
IN_ORDER = [
    (ALIGNMENTS_URL, {}),
    (f"{MODELS_URL}/{E}/{R}", {}),
    (f"{VALIDATIONS_URL}/{E}/{R}", {}),
    (f"{predictions_url('worker_1')}/{P}/{E}/{R}", PREDICT),
]


@pytest.fixture
def slow(declared: Client, dispatcher: CannedDispatcher) -> Client:
    """A client of a grid in which everything is declared, and jobs are accepted and not run."""
    dispatcher.do = leave
    return declared


def test_all_stages_can_be_asked_for_at_once(slow: Client, store: RecordStore) -> None:
    assert [slow.data("POST", url, body) for url, body in IN_ORDER] == [[], [], [], []]
    assert [job.stage for job in store.jobs()] == [stage for stage in Stage if stage is not Stage.CHECK]


@pytest.mark.parametrize(("made", "asked"), [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3)])
def test_a_stage_is_refused_when_nobody_makes_what_it_needs(slow: Client, made: int, asked: int) -> None:
    for url, body in IN_ORDER[:made]:
        slow.data("POST", url, body)
    url, body = IN_ORDER[asked]
    assert slow.post(url, body)[0] == 409


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.CANCELLED])
def test_what_came_to_nothing_is_not_waited_for(slow: Client, store: RecordStore, state: JobState) -> None:
    slow.data("POST", ALIGNMENTS_URL, {})
    [alignment] = store.jobs()
    store.save_job(alignment.ended(state))
    assert slow.post(MODELS_URL, {})[0] == 409


@pytest.mark.parametrize("state", [JobState.WAITING, JobState.RUNNING, JobState.ARCHIVING])
def test_it_is_waited_for_until_it_is_in_the_records(slow: Client, store: RecordStore, state: JobState) -> None:
    job = Job(Stage.PREPROCESS, job_key({"collab_id": C, "project_id": P}), state=state)
    store.add_jobs([job])
    assert slow.data("POST", MODELS_URL, {}) == []


def test_an_alignment_of_another_project_does_not_help(slow: Client, store: RecordStore) -> None:
    store.add_jobs([Job(Stage.PREPROCESS, job_key({"collab_id": C, "project_id": "another"}))])
    assert slow.post(MODELS_URL, {})[0] == 409


def test_the_training_of_another_run_does_not_help(slow: Client) -> None:
    slow.data("POST", f"{EXPERIMENT_URL}/runs", {"run_id": "run_2"})
    slow.data("POST", ALIGNMENTS_URL, {})
    slow.data("POST", f"{MODELS_URL}/{E}/{R}", {})
    status, answer = slow.post(f"{VALIDATIONS_URL}/{E}/run_2", {})
    assert (status, "run_2" in answer["message"]) == (409, True)


@pytest.mark.parametrize(
    ("state", "progress"),
    [
        (JobState.WAITING, {"waiting_for": "first", "position": 1}),
        (JobState.QUEUED, {"waiting_for": "first", "position": 1}),
        (JobState.RUNNING, {}),
        (JobState.ARCHIVING, {}),
    ],
)
def test_a_job_says_what_it_waits_for_until_it_starts(
    slow: Client, store: RecordStore, state: JobState, progress: Any
) -> None:
    keys = {"collab_id": C, "project_id": P}
    store.add_jobs(
        [
            Job(Stage.PREPROCESS, job_key(keys), id="first"),
            Job(Stage.PREPROCESS, job_key(keys), id="second", state=state),
        ]
    )
    assert slow.data("GET", "/ttp/jobs/second")["progress"] == progress


@pytest.mark.parametrize(
    ("state", "approval", "is_told"),
    [
        (JobState.RUNNING, None, True),
        (JobState.WAITING, True, True),
        (JobState.WAITING, None, False),
        (JobState.QUEUED, True, False),
        (JobState.FAILED, True, False),
    ],
    ids=["runs", "was put back", "is tried again", "may go on", "has ended"],
)
def test_a_job_that_was_put_back_says_whose_decision_it_takes(
    slow: Client, store: RecordStore, state: JobState, approval: bool | None, is_told: bool
) -> None:
    wait = {"participant": "worker_1", "since": "x", "until": "y", "for": "z", "reason": "r", "approval": approval}
    job = Job(Stage.CHECK, job_key({"collab_id": C, "project_id": P}), id="held", state=state)
    store.add_jobs([job])
    store.update_progress("held", {"waiting_for": [wait]})

    assert ("waiting_for" in slow.data("GET", "/ttp/jobs/held")["progress"]) is is_told
