"""Requests with long bodies: how many are read at the same time, each by a thread that waits for it."""

from __future__ import annotations

import threading
from collections import defaultdict
from enum import Enum, auto


class Entry(Enum):
    """Whether there is a place."""

    IN = auto()
    NONE_FOR_ADDRESS = auto()
    """Its address has its share of them; others' requests may have one."""
    NONE = auto()


class LongBodies:
    """The places for them at one port; used by the main thread and those that answer.

    Args:
        most: so many at the same time.
        in_all: bytes that they may say they bring, together; the first one is let in whatever it says. Where there is such a
            bound, one address has half of the places and of the bytes at most, and always one place: there it is strangers who
            send them, each as slowly as the pace allows.
        unsaid: what is taken for the length of one that does not say it.
    """

    def __init__(self, most: int, in_all: int | None = None, unsaid: int = 0) -> None:
        # Guards what follows.
        self._lock = threading.Lock()
        self._most = most
        self._bytes = in_all
        self._unsaid = unsaid
        self._lengths: list[int] = []
        self._of_address: dict[str, list[int]] = defaultdict(list)

    def enter(self, length: int | None, address: str) -> Entry:
        """Take a place for a body of this length, if there is one."""
        length = self._unsaid if length is None else length
        with self._lock:
            if len(self._lengths) >= self._most or _is_too_much(self._lengths, length, self._bytes):
                return Entry.NONE
            of_address = self._of_address.get(address, [])
            if self._bytes is not None and (
                len(of_address) >= max(1, self._most // 2) or _is_too_much(of_address, length, self._bytes // 2)
            ):
                return Entry.NONE_FOR_ADDRESS
            self._lengths.append(length)
            self._of_address[address].append(length)
            return Entry.IN

    def leave(self, length: int | None, address: str) -> None:
        """Give the place back."""
        length = self._unsaid if length is None else length
        with self._lock:
            self._lengths.remove(length)
            self._of_address[address].remove(length)
            if not self._of_address[address]:
                del self._of_address[address]


def _is_too_much(lengths: list[int], length: int, most: int | None) -> bool:
    return most is not None and bool(lengths) and sum(lengths) + length > most
