"""A grid whose programs can be killed at a chosen place and are started again when they are gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from real_grid import DEADLINE, RealGrid, until
from synergos_simulator.grid import Grid, Plan, is_healthy
from synergos_simulator.state import Program

KILLING = Path(__file__).with_name("killing.py")


class KillableGrid(RealGrid):
    """Programs in process groups of their own, with nobody but this object to watch over them."""

    def __init__(self, grid: Grid, armed: Path) -> None:
        super().__init__(grid)
        self._armed = armed
        self._running: dict[str, subprocess.Popen[bytes]] = {}
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

    def arm(self, place: str, program: str, passes: int = 0) -> None:
        """Have ``program`` kill itself at ``place`` after having passed it some times."""
        (self._armed / program / place).write_text(str(passes))

    def disarm(self) -> list[str]:
        """The places that nothing came by, which are then safe again."""
        left = [path for path in self._armed.glob("*/*") if path.is_file()]
        for path in left:
            path.unlink()
        return [path.name for path in left]

    def stop(self) -> None:
        """End every program."""
        self._stopped.set()
        self._watch.join(DEADLINE)
        for process in self._running.values():
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(DEADLINE)

    @property
    def _programs(self) -> Sequence[Program]:
        return [*self.grid.workers, self.grid.ttp]

    def _start(self, program: Program) -> None:
        armed = self._armed / program.name
        armed.mkdir(exist_ok=True)
        python, _, module, *flags = program.command
        with Path(program.log).open("ab") as log:
            self._running[program.name] = subprocess.Popen(
                [python, str(KILLING), str(armed), module, *flags],
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _start_again(self) -> None:
        while not self._stopped.wait(0.05):
            for program in self._programs:
                if self._running[program.name].poll() is not None:
                    self.deaths.append(program.name)
                    self._start(program)


@contextmanager
def killable(folder: Path, data: Path, workers: Sequence[str]) -> Iterator[KillableGrid]:
    """A killable grid that runs inside the ``with`` block."""
    armed = folder / "armed"
    armed.mkdir()
    grid = KillableGrid(Grid.planned(Plan(folder, data, workers)), armed)
    try:
        grid.start()
        yield grid
    finally:
        grid.stop()


assert sys.platform == "linux", "process groups and SIGKILL are what these tests are about"
