"""Where a program accepts connections, and how it goes on when the system will not let it."""

from __future__ import annotations

import errno
import math
import selectors
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any

from synergos.program.connection import Connection

_ACCEPTED_AT_ONCE = 64
_PAUSE_SECONDS = 0.25
_NOTHING_TO_ACCEPT = (errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED, errno.EINTR)
_TOO_MANY_FILES = (errno.EMFILE, errno.ENFILE)
_OF_ONE_CONNECTION = (
    errno.ENETDOWN,
    errno.EPROTO,
    errno.ENOPROTOOPT,
    errno.EHOSTDOWN,
    getattr(errno, "ENONET", errno.EHOSTDOWN),
    errno.EHOSTUNREACH,
    errno.EOPNOTSUPP,
    errno.ENETUNREACH,
    errno.EPERM,
)
"""What accepting says of a connection that has failed already, or that a firewall forbids: the next one has nothing of it."""


class Listeners:
    """Listening sockets of one poller; only the thread that polls calls its methods.

    Args:
        arrived: is given each connection.
        make_room: closes a connection that nobody answers, whose file is wanted; whether there was one.
        log: gunicorn's.
    """

    def __init__(
        self,
        poller: selectors.BaseSelector,
        arrived: Callable[[Connection], None],
        make_room: Callable[[], bool],
        log: Any,
    ) -> None:
        self._poller = poller
        self._arrived = arrived
        self._make_room = make_room
        self._log = log
        self._is_closed = False
        # Those that accept nothing now, with when they do again.
        self._paused: dict[Any, float] = {}

    def add(self, listener: Any) -> None:
        """Accept connections by it."""
        listener.setblocking(False)
        self._poller.register(listener, selectors.EVENT_READ, partial(self._accept, listener))

    def close(self, listeners: Iterable[Any]) -> None:
        """Accept no more, by any of them."""
        self._is_closed = True
        for listener in listeners:
            if self._paused.pop(listener, None) is None:
                self._poller.unregister(listener)
            listener.close()

    @property
    def patience(self) -> float:
        """Seconds that the poller may wait at most, for :meth:`resume` to be in time."""
        return _PAUSE_SECONDS if self._paused else math.inf

    def resume(self, now: float) -> None:
        """Accept again what comes by those that were let alone."""
        for listener in [each for each, until in self._paused.items() if until <= now]:
            # Where there is no room for that either, the next turn tries again.
            with suppress(OSError):
                self.add(listener)
                del self._paused[listener]

    def _accept(self, listener: Any, _: object) -> None:
        for _ in range(_ACCEPTED_AT_ONCE):
            try:
                accepted, client = listener.accept()
            except OSError as error:
                self._bear(listener, error)
                return
            try:
                accepted.setblocking(False)
                connection = Connection(accepted, client, listener.getsockname())
            except OSError:
                accepted.close()
                continue
            self._arrived(connection)

    def _bear(self, listener: Any, error: OSError) -> None:
        """Go on after a connection was not accepted; a listener that would only say the same again is let alone a while."""
        if error.errno in _NOTHING_TO_ACCEPT:
            return
        if error.errno in _TOO_MANY_FILES and self._make_room():
            return
        self._log.warning("a connection was not accepted: %s", error)
        if error.errno not in _OF_ONE_CONNECTION and not self._is_closed:
            self._poller.unregister(listener)
            self._paused[listener] = time.monotonic() + _PAUSE_SECONDS
