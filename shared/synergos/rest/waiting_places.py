"""Places for requests that wait, each of which holds a thread: so many there are, and so many of them one caller may have."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class WaitingPlaces:
    """Places by whom they are taken; threads of requests share them under one lock, which nobody holds while they wait.

    Args:
        most: places there are.
        of_one: places that one caller may have at a time.
    """

    def __init__(self, most: int, of_one: int) -> None:
        self._most = most
        self._of_one = of_one
        self._lock = threading.Lock()
        # Has those alone who wait.
        self._taken: Counter[str] = Counter()

    @contextmanager
    def taken(self, who: str) -> Iterator[bool]:
        """Have a place until the end of the block; whether there was one."""
        has_place = self._take(who)
        try:
            yield has_place
        finally:
            if has_place:
                self._leave(who)

    def _take(self, who: str) -> bool:
        with self._lock:
            if self._taken.total() >= self._most or self._taken[who] >= self._of_one:
                return False
            self._taken[who] += 1
            return True

    def _leave(self, who: str) -> None:
        with self._lock:
            self._taken[who] -= 1
            if not self._taken[who]:
                del self._taken[who]
