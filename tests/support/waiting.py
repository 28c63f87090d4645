"""Waiting for what another thread or another process does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

DEADLINE = 180.0
"""Seconds: only a mistake takes so long, also on a busy machine."""


def until(
    condition: Callable[[], bool], what: str | Callable[[], str], deadline: float = DEADLINE, every: float = 0.01
) -> None:
    """Look again and again until ``condition`` holds.

    Args:
        what: is waited for; a function where that is known only when it did not come.
        every: seconds between two looks; more where a look is work.

    Raises:
        AssertionError: it did not come true in ``deadline`` seconds; ``what`` says what was waited for.
    """
    end = time.monotonic() + deadline
    pause = threading.Event()
    while not condition():
        if time.monotonic() >= end:
            raise AssertionError(f"waited {deadline:g} s for {what if isinstance(what, str) else what()}")
        pause.wait(every)
