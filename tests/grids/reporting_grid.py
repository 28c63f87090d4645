"""A grid of the real programs that send what they log to inputs of another project."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from grids.cluster_grid import Cluster, hand_in, jobs_of, wait_for_jobs
from grids.planned_grid import planned
from grids.real_grid import WORKERS, Study
from servers.gelf_receiver import GelfReceiver
from support.log_lines import Line, read_lines
from synergos_simulator.cluster import ClusterPlan, node_name
from synergos_simulator.grid import Grid, Plan
from synergos_simulator.state import Program


class ReportingGrid(Cluster):
    """Programs with some more flags each, by what they are."""

    def __init__(self, grid: Grid, receiver: GelfReceiver, flags: Sequence[str], grids: int | None) -> None:
        super().__init__(grid, WORKERS)
        self.receiver = receiver
        self._flags = flags
        self._grids = grids

    @property
    def is_queued(self) -> bool:
        """Whether it is a cluster."""
        return self._grids is not None

    def nodes(self) -> list[list[Program]]:
        """The workers of each participant."""
        if self._grids is None:
            return [[self.program(name)] for name in WORKERS]
        return [[self.program(node_name(name, grid)) for grid in range(self._grids)] for name in WORKERS]

    def program(self, name: str) -> Program:
        """One program as it is started."""
        found = super().program(name)
        if found.is_broker:
            return found
        return replace(found, command=[*found.command, *self.receiver.flags(role_of(found)), *self._flags])

    @property
    def programs(self) -> list[Program]:
        """All but the broker."""
        return [self.program(name) for name in self.names if not super(ReportingGrid, self).program(name).is_broker]

    def lines(self, name: str) -> list[Line]:
        """What a program has written to standard error so far."""
        return list(read_lines(Path(self.program(name).log).read_text()))

    def run(self, study: Study) -> None:
        """All stages of a study, to their end."""
        if self.is_queued:
            hand_in(study)
            wait_for_jobs(study)
        else:
            study.declare()
            for answer in (study.align(), study.train(), study.validate(), study.predict("worker_1")):
                assert answer["success"], answer
        assert {job["state"] for job in jobs_of(study)} == {"completed"}

    def end(self, program: str, how: signal.Signals = signal.SIGTERM) -> int:
        """End a program in good order."""
        return self._processes.end(program, how)


def role_of(program: Program) -> str:
    """Whether it is a director, a ttp or a worker."""
    module = program.command[program.command.index("-m") + 1]
    return module.removeprefix("synergos_")


@contextmanager
def reporting(
    folder: Path, data: Path, receiver: GelfReceiver, *flags: str, grids: int | None = None
) -> Iterator[ReportingGrid]:
    """A grid that runs inside the ``with`` block: a cluster of so many sub-grids, or else a Basic one."""
    plan = Plan(folder, data, WORKERS) if grids is None else ClusterPlan(folder, data, WORKERS, grids)
    running = ReportingGrid(planned(plan), receiver, flags, grids)
    try:
        running.start()
        yield running
    finally:
        running.stop()
