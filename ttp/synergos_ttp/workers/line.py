"""A connection that is waited for in short turns: who waits can be told to stop, and knows when all of it has taken too long."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

TURN = 0.25
"""Seconds that a connection is waited for while nobody can be told anything."""


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
    """

    def __init__(self, connection: socket.socket, stall: float, until: float, check: Callable[[], None]) -> None:
        self._connection = connection
        self._stall = stall
        self._until = until
        self._check = check
        self._moved = time.monotonic()

    def send(self, piece: bytes | bytearray | memoryview) -> None:
        """Send all of it."""
        view = memoryview(piece)
        while view:
            try:
                count = self._connection.send(view)
            except TimeoutError:
                self._turn()
            else:
                self._go_on()
                view = view[count:]

    def recv(self, size: int) -> bytes:
        """What has come, so many bytes at most; none at the end."""
        while True:
            try:
                piece = self._connection.recv(size)
            except TimeoutError:
                self._turn()
            else:
                self._go_on()
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
                return count

    def _go_on(self) -> None:
        self._check()
        self._moved = time.monotonic()
        if self._moved > self._until:
            raise Overdue

    def _turn(self) -> None:
        self._check()
        now = time.monotonic()
        if now - self._moved >= self._stall:
            raise TimeoutError
        if now > self._until:
            raise Overdue
