"""A TTP on a small disk that fills up says so, leaves nothing half written, and goes on when there is room."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from grids.real_grid import WORKERS, RealGrid, Study
from support.small_disk import can_mount, on_small_disk
from support.waiting import DEADLINE, until
from synergos_simulator.datasets import Dataset
from synergos_simulator.grid import Grid, Plan
from synergos_simulator.state import Program


class SmallPlan(Plan):
    """A grid whose TTP has a small disk."""

    def _program(self, name: str, *more: object) -> Program:
        program = super()._program(name, *more)  # type: ignore[arg-type]
        if name != "ttp":
            return program
        return replace(program, command=on_small_disk(self.folder / name, program.command))


@pytest.fixture
def grid(tmp_path: Path, data: Path) -> Iterator[RealGrid]:
    if not can_mount(tmp_path):
        pytest.skip("A FULL DISK IS NOT TESTED: this machine lets nobody mount one of their own")
    with Grid.planned(SmallPlan(tmp_path, data, WORKERS)) as running:
        running.wait_until_healthy()
        yield RealGrid(running)


def problems_of(grid: RealGrid) -> dict[str, str]:
    """What the TTP says keeps it from its work."""
    [address] = [program.address for program in grid.grid.state.programs if program.name == "ttp"]
    answer = requests.get(f"{address}/health", timeout=DEADLINE)
    told = answer.json()
    assert answer.status_code == (503 if told["status"] == "degraded" else 200)
    return dict(told.get("problems", {}))


class Disk:
    """The TTP's disk, as it sees it itself."""

    def __init__(self, grid: RealGrid) -> None:
        self.home = Path(f"/proc/{grid.process('ttp').pid}/root{grid.grid.folder / 'ttp'}")
        self._filler = self.home / "filler"

    def is_tracked(self) -> bool:
        """Whether its only training is in MLflow's store to its end: who writes there makes room, too, for a moment."""
        # Read as it is now, perhaps in the middle of a change: SQLite itself does not find a way through another process's root.
        with suppress(FileNotFoundError, sqlite3.DatabaseError), closing(sqlite3.connect(":memory:")) as opened:
            opened.deserialize((self.home / "mlflow" / "mlflow.db").read_bytes())
            return opened.execute("SELECT status FROM runs").fetchall() == [("FINISHED",)]
        return False

    def fill(self) -> None:
        with self._filler.open("wb", buffering=0) as file:
            for size in (2**20, 2**12, 1):
                with suppress(OSError):
                    while True:
                        file.write(bytes(size))

    def make_room(self) -> None:
        self._filler.unlink()

    def files(self, study: Study) -> dict[str, bytes]:
        folder = self.home.joinpath("outputs", *study.keys[:3])
        return {
            str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
        }


def test_what_cannot_be_stored_is_refused_and_goes_on_when_there_is_room(grid: RealGrid, wine: Dataset) -> None:
    study = Study(grid, wine, "small_disk", {"rounds": 2})
    study.declare()
    disk = Disk(grid)
    assert grid.driver.runs.create(*study.keys[:3], "spare", rounds=2)["success"]
    assert study.align()["success"]
    assert study.train()["success"]
    until(disk.is_tracked, "the training to be tracked", every=0.5)
    before, records = disk.files(study), grid.driver.models.read(*study.keys)["data"]

    disk.fill()
    until(lambda: problems_of(grid).keys() == {"outputs", "mlflow", "data"}, "its health to say so")
    assert set(problems_of(grid).values()) == {"its disk is full"}
    refused = [study.train(), grid.driver.runs.create(*study.keys[:3], "another", rounds=2)]

    assert [answer["status"] for answer in refused] == [507, 507]
    assert all("the disk of the record store is full: nothing was changed" in answer["message"] for answer in refused)
    assert disk.files(study) == before
    assert grid.driver.models.read(*study.keys)["data"] == records
    # What makes room has some kept for it.
    assert grid.driver.runs.delete(*study.keys[:3], "spare")["success"]
    disk.make_room()
    until(lambda: problems_of(grid) == {}, "its health to be well again")
    assert grid.driver.runs.create(*study.keys[:3], "another", rounds=2)["success"]
    assert study.train()["success"]
    assert study.validate()["success"]
