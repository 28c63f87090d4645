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
from grids.real_grid import Study
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


@pytest.fixture(scope="module")
def two_runs(grid: Cluster, wine: Dataset) -> Study:
    """A study of two runs, all stages of which were handed in at once, while both are trained."""
    study = Study(grid, wine, "two_runs", LONG)
    study.declare()
    driver, experiment = grid.driver, study.keys[:3]
    driver.runs.create(*experiment, "another_run", **{**wine.hyperparameters, **study.run})
    holding = wine.holdings[0]
    assert holding.predict is not None
    answers = [
        study.align(),
        driver.models.create(*experiment),
        driver.validations.create(*experiment),
        driver.predictions.create({study.keys[1]: [holding.predict]}, holding.participant_id, *experiment),
    ]
    assert [(answer["success"], answer["data"]) for answer in answers] == [(1, [])] * 4
    return study


@pytest.fixture(scope="module")
def undisturbed(two_runs: Study) -> bytes:
    wait_for_jobs(two_runs)
    return models_of(two_runs)[0]


def test_one_alignment_serves_two_trainings_at_once(grid: Cluster, two_runs: Study) -> None:
    assert {job["grid"] for job in trainings_under_way(two_runs)} == {0, 1}
    wait_for_jobs(two_runs)

    jobs = jobs_of(two_runs)
    assert {(job["state"], job["error"], job["attempts"]) for job in jobs} == {("completed", None, 1)}
    assert Counter(job["stage"] for job in jobs) == {"preprocess": 1, "train": 2, "validate": 2, "predict": 2}
    first, second = models_of(two_runs)
    assert first == second
    experiment = two_runs.keys[:3]
    assert len(grid.driver.validations.read(*experiment)["data"]) == 4
    assert len(grid.driver.predictions.read("worker_1", *experiment)["data"]) == 2
    assert grid.open_sessions() == 0


def test_a_job_of_a_ttp_that_stays_dead_goes_on_at_another_grid(
    grid: Cluster, wine: Dataset, undisturbed: bytes
) -> None:
    study = Study(grid, wine, "moved", LONG)
    before, after = end_without_its_ttp(grid, study)

    assert (after["state"], after["attempts"], after["grid"]) == ("completed", 2, 1 - before["grid"])
    assert [(job["state"], job["error"]) for job in jobs_of(study)] == [("completed", None)] * 4
    assert models_of(study) == [undisturbed]
    assert len(grid.driver.validations.read(*study.keys)["data"]) == 2
