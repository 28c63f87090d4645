"""From the spool to the receiver: one connection, tried again when it breaks, and what is to be said of that."""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections.abc import Callable, Sequence

from synergos.gelf.destination import Connection, Destination
from synergos.gelf.spool import Position, Spool

Say = Callable[[str, dict[str, object]], None]
"""Takes an event for the program's own log, and its facts."""

STEADY_SECONDS = 10.0
"""How long a connection has to last before it counts: some receivers accept and close again and again."""
_AT_ONCE = 2**16
PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)
_LOOK_SECONDS = 0.5
"""How long messages that are on the way may take before it is looked again whether they have arrived."""


class Delivery:
    """Sends what is in a spool, in the order in which it came; used by one thread.

    Args:
        say: told once when the receiver is away, and when it is back with how many messages were given up meanwhile.
        steady: seconds that a connection has to last to count as one.
        pauses: seconds between attempts to connect, the last of them again and again.
    """

    def __init__(
        self,
        destination: Destination,
        spool: Spool,
        say: Say,
        steady: float = STEADY_SECONDS,
        pauses: Sequence[float] = PAUSES,
    ) -> None:
        self._destination = destination
        self._spool = spool
        self._say = say
        self._steady = steady
        self._pauses = pauses
        self._connection: Connection | None = None
        self._connected_at = 0.0
        self._sent = spool.arrived
        self._attempts = 0
        self._next_attempt = 0.0
        self._is_away = False
        self._told_dropped = 0

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
            return max(0.0, self._next_attempt - time.monotonic())
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
                self._sent = Position(start.segment, start.offset + connection.send(waiting))
            if connection.are_there():
                if self._sent > self._spool.arrived:
                    self._spool.note_arrived(self._sent)
                    self._spool.keep_position()
                self._say_if_back(dropped + self._spool.dropped)
        except OSError as error:
            self._give_up_connection(error)

    def close(self) -> None:
        """Let go of connection and spool."""
        if self._connection is not None:
            self._connection.close()
        self._spool.close()

    def _connected(self) -> Connection | None:
        if time.monotonic() < self._next_attempt:
            return None
        self._connection = connection = self._destination.connect()
        self._connected_at = time.monotonic()
        self._sent = self._spool.arrived
        return connection

    @property
    def _is_steady(self) -> bool:
        return self._connection is not None and time.monotonic() - self._connected_at >= self._steady

    def _say_if_back(self, dropped: int) -> None:
        if not self._is_steady:
            return
        self._attempts = 0
        if self._is_away or dropped > self._told_dropped:
            self._say("log receiver takes messages again", {"dropped": dropped - self._told_dropped})
        self._is_away, self._told_dropped = False, dropped

    def _give_up_connection(self, error: OSError) -> None:
        was_steady = self._is_steady
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if was_steady:
            # A receiver may close what was idle: it is away when it cannot be reached.
            self._next_attempt = time.monotonic()
            return
        self._next_attempt = time.monotonic() + self._pauses[min(self._attempts, len(self._pauses) - 1)]
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
