"""How large packets may be on the way to each worker: some lines swallow large ones and tell nobody."""

from __future__ import annotations

import threading
from dataclasses import dataclass

_SEGMENTS = (None, 1160, 536)
"""Bytes of content in a packet: as many as the system thinks, as many as all but a few lines take, as many as all do (RFC 1122)."""


@dataclass
class _Way:
    step: int = 0
    is_proved: bool = False


class Packets:
    """What has been found out, by host; any thread may ask and tell.

    A connection that falls silent in the middle of something may be cut, or may have sent packets that are too large: the next
    one's are smaller, unless as large ones were seen to pass since.
    """

    def __init__(self) -> None:
        self._ways: dict[str, _Way] = {}
        self._lock = threading.Lock()

    def largest(self, host: str) -> int | None:
        """Bytes of content in a packet, either way, of the next connection; None for no limit."""
        with self._lock:
            return _SEGMENTS[self._ways.setdefault(host, _Way()).step]

    def passed(self, host: str) -> None:
        """Packets as large as they may be arrived."""
        with self._lock:
            self._ways.setdefault(host, _Way()).is_proved = True

    def fell_silent(self, host: str) -> None:
        """A connection did, after it had been made."""
        with self._lock:
            way = self._ways.setdefault(host, _Way())
            if not way.is_proved:
                way.step = min(way.step + 1, len(_SEGMENTS) - 1)
            way.is_proved = False
