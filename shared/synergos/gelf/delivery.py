"""From the spool to the receiver: one connection, tried again when it breaks, and what is to be said of that."""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from synergos.gelf.destination import Connection, Destination
from synergos.gelf.spool import Position, Spool

Say = Callable[[str, dict[str, object]], None]
"""Takes an event for the program's own log, and its facts."""

STEADY_SECONDS = 10.0
"""How long a connection has to last before it counts: some receivers accept and close again and again."""
SILENT_SECONDS = 10.0
"""So long a receiver's machine may acknowledge nothing of what is on the way before the connection is given up."""
_AT_ONCE = 2**16
PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)
_LOOK_SECONDS = 0.5
"""How long messages that are on the way may take before it is looked again whether they have arrived."""


@dataclass(frozen=True)
class Standing:
    """How messages stand that have not arrived.

    Attributes:
        waiting: bytes on disk.
        capacity: bytes that there may be.
        dropped: how many messages were given up so far.
        is_away: whether the receiver takes none.
    """

    waiting: int
    capacity: int
    dropped: int
    is_away: bool


@dataclass(frozen=True)
class _Piece:
    """Whole messages that are on the way.

    Attributes:
        end: behind the last of them, in the spool.
        sent: bytes that the connection had been given with them, of all pieces.
    """

    end: Position
    sent: int


class Delivery:
    """Sends what is in a spool, in the order in which it came; one thread sends, while others may add to it and close it.

    Args:
        say: told once when the receiver is away, and when it is back with how many messages were given up meanwhile.
        steady: seconds that a connection has to last to count as one.
        silent: seconds that nothing may be acknowledged while something is on the way.
        pauses: seconds between attempts to connect, the last of them again and again.
        now: seconds on a clock that only goes forward.
    """

    def __init__(
        self,
        destination: Destination,
        spool: Spool,
        say: Say,
        steady: float = STEADY_SECONDS,
        silent: float = SILENT_SECONDS,
        pauses: Sequence[float] = PAUSES,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._destination = destination
        self._spool = spool
        self._say = say
        self._steady = steady
        self._silent = silent
        self._pauses = pauses
        self._now = now
        self._connection: Connection | None = None
        self._connected_at = 0.0
        self._sent = spool.arrived
        self._on_the_way: deque[_Piece] = deque()
        self._bytes_sent = 0
        self._acknowledged, self._acknowledged_at = 0, 0.0
        self._attempts = 0
        self._next_attempt = 0.0
        self._is_away = False
        self._told_dropped = 0

    @property
    def standing(self) -> Standing:
        """How it stands."""
        return Standing(self._spool.waiting, self._spool.capacity, self._spool.dropped, self._is_away)

    @property
    def has_connection(self) -> bool:
        """Whether there is one."""
        return self._connection is not None

    @property
    def is_done(self) -> bool:
        """Whether all messages have arrived."""
        return self._spool.is_empty

    @property
    def seconds_to_rest(self) -> float | None:
        """How long there is nothing to do; None for as long as there are no more messages."""
        if self._spool.is_empty and not self._is_away:
            return None
        if self._connection is None:
            return max(0.0, self._next_attempt - self._now())
        return 0.0 if self._sent < self._spool.end else _LOOK_SECONDS

    def take(self, messages: Sequence[bytes]) -> None:
        """Add messages to the spool, each with its null byte."""
        self._spool.append(messages)

    def send(self, dropped: int) -> None:
        """Send a piece of what waits, if there is or can be a connection.

        Args:
            dropped: messages that were given up before they came here.
        """
        if self._spool.is_empty and not self._is_away:
            return
        try:
            connection = self._connection or self._connected()
            if connection is None:
                return
            waiting, start = self._spool.read(self._sent, _AT_ONCE)
            if waiting:
                self._note_sent(start, connection.send(waiting))
            if self._is_getting_through(connection.unacknowledged()):
                self._say_if_back(dropped + self._spool.dropped)
        except OSError as error:
            self._give_up_connection(error)

    def hang_up(self) -> None:
        """Let go of the connection; only for the thread that sends."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def close(self) -> None:
        """Let go of the spool: nothing is sent from now on."""
        self._spool.close()

    def _connected(self) -> Connection | None:
        if self._now() < self._next_attempt:
            return None
        self._connection = connection = self._destination.connect()
        self._connected_at = self._acknowledged_at = self._now()
        self._sent = self._spool.arrived
        self._on_the_way.clear()
        self._bytes_sent = self._acknowledged = 0
        return connection

    def _note_sent(self, start: Position, sent: int) -> None:
        self._sent = Position(start.segment, start.offset + sent)
        self._bytes_sent += sent
        if not self._on_the_way:
            self._acknowledged_at = self._now()
        self._on_the_way.append(_Piece(self._sent, self._bytes_sent))

    def _is_getting_through(self, unacknowledged: int) -> bool:
        """Whether anything was acknowledged since the last look, or all is; the pieces that were have arrived.

        Raises:
            TimeoutError: nothing was acknowledged for too long.
        """
        acknowledged = self._bytes_sent - unacknowledged
        if unacknowledged and acknowledged <= self._acknowledged:
            if self._now() - self._acknowledged_at >= self._silent:
                raise TimeoutError
            return False
        self._acknowledged, self._acknowledged_at = acknowledged, self._now()
        arrived = self._spool.arrived
        while self._on_the_way and self._on_the_way[0].sent <= acknowledged:
            arrived = self._on_the_way.popleft().end
        if arrived > self._spool.arrived:
            self._spool.note_arrived(arrived)
            self._spool.keep_position()
        return True

    @property
    def _is_steady(self) -> bool:
        return self._connection is not None and self._now() - self._connected_at >= self._steady

    def _say_if_back(self, dropped: int) -> None:
        if not self._is_steady:
            return
        self._attempts = 0
        if self._is_away or dropped > self._told_dropped:
            self._say("log receiver takes messages again", {"dropped": dropped - self._told_dropped})
        self._is_away, self._told_dropped = False, dropped

    def _give_up_connection(self, error: OSError) -> None:
        was_steady = self._is_steady and not isinstance(error, TimeoutError)
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if was_steady:
            # A receiver may close what was idle: it is away when it cannot be reached.
            self._next_attempt = self._now()
            return
        self._next_attempt = self._now() + self._pauses[min(self._attempts, len(self._pauses) - 1)]
        self._attempts += 1
        if not self._is_away:
            self._is_away = True
            self._say("log receiver takes no messages; they wait on disk", {"reason": _words_of(error)})


def _words_of(error: OSError) -> str:
    """What the system says; of a name or a certificate its library, whose numbers are none of the system's."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason}"
    if isinstance(error, socket.gaierror) or error.errno is None:
        return error.strerror or str(error) or type(error).__name__
    return os.strerror(error.errno)
