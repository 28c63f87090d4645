"""Memory that was freed: kept by the process for what needs as much soon, or given back to the system.

The C library gives back what lies at the end of its memory by rules of its own, and keeps what lies between pieces that are needed.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress
from functools import cache
from typing import Any

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MOST_ARENAS = -1, -3, -8
"""What ``mallopt`` calls them."""
_KEPT = 2**26
"""Bytes at the end of the library's memory that stay with the process."""
_APART = 2**25
"""Bytes of a piece from which on it has memory of its own, which goes with it; the library takes no more for this."""


def give_back() -> None:
    """Have the C library return it to the system; without that some of it stays with the process for ever."""
    if (trim := _of_library("malloc_trim")) is not None:
        trim(0)


def keep() -> None:
    """Have the C library keep a bounded part of it, until :func:`give_back`; for a process that trains.

    A step frees what it took, and the next one takes as much: where that goes back and comes anew each time, the system makes
    thousands of pages of zeros for it.
    """
    if (set_option := _of_library("mallopt")) is not None:
        set_option(_TRIM_THRESHOLD, _KEPT)
        set_option(_MMAP_THRESHOLD, _APART)


def share() -> None:
    """Have all threads that begin from now on take their memory from one place; for a process whose threads take turns anyway.

    The library has a place for every thread otherwise, and keeps in each what its thread has freed.
    """
    if (set_option := _of_library("mallopt")) is not None:
        set_option(_MOST_ARENAS, 1)


@cache
def _of_library(name: str) -> Any:
    # Of the GNU library alone.
    with suppress(OSError, AttributeError):
        return getattr(ctypes.CDLL(None), name)
    return None
