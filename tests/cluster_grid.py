"""A real cluster on loopback, whose programs can be killed and started again by hand."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from real_grid import DEADLINE, WORKERS, RealGrid, Study, until
from synergos_simulator.cluster import ClusterPlan, node_name
from synergos_simulator.grid import Grid, is_healthy
from synergos_simulator.state import Program

GRIDS = 2
START_DEADLINE = 120.0


class Cluster(RealGrid):
    """Programs in process groups of their own, with nobody but the test to watch over them."""

    def __init__(self, grid: Grid, participants: Sequence[str]) -> None:
        super().__init__(grid)
        self._participants = participants
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def nodes(self) -> list[list[Program]]:
        """The workers of each participant, one for every sub-grid."""
        return [[self.program(node_name(name, grid)) for grid in range(GRIDS)] for name in self._participants]

    def program(self, name: str) -> Program:
        """One program as it was planned."""
        return next(program for program in self.grid.planned_programs if program.name == name)

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
            with Path(program.log).open("ab") as log:
                # Not even a test run that is killed leaves a program behind.
                command = ["setpriv", "--pdeathsig", "KILL", *program.command]
                self._running[program.name] = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
                )
        for program in chosen:
            until(
                lambda program=program: is_healthy(program),  # type: ignore[misc]
                f"{program.name} to answer",
                START_DEADLINE,
            )

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        """End a program and everything it has started."""
        process = self._running.pop(name)
        os.killpg(process.pid, how)
        process.wait(DEADLINE)

    def stop(self) -> None:
        """End every program."""
        for name in list(self._running):
            self.kill(name)


def wait_for_jobs(study: Study, *states: str) -> None:
    """Wait until all jobs of a study are in one of these states; final ones by default."""
    wanted = set(states) or {"completed", "failed", "cancelled"}

    def arrived() -> bool:
        jobs = study.grid.driver.jobs.read_all(project_id=study.keys[1])["data"]
        return bool(jobs) and all(job["state"] in wanted for job in jobs)

    until(arrived, f"the jobs of {study.name} to be {' or '.join(sorted(wanted))}")


@contextmanager
def cluster(
    folder: Path, data: Path, workers: Sequence[str] = WORKERS, database: str | None = None
) -> Iterator[Cluster]:
    """A cluster that runs inside the ``with`` block."""
    running = Cluster(Grid.planned(ClusterPlan(folder, data, workers, GRIDS, database=database)), workers)
    try:
        running.start()
        yield running
    finally:
        running.stop()
