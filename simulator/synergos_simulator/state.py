"""What is known about a local grid's processes, kept in a file so that another command can find and stop them."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from synergos import Driver
from synergos.errors import GridError, InvalidRequest, RecordNotFound
from synergos.program.health_file import health_in
from synergos.tls.files import client_context

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
        tls: the files by which it is spoken to by TLS: who vouches for it, and a certificate and its key to show; none for plain HTTP.
        outlives: whether it goes on when the work of the others is done: people look at its pages.
        outputs: the folder of a worker that dials out and listens nowhere, where it says how it is; empty of all others.
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
    outlives: bool = False
    tls: Sequence[str] = ()
    outputs: str = ""

    @property
    def node(self) -> dict[str, Any]:
        """How a worker is registered, as the driver's ``add_node`` takes it; of one that dials out, once it has been started.

        Raises:
            GridError: it has not said yet who it is.
        """
        if not self.outputs:
            return {"host": self.host, "port": self.data_port, "f_port": self.port}
        if self.fingerprint is None:
            raise GridError("has not said yet who it is", self.name)
        return {"fingerprint": self.fingerprint}

    @property
    def fingerprint(self) -> str | None:
        """What a worker that dials out is registered with; None of all others, and before it has been started."""
        told = health_in(Path(self.outputs)) if self.outputs else None
        return None if told is None else str(told["fingerprint"])

    @property
    def address(self) -> str:
        """Where its commands go; nowhere to a worker that dials out."""
        if self.outputs:
            return ""
        scheme = ("amqp" if self.is_broker else "http") + ("s" if self.tls else "")
        return f"{scheme}://{self.host}:{self.port}"

    @property
    def tls_context(self) -> ssl.SSLContext | None:
        """With which it is spoken to; None for plain HTTP."""
        return client_context(*self.tls) if self.tls else None

    def driver(self, token: str | None = None) -> Driver:
        """A driver for it; it raises errors.

        Args:
            token: of an account, where there are accounts.
        """
        authority = self.tls[0] if self.tls else None
        return Driver(self.host, self.port, is_secured=bool(self.tls), raise_errors=True, tls_ca=authority, token=token)

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
