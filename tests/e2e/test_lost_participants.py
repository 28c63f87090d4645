"""A participant that is lost in the middle of a run: waited for, gone on without, or named."""

from __future__ import annotations

import signal

import psutil
import pytest

from real_grid import Aside, RealGrid, Study, until
from synergos_simulator.datasets import Dataset

LONG = {"rounds": 2_000, "epochs": 1, "patience": 100_000}


def round_of(study: Study) -> int:
    return max((job["progress"].get("round", 0) for job in study.jobs("train")), default=0)


def processes(grid: RealGrid, program: str) -> list[psutil.Process]:
    parent = grid.process(program)
    return [parent, *parent.children(recursive=True)]


@pytest.mark.slow
def test_the_run_goes_on_with_those_that_remain(own_grid: RealGrid, wine: Dataset) -> None:
    study = Study(own_grid, wine, "remaining", {**LONG, "min_participants": 1})
    study.declare()
    study.align()
    training = Aside(study.train)
    until(lambda: round_of(study) > 2, "rounds to run")

    own_grid.end("worker_2", signal.SIGTERM)
    before = round_of(study)
    until(lambda: round_of(study) > before + 2, "rounds to go on")
    absent = study.jobs("train")[-1]["progress"]["absent"]
    own_grid.driver.jobs.cancel(study.jobs("train")[-1]["id"])
    training.answer()

    assert list(absent) == ["worker_2"]


@pytest.mark.slow
def test_a_participant_that_gives_no_sign_of_life_is_noticed(own_grid: RealGrid, wine: Dataset) -> None:
    study = Study(own_grid, wine, "frozen", LONG)
    study.declare()
    study.align()
    training = Aside(study.train)
    until(lambda: round_of(study) > 2, "rounds to run")
    frozen = processes(own_grid, "worker_1")
    for process in frozen:
        process.suspend()
    try:
        answer = training.answer()
    finally:
        for process in frozen:
            process.resume()

    assert isinstance(answer, dict)
    assert "worker_1" in answer["message"]
