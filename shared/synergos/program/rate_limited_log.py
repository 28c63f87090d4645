"""What anybody may have logged as often as he likes, said once in a while, with how often it was not said."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Rarely:
    """Tells when something is due to be said; any thread may ask.

    Args:
        seconds: between two times.
        clock: monotonic seconds.
    """

    def __init__(self, seconds: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._said_at = clock() - seconds
        self._unsaid = 0
        # Held for moments only.
        self._lock = threading.Lock()

    def due(self) -> dict[str, int] | None:
        """What to say besides: how many ``more`` there were, if any; None where nothing is due, and it is counted."""
        with self._lock:
            if self._clock() - self._said_at < self._seconds:
                self._unsaid += 1
                return None
            more, self._unsaid, self._said_at = self._unsaid, 0, self._clock()
        return {"more": more} if more else {}
