"""A grid that the simulator's own supervisor watches over, in a thread here, and whose programs have their libraries when they start."""

from __future__ import annotations

import os
import threading
import traceback
from pathlib import Path
from subprocess import TimeoutExpired
from typing import IO

from grids.forked import forked
from synergos_simulator.grid import Grid, Supervisor
from synergos_simulator.state import Program
from synergos_simulator.supervisor import Process, supervise


class QuickGrid(Grid):
    """A grid that is there in a second; it is not found or stopped from other processes."""

    def _supervised(self) -> Supervisor:
        return _Thread(self.folder)


class _Thread:
    """A supervisor without a process, as :class:`subprocess.Popen` has one with."""

    def __init__(self, folder: Path) -> None:
        self._leash, held = os.pipe()
        self.stdin: IO[bytes] | None = os.fdopen(held, "wb")
        self._told_to_stop = threading.Event()
        self._thread = threading.Thread(target=self._supervise, args=(folder,), name="supervisor", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        return os.getpid()

    def poll(self) -> int | None:
        return None if self._thread.is_alive() else 0

    def wait(self, timeout: float | None = None) -> int:
        self._thread.join(timeout)
        if self._thread.is_alive():
            raise TimeoutExpired("supervisor", timeout or 0)
        return 0

    def terminate(self) -> None:
        self._told_to_stop.set()

    # There is nothing that would be left of it.
    kill = terminate

    def _supervise(self, folder: Path) -> None:
        try:
            supervise(folder, self._leash, self._told_to_stop, start=_started)
        except BaseException:
            # Where the grid looks for why its supervisor has ended.
            (folder / "supervisor.log").write_text(traceback.format_exc())
            raise
        finally:
            os.close(self._leash)


def _started(program: Program) -> Process:
    return forked(program.command, program.log)
