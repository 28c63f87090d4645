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
    HYPERPARAMETERS,
    LAYERS,
    MODELS_URL,
    PROJECT,
    PROJECT_URL,
    RUN,
    RUN_URL,
    VALIDATIONS_URL,
    C,
    CannedDispatcher,
    Client,
    E,
    P,
    R,
    fail,
    finish,
    leave,
    predictions_url,
    registration,
    registration_url,
    tags,
)
from synergos.domain.job import Job, JobState, Stage
from synergos.domain.keys import job_key
from synergos.orchestration.dispatcher import FOREVER, Wait
from synergos.records import RecordStore, archive
from synergos.rest import create_app

PREDICT = {"tags": {P: [["abalone", "new"]]}}
PREDICTIONS_URL = predictions_url("worker_1")
STAGES = [
    (ALIGNMENTS_URL, {}),
    (f"{MODELS_URL}/{E}/{R}", {}),
    (f"{VALIDATIONS_URL}/{E}/{R}", {}),
    (f"{PREDICTIONS_URL}/{P}/{E}/{R}", PREDICT),
]


def body_for(url: str) -> dict[str, Any]:
    """What a stage has to be asked with."""
    return PREDICT if "/predictions" in url else {}


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


@pytest.mark.parametrize(
    ("url", "missing"),
    [
        (ALIGNMENTS_URL.replace(C, "nowhere"), "Collaboration"),
        (ALIGNMENTS_URL.replace(P, "nothing"), "Project"),
        (f"{MODELS_URL}/nothing", "Experiment"),
        (f"{MODELS_URL}/{E}/nothing", "Run"),
        (f"{VALIDATIONS_URL}/{E}/nothing", "Run"),
        (f"{VALIDATIONS_URL}/{E}/{R}/nobody", "Participant"),
        (predictions_url("nobody"), "Participant"),
        (f"{PREDICTIONS_URL}/nothing", "Project"),
        (f"{PREDICTIONS_URL}/{P}/nothing", "Experiment"),
    ],
)
def test_a_stage_for_what_is_not_there_is_not_found(finished: Client, url: str, missing: str) -> None:
    status, answer = finished.post(url, body_for(url))

    assert status == 404
    assert answer["message"].startswith(f"no {missing} with")


def refused(client: Client, url: str, body: Any = None) -> str:
    status, answer = client.post(url, body_for(url) if body is None else body)
    assert status == 409, answer
    assert "data" not in answer
    return str(answer["message"])


def test_nothing_runs_without_participants(finished: Client) -> None:
    for who in ("worker_1", "worker_2"):
        finished.data("DELETE", registration_url(who))

    for url in (ALIGNMENTS_URL, MODELS_URL, VALIDATIONS_URL):
        assert "no participant is registered" in refused(finished, url)


def test_nothing_is_trained_without_experiments_and_runs(finished: Client) -> None:
    finished.data("DELETE", RUN_URL)
    assert f"project '{P}' has no run" in refused(finished, MODELS_URL)
    assert f"experiment '{E}' has no run" in refused(finished, f"{MODELS_URL}/{E}")

    finished.data("DELETE", EXPERIMENT_URL)
    assert f"project '{P}' has no experiment" in refused(finished, MODELS_URL)


def test_a_participant_without_tags_blocks_nobody_and_nothing_is_aligned_without_any(declared: Client) -> None:
    declared.data("DELETE", f"{registration_url('worker_2')}/tags")
    assert declared.data("POST", ALIGNMENTS_URL, {})

    declared.data("DELETE", f"{registration_url('worker_1')}/tags")
    assert "nobody declared tags for training; declare tags first: worker_1, worker_2" in refused(
        declared, ALIGNMENTS_URL
    )


def test_a_project_without_an_action_is_not_aligned(declared: Client) -> None:
    declared.data("POST", f"{CONNECT}/collaborations/{C}/projects", {"project_id": P, "incentives": {}})

    assert "has no action" in refused(declared, ALIGNMENTS_URL)


def test_training_needs_an_alignment(declared: Client) -> None:
    assert "is not aligned" in refused(declared, MODELS_URL)


def test_training_needs_an_alignment_of_the_present_data(finished: Client) -> None:
    finished.data("PUT", f"{registration_url('worker_2')}/tags", {"train": [["other"]]})

    for url in (MODELS_URL, VALIDATIONS_URL):
        assert refused(finished, url) == (
            f"since project '{P}' was aligned, participant 'worker_2' has declared other tags; align it again"
        )


