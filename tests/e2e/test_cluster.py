"""A cluster of real programs: jobs in parallel, and nothing lost whoever dies."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from grids.cluster_grid import (
    LONG,
    Cluster,
    end_without_its_ttp,
    files_are_gone,
    hand_in,
    is_under_way,
    jobs_of,
    models_of,
    trainings_under_way,
    wait_for_jobs,
)
from grids.real_grid import ENDLESS, WORKERS, Study
from support.waiting import until
from synergos_simulator.datasets import Dataset


@pytest.fixture(scope="module")
def grid(shared_cluster: Cluster) -> Cluster:
    return shared_cluster


def test_all_stages_handed_in_at_once_run_in_their_order(grid: Cluster, wine: Dataset) -> None:
    study = Study(grid, wine, "at_once", {"rounds": 4})
    hand_in(study)
    wait_for_jobs(study)

    jobs = jobs_of(study)
    assert [(job["stage"], job["state"], job["error"]) for job in jobs] == [
        (stage, "completed", None) for stage in ("preprocess", "train", "validate", "predict")
    ]
    ends = {job["stage"]: job["finished_at"] for job in jobs}
    begins = {job["stage"]: job["started_at"] for job in jobs}
    assert ends["preprocess"] <= begins["train"]
    assert ends["train"] <= min(begins["validate"], begins["predict"])
    assert {job["ttp"] for job in jobs} <= {"ttp_0", "ttp_1"}
    assert len(grid.driver.validations.read(*study.keys)["data"]) == 2
    assert len(grid.driver.predictions.read("worker_1", *study.keys)["data"]) == 1
    assert grid.open_sessions() == 0


def test_two_sub_grids_are_busy_at_once_and_agree_to_the_last_bit(grid: Cluster, wine: Dataset) -> None:
    busy = [Study(grid, wine, f"busy_{number}", ENDLESS) for number in range(2)]
    for study in busy:
        have_trained(study)
    until(lambda: all(is_under_way(job) for study in busy for job in study.jobs("train")), "both to be trained at once")

    on = {training_of(study)["grid"]: study for study in busy}
    assert on.keys() == {0, 1}
    # The second is freed while the first is kept busy; then one has nodes in the first alone.
    short = [Study(part, wine, f"on_{number}", {"rounds": 20}) for number, part in enumerate((first_of(grid), grid))]
    for number in (1, 0):
        grid.driver.jobs.cancel(training_of(on[number])["id"])
        have_trained(short[number])
        wait_for_jobs(short[number])

    assert [training_of(study)["grid"] for study in short] == [0, 1]
    assert models_of(short[0]) == models_of(short[1])


def first_of(grid: Cluster) -> Cluster:
    """A cluster of which only the first sub-grid's nodes are known."""
    return Cluster(grid.grid, WORKERS, 1)


def have_trained(study: Study) -> None:
    """Hand in no more than it takes to have a model."""
    study.declare()
    for answer in (study.align(), study.train()):
        assert (answer["success"], answer["data"]) == (1, []), answer


def test_a_waiting_job_says_for_what_and_a_running_one_can_be_cancelled(grid: Cluster, wine: Dataset) -> None:
    study = Study(grid, wine, "cancelled", ENDLESS)
    hand_in(study)
    [training], [validation] = trainings_under_way(study), study.jobs("validate")
    assert validation["state"] == "waiting"
    assert validation["progress"]["waiting_for"] == training["id"]

    grid.driver.jobs.cancel(training["id"])
    wait_for_jobs(study)

    states = {job["stage"]: job["state"] for job in jobs_of(study)}
    assert states == {"preprocess": "completed", "train": "cancelled", "validate": "failed", "predict": "failed"}
    assert "not trained" in study.jobs("validate")[0]["error"]["message"]
    assert grid.open_sessions() == 0


def test_what_is_deleted_at_the_director_goes_at_ttps_and_workers_too(grid: Cluster, wine: Dataset) -> None:
    study = Study(grid, wine, "deleted", {"rounds": 2})
    hand_in(study)
    wait_for_jobs(study)
    assert len(folders_of(grid, study.keys[3])) >= 2

    answer = grid.driver.runs.delete(*study.keys)

    files_are_gone(grid, answer, "orchestrator", "TTP of sub-grid 0", "TTP of sub-grid 1", "worker_1", "worker_2")
    assert folders_of(grid, study.keys[3]) == []


