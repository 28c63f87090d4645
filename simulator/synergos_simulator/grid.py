"""A grid on this machine: its programs as plain processes on loopback addresses; here is what a Basic one consists of."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, Self
from urllib.error import URLError
from urllib.request import urlopen

from synergos.errors import Conflict, GridError
from synergos.pki.consortium import LocalConsortium
from synergos.program.health_file import health_in
from synergos_simulator.broker import takes_connections
from synergos_simulator.command import stopping
from synergos_simulator.scrape_targets import write_targets
from synergos_simulator.state import GridState, Program
from synergos_simulator.supervisor import FINISH, RELEASE, STOP_DEADLINE, Process, stop_recorded

HOST = "127.0.0.1"
START_DEADLINE = 180.0
"""Seconds until every program must answer: torch and MLflow are slow to load on a cold disk."""
_LOOK = 0.1
_WELL_AT_MLFLOW = b"OK"
_OWN_PORTS = (20_000, 32_768)
"""Where ports are looked for; systems choose theirs above."""


class Disclosure(StrEnum):
    """How much may leave the workers of a grid on this machine, whose data are examples or a user's own."""

    OPEN = "open"
    STRICT = "strict"


LOG_TO_FILES = ("--logging_variant", "basic")
"""What programs are told that log to standard error alone, which is a file for each."""


class Planned(Protocol):
    """What a grid is to be like; Basic ones are :class:`Plan`, clusters :class:`synergos_simulator.cluster.ClusterPlan`."""

    @property
    def folder(self) -> Path:
        """Where logs, outputs and the state file go."""

    @property
    def data(self) -> Path:
        """The data root."""

    @property
    def consortium(self) -> LocalConsortium | None:
        """Who gives its programs certificates; None for plain HTTP."""

    def programs(self, free_port: Callable[[], int]) -> list[Program]:
        """The programs in the order to start them."""


@dataclass(frozen=True)
class Plan:
    """What a Basic grid is to be like: one TTP and some workers.

    Attributes:
        folder: where logs, outputs and the state file go.
        data: the data root; every worker is given the same one, so that any of them can stand in for all.
        ttp_port: the TTP's command port; 0 takes a free one.
        cpus: how many each program may use.
        disclosure: how much may leave its workers.
        logging: the flags that say where its programs log.
        trust: which orchestrators may use them: on this machine all are the user's own.
        sealed: which of them the TTP asks sealed: on (all), any (those that show an identity) or off.
        outbound: those of the workers that listen nowhere and dial the TTP.
        proxy: the HTTP proxy through which they do; None where they dial it directly.
        worker_flags: what its workers are told besides.
        orchestrator_flags: what its TTP is told besides.
        consortium: who gives its programs certificates; None for plain HTTP.
    """

    folder: Path
    data: Path
    workers: Sequence[str]
    ttp_port: int = 0
    cpus: int = 1
    disclosure: Disclosure = Disclosure.OPEN
    logging: Sequence[str] = LOG_TO_FILES
    trust: Sequence[str] = ("any",)
    sealed: str = "on"
    outbound: Sequence[str] = ()
    proxy: str | None = None
    worker_flags: Sequence[str] = ()
    orchestrator_flags: Sequence[str] = ()
    consortium: LocalConsortium | None = None

    def programs(self, free_port: Callable[[], int]) -> list[Program]:
        """The programs in the order to start them: workers first, the TTP last."""
        rendezvous = free_port() if self.outbound else None
        workers = [
            self._outbound(name, rendezvous) if rendezvous and name in self.outbound else self._worker(name, free_port)
            for name in self.workers
        ]
        return [*workers, self._ttp(free_port, rendezvous)]

    def _ttp(self, free_port: Callable[[], int], rendezvous: int | None = None) -> Program:
        home = self.folder / "ttp"
        # Whatever runs on this machine is the user's own.
        own = ["--mlflow", str(home / "mlflow"), "--allow_mlops", HOST, *self._sealing(), *self.orchestrator_flags]
        own += ["--rendezvous_port", str(rendezvous)] if rendezvous else []
        return self._program("ttp", "synergos_ttp", self.ttp_port or free_port(), free_port(), own)

    def _sealing(self) -> Sequence[str]:
        # A TTP of an earlier release does not know the flag.
        return () if self.sealed == "on" else ("--sealed", self.sealed)

    def _of_workers(self) -> list[str]:
        return ["--disclosure", self.disclosure, *(("--trust", *self.trust) if self.trust else ()), *self.worker_flags]

    def _outbound(self, name: str, rendezvous: int) -> Program:
        outputs = str(self.folder / name / "outputs")
        flags = ["--id", name, "--cpus", str(self.cpus), "--data", str(self.data), "--outputs", outputs]
        # Without --join_proxy a proxy of this machine's user would be asked for its own loopback.
        flags += ["--join", f"{HOST}:{rendezvous}", "--join_proxy", self.proxy or "none"]
        files = () if self.consortium is None else self.consortium.files(name)
        own = [*self.logging, *self._of_workers(), *tls_flags(files)]
        command = [sys.executable, "-m", "synergos_worker", *flags, *own]
        return Program(name, command, str(self.folder / "logs" / f"{name}.log"), outputs=outputs)

    def _worker(self, name: str, free_port: Callable[[], int]) -> Program:
        own = self._of_workers()
        return self._program(name, "synergos_worker", free_port(), free_port(), own)

    def _program(self, name: str, module: str, port: int, data_port: int, own: Sequence[str]) -> Program:
        home = self.folder / name
        places = {"--id": name, "--host": HOST, "--port": port, "--data_port": data_port, "--cpus": self.cpus}
        folders = {"--data": self.data if name != "ttp" else home / "data", "--outputs": home / "outputs"}
        flags = [str(part) for pair in (places | folders).items() for part in pair]
        files = () if self.consortium is None else self.consortium.files(name)
        command = [sys.executable, "-m", module, *flags, *self.logging, *own, *tls_flags(files)]
        log = str(self.folder / "logs" / f"{name}.log")
        return Program(name, command, log, HOST, port, data_port, stops=int(name == "ttp"), tls=spoken_to(files))


