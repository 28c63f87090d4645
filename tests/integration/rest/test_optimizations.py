"""Tuning as a client sees it: a study is opened at once, and its trials are answered like validations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fakes.orchestration import (
    ALIGNMENTS_URL,
    MODELS_URL,
    PROJECT,
    PROJECT_URL,
    CannedDispatcher,
    Client,
    E,
    P,
    R,
    registration_url,
)
from synergos.domain.keys import ProjectKey
from synergos.orchestration.dispatcher import FOREVER, Wait
from synergos.records import RecordStore
from synergos.rest import create_app
from synergos.tuning.tuner import Tuner

URL = f"{MODELS_URL}/{E}/optimizations"
SPACE = {"lr": {"_type": "uniform", "_value": [0.01, 0.1]}, "rounds": {"_type": "choice", "_value": [1, 2]}}
BODY: dict[str, Any] = {"search_space": SPACE, "metric": "R2", "optimize_mode": "max", "max_trial_num": 2, "seed": 1}

OF_THE_NOTEBOOK: dict[str, Any] = {
    "search_space": {
        "rounds": {"_type": "choice", "_value": [1, 2]},
        "epochs": {"_type": "choice", "_value": [1, 2]},
        "batch_size": {"_type": "choice", "_value": [450, 512]},
        "lr": {"_type": "choice", "_value": [0.0001, 0.1]},
        "criterion": {"_type": "choice", "_value": ["MSELoss"]},
        "mu": {"_type": "uniform", "_value": [0.0, 1.0]},
        "base_lr": {"_type": "choice", "_value": [5e-05]},
        "max_lr": {"_type": "choice", "_value": [0.2]},
    },
    "metric": "accuracy",
    "optimize_mode": "max",
    "trial_concurrency": 1,
    "max_exec_duration": "1h",
    "max_trial_num": 2,
    "is_remote": True,
    "use_annotation": True,
    "auto_align": True,
    "dockerised": True,
    "verbose": True,
    "log_msgs": True,
    "backend": "tune",
    "max_concurrent": 1,
}

# The other notebook's project classifies; the rest of its body is the same.
OF_THE_OTHER_NOTEBOOK = {
    **OF_THE_NOTEBOOK,
    "search_space": {
        **OF_THE_NOTEBOOK["search_space"],
        "batch_size": {"_type": "choice", "_value": [32, 64]},
        "criterion": {"_type": "choice", "_value": ["NLLLoss"]},
    },
}


class OneAtATime(CannedDispatcher):
    """Does jobs at once, as many as there are."""

    def submit(self, jobs: Any, *, wait: Wait | None = FOREVER) -> Any:
        return super().submit(jobs)

    def width(self, project: ProjectKey) -> int:
        return 1


@pytest.fixture
def tuner(store: RecordStore, tmp_path: Path) -> Tuner:
    return Tuner(store, OneAtATime(store), tmp_path / "outputs")


def tuned(client: Client, tuner: Tuner, **changes: Any) -> str:
    """A study that has ended; its id."""
    status, answer = client.post(f"{URL}/", BODY | changes)
    assert status == 200, answer
    while tuner.advance():
        pass
    found: str = answer["params"]["study_id"]
    return found


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("body", [BODY, OF_THE_NOTEBOOK], ids=["ours", "notebook"])
def test_a_request_is_answered_at_once_and_names_the_study(finished: Client, slash: str, body: dict[str, Any]) -> None:
    status, answer = finished.post(URL + slash, body)

    study = answer["params"].pop("study_id")
    expected = {"apiVersion": "0.1.0", "success": 1, "status": 200, "method": "optimizations.post", "data": []}
    assert (status, answer) == (200, {**expected, "params": {**PROJECT, "expt_id": E}})
    assert finished.data("GET", f"/ttp/studies/{study}")["state"] == "running"


def test_the_other_notebook_tunes_a_project_that_classifies(finished: Client) -> None:
    status, answer = finished.post(URL, OF_THE_OTHER_NOTEBOOK)
    assert (status, answer["field"]) == (417, "search_space.criterion._value[0]"), "the project regresses"

    finished.data("PUT", PROJECT_URL, {"action": "classify"})
    finished.data("POST", ALIGNMENTS_URL, {})

    status, answer = finished.post(URL, OF_THE_OTHER_NOTEBOOK)
    assert (status, answer["data"]) == (200, [])
    study = finished.data("GET", f"/ttp/studies/{answer['params']['study_id']}")
    assert (study["metric"], study["optimize_mode"]) == ("accuracy", "max")
    assert (study["max_trial_num"], study["max_concurrent"], study["max_exec_duration"]) == (2, 1, 3600)


def test_trials_are_answered_like_validations_with_what_they_were(finished: Client, tuner: Tuner) -> None:
    assert finished.get(URL)[0] == 404
    study = tuned(finished, tuner)

    status, answer = finished.get(f"{URL}/")

    assert (status, answer["method"]) == (200, "optimizations.get")
    assert len(answer["data"]) == 4
    assert sum(record["is_best"] for record in answer["data"]) == 2
    for record in answer["data"]:
        assert record["kind"] == "Optimization"
        assert record["key"].keys() == {"collab_id", "project_id", "expt_id", "run_id", "participant_id"}
        assert record["key"]["run_id"].startswith("optim_run_")
        assert record["evaluate"]["statistics"]["R2"] == record["objective"]
        assert record["hyperparameters"].keys() == SPACE.keys()
    trials = finished.data("GET", f"/ttp/studies/{study}")["trials"]
    assert {trial["run_id"] for trial in trials} == {record["key"]["run_id"] for record in answer["data"]}
    # Every trial is a run, with a model and validations, like any other.
    assert finished.data("GET", f"{PROJECT_URL}/experiments/{E}/runs/{trials[0]['run_id']}")["lr"] > 0
    assert finished.get(f"{MODELS_URL}/{E}/{trials[0]['run_id']}")[0] == 200


def test_a_study_can_be_read_listed_and_stopped(finished: Client, tuner: Tuner) -> None:
    first = tuned(finished, tuner)
    second = finished.post(URL, BODY)[1]["params"]["study_id"]

    listed = finished.data("GET", f"/ttp/studies?expt_id={E}&project_id={P}")
    assert [study["id"] for study in listed] == [first, second]
    assert "trials" not in listed[0]
    assert [study["id"] for study in finished.data("GET", "/ttp/studies?state=running")] == [second]
    assert finished.data("GET", "/ttp/studies?expt_id=another") == []
    ended = finished.data("GET", f"/ttp/studies/{first}")
    assert (ended["state"], ended["counts"]["completed"], ended["error"]) == ("completed", 2, None)
    assert ended["best"]["objective"] == max(trial["objective"] for trial in ended["trials"])
    assert [trial["number"] for trial in ended["trials"]] == [0, 1]

    assert finished.data("POST", f"/ttp/studies/{second}/stop")["state"] == "stopping"
    tuner.advance()
    assert finished.data("GET", f"/ttp/studies/{second}")["state"] == "stopped"
    assert finished.post(f"/ttp/studies/{second}/stop", {})[0] == 409


@pytest.mark.parametrize(
    ("url", "status", "field"),
    [
        ("/ttp/studies?state=done", 417, "state"),
        ("/ttp/studies?run_id=r", 417, "run_id"),
        ("/ttp/studies/none", 404, None),
    ],
)
def test_what_is_no_study_is_said_so(finished: Client, url: str, status: int, field: str | None) -> None:
    found, answer = finished.get(url)

    assert (found, answer.get("field")) == (status, field)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"search_space": {}}, "search_space"),
        ({"search_space": []}, "search_space"),
        ({"search_space": {"lr": {"_type": "unifrom", "_value": [0, 1]}}}, "search_space.lr._type"),
        ({"metric": None}, "metric"),
        ({"optimize_mode": "min"}, "optimize_mode"),
        ({"max_trial_num": 0}, "max_trial_num"),
        ({"max_trial_num": 2.0}, "max_trial_num"),
        ({"max_concurrent": 0}, "max_concurrent"),
        ({"max_exec_duration": "soon"}, "max_exec_duration"),
        ({"max_exec_duration": {}}, "max_exec_duration"),
        ({"backend": "ray"}, "backend"),
        ({"searcher": "NevergradSearch"}, "searcher"),
        ({"scheduler": "PopulationBasedTraining"}, "scheduler"),
        ({"seed": -1}, "seed"),
        ({"priority": 101}, "priority"),
    ],
)
def test_a_field_that_makes_no_sense_is_named(finished: Client, changes: dict[str, Any], field: str) -> None:
    status, answer = finished.post(URL, BODY | changes)

    assert (status, answer["field"]) == (417, field)
    assert finished.data("GET", "/ttp/studies") == []


@pytest.mark.parametrize("missing", ["search_space", "metric", "optimize_mode"])
def test_a_field_that_is_missing_is_named(finished: Client, missing: str) -> None:
    status, answer = finished.post(URL, {name: value for name, value in BODY.items() if name != missing})

    assert (status, answer["field"]) == (417, missing)


def test_what_cannot_be_tuned_as_things_stand_is_a_conflict(finished: Client) -> None:
    assert finished.post(URL, BODY | {"base_run": "none"})[0] == 409
    assert finished.post(f"{MODELS_URL}/none/optimizations", BODY)[0] == 404
    for who in ("worker_1", "worker_2"):
        finished.data("PUT", f"{registration_url(who)}/tags", {"evaluate": []})
    finished.data("POST", ALIGNMENTS_URL, {})
    status, answer = finished.post(URL, BODY)
    assert (status, "evaluation" in answer["message"]) == (409, True)
    assert finished.data("GET", "/ttp/studies") == []


def test_a_project_that_is_not_aligned_is_not_tuned(declared: Client) -> None:
    status, answer = declared.post(URL, BODY)

    assert (status, "align" in answer["message"]) == (409, True)


def test_a_base_run_is_what_the_trials_begin_with(finished: Client, tuner: Tuner) -> None:
    [*_, trial] = finished.data("GET", f"/ttp/studies/{tuned(finished, tuner, base_run=R)}")["trials"]

    base = finished.data("GET", f"{PROJECT_URL}/experiments/{E}/runs/{R}")
    run = finished.data("GET", f"{PROJECT_URL}/experiments/{E}/runs/{trial['run_id']}")
    same = base.keys() - {"doc_id", "key", "relations"} - SPACE.keys()
    assert {name: run[name] for name in same} == {name: base[name] for name in same}
    assert run["lr"] == trial["hyperparameters"]["lr"]


def test_a_new_study_wakes_whoever_goes_on_with_it(store: RecordStore, finished: Client) -> None:
    woken: list[bool] = []
    app = create_app(store, CannedDispatcher(store), component_id="ttp/1", wake_tuner=lambda: woken.append(True))
    client = Client(app.test_client())

    study = client.post(URL, BODY)[1]["params"]["study_id"]
    client.post(f"/ttp/studies/{study}/stop", {})

    assert woken == [True, True]
