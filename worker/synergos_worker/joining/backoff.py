"""How long to let be what has failed, so that those who have all lost the same thing do not all come back at once."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

FIRST_SECONDS, LONGEST_SECONDS = 0.5, 30.0


class Backoff:
    """Pauses that double with every failure in a row, half of each drawn by lot; any thread may ask.

    Args:
        clock: monotonic seconds.
        drawn: a number from 0 to 1.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        drawn: Callable[[], float] = random.random,
    ) -> None:
        self._clock = clock
        self._drawn = drawn
        self._failures = 0
        self._until = float("-inf")
        self._lock = threading.Lock()

    @property
    def has_failed(self) -> bool:
        """Whether the last attempt has."""
        return self._failures > 0

    @property
    def left(self) -> float:
        """Seconds until the next attempt may be made."""
        return max(0.0, self._until - self._clock())

    def failed(self, at_least: float = 0.0) -> float:
        """Take note that an attempt has; for how many seconds none is to be made.

        Args:
            at_least: what whoever was asked wants.
        """
        with self._lock:
            longest = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(self._failures, 16))
            self._failures += 1
            pause = max(at_least, longest * (0.5 + 0.5 * self._drawn()))
            self._until = self._clock() + pause
        return pause

    def succeeded(self) -> None:
        """Take note that one has not."""
        with self._lock:
            self._failures, self._until = 0, float("-inf")
