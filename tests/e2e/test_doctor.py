"""``synergos doctor`` beside real programs: from either end it names the hop that does not hold."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from grids.real_grid import RealGrid, Study, started
from servers.nobody import nobody
from support.waiting import DEADLINE, until
from synergos_simulator.datasets import Dataset

TO_THE_ORCHESTRATOR = "this machine → the orchestrator"


@dataclass(frozen=True)
class Diagnosis:
    code: int
    findings: list[dict[str, str]]
    failing: dict[str, str] | None

    def said(self, line: str, hop: str) -> str:
        [found] = {each["said"] for each in self.findings if (each["line"], each["hop"]) == (line, hop)}
        return found

    def hops(self, line: str) -> set[str]:
        return {each["hop"] for each in self.findings if each["line"] == line}


def doctor(address: str, *options: str, fails_at: tuple[str, str | None] | None = None) -> Diagnosis:
    """What it finds, once it is a line and a hop of it that fail, any of the line's for None; or that all is well.

    Whoever is asked is given three seconds by it, and a busy machine may take them: then it is asked again.
    """
    found: list[Diagnosis] = []

    def is_so() -> bool:
        found[:] = [diagnosed(address, *options)]
        failing = found[0].failing
        if fails_at is None or failing is None:
            return (failing is None) is (fails_at is None)
        return failing["line"] == fails_at[0] and fails_at[1] in (None, failing["hop"])

    until(is_so, lambda: f"{fails_at or 'nothing'} to fail: {found}")
    return found[0]


def diagnosed(address: str, *options: str) -> Diagnosis:
    command = [sys.executable, "-m", "synergos.cli", "doctor", "--address", address, "--format", "json", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)
    found: dict[str, Any] = json.loads(done.stdout or done.stderr)
    return Diagnosis(done.returncode, found["findings"], found["failing"])


@pytest.fixture
def port() -> Iterator[int]:
    """Where nobody listens."""
    with nobody() as found:
        yield found


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Iterator[RealGrid]:
    """One whose participants are those of these tests alone: all are examined, and one of them is moved."""
    with started(tmp_path_factory.mktemp("examined"), data) as running:
        yield running


@pytest.fixture
def study(grid: RealGrid, wine: Dataset) -> Study:
    study = Study(grid, wine, "examined")
    study.declare()
    return study


def moved(study: Study, **ports: Any) -> None:
    """Register the second worker elsewhere."""
    collaboration, project, _, _ = study.keys
    registrations = study.grid.driver.registrations
    node = registrations.read(collaboration, project, "worker_2")["data"]["node_0"]
    answer = registrations.update(collaboration, project, "worker_2", node_0={**node, **ports})
    assert answer["status"] == 200


def test_where_everything_holds_every_hop_is_named(grid: RealGrid, study: Study) -> None:
    found = doctor(grid.driver.address)

    assert (found.code, found.failing) == (0, None), found
    assert found.hops("this machine") == {"version", "memory", "disk", "GPU"}
    assert found.hops(TO_THE_ORCHESTRATOR) == {"port", "clock", "version", "bandwidth"}
    for worker in ("worker_1", "worker_2"):
        own = {"command port", "data port", "clock", "version", "bandwidth"}
        assert found.hops(f"this machine → {worker}") == own
        assert found.hops(f"the orchestrator → {worker}") == {"both ports", "clock", "version"}
    assert "MB/s" in found.said("this machine → worker_1", "bandwidth")


def test_a_worker_that_the_orchestrator_cannot_reach_is_the_failing_hop(
    grid: RealGrid, study: Study, port: int
) -> None:
    moved(study, port=port)

    found = doctor(grid.driver.address, fails_at=("this machine → worker_2", "data port"))

    assert found.code == 1
    assert found.failing is not None
    assert (found.failing["line"], found.failing["hop"]) == ("this machine → worker_2", "data port")
    assert f"127.0.0.1:{port} cannot be reached (Connection refused): nobody listens there" in found.failing["said"]


def test_a_participant_learns_that_its_own_worker_is_well_and_the_orchestrator_does_not_reach_it(
    grid: RealGrid, study: Study, port: int
) -> None:
    real = next(program for program in grid.grid.workers if program.name == "worker_2")
    moved(study, port=port)

    found = doctor(
        grid.driver.address,
        "--participant",
        "worker_2",
        "--port",
        str(real.data_port),
        fails_at=("the orchestrator → worker_2", None),
    )
    sound = doctor(grid.driver.address, "--participant", "worker_1")

    assert found.failing is not None
    assert (found.code, found.failing["line"]) == (1, "the orchestrator → worker_2")
    assert f"cannot be reached from there at 127.0.0.1:{port} (Connection refused)" in found.failing["said"]
    assert "it answers on this machine: look at what lies between the two" in found.failing["said"]
    assert (sound.code, sound.failing) == (0, None), sound
    assert sound.hops("this machine → its worker") == {"command port", "data port", "clock", "version", "bandwidth"}
    assert sound.hops("the orchestrator → worker_1") == {"both ports", "clock", "version"}


def test_who_is_not_registered_or_has_no_worker_here_is_told(grid: RealGrid, study: Study) -> None:
    unknown = diagnosed(grid.driver.address, "--participant", "hospital_9", "--f-port", "9", "--port", "9")

    assert unknown.failing is not None
    assert (unknown.code, unknown.failing["said"]) == (3, "hospital_9 is not registered for any project there")
    assert "nobody listens there" in unknown.said("this machine → its worker", "command port")


def test_whatever_else_answers_in_the_orchestrators_place_is_named(grid: RealGrid, port: int) -> None:
    worker = grid.grid.workers[0]

    of_a_worker = diagnosed(f"http://127.0.0.1:{worker.data_port}")
    of_nobody = diagnosed(f"http://127.0.0.1:{port}")
    unknown = diagnosed("http://ttp.invalid:5000")
    secured = diagnosed(grid.driver.address.replace("http:", "https:"))

    for found in (of_a_worker, of_nobody, unknown, secured):
        assert found.code == 3
        assert found.failing is not None
        assert found.failing["line"] == TO_THE_ORCHESTRATOR
    said = [
        (found.failing["hop"], found.failing["said"])
        for found in (of_a_worker, of_nobody, unknown, secured)
        if found.failing
    ]
    assert "is the data port of worker worker_1; expected a TTP or a director" in said[0][1]
    assert "nobody listens there" in said[1][1]
    assert said[2][0] == "name"
    assert "the name ttp.invalid is not known here" in said[2][1]
    assert said[3][0] == "TLS"
    assert "is it plain HTTP, http://?" in said[3][1]
