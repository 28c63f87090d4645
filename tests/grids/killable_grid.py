"""A grid whose programs can be killed or frozen at a chosen place, and are started again when they are gone."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from grids import killing
from grids.cluster_grid import GRIDS
from grids.forked import forked
from grids.planned_grid import planned
from grids.processes import Started, send
from grids.real_grid import WORKERS, RealGrid
from support.waiting import DEADLINE, until
from synergos_simulator.cluster import ClusterPlan, node_name
from synergos_simulator.grid import Grid, Plan, is_healthy
from synergos_simulator.state import Program

KILLING = Path(killing.__file__)


class KillableGrid(RealGrid):
    """Programs in process groups of their own, with nobody but this object to watch over them."""

    def __init__(self, grid: Grid, armed: Path, ttp_flags: Sequence[str]) -> None:
        super().__init__(grid)
        self._armed = armed
        self._ttp_flags = ttp_flags
        self._running: dict[str, Started] = {}
        # Replaced as a whole, as the thread that watches reads it.
        self._away: frozenset[str] = frozenset()
        self._stopped = threading.Event()
        self._watch = threading.Thread(target=self._start_again, name="watch")
        self.deaths: list[str] = []

    def start(self) -> None:
        """Start every program and wait until all answer."""
        for program in self._programs:
            self._start(program)
        self._watch.start()
        self.wait_until_healthy()

    def wait_until_healthy(self) -> None:
        """Wait until all programs answer."""
        for program in self._programs:
            until(lambda program=program: is_healthy(program), f"{program.name} to answer")  # type: ignore[misc]

    def arm(self, place: str, program: str, passes: int = 0, how: signal.Signals = signal.SIGKILL) -> None:
        """Have ``program`` send itself a signal at ``place`` after having passed it some times."""
        killing.arm(self._armed / program / place, passes, how)

    def is_armed(self, place: str, program: str) -> bool:
        """Whether the signal is still to come."""
        return (self._armed / program / place).exists()

    def freeze(self, program: str) -> None:
        """Stop a program, wherever it is, with all that it has started."""
        send(self._running[program], signal.SIGSTOP)

    def is_frozen(self, program: str) -> bool:
        """Whether a program, and the process of it that works, have stopped: whoever woke it before would be too early."""
        parent = psutil.Process(self._running[program].pid)
        stopped = [each.status() == psutil.STATUS_STOPPED for each in (parent, *parent.children())]
        return stopped[0] and any(stopped[1:])

    def wake(self, program: str) -> None:
        """Let a program that froze go on."""
        send(self._running[program], signal.SIGCONT)

    @contextmanager
    def away(self, program: str) -> Iterator[None]:
        """Let ``program`` stay away when it is gone, until the end of the block, and wait there until it answers."""
        self._away |= {program}
        try:
            yield
        finally:
            self._away -= {program}
        until(
            lambda: self._running[program].poll() is None and is_healthy(self._program(program)),
            f"{program} to answer again",
        )

    def start_ttp_with(self, *flags: str) -> None:
        """End the TTP in order, and have it started again with other flags than those before."""
        self._ttp_flags = flags
        with self.away("ttp"):
            self.end("ttp")

    def end(self, program: str, how: signal.Signals = signal.SIGTERM) -> int:
        """Send a program a signal, as whoever runs its host does, and wait for its end; its exit code."""
        process = self._running[program]
        process.send_signal(how)
        return process.wait(DEADLINE)

    def kill(self, program: str) -> None:
        """Kill a program with all that it has started, and wait for its end."""
        send(self._running[program], signal.SIGKILL)
        self._running[program].wait(DEADLINE)

    def process(self, program: str) -> psutil.Process:
        """The running process of a program."""
        return psutil.Process(self._running[program].pid)

    def disarm(self) -> list[str]:
        """The places that nothing came by, which are then safe again."""
        left = [path for path in self._armed.glob("*/*") if path.is_file()]
        for path in left:
            path.unlink()
        return [path.name for path in left]

    def stop(self) -> None:
        """End every program."""
        self._stopped.set()
        if self._watch.is_alive():
            self._watch.join(DEADLINE)
        for process in self._running.values():
            send(process, signal.SIGKILL)
        for process in self._running.values():
            process.wait(DEADLINE)

    @property
    def _programs(self) -> Sequence[Program]:
        return self.grid.planned_programs

    def _program(self, name: str) -> Program:
        return next(program for program in self._programs if program.name == name)

    def _start(self, program: Program) -> None:
        self._running[program.name] = forked(
            program.command if program.is_broker else self._deadly(program), program.log
        )

    def _deadly(self, program: Program) -> list[str]:
        """The command of a program with places in it."""
        armed = self._armed / program.name
        armed.mkdir(exist_ok=True)
        python, _, module, *flags = program.command
        own = self._ttp_flags if program.name.startswith("ttp") else ()
        return [python, str(KILLING), str(armed), module, *flags, *own]

    def _start_again(self) -> None:
        while not self._stopped.wait(0.05):
            for program in self._programs:
                # In this order: whoever lets one stay away says so before it ends.
                if self._running[program.name].poll() is not None and program.name not in self._away:
                    self.deaths.append(program.name)
                    self._start(program)


class KillableCluster(KillableGrid):
    """A cluster of such programs; a broker among them has no places."""

    def nodes(self) -> list[list[Program]]:
        """The workers of each participant, one for every sub-grid."""
        programs = {program.name: program for program in self._programs}
        return [[programs[node_name(name, grid)] for grid in range(GRIDS)] for name in WORKERS]


@contextmanager
def killable(
    folder: Path,
    data: Path,
    *ttp_flags: str,
    workers: Sequence[str] = WORKERS,
    outbound: Sequence[str] = (),
    proxy: str | None = None,
) -> Iterator[KillableGrid]:
    """A killable grid that runs inside the ``with`` block, its TTP with some more flags."""
    armed = folder / "armed"
    armed.mkdir()
    plan = Plan(folder, data, workers, outbound=outbound, proxy=proxy)
    grid = KillableGrid(planned(plan), armed, ttp_flags)
    try:
        grid.start()
        yield grid
    finally:
        grid.stop()


@contextmanager
def killable_cluster(folder: Path, data: Path, *ttp_flags: str) -> Iterator[KillableCluster]:
    """A killable cluster that runs inside the ``with`` block."""
    armed = folder / "armed"
    armed.mkdir()
    grid = KillableCluster(planned(ClusterPlan(folder, data, WORKERS, GRIDS)), armed, ttp_flags)
    try:
        grid.start()
        yield grid
    finally:
        grid.stop()


assert sys.platform == "linux", "process groups and SIGKILL are what these tests are about"
