"""A thread of a program that does the same thing again and again until it is told to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)

_JOIN_SECONDS = 60.0
"""Seconds for which whoever closes a loop waits for the turn in hand."""


class Loop:
    """A thread that takes turns and rests in between.

    A turn that raises is logged and followed by the next one: nobody else does the loop's work. ``start``, ``wake``,
    ``stop`` and ``close`` may be called by any thread; turns are taken by the loop's own.

    Args:
        name: of the thread.
        turn: one turn; how many seconds to rest after it.
        pause: seconds of rest after a turn that raised.
        delay: seconds of rest before the first turn.
    """

    def __init__(self, name: str, turn: Callable[[], float], *, pause: float = 1.0, delay: float = 0.0) -> None:
        self._name = name
        self._turn = turn
        self._pause = pause
        self._delay = delay
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def is_stopping(self) -> bool:
        """Whether the turn in hand is the last one."""
        return self._stopping.is_set()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Rest no longer: there is something to do."""
        self._woken.set()

    def stop(self) -> None:
        """Take no more turns; the one in hand is finished, and not waited for."""
        self._stopping.set()
        self._woken.set()

    def close(self, seconds: float = _JOIN_SECONDS) -> None:
        """Stop, and wait so long for the turn in hand."""
        self.stop()
        self.wait(seconds)

    def wait(self, seconds: float = _JOIN_SECONDS) -> None:
        """Wait so long for the loop to end, without telling it to."""
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(seconds)

    def _run(self) -> None:
        self._rest(self._delay)
        while not self._stopping.is_set():
            # Before the turn: whoever wakes the loop in the middle of one wants another.
            self._woken.clear()
            try:
                seconds = self._turn()
            except Exception:
                log.exception("a turn failed", loop=self._name)
                seconds = self._pause
            self._rest(seconds)

    def _rest(self, seconds: float) -> None:
        if seconds > 0 and not self._stopping.is_set():
            self._woken.wait(seconds)
