"""Hyperparameter tuning on real grids: what steers a study is what the validations say, and nobody's death loses a trial."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from grids.cluster_grid import Cluster, wait_for_jobs
from grids.real_grid import ENDLESS, RealGrid, Study
from support.waiting import until
from synergos_simulator.datasets import Dataset

SPACE = {
    "lr": {"_type": "loguniform", "_value": [0.001, 1.0]},
    "batch_size": {"_type": "choice", "_value": [16, 64]},
    "optimizer": {"_type": "choice", "_value": ["SGD", "Adam"]},
    "algorithm": {"_type": "choice", "_value": ["FedAvg", "FedProx"]},
    "rounds": {"_type": "randint", "_value": [2, 5]},
    "epochs": {"_type": "choice", "_value": [1]},
}
SLOW = {
    "rounds": {"_type": "choice", "_value": [ENDLESS["rounds"]]},
    "lr": {"_type": "loguniform", "_value": [0.001, 0.1]},
}
TRIALS = 4
SLOW_RUN = {**ENDLESS, "epochs": 1}


def aligned(grid: RealGrid, dataset: Dataset, name: str, run: Mapping[str, Any] | None = None) -> Study:
    study = Study(grid, dataset, name, run or {})
    study.declare()
    assert study.align()["success"] == 1
    wait_for_jobs(study)
    return study


def asked(study: Study, space: Mapping[str, Any], **options: Any) -> dict[str, Any]:
    """The answer to a request for a study."""
    usual: dict[str, Any] = {"metric": "f_score", "optimize_mode": "max", "seed": 7, "scheduler": "none"}
    return study.grid.driver.optimizations.create(*study.keys[:3], search_space=space, **(usual | options))


def tune(study: Study, space: Mapping[str, Any], **options: Any) -> str:
    """Open a study; its id."""
    found: str = asked(study, space, **options)["params"]["study_id"]
    return found


def shown(grid: RealGrid, study_id: str) -> dict[str, Any]:
    found: dict[str, Any] = grid.driver.optimizations.show(study_id)["data"]
    return found


def trials(grid: RealGrid, study_id: str, *states: str) -> list[dict[str, Any]]:
    return [trial for trial in shown(grid, study_id)["trials"] if not states or trial["state"] in states]


def ended(grid: RealGrid, study_id: str) -> dict[str, Any]:
    until(lambda: shown(grid, study_id)["state"] not in {"running", "stopping"}, "the study to end")
    return shown(grid, study_id)


def judged(study: Study, run_id: str, metric: str) -> float:
    """What a trial reached, from its validations as anybody can read them."""
    records = study.grid.driver.validations.read(*study.keys[:3], run_id)["data"]
    values = [record["evaluate"]["statistics"][metric] for record in records]
    return fmean(fmean(each) if isinstance(each, list) else each for each in values)


def test_trials_run_on_all_sub_grids_and_are_judged_by_their_validations(
    shared_cluster: Cluster, wine: Dataset
) -> None:
    study = aligned(shared_cluster, wine, "judged")

    found = ended(shared_cluster, tune(study, SPACE, max_trial_num=TRIALS))

    assert found["state"] == "completed"
    assert found["counts"]["completed"] == TRIALS
    for trial in found["trials"]:
        assert trial["objective"] == pytest.approx(judged(study, trial["run_id"], "f_score"), abs=1e-12)
    best = max(found["trials"], key=lambda trial: trial["objective"])
    assert found["best"]["objective"] == best["objective"]
    jobs = {job["id"]: job for job in shared_cluster.driver.jobs.read_all(project_id=study.keys[1])["data"]}
    assert {jobs[trial["jobs"]["train"]]["grid"] for trial in found["trials"]} == {0, 1}
    assert Path(found["picture"]).read_bytes().startswith(b"\x89PNG")
    listed = shared_cluster.driver.optimizations.read(*study.keys[:3])["data"]
    assert len(listed) == 2 * TRIALS  # one for each trial and participant
    assert {record["key"]["run_id"] for record in listed if record["is_best"]} == {found["best"]["run_id"]}
    # The best run is a run like any other.
    collaboration, project, experiment, _ = study.keys
    rows = wine.holdings[0].predict
    assert rows is not None
    used = shared_cluster.driver.predictions.create(
        {project: [rows]}, "worker_1", collaboration, project, experiment, found["best"]["run_id"]
    )
    assert used["success"] == 1
    wait_for_jobs(study)
    assert (
        len(shared_cluster.driver.predictions.read("worker_1", *study.keys[:3], found["best"]["run_id"])["data"]) == 1
    )


def test_two_studies_run_side_by_side_and_one_can_be_stopped(shared_cluster: Cluster, wine: Dataset) -> None:
    # Those of a TTP that another test killed, whose job went elsewhere, end when they have been idle for long.
    sessions = shared_cluster.open_sessions()
    study = aligned(shared_cluster, wine, "side_by_side")
    collaboration, project, experiment, _ = study.keys
    shared_cluster.driver.runs.create(
        collaboration, project, experiment, "slow", **{**wine.hyperparameters, **SLOW_RUN}
    )
    stopped = tune(study, SLOW, max_trial_num=4, base_run="slow", max_concurrent=1)
    until(lambda: bool(trials(shared_cluster, stopped, "running")), "the slow study to run")

    other = ended(shared_cluster, tune(study, SPACE, max_trial_num=2, max_concurrent=1))

    assert other["counts"]["completed"] == 2
    assert shown(shared_cluster, stopped)["state"] == "running"
    shared_cluster.driver.optimizations.stop(stopped)
    found = ended(shared_cluster, stopped)
    assert (found["state"], found["counts"]["running"]) == ("stopped", 0)
    assert {trial["state"] for trial in found["trials"]} == {"cancelled"}
    assert all(trial["hyperparameters"].keys() == SLOW.keys() for trial in found["trials"])
    until(lambda: shared_cluster.open_sessions() <= sessions, "the sessions of cancelled trials to be closed")


def _director(grid: Cluster, _trial: Mapping[str, Any]) -> list[str]:
    return ["director"]


def _ttp(grid: Cluster, trial: Mapping[str, Any]) -> list[str]:
    return [grid.driver.jobs.read(trial["jobs"]["train"])["data"]["ttp"]]


def _worker(grid: Cluster, trial: Mapping[str, Any]) -> list[str]:
    index = grid.driver.jobs.read(trial["jobs"]["train"])["data"]["grid"]
    return [f"worker_2_{index}"]


def _everybody(grid: Cluster, _trial: Mapping[str, Any]) -> list[str]:
    return ["director", "ttp_0", "ttp_1"]


@pytest.mark.slow
@pytest.mark.parametrize("victims", [_director, _ttp, _worker, _everybody], ids=lambda each: each.__name__.strip("_"))
def test_a_death_in_the_middle_of_a_study_loses_no_trial(
    shared_cluster: Cluster, wine: Dataset, victims: Callable[[Cluster, Mapping[str, Any]], Sequence[str]]
) -> None:
    study = aligned(shared_cluster, wine, f"death_of{victims.__name__}")
    # Long enough for a busy machine to see one of them run.
    rounds = {"_type": "choice", "_value": [60]}
    space = {**SPACE, "rounds": rounds, "patience": rounds, "batch_size": {"_type": "choice", "_value": [16]}}
    study_id = tune(study, space, max_trial_num=3)
    until(lambda: len(trials(shared_cluster, study_id, "completed")) >= 1, "a first trial to end")
    seen: list[dict[str, Any]] = []

    def look() -> bool:
        seen.extend(_far(shared_cluster, study_id))
        return bool(seen)

    until(look, "a trial to be some rounds on")
    before = {trial["run_id"]: trial for trial in trials(shared_cluster, study_id, "completed")}
    victim = seen[0]

    doomed = victims(shared_cluster, victim)
    for name in doomed:
        shared_cluster.kill(name, signal.SIGKILL)
    shared_cluster.start(*doomed)

    found = ended(shared_cluster, study_id)
    assert found["state"] == "completed", found
    assert [trial["state"] for trial in found["trials"]] == ["completed"] * 3
    assert [trial["number"] for trial in found["trials"]] == list(range(3))
    after = {trial["run_id"]: trial for trial in found["trials"]}
    assert {run_id: after[run_id]["objective"] for run_id in before} == {
        run_id: trial["objective"] for run_id, trial in before.items()
    }
    for run_id, trial in after.items():
        assert trial["objective"] == pytest.approx(judged(study, run_id, "f_score"), abs=1e-12)


def _far(grid: RealGrid, study_id: str) -> list[dict[str, Any]]:
    return [trial for trial in trials(grid, study_id, "running") if trial["progress"].get("round", 0) >= 3]


def test_a_basic_grid_tries_one_after_the_other_and_prunes_the_hopeless(grid: RealGrid, wine: Dataset) -> None:
    study = aligned(grid, wine, "pruned")
    space = {
        "lr": {"_type": "grid_search", "_value": [0.3, 1e-9]},
        "rounds": {"_type": "choice", "_value": [40]},
        "patience": {"_type": "choice", "_value": [40]},
        "epochs": {"_type": "choice", "_value": [1]},
    }

    found = ended(grid, tune(study, space, max_trial_num=6, scheduler="ASHAScheduler"))

    assert found["state"] == "completed"
    by_rate = {rate: [t for t in found["trials"] if t["hyperparameters"]["lr"] == rate] for rate in (0.3, 1e-9)}
    assert [len(each) for each in by_rate.values()] == [3, 3]
    # Whatever came first, of three that learn nothing the later ones are hopeless soon.
    pruned = [trial for trial in by_rate[1e-9] if trial["state"] == "pruned"]
    assert len(pruned) >= 2
    assert all(trial["progress"]["round"] < 40 for trial in pruned)
    assert found["best"]["hyperparameters"]["lr"] == 0.3
    job = grid.driver.jobs.read(pruned[0]["jobs"]["train"])["data"]
    assert (job["state"], job["error"]["kind"]) == ("cancelled", "TrialPruned")
    until(lambda: grid.open_sessions() == 0, "the sessions of pruned trials to be closed")


def test_layer_sizes_are_searched_and_the_other_sizes_follow(grid: RealGrid, wine: Dataset) -> None:
    study = aligned(grid, wine, "sizes")
    assert len(wine.architecture) == 2
    space: dict[str, dict[str, Any]] = {
        "model[0].structure.out_features": {"_type": "grid_search", "_value": [3, 9]},
        "model[0].activation": {"_type": "grid_search", "_value": ["relu", "no_such_function"]},
    }
    refused = asked(study, space)
    assert (refused["status"], refused["field"]) == (417, "search_space.model[0].activation._value[1]")
    space["model[0].activation"]["_value"] = ["tanh"]

    found = ended(grid, tune(study, space, max_trial_num=10))

    assert found["counts"]["completed"] == 2  # all combinations there are
    widths = {}
    for trial in found["trials"]:
        folder = study.model_folder().with_name(trial["run_id"])
        widths[trial["run_id"]] = (folder / "global_model.safetensors").stat().st_size
    sizes = {trial["hyperparameters"]["model[0].structure.out_features"] for trial in found["trials"]}
    assert (sizes, len(set(widths.values()))) == ({3, 9}, 2)


def test_a_regression_is_judged_by_what_regressions_have(grid: RealGrid, diabetes: Dataset) -> None:
    study = aligned(grid, diabetes, "regression")
    space = {"lr": {"_type": "uniform", "_value": [0.01, 0.2]}, "rounds": {"_type": "choice", "_value": [2]}}

    found = ended(grid, tune(study, space, metric="accuracy", max_trial_num=2))

    assert (found["metric"], found["optimize_mode"]) == ("R2", "max")
    assert [trial["objective"] for trial in found["trials"]] == [
        pytest.approx(judged(study, trial["run_id"], "R2"), abs=1e-12) for trial in found["trials"]
    ]
    errors = ended(grid, tune(study, space, metric="MSE", optimize_mode="min", max_trial_num=2))
    assert errors["best"]["objective"] == min(trial["objective"] for trial in errors["trials"])
