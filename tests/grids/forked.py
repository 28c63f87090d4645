"""Programs that have their libraries when they start: forked, by the standard library's server of forks, from a process that has
loaded them once for all. A start takes a tenth of what loading does; whatever is about starts, memory or files that are open
starts a program as its users do instead. The process that knows MLflow is forked from another one, that has loaded MLflow
(:mod:`support.forking`).
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path

from grids.processes import Started, executed
from support.fork_server import end_with_parent
from support.forking import ForkServer, asking
from support.waiting import DEADLINE

_CONTEXT = multiprocessing.get_context("forkserver")
PRELOADED = (
    *(f"synergos_{name}.bootstrap" for name in ("director", "ttp", "worker")),
    "synergos_portal.program",
    # What else the process of a program that serves loads, when it is asked to serve.
    "synergos.program.answering",
    "synergos.program.by_heart",
    "synergos.program.dialling",
    "synergos.program.reception",
)
"""The server of forks says nothing of one that is not there: tests/unit/test_forked_names.py does."""
_CONTEXT.set_forkserver_preload(list(PRELOADED))

_OF_MLFLOW = ForkServer("servers.mlflow_programs")
"""Apart from the other: a TTP knows nothing of MLflow."""
THAT_KNOWS_MLFLOW = "synergos_ttp.tracking.mlflow_process"

# How one has ended is said once: of two threads that look at the same time, the other would take it to have ended with 255.
_LOOKING = threading.Lock()


def forked(command: Sequence[str], log: str) -> Started:
    """Start one of our programs quickly, and any other as its users do."""
    return ForkedProgram(command, log) if is_ours(command) else executed(command, log)


def is_ours(command: Sequence[str]) -> bool:
    """Whether it is a program that can be forked."""
    return command[0] == sys.executable and (command[1] in {"-m", "-c"} or command[1].endswith(".py"))


class ForkedProgram:
    """A program of ours in a process group of its own; it ends with this process, at the latest.

    Args:
        command: ``[python, "-m", module, …]``, ``[python, "-c", code, …]`` or ``[python, file, …]``.
        log: the file that its output is written to the end of.
    """

    def __init__(self, command: Sequence[str], log: str) -> None:
        self._command = command
        has_group, says_so = _CONTEXT.Pipe(duplex=False)
        # Our own folder and environment: those of the server of forks are of when it was started.
        arguments = (says_so, list(command), log, str(Path.cwd()), dict(os.environ), _OF_MLFLOW.address)
        # A daemon, as else whatever a test leaves behind keeps this process from ending.
        self._process = _CONTEXT.Process(target=_run, args=arguments, daemon=True)
        with has_group, says_so:
            # Whoever starts a process also looks which of all others have ended.
            with _LOOKING:
                self._process.start()
            says_so.close()
            # Until then, what is sent to its group is sent to nobody.
            has_group.poll(DEADLINE)

    @property
    def pid(self) -> int:
        """Its number, which is its group's."""
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Its exit code, as :class:`subprocess.Popen` has it; None while it runs."""
        with _LOOKING:
            return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; its exit code.

        Raises:
            TimeoutExpired: it still runs.
        """
        wait([self._process.sentinel], timeout)
        if (code := self.poll()) is None:
            raise subprocess.TimeoutExpired(self._command, timeout or 0)
        return code

    def send_signal(self, sig: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            # It may have ended just now.
            with suppress(ProcessLookupError):
                os.kill(self.pid, sig)

    def terminate(self) -> None:
        """Tell it to end, unless it has."""
        self.send_signal(signal.SIGTERM)


def _run(
    has_group: Connection, command: Sequence[str], log: str, folder: str, environment: Mapping[str, str], server: bytes
) -> None:
    """Become the program; what follows is in the process that was forked."""
    os.setsid()
    has_group.close()
    end_with_parent()
    with Path(os.devnull).open("rb") as nothing, Path(log).open("ab") as said:
        for own, taken in ((nothing, (0,)), (said, (1, 2))):
            for number in taken:
                os.dup2(own.fileno(), number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    subprocess.Popen = asking(server, THAT_KNOWS_MLFLOW)  # type: ignore[misc, assignment]
    try:
        _become(command)
    finally:
        # What a program that ends does, and a process that was forked leaves out.
        atexit._run_exitfuncs()


def _become(command: Sequence[str]) -> None:
    match command[1:]:
        case ["-m", module, *arguments]:
            sys.argv = [module, *arguments]
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case ["-c", code, *arguments]:
            sys.argv = ["-c", *arguments]
            exec(code, {"__name__": "__main__"})
        case [file, *arguments]:
            sys.argv = [file, *arguments]
            sys.path.insert(0, str(Path(file).parent))
            runpy.run_path(file, run_name="__main__")
