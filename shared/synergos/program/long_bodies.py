"""Requests with long bodies: how many are read at the same time, each by a thread that waits for it."""

from __future__ import annotations

import threading


class LongBodies:
    """The places for them at one port; used by the main thread and those that answer.

    Args:
        most: so many at the same time.
        in_all: bytes that they may say they bring, together; the first one is let in whatever it says.
        unsaid: what is taken for the length of one that does not say it.
    """

    def __init__(self, most: int, in_all: int | None = None, unsaid: int = 0) -> None:
        # Guards what follows.
        self._lock = threading.Lock()
        self._most = most
        self._bytes = in_all
        self._unsaid = unsaid
        self._lengths: list[int] = []

    def enter(self, length: int | None) -> bool:
        """Take a place for a body of this length, if there is one."""
        length = self._unsaid if length is None else length
        with self._lock:
            is_too_much = self._bytes is not None and sum(self._lengths) + length > self._bytes
            if len(self._lengths) >= self._most or (is_too_much and self._lengths):
                return False
            self._lengths.append(length)
            return True

    def leave(self, length: int | None) -> None:
        """Give the place back."""
        with self._lock:
            self._lengths.remove(self._unsaid if length is None else length)
