"""A cluster of real programs: jobs in parallel, and nothing lost whoever dies."""

from __future__ import annotations

import json
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster_grid import Cluster, cluster, wait_for_jobs
from real_grid import Study, until
from synergos_simulator.datasets import Dataset

pytestmark = pytest.mark.timeout(400)

LONG = 400
"""Rounds that take long enough to be killed in; early stopping is off."""


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("cluster"), data) as running:
        yield running


def hand_in(study: Study) -> None:
    """All stages at once, as nobody has to wait for a cluster."""
    study.declare()
    for answer in (study.align(), study.train(), study.validate(), study.predict("worker_1")):
        assert (answer["success"], answer["data"]) == (1, []), answer


def model_of(study: Study) -> bytes:
    [record] = study.grid.driver.models.read(*study.keys)["data"]
    return Path(record["global"]["path"]).with_name("global_model.safetensors").read_bytes()


def jobs_of(study: Study) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = study.grid.driver.jobs.read_all(project_id=study.keys[1])["data"]
    return found


def open_sessions(grid: Cluster) -> int:
    total = 0
    for nodes in grid.nodes():
        for node in nodes:
            with urllib.request.urlopen(f"{node.address}/health", timeout=5) as answer:
                total += json.load(answer)["sessions"]
    return total


def running_on(study: Study) -> dict[str, Any] | None:
    """The training of a study once it is some rounds on."""
    [job] = study.jobs("train")
    return job if job["state"] == "running" and job["progress"].get("round", 0) >= 2 else None


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
    assert open_sessions(grid) == 0


def test_two_sub_grids_are_busy_at_once_and_agree_to_the_last_bit(grid: Cluster, wine: Dataset) -> None:
    studies = [Study(grid, wine, f"parallel_{number}", {"rounds": LONG}) for number in range(2)]
    for study in studies:
        hand_in(study)
    until(lambda: all(running_on(study) for study in studies), "both trainings to run at once")
    for study in studies:
        wait_for_jobs(study)

    trainings = [study.jobs("train")[0] for study in studies]
    assert {job["grid"] for job in trainings} == {0, 1}
    assert model_of(studies[0]) == model_of(studies[1])


def test_a_waiting_job_says_for_what_and_a_running_one_can_be_cancelled(grid: Cluster, wine: Dataset) -> None:
    study = Study(grid, wine, "cancelled", {"rounds": 100_000})
    hand_in(study)
    until(lambda: running_on(study) is not None, "the training to run")
    [training], [validation] = study.jobs("train"), study.jobs("validate")
    assert validation["state"] == "waiting"
    assert validation["progress"]["waiting_for"] == training["id"]

    grid.driver.jobs.cancel(training["id"])
    wait_for_jobs(study)

    states = {job["stage"]: job["state"] for job in jobs_of(study)}
    assert states == {"preprocess": "completed", "train": "cancelled", "validate": "failed", "predict": "failed"}
    assert "not trained" in study.jobs("validate")[0]["error"]["message"]
    assert open_sessions(grid) == 0


@pytest.fixture(scope="module")
def undisturbed(grid: Cluster, wine: Dataset) -> bytes:
    study = Study(grid, wine, "undisturbed", {"rounds": LONG})
    hand_in(study)
    wait_for_jobs(study)
    return model_of(study)


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["ttp", "director", "worker", "rabbitmq"])
def test_whoever_is_killed_while_a_job_runs_the_model_is_the_same(
    grid: Cluster, wine: Dataset, undisturbed: bytes, victim: str
) -> None:
    study = Study(grid, wine, f"killed_{victim}", {"rounds": LONG})
    hand_in(study)
    until(lambda: running_on(study) is not None, "the training to run")
    [job] = study.jobs("train")
    name = {"ttp": job["ttp"], "worker": f"worker_1_{job['grid']}"}.get(victim, victim)
    grid.kill(name)
    grid.start(name)
    wait_for_jobs(study)

    assert [(job["state"], job["error"]) for job in jobs_of(study)] == [("completed", None)] * 4
    assert model_of(study) == undisturbed
    assert len(grid.driver.validations.read(*study.keys)["data"]) == 2


@pytest.mark.slow
def test_a_job_of_a_ttp_that_stays_dead_goes_on_at_another_grid(
    grid: Cluster, wine: Dataset, undisturbed: bytes
) -> None:
    study = Study(grid, wine, "moved", {"rounds": LONG})
    hand_in(study)
    until(lambda: running_on(study) is not None, "the training to run")
    [before] = study.jobs("train")
    grid.kill(before["ttp"])
    try:
        wait_for_jobs(study)
    finally:
        grid.start(before["ttp"])

    [after] = study.jobs("train")
    assert (after["state"], after["attempts"]) == ("completed", 2)
    assert after["grid"] != before["grid"]
    assert model_of(study) == undisturbed


@pytest.mark.slow
def test_what_ends_while_the_director_is_away_is_archived_when_it_is_back(grid: Cluster, wine: Dataset) -> None:
    study = Study(grid, wine, "away", {"rounds": LONG})
    hand_in(study)
    until(lambda: running_on(study) is not None, "the training to run")
    ttp = study.jobs("train")[0]["ttp"]
    grid.kill("director")
    until(lambda: grid.log(ttp).count("job ended") > 0 and _is_idle(grid, ttp), "the training to end")
    grid.start("director")
    wait_for_jobs(study)

    assert [job["state"] for job in jobs_of(study)] == ["completed"] * 4


@pytest.mark.slow
def test_a_ttp_that_is_told_to_stop_leaves_its_job_to_the_other(grid: Cluster, wine: Dataset) -> None:
    # Those of a TTP killed before, whose job went elsewhere, end when they have been idle for long.
    sessions = open_sessions(grid)
    study = Study(grid, wine, "stopped", {"rounds": LONG})
    hand_in(study)
    until(lambda: running_on(study) is not None, "the training to run")
    [before] = study.jobs("train")
    grid.kill(before["ttp"], signal.SIGTERM)
    try:
        wait_for_jobs(study)
    finally:
        grid.start(before["ttp"])

    [after] = study.jobs("train")
    assert (after["state"], after["grid"]) == ("completed", 1 - before["grid"])
    assert open_sessions(grid) <= sessions


def _is_idle(grid: Cluster, ttp: str) -> bool:
    """Whether the last thing a TTP logged of jobs is that one ended."""
    lines = [line for line in grid.log(ttp).splitlines() if "job started" in line or "job ended" in line]
    return bool(lines) and "job ended" in lines[-1]
