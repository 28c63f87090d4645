"""An orchestrator without workers: a TTP whose records are read, written and looked at."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from grids.forked import forked
from grids.processes import Processes
from support.waiting import until
from synergos.accounts.administration import Administration, administration
from synergos_simulator.grid import HOST, FreePorts, is_healthy
from synergos_simulator.state import Program


@contextmanager
def orchestrator(folder: Path, *flags: str) -> Iterator[tuple[Program, Processes]]:
    """One that runs inside the ``with`` block.

    Args:
        folder: of its own; what lies there already in ``data`` and ``outputs`` is what it begins with.
    """
    folder.mkdir(exist_ok=True)
    ports = FreePorts()
    port, data_port = ports(), ports()
    folders = [word for name in ("data", "outputs", "mlflow") for word in (f"--{name}", str(folder / name))]
    command = [sys.executable, "-m", "synergos_ttp", "--host", HOST, "--port", str(port), "--data_port", str(data_port)]
    program = Program("ttp", [*command, *folders, *flags], str(folder / "ttp.log"), HOST, port)
    processes = Processes(forked)
    processes.start(program)
    try:
        until(lambda: is_healthy(program), "the orchestrator to answer")
        yield program, processes
    finally:
        processes.end_all()


@contextmanager
def accounts(folder: Path) -> Iterator[Administration]:
    """Who may sign in at such an orchestrator, for as long as the block: as ``synergos account`` has them, on its host."""
    with administration(folder / "data", None, make=True) as found:
        yield found
