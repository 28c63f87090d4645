"""Files of what was deleted go where they lie, whoever is away or started again meanwhile: with the real programs."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grids.cluster_grid import Cluster, files_are_gone
from grids.planned_grid import planned
from grids.real_grid import ENDLESS, WORKERS, Aside, RealGrid, Study
from support.waiting import until
from synergos_simulator.datasets import Dataset
from synergos_simulator.grid import Plan
from synergos_simulator.state import Program


class Basic(Cluster):
    """A basic grid with nobody but the test to watch over its programs."""

    def nodes(self) -> list[list[Program]]:
        return RealGrid.nodes(self)


@pytest.fixture(scope="module")
def basic(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Iterator[Basic]:
    running = Basic(planned(Plan(tmp_path_factory.mktemp("grid"), data, WORKERS)), WORKERS)
    try:
        running.start()
        yield running
    finally:
        running.stop()


def holders_of(grid: RealGrid, *key: str) -> list[str]:
    return [program for program in ("ttp", *WORKERS) if grid.outputs(program).joinpath(*key).exists()]


def removals(grid: RealGrid) -> list[dict[str, Any]]:
    """Those that are still to be carried out."""
    found: list[dict[str, Any]] = grid.driver.removals.read_all()["data"]
    return found


def test_what_is_being_trained_ends_and_leaves_nothing(basic: Basic, wine: Dataset) -> None:
    study = Study(basic, wine, "endless", ENDLESS)
    study.declare()
    study.align()
    training = Aside(study.train)
    until(lambda: any(job["progress"].get("round", 0) > 1 for job in study.jobs("train")), "rounds to run")

    answer = basic.driver.projects.delete(*study.keys[:2])

    assert answer["status"] == 200, answer
    files_are_gone(basic, answer, "orchestrator", *WORKERS)
    assert [job["state"] for job in study.jobs("train")] == ["cancelled"]
    trained = training.answer()
    assert isinstance(trained, dict)
    assert "data" not in trained
    assert holders_of(basic, *study.keys[:2]) == []
    assert basic.open_sessions() == 0


@pytest.mark.slow
def test_a_worker_that_is_away_is_told_when_it_is_back_though_the_ttp_was_started_again(
    basic: Basic, wine: Dataset
) -> None:
    study = Study(basic, wine, "away", {"rounds": 2})
    study.declare()
    study.align()
    study.train()
    study.validate()
    assert holders_of(basic, *study.keys) == ["ttp", *WORKERS]
    basic.kill("worker_2")

    answer = basic.driver.runs.delete(*study.keys)

    assert "worker_2" in [each["place"] for each in answer["files"]["waiting"]]
    until(lambda: [each["place"] for each in removals(basic)] == ["worker_2"], "the others' files to be gone")
    until(lambda: "cannot be reached" in str(removals(basic)[0]["reason"]), "it to be asked")
    [waiting] = removals(basic)
    assert holders_of(basic, *study.keys) == ["worker_2"]

    basic.kill("ttp", signal.SIGTERM)
    basic.start("ttp")
    assert [each["id"] for each in removals(basic)] == [waiting["id"]]
    basic.start("worker_2")
    until(lambda: removals(basic) == [], "the removal")
    assert holders_of(basic, *study.keys) == []