def test_tags_to_predict_make_no_alignment_necessary(finished: Client) -> None:
    finished.data("PUT", f"{registration_url('worker_2')}/tags", {"predict": [["other"]]})
    finished.data("POST", f"{CONNECT}/participants", {"id": "worker_3"})
    finished.data("POST", registration_url("worker_3"), registration("h"))
    finished.data("POST", f"{registration_url('worker_3')}/tags", {"train": [], "predict": [["new"]]})
    finished.data("DELETE", registration_url("worker_3"))

    assert finished.data("POST", MODELS_URL, {})
    assert finished.data("POST", VALIDATIONS_URL, {})


@pytest.mark.parametrize(
    "url",
    [f"{CONNECT}/participants/worker_2", registration_url("worker_2"), f"{registration_url('worker_2')}/tags"],
    ids=["participant", "registration", "tags"],
)
def test_nobody_goes_on_without_somebody_who_has_left(finished: Client, url: str) -> None:
    finished.data("DELETE", url)

    for stage in (MODELS_URL, VALIDATIONS_URL):
        assert refused(finished, stage) == (
            f"since project '{P}' was aligned, participant 'worker_2' has left it; align it again"
        )

    finished.data("POST", ALIGNMENTS_URL, {})
    assert finished.data("POST", MODELS_URL, {})
    assert finished.data("POST", VALIDATIONS_URL, {})


def test_somebody_new_has_to_be_aligned_first(finished: Client) -> None:
    finished.data("POST", f"{CONNECT}/participants", {"id": "worker_3"})
    finished.data("POST", registration_url("worker_3"), registration("h"))

    # Who brings no data yet is no participant of a training.
    assert finished.data("POST", MODELS_URL, {})

    finished.data("POST", f"{registration_url('worker_3')}/tags", {"train": [["data"]]})
    for url in (MODELS_URL, VALIDATIONS_URL):
        assert refused(finished, url) == (
            f"since project '{P}' was aligned, participant 'worker_3' has joined it; align it again"
        )


@pytest.mark.parametrize("url", [VALIDATIONS_URL, PREDICTIONS_URL])
def test_an_untrained_run_is_named(finished: Client, url: str) -> None:
    finished.data("POST", f"{EXPERIMENT_URL}/runs", {"run_id": "run_2", **HYPERPARAMETERS})

    assert f"not trained yet: {E}/run_2; train it first" in refused(finished, url)


def test_only_who_is_registered_is_validated(finished: Client) -> None:
    finished.data("POST", f"{CONNECT}/participants", {"id": "worker_3"})

    assert "'worker_3' is not registered" in refused(finished, f"{VALIDATIONS_URL}/{E}/{R}/worker_3")


def test_a_refused_request_leaves_no_job_and_hides_nothing(finished: Client, store: RecordStore) -> None:
    before = len(store.jobs())
    finished.data("POST", f"{EXPERIMENT_URL}/runs", {"run_id": "run_2"})

    refused(finished, VALIDATIONS_URL)

    assert len(store.jobs()) == before
    assert finished.data("GET", VALIDATIONS_URL)


# Predictions


def test_who_is_registered_nowhere_has_nothing_predicted(finished: Client) -> None:
    finished.data("POST", f"{CONNECT}/participants", {"id": "worker_3"})

    assert finished.data("POST", predictions_url("worker_3"), PREDICT) == []


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


def test_every_stage_is_a_job_that_can_be_read(finished: Client) -> None:
    jobs = finished.data("GET", "/ttp/jobs")

    assert [(job["stage"], job["state"]) for job in jobs] == [
        (stage.value, "completed") for stage in Stage if stage is not Stage.CHECK
    ]
    assert all(job["created_at"].endswith("+00:00") and job["finished_at"] for job in jobs)
    assert finished.data("GET", f"/ttp/jobs/{jobs[1]['id']}") == jobs[1]
    assert jobs[1]["keys"] == RUN
    assert jobs[1]["error"] is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("state=completed", 4),
        ("state=failed", 0),
        ("stage=train", 1),
        (f"run_id={R}", 3),
        (f"run_id={R}&stage=predict&participant_id=worker_1", 1),
        ("participant_id=worker_2", 0),
        ("collab_id=other", 0),
    ],
)
def test_jobs_are_chosen_by_state_stage_and_ids(finished: Client, query: str, expected: int) -> None:
    assert len(finished.data("GET", f"/ttp/jobs?{query}")) == expected


@pytest.mark.parametrize(
    ("query", "field"), [("state=runing", "state"), ("stage=x", "stage"), ("colab_id=c", "colab_id")]
)
def test_a_filter_that_is_not_one_is_refused(client: Client, query: str, field: str) -> None:
    status, answer = client.get(f"/ttp/jobs?{query}")

    assert (status, answer["field"]) == (417, field)


def test_a_job_that_is_not_there_is_not_found(client: Client) -> None:
    assert client.get("/ttp/jobs/none")[0] == 404
    assert client.post("/ttp/jobs/none/cancel", {})[0] == 404
