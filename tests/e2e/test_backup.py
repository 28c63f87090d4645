"""A TTP in the middle of a training is backed up by the command line, and goes on elsewhere from what was backed up."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from grids.forked import forked
from grids.processes import Processes
from grids.real_grid import ENDLESS, Aside, RealGrid, Study
from support.waiting import until
from synergos_simulator.datasets import Dataset
from synergos_simulator.grid import is_healthy
from synergos_simulator.state import Program


@pytest.fixture
def processes() -> Iterator[Processes]:
    started = Processes(forked)
    yield started
    started.end_all()


def command_line(*arguments: str | Path) -> str:
    command = [sys.executable, "-m", "synergos.cli", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def folders_below(home: Path) -> list[str | Path]:
    return ["--data", home / "data", "--outputs", home / "outputs", "--mlflow", home / "mlflow"]


def moved(program: Program, before: Path, now: Path) -> Program:
    command = [part.replace(str(before), str(now)) for part in program.command]
    return replace(program, command=command, log=f"{program.log}.moved")


def test_a_training_goes_on_from_a_backup_that_was_made_while_it_ran(
    tmp_path: Path, own_grid: RealGrid, wine: Dataset, processes: Processes
) -> None:
    done, long = Study(own_grid, wine, "done", {"rounds": 2}), Study(own_grid, wine, "long", ENDLESS)
    for study in (done, long):
        study.declare()
        assert study.align()["success"]
    assert done.train()["success"]
    training = Aside(long.train)
    until(lambda: any(job["progress"].get("round", 0) >= 3 for job in long.jobs("train")), "some rounds to be done")
    old, new = own_grid.grid.folder / "ttp", tmp_path / "elsewhere"

    made = json.loads(command_line("backup", tmp_path / "backup", *folders_below(old), "--format", "json"))
    own_grid.end("ttp", signal.SIGKILL)
    training.answer()
    weights = (done.model_folder() / "global_model.safetensors").read_bytes()
    shutil.rmtree(old)
    command_line("restore", tmp_path / "backup", *folders_below(new))
    ttp = moved(own_grid.grid.ttp, old, new)
    processes.start(ttp)
    until(lambda: is_healthy(ttp), "the restored TTP to answer")
    [job] = long.jobs("train")

    assert (made["unfinished_jobs"], made["missing"]) == (1, [])
    until(
        lambda: re.search(r'"training goes on".*"round": [1-9]', ttp.log_tail(10_000)) is not None,
        "the training to go on",
    )
    own_grid.driver.jobs.cancel(job["id"])
    path = own_grid.driver.models.read(*done.keys)["data"][0]["global"]["path"]
    assert path.startswith(str(new))
    assert Path(path).with_name("global_model.safetensors").read_bytes() == weights
    assert done.validate()["success"]
