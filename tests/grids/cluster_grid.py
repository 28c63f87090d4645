"""A real cluster on loopback, whose programs can be killed and started again by hand."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from grids.forked import forked
from grids.planned_grid import planned
from grids.processes import Processes
from grids.real_grid import WORKERS, RealGrid, Study
from support.waiting import DEADLINE, until
from synergos_simulator.cluster import ClusterPlan, node_name
from synergos_simulator.grid import Grid, is_healthy
from synergos_simulator.state import Program

GRIDS = 2
LONG = {"rounds": 200, "patience": 200}
"""Hyperparameters of a training that takes long enough to be killed in, and that ends; never early."""


class Cluster(RealGrid):
    """The programs of a cluster, with nobody but the test to watch over them."""

    def __init__(self, grid: Grid, participants: Sequence[str], grids: int = GRIDS) -> None:
        super().__init__(grid)
        self._participants = participants
        self._sub_grids = grids
        self._processes = Processes(forked)

    def nodes(self) -> list[list[Program]]:
        """The workers of each participant, one for every sub-grid."""
        return [[self.program(node_name(name, grid)) for grid in range(self._sub_grids)] for name in self._participants]

    def program(self, name: str) -> Program:
        """One program as it was planned; how long a worker that was killed takes to be there again is the machine's affair."""
        found = next(program for program in self.grid.planned_programs if program.name == name)
        if not name.startswith("ttp"):
            return found
        return replace(found, command=[*found.command, "--rejoin_timeout", str(DEADLINE)])

    @property
    def names(self) -> list[str]:
        """All programs, in the order to start them."""
        return [program.name for program in self.grid.planned_programs]

    def log(self, program: str) -> str:
        """What a program has logged so far."""
        return self.program(program).log_tail(10_000)

    def start(self, *names: str) -> None:
        """Start programs, all by default, and wait until they answer."""
        chosen = [self.program(name) for name in names or self.names]
        for program in chosen:
            self._processes.start(program)
        for program in chosen:
            until(lambda program=program: is_healthy(program), f"{program.name} to answer")  # type: ignore[misc]

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        """End a program and everything it has started."""
        self._processes.end(name, how)

    def stop(self) -> None:
        """End every program."""
        self._processes.end_all()


def hand_in(study: Study) -> None:
    """All stages at once, as nobody has to wait for a cluster."""
    study.declare()
    for answer in (study.align(), study.train(), study.validate(), study.predict("worker_1")):
        assert (answer["success"], answer["data"]) == (1, []), answer


def jobs_of(study: Study) -> list[dict[str, Any]]:
    """All jobs of a study, oldest first."""
    found: list[dict[str, Any]] = study.grid.driver.jobs.read_all(project_id=study.keys[1])["data"]
    return found


def is_under_way(job: Mapping[str, Any]) -> bool:
    """Whether a training is some rounds on."""
    return bool(job["state"] == "running" and job["progress"].get("round", 0) >= 2)


def trainings_under_way(study: Study) -> list[dict[str, Any]]:
    """The trainings of a study, once all of them are some rounds on at the same time."""
    until(lambda: all(is_under_way(job) for job in study.jobs("train")), f"the trainings of {study.name} to run")
    return study.jobs("train")


def models_of(study: Study) -> list[bytes]:
    """The models of a study's experiment, one for each run."""
    records = study.grid.driver.models.read(*study.keys[:3])["data"]
    return [Path(record["global"]["path"]).with_name("global_model.safetensors").read_bytes() for record in records]


def wait_for_jobs(study: Study, *states: str) -> None:
    """Wait until all jobs of a study are in one of these states; final ones by default."""
    wanted = set(states) or {"completed", "failed", "cancelled"}

    def arrived() -> bool:
        jobs = jobs_of(study)
        return bool(jobs) and all(job["state"] in wanted for job in jobs)

    until(arrived, f"the jobs of {study.name} to be {' or '.join(sorted(wanted))}")


def files_are_gone(grid: RealGrid, deleted: Mapping[str, Any], *places: str) -> None:
    """Wait until the files of what was deleted are gone, of which the answer told these places: it waits for some seconds only."""
    files = deleted["files"]
    assert {*files["removed"], *(each["place"] for each in files["waiting"])} == set(places), deleted
    until(lambda: grid.driver.removals.read_all()["data"] == [], "the files to be gone")


def end_without_its_ttp(
    grid: Cluster, study: Study, how: signal.Signals = signal.SIGKILL
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Hand in all stages, end the TTP that trains, and start it again when all jobs have ended.

    Returns:
        The training when its TTP was still there, and at its end.
    """
    hand_in(study)
    [before] = trainings_under_way(study)
    grid.kill(before["ttp"], how)
    try:
        wait_for_jobs(study)
    finally:
        grid.start(before["ttp"])
    [after] = study.jobs("train")
    return before, after


@contextmanager
def cluster(
    folder: Path,
    data: Path,
    workers: Sequence[str] = WORKERS,
    database: str | None = None,
    trust: Sequence[str] = ("any",),
    grids: int = GRIDS,
    worker_flags: Sequence[str] = (),
    ttp_database: str | None = None,
    outbound: Sequence[str] = (),
) -> Iterator[Cluster]:
    """A cluster that runs inside the ``with`` block.

    Args:
        grids: how many sub-grids it has, each with a TTP.
        outbound: those of the participants whose workers listen nowhere.
    """
    plan = ClusterPlan(
        folder,
        data,
        workers,
        grids,
        database=database,
        ttp_database=ttp_database,
        trust=trust,
        worker_flags=worker_flags,
        outbound=outbound,
    )
    running = Cluster(planned(plan), workers, grids)
    try:
        running.start()
        yield running
    finally:
        running.stop()
