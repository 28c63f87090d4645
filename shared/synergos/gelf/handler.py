"""A handler of :mod:`logging` that hands messages to a sender of the process it is in."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from functools import partial

from synergos.gelf.delivery import Standing
from synergos.gelf.sender import Sender

_SETTLED = (str, int, float, bool, type(None))
"""What facts are that stay what they are."""


class GelfHandler(logging.Handler):
    """Puts what its formatter makes of a record to a sender, which has it made in a thread of its own where that can wait.

    Args:
        make_sender: called once in each process that logs: a thread does not come along when a server makes its processes.
    """

    def __init__(self, make_sender: Callable[[], Sender]) -> None:
        super().__init__()
        self._make_sender = make_sender
        # Written under the handler's own lock.
        self._sender: tuple[int, Sender] | None = None

    @property
    def standing(self) -> Standing | None:
        """How this process's messages stand that have not arrived; None where it has logged none."""
        sender = self._sender
        return None if sender is None or sender[0] != os.getpid() else sender[1].standing

    def emit(self, record: logging.LogRecord) -> None:
        """Take one record; it returns at once."""
        if self._sender is None or self._sender[0] != os.getpid():
            self._sender = (os.getpid(), self._make_sender())
        make = partial(self._message, record)
        if not _is_settled(record):
            # A library's, which is about what this thread is about now, or one with facts that may change.
            make = partial(bytes, make())
        self._sender[1].put(make, is_urgent=record.levelno >= logging.WARNING)

    def _message(self, record: logging.LogRecord) -> bytes:
        try:
            return self.format(record).encode()
        except Exception:
            self.handleError(record)
            return b""

    def close(self) -> None:
        """Send what waits, for two seconds at most."""
        if self._sender is not None and self._sender[0] == os.getpid():
            self._sender[1].close()
        super().close()


def _is_settled(record: logging.LogRecord) -> bool:
    """Whether all that a message of it says is known, and stays what it is."""
    facts = record.msg
    return isinstance(facts, Mapping) and all(isinstance(fact, _SETTLED) for fact in facts.values())
