"""A cluster of real programs whose records lie in PostgreSQL, as they do where it is spread over several hosts.

Director and TTPs have users of their own there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from grids.cluster_grid import (
    LONG,
    Cluster,
    cluster,
    end_without_its_ttp,
    jobs_of,
    models_of,
    trainings_under_way,
    wait_for_jobs,
)
from grids.real_grid import ENDLESS, Study
from servers.postgresql import PostgreSQL
from synergos.records import RecordStore
from synergos.records.grants import ttp_grants
from synergos_simulator.datasets import Dataset

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory, data: Path, postgresql: PostgreSQL) -> Iterator[Cluster]:
    database, role = postgresql.new_database(), "ttp_of_a_cluster"
    # The director's, whose tables they are; the TTPs have a user with the rights of TTPs.
    RecordStore(database).close()
    postgresql.execute(f"CREATE ROLE {role} LOGIN")
    for statement in ttp_grants(role, database.rpartition("%3D")[2]):
        postgresql.execute(statement)
    folder, theirs = tmp_path_factory.mktemp("cluster"), PostgreSQL.url_as(database, role)
    with cluster(folder, data, database=database, ttp_database=theirs) as running:
        yield running


ANOTHER = "another_run"


@pytest.fixture(scope="module")
def two_runs(grid: Cluster, wine: Dataset) -> Study:
    """A study of two runs, which was handed in to be aligned and trained at once; neither training ends by itself."""
    study = Study(grid, wine, "two_runs", ENDLESS)
    study.declare()
    driver, experiment = grid.driver, study.keys[:3]
    driver.runs.create(*experiment, ANOTHER, **{**wine.hyperparameters, **ENDLESS})
    answers = [study.align(), driver.models.create(*experiment)]
    assert [(answer["success"], answer["data"]) for answer in answers] == [(1, [])] * 2
    return study


@pytest.fixture(scope="module")
def at_once(grid: Cluster, two_runs: Study) -> list[int]:
    """The sub-grids on which both are trained at the same time, until that has been seen."""
    jobs = trainings_under_way(two_runs)
    for job in jobs:
        grid.driver.jobs.cancel(job["id"])
    wait_for_jobs(two_runs)
    return sorted(job["grid"] for job in jobs)


@pytest.fixture(scope="module")
def ended(grid: Cluster, wine: Dataset, two_runs: Study, at_once: list[int]) -> Study:
    """The same when both have been trained, validated and used."""
    driver, experiment, holding = grid.driver, two_runs.keys[:3], wine.holdings[0]
    assert holding.predict is not None
    collaboration, project, name, run = two_runs.keys
    for each in (run, ANOTHER):
        driver.runs.update(collaboration, project, name, each, **LONG)
    answers = [
        driver.models.create(*experiment),
        driver.validations.create(*experiment),
        driver.predictions.create({two_runs.keys[1]: [holding.predict]}, holding.participant_id, *experiment),
    ]
    assert [(answer["success"], answer["data"]) for answer in answers] == [(1, [])] * 3
    wait_for_jobs(two_runs)
    return two_runs


@pytest.fixture(scope="module")
def undisturbed(ended: Study) -> bytes:
    return models_of(ended)[0]


def test_one_alignment_serves_two_trainings_at_once(grid: Cluster, at_once: list[int], ended: Study) -> None:
    assert at_once == [0, 1]

    cancelled, completed = (
        [job for job in jobs_of(ended) if job["state"] == state] for state in ("cancelled", "completed")
    )
    assert [job["stage"] for job in cancelled] == ["train"] * 2
    assert {job["error"] for job in completed} == {None}
    assert Counter(job["stage"] for job in completed) == {"preprocess": 1, "train": 2, "validate": 2, "predict": 2}
    first, second = models_of(ended)
    assert first == second
    experiment = ended.keys[:3]
    assert len(grid.driver.validations.read(*experiment)["data"]) == 4
    assert len(grid.driver.predictions.read("worker_1", *experiment)["data"]) == 2
    assert grid.open_sessions() == 0


def test_a_job_of_a_ttp_that_stays_dead_goes_on_at_another_grid(
    grid: Cluster, wine: Dataset, undisturbed: bytes
) -> None:
    study = Study(grid, wine, "moved", LONG)
    before, after = end_without_its_ttp(grid, study)

    assert (after["state"], after["grid"]) == ("completed", 1 - before["grid"])
    assert after["attempts"] > before["attempts"]
    assert [(job["state"], job["error"]) for job in jobs_of(study)] == [("completed", None)] * 4
    assert models_of(study) == [undisturbed]
    assert len(grid.driver.validations.read(*study.keys)["data"]) == 2
