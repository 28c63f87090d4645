"""What is known about a local grid's processes, kept in a file so that another command can find and stop them."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import psutil

from synergos.errors import InvalidRequest, RecordNotFound

FILE_NAME = "grid.json"
_SAME_START = 2.0
"""Seconds two readings of one process's start time may differ: the system derives it from a clock that is adjusted."""


@dataclass(frozen=True)
class Identity:
    """One process. The number alone may be another process's by now; with the start time it cannot."""

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> Identity:
        """The process that has this number now."""
        return cls(pid, psutil.Process(pid).create_time())

    @property
    def is_alive(self) -> bool:
        """Whether this very process still runs."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < _SAME_START
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False


@dataclass(frozen=True)
class Program:
    """One program of a grid: how it is started, where it listens, and what became of it.

    Attributes:
        identity: None before it is started.
        exit_code: None while it runs.
        stops: when it is stopped: those with the highest number go first, because they still need the others.
        is_broker: whether it is a message broker, which speaks no HTTP.
    """

    name: str
    command: Sequence[str]
    log: str
    host: str = ""
    port: int = 0
    data_port: int = 0
    identity: Identity | None = None
    exit_code: int | None = None
    stops: int = 0
    is_broker: bool = False

    @property
    def address(self) -> str:
        """Where its commands go."""
        return f"amqp://{self.host}:{self.port}" if self.is_broker else f"http://{self.host}:{self.port}"

    @property
    def is_running(self) -> bool:
        """Whether its process is there."""
        return self.exit_code is None and self.identity is not None and self.identity.is_alive

    def log_tail(self, lines: int = 20) -> str:
        """The last lines of its log."""
        try:
            text = Path(self.log).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-lines:])


@dataclass(frozen=True)
class GridState:
    """A grid's programs in the order they are started, and the process that watches over them."""

    programs: Sequence[Program]
    supervisor: Identity | None = None
    data: str = ""

    @property
    def is_running(self) -> bool:
        """Whether anything of it runs."""
        supervised = self.supervisor is not None and self.supervisor.is_alive
        return supervised or any(program.is_running for program in self.programs)

    def with_program(self, program: Program) -> GridState:
        """The state with the program of that name replaced."""
        return replace(self, programs=[program if p.name == program.name else p for p in self.programs])

    def save(self, folder: Path) -> None:
        """Write it, whole or not at all."""
        staged = folder / f".{FILE_NAME}.{os.getpid()}"
        staged.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        staged.replace(folder / FILE_NAME)

    @classmethod
    def load(cls, folder: Path) -> GridState:
        """Read what was written there.

        Raises:
            RecordNotFound: no grid was ever started in that folder.
            InvalidRequest: the file is damaged.
        """
        path = folder / FILE_NAME
        try:
            fields = json.loads(path.read_text(encoding="utf-8"))
            programs = [Program(**{**p, "identity": _identity(p["identity"])}) for p in fields["programs"]]
            return cls(**{**fields, "programs": programs, "supervisor": _identity(fields["supervisor"])})
        except FileNotFoundError as error:
            raise RecordNotFound(f"no grid was started in {folder}") from error
        except (ValueError, TypeError, KeyError) as error:
            raise InvalidRequest(f"{path} is not a grid's state: {error!r}") from error


def _identity(fields: dict[str, float] | None) -> Identity | None:
    return None if fields is None else Identity(int(fields["pid"]), float(fields["started"]))
