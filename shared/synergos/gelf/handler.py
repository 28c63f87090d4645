"""A handler of :mod:`logging` that hands messages to a sender of the process it is in."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable

from synergos.gelf.sender import Sender


class GelfHandler(logging.Handler):
    """Puts what its formatter makes of a record to a sender.

    Args:
        make_sender: called once in each process that logs: a thread does not come along when a server makes its processes.
    """

    def __init__(self, make_sender: Callable[[], Sender]) -> None:
        super().__init__()
        self._make_sender = make_sender
        # Written under the handler's own lock.
        self._sender: tuple[int, Sender] | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Take one record; it returns at once."""
        try:
            text = self.format(record)
        except Exception:
            self.handleError(record)
            return
        if self._sender is None or self._sender[0] != os.getpid():
            self._sender = (os.getpid(), self._make_sender())
        self._sender[1].put(text.encode())

    def close(self) -> None:
        """Send what waits, for two seconds at most."""
        if self._sender is not None and self._sender[0] == os.getpid():
            self._sender[1].close()
        super().close()
