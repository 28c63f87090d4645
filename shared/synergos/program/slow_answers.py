"""Answers that are taken slowly: how many threads of a port wait for that at the same time, and for how many of one address."""

from __future__ import annotations

import threading
from collections import Counter


class SlowAnswers:
    """The places for them at one port; used by the threads that answer.

    Args:
        most: so many at the same time; half of them of one address, and always one.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._most_of_address = max(1, most // 2)
        # Guards the counter.
        self._lock = threading.Lock()
        self._of_address: Counter[str] = Counter()

    def enter(self, address: str) -> bool:
        """Take a place, if there is one for whoever is at this address."""
        with self._lock:
            if self._of_address.total() >= self._most or self._of_address[address] >= self._most_of_address:
                return False
            self._of_address[address] += 1
            return True

    def leave(self, address: str) -> None:
        """Give the place back."""
        with self._lock:
            self._of_address[address] -= 1
            if not self._of_address[address]:
                del self._of_address[address]
