"""Connections to a program: so many at most, each kept for the next request."""

from __future__ import annotations

import select
import threading
import time
from http.client import HTTPConnection, HTTPSConnection

from synergos_portal.proxy.tool import Kind, Tool, Trouble

MOST = 12
"""Requests to one program at the same time: all four together leave some of the port's threads to others."""
CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 60.0
"""Without a byte."""
_PATIENCE = 5.0
_waiting = threading.BoundedSemaphore(12)
"""Requests to all programs that wait for a place, each with a thread: of one that hangs as many would wait as there are threads."""
_IDLE_SECONDS = 20.0
"""Servers close idle connections, some after not much longer."""


class Line:
    """One connection.

    Attributes:
        is_fresh: whether nothing was asked by it before.
    """

    def __init__(self, connection: HTTPConnection) -> None:
        self.connection = connection
        self.is_fresh = True
        self.idle_since = 0.0

    @property
    def is_usable(self) -> bool:
        """Whether it was left a moment ago, and nothing came by it since: neither its end nor what nobody asked for."""
        if self.connection.sock is None or time.monotonic() - self.idle_since > _IDLE_SECONDS:
            return False
        poll = select.poll()
        poll.register(self.connection.sock, select.POLLIN)
        return not poll.poll(0)


class Lines:
    """Those to one program; used by all threads that answer.

    Args:
        patience: seconds for which a place is waited for.
    """

    def __init__(
        self, tool: Tool, most: int = MOST, patience: float = _PATIENCE, answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        self._tool = tool
        self._patience = patience
        self._answer_seconds = answer_seconds
        self._places = threading.BoundedSemaphore(most)
        # Guards the list.
        self._lock = threading.Lock()
        self._idle: list[Line] = []

    def take(self) -> Line:
        """One that is nobody else's until it is given back.

        Raises:
            Trouble: too many are under way, or nobody answers.
        """
        if not self._places.acquire(blocking=False) and not self._is_waited_for():
            raise self._trouble(Kind.BUSY)
        try:
            return self._idle_one() or self._new()
        except BaseException:
            self._places.release()
            raise

    def _is_waited_for(self) -> bool:
        """Whether a place has become free within a while, where not too many wait already."""
        if not _waiting.acquire(blocking=False):
            return False
        try:
            return self._places.acquire(timeout=self._patience)
        finally:
            _waiting.release()

    def renew(self, line: Line) -> Line:
        """Another in its place, by which nothing was asked.

        Raises:
            Trouble: nobody answers; the old one is still to be given back.
        """
        line.connection.close()
        return self._new()

    def give_back(self, line: Line, *, is_kept: bool) -> None:
        """Let others have it, or its place."""
        if is_kept and line.connection.sock is not None:
            line.is_fresh, line.idle_since = False, time.monotonic()
            with self._lock:
                self._idle.append(line)
        else:
            line.connection.close()
        self._places.release()

    def close(self) -> None:
        """Let go of those that are idle."""
        with self._lock:
            idle, self._idle = self._idle, []
        for line in idle:
            line.connection.close()

    def _idle_one(self) -> Line | None:
        while True:
            with self._lock:
                if not self._idle:
                    return None
                line = self._idle.pop()
            if line.is_usable:
                return line
            line.connection.close()

    def _new(self) -> Line:
        place = self._tool.place
        try:
            connection = (
                HTTPSConnection(place.host, place.port, timeout=CONNECT_SECONDS, context=self._tool.tls())
                if place.is_tls
                else HTTPConnection(place.host, place.port, timeout=CONNECT_SECONDS)
            )
            connection.connect()
        except TimeoutError:
            raise self._trouble(Kind.SLOW) from None
        # Names that cannot be looked up, and certificates of somebody else, among them.
        except (OSError, UnicodeError):
            raise self._trouble(Kind.AWAY) from None
        connection.sock.settimeout(self._answer_seconds)
        return Line(connection)

    def _trouble(self, kind: Kind) -> Trouble:
        return Trouble(kind, self._tool.title, self._tool.place.written)
