"""A connection that a worker has dialled and that waits to be asked something by."""

from __future__ import annotations

import socket
from contextlib import suppress

from synergos.identity.arrival import KEEP_ALIVE, KEEP_ALIVE_SECONDS
from synergos.program.paced_socket import NOT_YET

ANSWER_SECONDS = 10.0
"""Within which a worker answers that it is still there."""


class Waiting:
    """One such connection; used by one thread at a time, and waits for nothing.

    Only this end begins to say something: as long as an answer is on its way nothing else is asked, so that what comes by a
    connection that was taken belongs to what was asked.

    Args:
        connection: non-blocking.
        now: monotonic seconds, as in all methods.
        earlier: the part of the usual time by which it is asked earlier for the first time.
    """

    def __init__(self, connection: socket.socket, now: float, earlier: float = 0.0) -> None:
        self.socket = connection
        self._due = now + KEEP_ALIVE_SECONDS * (1 - earlier)
        # Until when it has to be answered; None while nothing is asked.
        self._until: float | None = None

    def look(self, now: float) -> bool:
        """Take what has come, and ask for a sign of life if it is time; whether the connection is still good."""
        if not self.hear(now):
            return False
        if self._until is None and now >= self._due:
            try:
                self.socket.send(KEEP_ALIVE)
            except OSError:
                # Where there is no room for a single byte nobody takes any.
                return False
            self._until, self._due = now + ANSWER_SECONDS, now + KEEP_ALIVE_SECONDS
        return True

    def hear(self, now: float) -> bool:
        """Take what has come, and ask nothing; whether the connection is still good."""
        try:
            return self._take() and (self._until is None or now < self._until)
        except OSError:
            return False

    @property
    def is_asked(self) -> bool:
        """Whether an answer is on its way, as far as is known."""
        return self._until is not None

    def take(self, interface: bytes, seconds: float) -> socket.socket | None:
        """The socket, from now on for requests to this port of the worker; None when the connection is none any more.

        Args:
            seconds: of its time-out.
        """
        try:
            if not self._take() or self.is_asked:
                return None
            self.socket.send(interface)
            self.socket.settimeout(seconds)
        except OSError:
            return None
        return self.socket

    def close(self) -> None:
        """Let go of it."""
        with suppress(OSError):
            self.socket.close()

    def _take(self) -> bool:
        """Take what has come; False where that is the end, or what nobody has asked for."""
        try:
            piece = self.socket.recv(2)
        except NOT_YET:
            return True
        if piece != KEEP_ALIVE or self._until is None:
            return False
        self._until = None
        return True


def without_delay(connection: socket.socket) -> None:
    """Have small messages go at once: a round's are answered before the next."""
    with suppress(OSError):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
