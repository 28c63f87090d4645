"""Memory that was freed, and stays with the process because small pieces lie between what is still needed."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from functools import cache
from typing import Any


def give_back() -> None:
    """Have the C library return it to the system; without that some of it stays with the process for ever."""
    if (trim := _trim()) is not None:
        trim(0)


@cache
def _trim() -> Any:
    # Of the GNU library alone.
    with suppress(OSError, AttributeError):
        return ctypes.CDLL(None).malloc_trim
    return None
