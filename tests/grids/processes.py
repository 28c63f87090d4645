"""Programs in process groups of their own, which tests start, freeze and kill by name."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from support.waiting import DEADLINE
from synergos_simulator.state import Program


class Processes:
    """Running programs, with nobody but the test to watch over them."""

    def __init__(self) -> None:
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, program: Program) -> None:
        """Start a program; it ends with the thread that calls this, at the latest."""
        with Path(program.log).open("ab") as log:
            # Not even a test run that is killed leaves a program behind.
            command = ["setpriv", "--pdeathsig", "KILL", *program.command]
            self._running[program.name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )

    def send(self, name: str, what: signal.Signals) -> None:
        """Send a signal to a program and everything it has started."""
        os.killpg(self._running[name].pid, what)

    def end(self, name: str, how: signal.Signals = signal.SIGKILL) -> int:
        """End a program and everything it has started; its exit code."""
        self.send(name, how)
        code = self._running[name].wait(DEADLINE)
        del self._running[name]
        return code

    def end_all(self) -> None:
        """Kill whatever runs."""
        for name in list(self._running):
            self.end(name)