def tls_flags(files: Sequence[Path]) -> list[str]:
    """What a program is told of its certificate, its key, and who vouches for others; nothing where there is none."""
    flags = ("--tls_cert", "--tls_key", "--tls_ca")
    return [str(part) for pair in zip(flags, files, strict=False) for part in pair]


def spoken_to(files: Sequence[Path]) -> list[str]:
    """Whom to believe who speaks to a program with these files, and what to show: on this machine its own."""
    return [str(path) for path in (*files[2:], *files[:2])]


class Supervisor(Process, Protocol):
    """What watches over a grid's programs.

    Attributes:
        stdin: its leash; None where it has been let go of.
    """

    stdin: IO[bytes] | None

    def kill(self) -> None:
        """End it now."""


class Grid:
    """A running grid. Leaving the ``with`` block stops it, unless it was released.

    Args:
        state: what to start.
        folder: where the state file and the supervisor's log go.
    """

    def __init__(self, state: GridState, folder: Path) -> None:
        self.folder = folder
        self._asked = state
        self._supervisor: Supervisor | None = None

    @classmethod
    def planned(cls, plan: Planned) -> Grid:
        """The grid of a plan, not started yet, with its folders made.

        Raises:
            Conflict: a grid runs in that folder already.
        """
        _refuse_running(plan.folder)
        programs = plan.programs(FreePorts())
        for name in [program.name for program in programs]:
            (plan.folder / name).mkdir(parents=True, exist_ok=True)
        (plan.folder / "logs").mkdir(exist_ok=True)
        return cls(GridState(programs, data=str(plan.data)), plan.folder)

    @property
    def state(self) -> GridState:
        """How it stands now."""
        return GridState.load(self.folder)

    @property
    def planned_programs(self) -> Sequence[Program]:
        """All programs as they are to be started, in order."""
        return self._asked.programs

    @property
    def ttp(self) -> Program:
        """What takes requests: the TTP, or a cluster's director."""
        return next(program for program in self._asked.programs if program.name in {"ttp", "director"})

    @property
    def mlops(self) -> Program | None:
        """Its tracking server, if it has one."""
        return next((program for program in self._asked.programs if program.outlives), None)

    @property
    def portal(self) -> Program | None:
        """Its pages for people, if it has any."""
        return next((program for program in self._asked.programs if program.name == "portal"), None)

    @property
    def workers(self) -> list[Program]:
        """The participants' programs."""
        return [
            program for program in self._asked.programs if program.outputs or (program.data_port and program.stops == 0)
        ]

    def start(self) -> None:
        """Start the supervisor, which starts the programs."""
        self._asked.save(self.folder)
        write_targets(self.folder, self._asked.programs)
        self._supervisor = self._supervised()

    def wait_until_healthy(self, deadline: float = START_DEADLINE) -> None:
        """Wait until every program answers ``GET /health``.

        Raises:
            GridError: a program ended, or does not answer in time; with the end of its log.
        """
        until = time.monotonic() + deadline
        for program in self._asked.programs:
            while not is_healthy(program):
                self._refuse_ended()
                if time.monotonic() > until:
                    raise GridError(
                        f"no answer within {deadline:g} s; its log ends:\n{program.log_tail()}", program.name
                    )
                time.sleep(_LOOK)

    def release(self) -> None:
        """Let the grid go on after this process has ended."""
        if self._supervisor and self._supervisor.stdin:
            self._supervisor.stdin.write(RELEASE)
            self._supervisor.stdin.close()
            self._supervisor = None

    def finish(self) -> None:
        """Stop what nobody needs once the work is done, and let the rest go on after this process has ended."""
        if self._supervisor is None or self._supervisor.stdin is None:
            return
        self._supervisor.stdin.write(FINISH)
        self._supervisor.stdin.flush()
        until = time.monotonic() + STOP_DEADLINE
        while any(program.exit_code is None and not program.outlives for program in self.state.programs):
            if time.monotonic() > until or self._supervisor.poll() is not None:
                return  # and so is stopped as a whole
            time.sleep(_LOOK)
        self._supervisor.stdin.close()
        self._supervisor = None

    def stop(self) -> None:
        """Stop every program, those it has started included; nothing happens when it was released."""
        if self._supervisor is None:
            return
        self._supervisor.terminate()
        try:
            self._supervisor.wait(STOP_DEADLINE)
        except subprocess.TimeoutExpired:
            self._supervisor.kill()
        finally:
            if self._supervisor.stdin:
                self._supervisor.stdin.close()
            self._supervisor.wait()
            self._supervisor = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _supervised(self) -> Supervisor:
        with (self.folder / "supervisor.log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603  (this package's own module)
                [sys.executable, "-m", "synergos_simulator.supervisor", str(self.folder)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the command only, which then stops the grid in order
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )

    def _refuse_ended(self) -> None:
        assert self._supervisor is not None  # noqa: S101  (for the type checker)
        alone = self._supervisor.poll() is not None  # before the look below: it takes note of what ended, then ends
        for program in self.state.programs:
            if program.exit_code is not None:
                reason = f"ended with exit code {program.exit_code}; its log ends:"
                raise GridError(f"{reason}\n{program.log_tail()}", program.name)
        if alone:
            log = (self.folder / "supervisor.log").read_text(encoding="utf-8", errors="replace")
            raise GridError(f"the supervisor ended:\n{log[-2000:]}")


class FreePorts:
    """Hands out loopback ports that nobody listens on, each one once.

    Not those the system would choose: it also gives them to connections that programs open, so that a port which was
    free when it was handed out might be taken when its program listens on it.
    """

    def __init__(self) -> None:
        self._given: set[int] = set()

    def __call__(self) -> int:
        """One more."""
        while True:
            port = random.randrange(*_OWN_PORTS)  # noqa: S311 - no secret
            if port not in self._given and is_free(port):
                self._given.add(port)
                return port


def is_free(port: int) -> bool:
    """Whether nobody listens on a port of this machine's loopback."""
    try:
        socket.create_server((HOST, port)).close()
    except OSError:
        return False
    return True


def is_healthy(program: Program) -> bool:
    """Whether the program answers, and is the one it should be."""
    if program.is_broker:
        return takes_connections(program.port, program.tls_context)
    if program.outputs:
        return _has_joined(Path(program.outputs))
    try:
        with urlopen(f"{program.address}/health", timeout=2, context=program.tls_context) as answer:  # noqa: S310  (always http)
            body = answer.read()
            return bool(body == _WELL_AT_MLFLOW or json.loads(body).get("status") == "ok")
    except (URLError, OSError, ValueError):
        return False


def _has_joined(outputs: Path) -> bool:
    told = health_in(outputs)
    joined = None if told is None else told.get("joined")
    return told is not None and told.get("status") == "ok" and isinstance(joined, dict) and joined["since"] is not None


def stop_grid(folder: Path) -> GridState:
    """Stop the grid that was started in a folder, and say how it stood.

    Raises:
        RecordNotFound: none was ever started there.
    """
    state = GridState.load(folder)
    stop_recorded(state)
    return state


def _refuse_running(folder: Path) -> None:
    if (folder / "grid.json").is_file() and GridState.load(folder).is_running:
        raise Conflict(f"a grid runs in {folder} already; stop it with: {stopping(folder)}")
