"""Programs in process groups of their own, which tests start, freeze and kill by name."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from support.waiting import DEADLINE
from synergos_simulator.state import Program
from synergos_simulator.supervisor import Process


class Started(Process, Protocol):
    """A program that was started in a process group of its own, as :class:`subprocess.Popen` has it."""

    def send_signal(self, sig: int) -> None:
        """Send it a signal, unless it has ended."""


Start = Callable[[Sequence[str], str], Started]
"""How a program is started: of its command, and of the file that its output is written to the end of."""


def executed(command: Sequence[str], log: str) -> Started:
    """Start a program as its users do; it ends with the thread that calls this, at the latest.

    Args:
        log: the file that its output is written to the end of.
    """
    with Path(log).open("ab") as said:
        # Not even a test run that is killed leaves a program behind.
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def send(started: Started, what: signal.Signals) -> None:
    """Send a signal to a program and everything it has started; nobody has it where all have ended."""
    with suppress(ProcessLookupError):
        os.killpg(started.pid, what)


class Processes:
    """Running programs, with nobody but the test to watch over them.

    Args:
        start: how, of a command and the file of its log; :func:`grids.forked.forked` where it is to be quick.
    """

    def __init__(self, start: Start = executed) -> None:
        self._start = start
        self._running: dict[str, Started] = {}

    def start(self, program: Program) -> None:
        """Start a program; it ends with the thread that calls this, at the latest."""
        self._running[program.name] = self._start(program.command, program.log)

    def pid(self, name: str) -> int:
        """The number of a program's outermost process."""
        return self._running[name].pid

    def send(self, name: str, what: signal.Signals) -> None:
        """Send a signal to a program and everything it has started, unless they have ended."""
        send(self._running[name], what)

    def end(self, name: str, how: signal.Signals = signal.SIGKILL) -> int:
        """End a program and everything it has started; its exit code."""
        self.send(name, how)
        code = self._running[name].wait(DEADLINE)
        del self._running[name]
        return code

    def end_all(self) -> None:
        """Kill whatever runs."""
        # Each, also where one takes longer than anybody waits.
        for name in self._running:
            self.send(name, signal.SIGKILL)
        for name in list(self._running):
            self.end(name)