def test_a_training_ends_before_it_is_deleted(grid: Cluster, wine: Dataset) -> None:
    study = Study(grid, wine, "deleted_early", ENDLESS)
    hand_in(study)
    trainings_under_way(study)

    answer = grid.driver.collaborations.delete(study.keys[0])

    assert answer["status"] == 200, answer
    until(lambda: grid.driver.removals.read_all()["data"] == [], "the files to be gone")
    assert {job["state"] for job in jobs_of(study)} <= {"completed", "cancelled", "failed"}
    assert study.jobs("train")[0]["state"] == "cancelled"
    assert folders_of(grid, study.keys[0]) == []
    assert grid.open_sessions() == 0


def folders_of(grid: Cluster, name: str) -> list[Path]:
    """Where there are files of something."""
    return [path for path in grid.grid.folder.rglob(name) if path.is_dir()]


@pytest.fixture(scope="module")
def undisturbed(grid: Cluster, wine: Dataset) -> list[bytes]:
    study = Study(grid, wine, "undisturbed", LONG)
    hand_in(study)
    wait_for_jobs(study)
    return models_of(study)


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["ttp", "director", "worker", "rabbitmq"])
def test_whoever_is_killed_while_a_job_runs_the_model_is_the_same(
    grid: Cluster, wine: Dataset, undisturbed: list[bytes], victim: str
) -> None:
    study = Study(grid, wine, f"killed_{victim}", LONG)
    hand_in(study)
    [job] = trainings_under_way(study)
    name = {"ttp": job["ttp"], "worker": f"worker_1_{job['grid']}"}.get(victim, victim)
    grid.kill(name)
    if victim == "worker":
        until(lambda: "waiting_for" in training_of(study)["progress"], "the job to say that it waits")
        assert training_of(study)["progress"]["waiting_for"][0]["participant"] == "worker_1"
    grid.start(name)
    wait_for_jobs(study)

    assert [(job["state"], job["error"]) for job in jobs_of(study)] == [("completed", None)] * 4
    assert models_of(study) == undisturbed
    assert len(grid.driver.validations.read(*study.keys)["data"]) == 2


@pytest.mark.slow
def test_a_job_of_a_ttp_that_stays_dead_goes_on_at_another_grid(
    grid: Cluster, wine: Dataset, undisturbed: list[bytes]
) -> None:
    study = Study(grid, wine, "moved", LONG)
    before, after = end_without_its_ttp(grid, study)

    assert (after["state"], after["grid"]) == ("completed", 1 - before["grid"])
    assert after["attempts"] > before["attempts"]
    assert models_of(study) == undisturbed


@pytest.mark.slow
def test_what_ends_while_the_director_is_away_is_archived_when_it_is_back(grid: Cluster, wine: Dataset) -> None:
    study = Study(grid, wine, "away", LONG)
    hand_in(study)
    ttp = trainings_under_way(study)[0]["ttp"]
    grid.kill("director")
    until(lambda: _is_idle(grid, ttp), "the training to end")
    grid.start("director")
    wait_for_jobs(study)

    assert [job["state"] for job in jobs_of(study)] == ["completed"] * 4


@pytest.mark.slow
def test_a_ttp_that_is_told_to_stop_leaves_its_job_to_the_other(grid: Cluster, wine: Dataset) -> None:
    # Those of a TTP killed before, whose job went elsewhere, end when they have been idle for long.
    sessions = grid.open_sessions()
    study = Study(grid, wine, "stopped", LONG)
    before, after = end_without_its_ttp(grid, study, signal.SIGTERM)

    assert (after["state"], after["grid"]) == ("completed", 1 - before["grid"])
    assert grid.open_sessions() <= sessions


def training_of(study: Study) -> dict[str, Any]:
    [job] = study.jobs("train")
    return job


def _is_idle(grid: Cluster, ttp: str) -> bool:
    """Whether the last thing a TTP logged of jobs is that one ended."""
    lines = [line for line in grid.log(ttp).splitlines() if "job started" in line or "job completed" in line]
    return bool(lines) and "job completed" in lines[-1]


def test_what_workers_publish_is_found_by_their_ttps_and_read_at_the_director(grid: Cluster, wine: Dataset) -> None:
    study = Study(grid, wine, "publishing")
    study.declare()

    def asked() -> list[str]:
        found = grid.driver.catalogue.read_all(collab_id=study.keys[0])["data"]
        return [node["extent"] for each in found for node in each["nodes"]]

    until(lambda: asked() == ["off"] * 4, "both TTPs to ask their workers")
