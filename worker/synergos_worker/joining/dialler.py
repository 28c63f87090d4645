"""The threads that keep connections waiting at a rendezvous: each dials one, waits until it is asked by, hands it on and dials the next."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from synergos.errors import SynergosError
from synergos.identity.arrival import COMMAND, DATA, KEEP_ALIVE, SILENCE_SECONDS, Keeper
from synergos.identity.identity import Renewable
from synergos.program.dialling import Adopt
from synergos.tls.handshake_errors import reason_of
from synergos_worker.joining.backoff import Backoff
from synergos_worker.joining.rendezvous import Meeting, Unwelcome, arrived

log = structlog.get_logger(__name__)

WAITING = 4
"""Connections that wait at a time. One that is taken is followed by another, so that as many may be taken as are asked for."""
_UNWELCOME_SECONDS = 10.0
_LOOK = 0.1


@dataclass(frozen=True)
class Joined:
    """Whether this worker has joined.

    Attributes:
        rendezvous: where.
        orchestrator: the identity that keeps it; None before it was met.
        since: when it did; None where it has not.
        problem: why not; None where it has, or nothing has gone wrong yet.
    """

    rendezvous: str
    orchestrator: str | None = None
    since: datetime | None = None
    problem: str | None = None

    def to_dict(self) -> dict[str, object]:
        """For people, and programs of theirs."""
        return {
            "rendezvous": self.rendezvous,
            "orchestrator": self.orchestrator,
            "since": None if self.since is None else self.since.isoformat(timespec="seconds"),
            "problem": self.problem,
        }


class Dialler:
    """Keeps a worker joined.

    Args:
        keys: of the worker.
        instance: of it.
        ports: what the command port and the data port are called among this program's own.
        believe: raises where a keeper of a rendezvous is not to be met.
        waiting: how many connections wait.
    """

    def __init__(
        self,
        meeting: Meeting,
        keys: Renewable,
        instance: str,
        ports: tuple[int, int],
        believe: Callable[[Keeper], None] = lambda _keeper: None,
        waiting: int = WAITING,
    ) -> None:
        self._meeting = meeting
        self._keys = keys
        self._instance = instance
        self._started = time.time()
        self._ports = {COMMAND: ports[0], DATA: ports[1]}
        self._believe = believe
        self._backoff = Backoff()
        self._stopping = threading.Event()
        # Held by the one thread that tries again after a failure.
        self._trying = threading.Lock()
        # Guards what is open, which stop() closes, and how it stands.
        self._lock = threading.Lock()
        self._open = set[socket.socket]()
        self._joined = Joined(str(meeting))
        self._threads = [
            threading.Thread(target=self._work, name=f"join {each}", daemon=True) for each in range(waiting)
        ]
        self._adopt: Adopt | None = None

    @property
    def joined(self) -> Joined:
        """How it stands."""
        return self._joined

    def start(self, adopt: Adopt) -> None:
        """Begin to dial.

        Args:
            adopt: has a connection served by which something is asked.
        """
        self._adopt = adopt
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Dial no more; connections by which nothing is asked are closed, others go on."""
        self._stopping.set()
        with self._lock:
            waiting = list(self._open)
        for connection in waiting:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Stop, and wait for the threads a moment."""
        self.stop()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(1.0)

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                connection = self._next()
                if connection is not None:
                    self._wait(connection)
            except Exception as error:
                # Nobody else does this thread's work.
                log.exception("a turn failed", loop="join")
                self._failed(error)

    def _next(self) -> socket.socket | None:
        """A connection that waits; None when there is none yet."""
        if not self._backoff.has_failed:
            return self._arrive()
        if not self._trying.acquire(blocking=False):
            # How it goes on is another one's to find out.
            self._stopping.wait(_LOOK)
            return None
        try:
            self._stopping.wait(self._backoff.left)
            return None if self._stopping.is_set() else self._arrive()
        finally:
            self._trying.release()

    def _arrive(self) -> socket.socket | None:
        try:
            connection, keeper = arrived(self._meeting, self._keys.now, self._instance, self._started, self._believe)
        except (OSError, ValueError, http.client.HTTPException, SynergosError) as error:
            self._failed(error)
            return None
        self._arrived(keeper, connection)
        return connection

    def _wait(self, connection: socket.socket) -> None:
        """Keep a connection waiting until something is asked by it."""
        failed = None
        try:
            if not self._stopping.is_set():
                self._serve(connection)
                return
        except OSError as error:
            failed = error
        finally:
            with self._lock:
                self._open.discard(connection)
        connection.close()
        if failed is not None:
            self._failed(failed)

    def _serve(self, connection: socket.socket) -> None:
        """Answer that this worker is there, until something is asked.

        Raises:
            OSError: the connection is none any more.
        """
        connection.settimeout(SILENCE_SECONDS)
        while True:
            said = connection.recv(1)
            if said == KEEP_ALIVE:
                connection.sendall(KEEP_ALIVE)
            elif said in self._ports and self._adopt is not None:
                self._adopt(connection, (self._meeting.host, self._meeting.port), ("", self._ports[said]))
                return
            else:
                raise ConnectionResetError("the rendezvous has closed it" if not said else "no rendezvous speaks so")

    def _arrived(self, keeper: Keeper, connection: socket.socket) -> None:
        self._backoff.succeeded()
        with self._lock:
            self._open.add(connection)
            before = self._joined
            if before.since is not None and before.orchestrator == keeper.fingerprint:
                return
            self._joined = Joined(str(self._meeting), keeper.fingerprint, datetime.now(UTC))
        log.info("joined", rendezvous=str(self._meeting), orchestrator=keeper.fingerprint)

    def _failed(self, error: Exception) -> None:
        if self._stopping.is_set():
            return
        pause = self._backoff.failed(_UNWELCOME_SECONDS if isinstance(error, Unwelcome) else 0.0)
        problem = _words(error)
        with self._lock:
            if self._open:
                # It is one of several that was lost.
                return
            is_new = self._joined.problem != problem or self._joined.since is not None
            self._joined = Joined(str(self._meeting), self._joined.orchestrator, None, problem)
        if is_new:
            log.warning("not joined", rendezvous=str(self._meeting), reason=problem, seconds=round(pause, 1))


def _words(error: Exception) -> str:
    if isinstance(error, SynergosError):
        return str(error)
    if (reason := reason_of(error)) is not None:
        return reason
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"{type(error).__name__}: {error}"[:200]
