"""What has to be there before a stage: refused in words that name it, and nothing is done."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.orchestration import (
    ALIGNMENTS_URL,
    CONNECT,
    EXPERIMENT_URL,
    HYPERPARAMETERS,
    MODELS_URL,
    PREDICT,
    PREDICTIONS_URL,
    RUN_URL,
    VALIDATIONS_URL,
    C,
    Client,
    E,
    P,
    R,
    body_for,
    predictions_url,
    registration,
    registration_url,
)
from synergos.records import RecordStore


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


def test_who_is_registered_nowhere_has_nothing_predicted(finished: Client) -> None:
    finished.data("POST", f"{CONNECT}/participants", {"id": "worker_3"})

    assert finished.data("POST", predictions_url("worker_3"), PREDICT) == []
