"""A program's TLS while it runs: its files are taken up anew when they change, and those that cannot be used change nothing."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from synergos.errors import InvalidRequest
from synergos.tls.certificate import Validity
from synergos.tls.files import AUTHORITY_FLAG, TlsFiles, looks_for_revoked

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 1.0
_SAID_AGAIN = timedelta(days=1)

State = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class _Made:
    """What the files came to.

    Attributes:
        server: None for a program whose ports speak plain HTTP.
        validity: of its own certificate; None where it has none.
        looks_for_revoked: whether it is known what authorities have revoked.
    """

    client: ssl.SSLContext
    server: ssl.SSLContext | None
    validity: Validity | None
    looks_for_revoked: bool


class Secured:
    """What new connections are made with; connections that are there stay as they are. Any thread may ask.

    Args:
        files: which were checked.
        clock: monotonic seconds.
        now: the time of day, in UTC.
    """

    def __init__(
        self,
        files: TlsFiles,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.files = files
        self._clock = clock
        self._now = now
        # All that follows is under the lock: handshakes are made by two threads, connections to others by many.
        self._lock = threading.Lock()
        self._state: State | None = None
        self._looked = 0.0
        self._made: _Made | None = None
        self._said: datetime | None = None

    def client(self) -> ssl.SSLContext:
        """For a connection to somebody else."""
        return self._current().client

    def server(self) -> ssl.SSLContext:
        """For a connection from somebody else."""
        made = self._current().server
        if made is None:
            raise InvalidRequest("this program's ports speak plain HTTP")
        return made

    def problem(self) -> str | None:
        """Why its own certificate does not hold, for ``/health``; says once a day in the log that it soon will not."""
        validity = self._current().validity
        if validity is None:
            return None
        now = self._now()
        if validity.is_soon_over(now) and (self._said is None or now - self._said >= _SAID_AGAIN):
            self._said = now
            log.warning("the certificate of this program is to be renewed", until=validity.ends.isoformat())
        return validity.problem(now)

    def told(self) -> dict[str, object]:
        """What ``/health`` says of its own certificate."""
        validity = self._current().validity
        if validity is None:
            return {}
        days = validity.days_left(self._now())
        return {"certificate": {"until": validity.ends.isoformat(timespec="seconds"), "days_left": days}}

    def say(self) -> None:
        """Say in the log how this program speaks TLS."""
        files, key = self.files, self.files.key
        log.info(
            "TLS",
            ports="https" if files.is_server else "http",
            asks_clients=files.asks_clients,
            looks_for_revoked=files.has_revocations,
            **self._until(),
        )
        if key is not None and key.stat().st_mode & 0o077:
            log.warning("the key of this program's certificate may be read by others than its owner", file=str(key))

    def _current(self) -> _Made:
        with self._lock:
            if self._made is None or self._clock() - self._looked >= _LOOK_SECONDS:
                self._looked = self._clock()
                self._look()
            assert self._made is not None  # noqa: S101 - the first look makes it or raises
            return self._made

    def _look(self) -> None:
        state = self._state_of_files()
        if state == self._state:
            return
        is_first, self._state = self._made is None, state
        try:
            self._made = self._make()
        except InvalidRequest as error:
            if is_first:
                self._state = None
                raise
            log.error("changed TLS files cannot be used, those before count on", reason=str(error))
        else:
            if not is_first:
                self._said = None
                log.info("TLS files taken up anew", looks_for_revoked=self._made.looks_for_revoked, **self._until())

    def _make(self) -> _Made:
        validity = None if self.files.certificate is None else Validity.of(self.files.certificate)
        if self._made is not None and validity is not None and (problem := validity.problem(self._now())):
            raise InvalidRequest(f"{self.files.certificate} {problem}")
        client, server = self.files.client(), self.files.server() if self.files.is_server else None
        looks = looks_for_revoked(client)
        if self._made is not None and self._made.looks_for_revoked and not looks:
            # Else whoever cuts the list off would have everybody believed again who was revoked.
            raise InvalidRequest(
                f"expected a list of what was revoked in {self.files.authority}, as there was before", AUTHORITY_FLAG
            )
        return _Made(client, server, validity, looks)

    def _until(self) -> dict[str, str]:
        validity = self._current().validity if self._made is None else self._made.validity
        return {} if validity is None else {"certificate_until": validity.ends.isoformat()}

    def _state_of_files(self) -> State:
        return tuple(_state_of(path) for path in self.files.paths())


def _state_of(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_ino, found.st_mtime_ns, found.st_size)
