"""Starts a grid's programs, watches them, and stops them when it is told to or nobody needs them any more.

It runs as a process of its own (``python -m synergos_simulator.supervisor <folder>``), so that nothing is left behind
however the command that started it ends. Its standard input is the leash: when that closes without a ``release``
or a ``finish`` before, the command is gone and the grid is stopped. After either it goes on until SIGTERM, or until all programs
have ended. The programs in turn are ended by the system should the supervisor itself be killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import psutil

from synergos_simulator.state import GridState, Identity, Program

RELEASE = b"release\n"
FINISH = b"finish\n"
"""As a release, after which only those programs go on that outlive the others."""
GRACE = 35.0
"""Seconds a program has to end by itself after SIGTERM; its server takes up to 30 to answer what is in flight."""
STOP_DEADLINE = 2 * GRACE + 5.0
"""Seconds within which the supervisor has stopped everything: the TTP, then the workers together."""
CANNOT_START = 127
_LOOK = 0.1
_PR_SET_PDEATHSIG = 1


class Process(Protocol):
    """A program that runs in a process group of its own; what :class:`subprocess.Popen` is to a supervisor."""

    @property
    def pid(self) -> int:
        """Its number, which is its group's."""

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; its exit code, or :class:`subprocess.TimeoutExpired`."""

    def terminate(self) -> None:
        """Tell it to end, unless it has."""


Running = dict[str, Process]


def executed(program: Program) -> Process:
    """Start a program by its command.

    Raises:
        OSError: it cannot be started.
    """
    with Path(program.log).open("ab") as log:
        return subprocess.Popen(  # noqa: S603  (the command is made by this package)
            list(program.command),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            process_group=0,
            preexec_fn=_die_with_parent(),
        )


def supervise(
    folder: Path,
    leash: int,
    told_to_stop: threading.Event,
    grace: float = GRACE,
    start: Callable[[Program], Process] = executed,
) -> None:
    """Run the programs named in the folder's state file until told to stop, let go, or all have ended.

    Args:
        leash: the file descriptor to watch.
        grace: seconds a program has to end by itself.
        start: a program; raises OSError where it cannot be.
    """
    state = replace(GridState.load(folder), supervisor=Identity.of(os.getpid()))
    running: Running = {}
    try:
        for program in state.programs:
            state = state.with_program(_started(program, running, start))
        state.save(folder)
        watched = [leash]
        while running and not told_to_stop.is_set():
            if select.select(watched, [], [], _LOOK)[0]:
                said = os.read(leash, len(RELEASE))
                if said not in (RELEASE, FINISH):
                    break
                if said == FINISH:
                    _stop_in_waves([one for one in state.programs if not one.outlives], running, grace)
                watched.clear()
            state = _note_ended(state, running, folder)
    finally:
        _stop_in_waves(state.programs, running, grace)
        _note_ended(state, running, folder)


def _started(program: Program, running: Running, start: Callable[[Program], Process]) -> Program:
    """Start one program; one that cannot be started has ended at once, as a shell would put it."""
    try:
        process = start(program)
    except OSError as error:
        with Path(program.log).open("ab") as log:
            log.write(f"cannot be started: {error}\n".encode())
        return replace(program, identity=None, exit_code=CANNOT_START)
    running[program.name] = process
    # One that has ended by now may be gone without a trace, and is noted with the others.
    with contextlib.suppress(psutil.NoSuchProcess):
        program = replace(program, identity=Identity.of(process.pid))
    return replace(program, exit_code=None)


def _die_with_parent() -> Callable[[], None] | None:
    """What makes a child end when its parent is killed, where the system can do that."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def prepare() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)

    return prepare


def _note_ended(state: GridState, running: Running, folder: Path) -> GridState:
    """Take note of programs that have ended since the last look."""
    ended = {name: code for name, process in running.items() if (code := process.poll()) is not None}
    for program in state.programs:
        if program.name in ended:
            state = state.with_program(replace(program, exit_code=ended[program.name]))
            # Whatever a program that crashed has left in its group.
            _kill_group(running.pop(program.name).pid)
    if ended:
        state.save(folder)
    return state


def _stop_in_waves(programs: Sequence[Program], running: Running, grace: float) -> None:
    """A TTP goes before its workers: it still ends its sessions there."""
    for wave in sorted({program.stops for program in programs}, reverse=True):
        left = [program.name for program in programs if program.stops == wave and program.name in running]
        _stop([running[name] for name in left], grace)


def _stop(processes: Sequence[Process], grace: float) -> None:
    """SIGTERM to the programs, which see to their own children; after the grace, SIGKILL to all of their groups."""
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + grace
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(deadline - time.monotonic(), 0))
        _kill_group(process.pid)
        process.wait()


def _kill_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def stop_recorded(state: GridState, grace: float = GRACE) -> None:
    """Stop a grid from another process: its supervisor, which stops the programs; what is left, directly.

    Only processes that are still the recorded ones are touched.
    """
    if state.supervisor and state.supervisor.is_alive:
        _signal(state.supervisor, signal.SIGTERM)
        _wait_gone([state.supervisor], STOP_DEADLINE)
    left = [p.identity for p in reversed(state.programs) if p.identity and p.identity.is_alive]
    for identity in left:
        _signal(identity, signal.SIGTERM)
    for identity in _wait_gone(left, grace):
        _kill_group(identity.pid)


def _signal(identity: Identity, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(identity.pid, number)


def _wait_gone(identities: Iterable[Identity], seconds: float) -> list[Identity]:
    """Those that are still there when the time is over."""
    deadline = time.monotonic() + seconds
    left = list(identities)
    while (left := [identity for identity in left if identity.is_alive]) and time.monotonic() < deadline:
        time.sleep(_LOOK)
    return left


def main() -> None:
    """Supervise the grid of the folder given on the command line."""
    told_to_stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: told_to_stop.set())
    # Logs, and what a broker writes, are as those who are started see to it with their own.
    os.umask(0o077)
    supervise(Path(sys.argv[1]), sys.stdin.fileno(), told_to_stop)


if __name__ == "__main__":
    main()
