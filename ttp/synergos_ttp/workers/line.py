"""A connection that is waited for in short turns: who waits can be told to stop, and knows when all of it has taken too long."""

from __future__ import annotations

import fcntl
import socket
import ssl
import struct
import termios
import time
from collections.abc import Callable

TURN = 0.25
"""Seconds that a connection is waited for while nobody can be told anything."""


_TLS_PIECE = 2**17


class Overdue(TimeoutError):
    """Bytes still come, and all of them together take longer than they may."""


class Line:
    """A question, or the answer to one, by a connection whose time-out is :data:`TURN`; used by one thread at a time.

    Every method raises :class:`OSError` when the connection breaks, :class:`TimeoutError` when it is silent for too long,
    :class:`Overdue` when all of it takes too long, and what ``check`` raises.

    Args:
        stall: seconds that may pass without a byte.
        until: when all of it is to be over, by the monotonic clock.
        check: called at each turn and after each piece; raises to stop.
        moved: told how many bytes more the other end has confirmed or sent; None where nobody wants to know.
    """

    def __init__(
        self,
        connection: socket.socket,
        stall: float,
        until: float,
        check: Callable[[], None],
        moved: Callable[[int], None] | None = None,
    ) -> None:
        self._connection = connection
        self._stall = stall
        self._until = until
        self._check = check
        self._told = moved
        self._moved = time.monotonic()
        # Bytes that the system has taken, and the other end has not confirmed, as far as that was looked at.
        self._unconfirmed = 0 if moved is None else _unconfirmed(connection)

    def send(self, piece: bytes | bytearray | memoryview) -> None:
        """Send all of it."""
        view = memoryview(piece)
        # By TLS a piece is sent as a whole, and nobody knows how far it is; without it as much as there is room for.
        most = _TLS_PIECE if isinstance(self._connection, ssl.SSLSocket) else len(view)
        while view:
            try:
                count = self._connection.send(view[:most])
            except TimeoutError:
                self._turn()
            else:
                self._go_on()
                view = view[count:]
                if self._told is not None:
                    self._confirm(count)

    def recv(self, size: int) -> bytes:
        """What has come, so many bytes at most; none at the end."""
        while True:
            try:
                piece = self._connection.recv(size)
            except TimeoutError:
                self._turn()
            else:
                self._go_on()
                if self._told is not None:
                    self._told(len(piece))
                return piece

    def recv_into(self, memory: memoryview) -> int:
        """Fill memory from its beginning with what has come; how many bytes, none at the end."""
        while True:
            try:
                count = self._connection.recv_into(memory)
            except TimeoutError:
                self._turn()
            else:
                self._go_on()
                if self._told is not None:
                    self._told(count)
                return count

    def await_confirmed(self) -> None:
        """One turn of waiting for the other end to have all that was sent; nothing once it has."""
        if self._confirm() or not self._unconfirmed:
            self._go_on()
        else:
            self._turn()

    def _go_on(self) -> None:
        self._check()
        self._moved = time.monotonic()
        if self._moved > self._until:
            raise Overdue

    def _confirm(self, sent: int = 0) -> bool:
        """See whether bytes were confirmed beside those that were just sent."""
        before, self._unconfirmed = self._unconfirmed, _unconfirmed(self._connection)
        confirmed = before + sent - self._unconfirmed
        if confirmed > 0 and self._told is not None:
            self._told(confirmed)
        return confirmed > 0

    def _turn(self) -> None:
        self._check()
        now = time.monotonic()
        # The system takes more than the line does in a long time: what it still has to send may be moving.
        if self._confirm():
            self._moved = now
        if now - self._moved >= self._stall:
            raise TimeoutError
        if now > self._until:
            raise Overdue


def _unconfirmed(connection: socket.socket) -> int:
    """Bytes of a connection that were sent, or are to be, and that the other end has not confirmed."""
    try:
        [count] = struct.unpack("i", fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, b"\0" * 4))
    except OSError:
        # Not one of the system's.
        return 0
    return int(count)
