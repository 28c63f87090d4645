"""Asking for stages: what makes a job, what is refused, and what is answered when jobs fail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from factories.outputs import measured, validated
from fakes.orchestration import (
    ALIGNMENTS_URL,
    CONNECT,
    EXPERIMENT_URL,
    LAYERS,
    MODELS_URL,
    PREDICT,
    PREDICTIONS_URL,
    PROJECT,
    PROJECT_URL,
    RUN,
    VALIDATIONS_URL,
    C,
    CannedDispatcher,
    Client,
    E,
    P,
    R,
    body_for,
    fail,
    finish,
    leave,
    predictions_url,
    registration,
    tags,
)
from synergos.domain.job import Job, JobState
from synergos.domain.keys import job_key
from synergos.orchestration.dispatcher import FOREVER, Wait
from synergos.records import RecordStore, archive
from synergos.rest import create_app

STAGES = [
    (ALIGNMENTS_URL, {}),
    (f"{MODELS_URL}/{E}/{R}", {}),
    (f"{VALIDATIONS_URL}/{E}/{R}", {}),
    (f"{PREDICTIONS_URL}/{P}/{E}/{R}", PREDICT),
]


def run_in(experiment: str, run: str) -> dict[str, str]:
    return {**PROJECT, "expt_id": experiment, "run_id": run}


@pytest.fixture
def more(finished: Client) -> Client:
    """Two experiments with two and one runs, all of them trained."""
    finished.data("POST", f"{EXPERIMENT_URL}/runs", {"run_id": "run_2"})
    finished.data("POST", f"{PROJECT_URL}/experiments", {"expt_id": "expt_2", "model": LAYERS})
    finished.data("POST", f"{PROJECT_URL}/experiments/expt_2/runs", {"run_id": R})
    finished.data("POST", MODELS_URL, {})
    return finished


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (MODELS_URL, [(E, R), (E, "run_2"), ("expt_2", R)]),
        (f"{MODELS_URL}/{E}", [(E, R), (E, "run_2")]),
        (f"{MODELS_URL}/expt_2/{R}", [("expt_2", R)]),
        (VALIDATIONS_URL, [(E, R), (E, "run_2"), ("expt_2", R)]),
        (f"{VALIDATIONS_URL}/expt_2", [("expt_2", R)]),
        (PREDICTIONS_URL, [(E, R), (E, "run_2"), ("expt_2", R)]),
        (f"{PREDICTIONS_URL}/{P}/{E}", [(E, R), (E, "run_2")]),
    ],
)
def test_a_request_makes_one_job_for_each_run_in_scope(
    more: Client, dispatcher: CannedDispatcher, url: str, expected: list[tuple[str, str]]
) -> None:
    dispatcher.submitted.clear()

    more.data("POST", url, body_for(url))

    found = [{name: job.keys[name] for name in RUN} for job in dispatcher.submitted]
    assert found == [run_in(*pair) for pair in expected]


def test_what_is_not_said_is_true(finished: Client, dispatcher: CannedDispatcher) -> None:
    dispatcher.submitted.clear()

    finished.data("POST", ALIGNMENTS_URL, {"auto_fix": False, "verbose": False})
    finished.data("POST", f"{MODELS_URL}/{E}/{R}", {"verbose": False})
    finished.data("POST", f"{PREDICTIONS_URL}/{P}/{E}/{R}", {**PREDICT, "dockerised": False})

    assert [job.parameters for job in dispatcher.submitted] == [
        {
            "auto_align": True,
            "auto_fix": False,
            "unseen": "missing",
            "shared_labels": True,
            "minimum_rows": None,
            "priority": 0,
        },
        {"auto_align": True, "dockerised": True, "log_msgs": True, "verbose": False, "priority": 0},
        {
            "auto_align": True,
            "dockerised": False,
            "log_msgs": True,
            "verbose": True,
            "priority": 0,
            "tags": [["abalone", "new"]],
        },
    ]


def test_a_validation_for_one_participant_names_it(finished: Client, dispatcher: CannedDispatcher) -> None:
    data = finished.data("POST", f"{VALIDATIONS_URL}/{E}/{R}/worker_2", {})

    assert dispatcher.submitted[-1].keys == job_key({**RUN, "participant_id": "worker_2"})
    assert [record["key"]["participant_id"] for record in data] == ["worker_2"]
    assert len(finished.data("GET", VALIDATIONS_URL)) == 2, "the other's is still there"


@pytest.mark.parametrize(("url", "body"), STAGES)
@pytest.mark.parametrize("wrong", [None, 1, "yes", []])
def test_a_switch_that_is_neither_true_nor_false_is_refused(
    finished: Client, url: str, body: dict[str, Any], wrong: object
) -> None:
    status, answer = finished.post(url, {**body, "auto_align": wrong})

    assert (status, answer["field"]) == (417, "auto_align")


# Predictions


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "tags"),
        ({"tags": None}, "tags"),
        ({"tags": [["a"]]}, "tags"),
        ({"tags": {P: "a"}}, f"tags.{P}"),
        ({"tags": {P: ["a"]}}, f"tags.{P}[0]"),
        ({"tags": {P: [["a", "../b"]]}}, f"tags.{P}[0][1]"),
        ({"tags": {P: []}}, f"tags.{P}"),
        ({"tags": {"typo": [["a"]]}}, "tags.typo"),
    ],
)
def test_wrong_tags_to_predict_are_refused_with_the_field(finished: Client, body: Any, field: str) -> None:
    status, answer = finished.post(PREDICTIONS_URL, body)

    assert (status, answer["field"]) == (417, field)


def test_tags_that_were_declared_before_are_predicted_when_no_others_are_given(
    finished: Client, dispatcher: CannedDispatcher
) -> None:
    finished.data("POST", PREDICTIONS_URL, {"tags": {}})

    assert dispatcher.submitted[-1].parameters["tags"] == [["abalone", "data1", "predict"]]


def test_without_any_tags_to_predict_the_project_is_named(finished: Client) -> None:
    status, answer = finished.post(predictions_url("worker_2"), {"tags": {}})

    assert (status, answer["field"]) == (417, f"tags.{P}")


def test_all_projects_of_the_participant_are_predicted(finished: Client, dispatcher: CannedDispatcher) -> None:
    other = PROJECT_URL.replace(P, "second")
    body = {"project_id": "second", "action": "regress", "incentives": {}}
    finished.data("POST", f"{CONNECT}/collaborations/{C}/projects", body)
    finished.data("POST", f"{other}/experiments", {"expt_id": E, "model": LAYERS})
    finished.data("POST", f"{other}/experiments/{E}/runs", {"run_id": R})
    finished.data("POST", f"{other}/participants/worker_1/registration", registration("h"))
    finished.data("POST", f"{other}/participants/worker_1/registration/tags", tags("d"))
    finished.data("POST", ALIGNMENTS_URL.replace(P, "second"), {})
    finished.data("POST", MODELS_URL.replace(P, "second"), {})
    dispatcher.submitted.clear()

    data = finished.data("POST", PREDICTIONS_URL, {"tags": {P: [["a"]], "second": [["b"]]}})

    assert [(job.keys["project_id"], job.parameters["tags"]) for job in dispatcher.submitted] == [
        (P, [["a"]]),
        ("second", [["b"]]),
    ]
    assert [record["key"]["project_id"] for record in data] == [P, "second"]


# What becomes of jobs


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("WorkerUnreachable", 424),
        ("WorkerRefused", 422),
        ("WireFormatError", 424),
        ("FeatureDrift", 403),
        ("InvalidRequest", 417),
        ("JobCancelled", 409),
        ("ZeroDivisionError", 422),
    ],
)
@pytest.mark.parametrize(("url", "body"), STAGES)
def test_a_failed_job_is_answered_with_its_reason(
    finished: Client, dispatcher: CannedDispatcher, url: str, body: Any, kind: str, status: int
) -> None:
    before = finished.data("GET", url)
    dispatcher.do = fail(kind, "no column 'age'", participant="worker_2", field="age")

    found, answer = finished.post(url, body)

    assert found == status
    assert answer["message"] == "worker_2: no column 'age'"
    assert answer["field"] == "age"
    assert answer["jobs"] == [dispatcher.submitted[-1].id]
    assert "data" not in answer
    assert finished.data("GET", url) == before, "what was there before is there again"


def test_jobs_that_completed_beside_a_failed_one_are_kept(more: Client, dispatcher: CannedDispatcher) -> None:
    more.data("DELETE", f"{PROJECT_URL}/experiments/expt_2")
    failing = fail("WorkerUnreachable", "no answer", participant="worker_1")
    dispatcher.do = lambda store, job: (failing if job.keys["run_id"] == R else finish)(store, job)

    status, answer = more.post(VALIDATIONS_URL, {})

    assert status == 424
    assert len(answer["jobs"]) == 1
    assert len(more.data("GET", f"{VALIDATIONS_URL}/{E}/run_2")) == 2


@pytest.mark.parametrize(("url", "body"), STAGES)
def test_a_result_is_hidden_from_the_moment_its_stage_is_asked_for_again(
    finished: Client, dispatcher: CannedDispatcher, store: RecordStore, url: str, body: Any
) -> None:
    dispatcher.do = leave

    assert finished.data("POST", url, body) == []
    assert finished.get(url)[0] == 404

    finish(store, dispatcher.submitted[-1])
    assert finished.data("GET", url)


def test_a_cancelled_job_gives_back_what_it_hid(finished: Client, dispatcher: CannedDispatcher) -> None:
    dispatcher.do = leave
    finished.data("POST", f"{MODELS_URL}/{E}/{R}", {})
    (job,) = finished.data("GET", "/ttp/jobs?state=queued")

    assert finished.data("POST", f"/ttp/jobs/{job['id']}/cancel", {})["state"] == "cancelled"
    assert finished.data("GET", MODELS_URL)
    assert finished.post(f"/ttp/jobs/{job['id']}/cancel", {})[0] == 409


def test_retraining_needs_no_new_alignment_while_another_one_is_made(
    finished: Client, dispatcher: CannedDispatcher
) -> None:
    dispatcher.do = leave
    finished.data("POST", ALIGNMENTS_URL, {})

    assert finished.data("POST", MODELS_URL, {}) == []


def test_a_dispatcher_that_breaks_leaves_no_job_waiting(store: RecordStore, finished: Client) -> None:
    class Broken(CannedDispatcher):
        def submit(self, jobs: Sequence[Job], *, wait: Wait | None = FOREVER) -> list[Job]:
            raise ZeroDivisionError("queue")

    app = create_app(store, Broken(store), component_id="x")
    client = Client(app.test_client())

    status, answer = client.post(MODELS_URL, {})

    assert status == 500
    assert "queue" not in answer["message"]
    assert store.jobs()[-1].state is JobState.FAILED
    assert client.data("GET", MODELS_URL)


def test_figures_that_are_no_numbers_are_null(finished: Client, dispatcher: CannedDispatcher) -> None:
    def undefined(store: RecordStore, job: Job) -> Job:
        found = measured(R2=float("nan"), MSE=float("inf"), MAE=[1.0, float("-inf")])
        return archive(store, job, validated(worker_1=found))

    dispatcher.do = undefined
    (record,) = finished.data("POST", VALIDATIONS_URL, {})

    assert record["evaluate"]["statistics"] == {"R2": None, "MSE": None, "MAE": [1.0, None]}
    assert len(finished.data("GET", VALIDATIONS_URL)) == 1, "who has no result any more has none"


# Jobs
