"""The portal as a program of its own, in front of an orchestrator."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from grids.forked import forked
from grids.processes import Processes, Start
from support.waiting import until
from synergos_simulator.grid import HOST, FreePorts, is_healthy
from synergos_simulator.portal import first_of_three
from synergos_simulator.state import Program


@dataclass(frozen=True)
class RunningPortal:
    """Where its services are.

    Attributes:
        port: nav's; view and track are at the two after it.
        pid: of the process that watches over the one that serves.
    """

    program: Program
    port: int
    pid: int

    @property
    def nav(self) -> str:
        """Entry, home, search."""
        return f"http://{HOST}:{self.port}"

    @property
    def view(self) -> str:
        """Lists, records, forms, jobs."""
        return f"http://{HOST}:{self.port + 1}"

    @property
    def track(self) -> str:
        """The Command Station."""
        return f"http://{HOST}:{self.port + 2}"

    @property
    def origins(self) -> set[str]:
        """All three."""
        return {self.nav, self.view, self.track}


@contextmanager
def running(
    folder: Path, orchestrator: str, flags: Sequence[str] = (), start: Start = forked
) -> Iterator[RunningPortal]:
    """A portal that runs inside the ``with`` block."""
    folder.mkdir(parents=True, exist_ok=True)
    port = first_of_three(FreePorts(), None)
    command = [sys.executable, "-m", "synergos_portal", "--host", HOST, "--port", str(port)]
    command += ["--orchestrator", orchestrator, "--outputs", str(folder / "outputs"), *flags]
    program = Program("portal", command, str(folder / "portal.log"), HOST, port)
    processes = Processes(start)
    processes.start(program)
    try:
        until(lambda: is_healthy(program), "the portal to answer")
        yield RunningPortal(program, port, processes.pid(program.name))
    finally:
        processes.end_all()
