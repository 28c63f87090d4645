"""A TTP and workers of neighbouring releases take a project through the whole cycle, whichever of them is the newer one.

The other release is the one before, as its tag has it; as long as there is none, what is tested itself under the next version.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from grids.real_grid import WORKERS, RealGrid, Study
from support.releases import present_version, release_before, unpacked, wheel_of_tag, wheel_of_the_tree
from synergos.domain.release import Release
from synergos_simulator.datasets import Dataset
from synergos_simulator.grid import Grid, Plan
from synergos_simulator.state import Program


@dataclass(frozen=True)
class MixedPlan(Plan):
    """A grid, some programs of which are another release's.

    Attributes:
        others: where that is, by program.
    """

    others: Mapping[str, Path] = field(default_factory=dict)

    def _program(self, name: str, *more: object) -> Program:
        program = super()._program(name, *more)  # type: ignore[arg-type]
        if name not in self.others:
            return program
        return replace(program, command=["env", f"PYTHONPATH={self.others[name]}", *program.command])


def version_of(program: Program) -> str:
    with urllib.request.urlopen(f"{program.address}/health", timeout=30) as answer:
        return str(json.load(answer)["version"])


def version_ahead(minors: int) -> str:
    now = Release.of(present_version())
    assert now is not None
    return f"{now.major}.{now.minor + minors}.0"


@pytest.fixture(scope="module")
def neighbour(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("neighbour")
    tag = release_before()
    wheel = wheel_of_the_tree(version_ahead(1), folder) if tag is None else wheel_of_tag(tag, folder)
    return unpacked(wheel, folder / "installed")


@pytest.mark.parametrize("other", ["worker_1", "ttp"])
def test_neighbouring_releases_run_the_whole_cycle(
    tmp_path: Path, data: Path, wine: Dataset, neighbour: Path, other: str
) -> None:
    # Workers of releases without identities are asked by this word alone, which TTPs of such releases do not know.
    sealed = "on" if other == "ttp" else "any"
    grid = Grid.planned(MixedPlan(tmp_path, data, WORKERS, others={other: neighbour}, sealed=sealed))
    with grid:
        grid.wait_until_healthy()
        study = Study(RealGrid(grid), wine, "mixed", {"rounds": 2})
        study.declare()
        answers = [study.align(), study.train(), study.validate(), study.predict("worker_1"), study.predict("worker_2")]

        assert [answer["status"] for answer in answers] == [201, 200, 200, 200, 200]
        assert len({version_of(program) for program in (grid.ttp, *grid.workers)}) == 2


def test_releases_that_are_too_far_apart_say_so_at_once(tmp_path: Path, data: Path, wine: Dataset) -> None:
    far = unpacked(wheel_of_the_tree(version_ahead(2), tmp_path), tmp_path / "installed")
    grid = Grid.planned(MixedPlan(tmp_path / "grid", data, WORKERS, others={"worker_2": far}))
    with grid:
        grid.wait_until_healthy()
        study = Study(RealGrid(grid), wine, "too_far")
        study.declare()

        refused = study.align()

    assert refused["status"] == 424
    assert "worker_2: the worker is Synergos" in refused["message"]
    assert "only neighbouring minor versions go together; update this TTP" in refused["message"]
