"""Waiting for what another thread or another process does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

DEADLINE = 180.0
"""Seconds: only a mistake takes so long, also on a busy machine."""
_RESTS = 3.0
"""How many times as long as a look the rest after it lasts, as far as :data:`_LONGEST_REST` allows: to look is work, often of a program
that is asked, and takes from those who are waited for what they are waited for to do."""
_LONGEST_REST = 0.25
"""Seconds: some looks wait themselves. After one of more than a third of this, the rest is less than its share."""


def until(
    condition: Callable[[], bool], what: str | Callable[[], str], deadline: float = DEADLINE, every: float = 0.01
) -> None:
    """Look again and again until ``condition`` holds.

    Args:
        what: is waited for; a function where that is known only when it did not come.
        every: seconds between two looks at least, also where each takes no time.

    Raises:
        AssertionError: it did not come true in ``deadline`` seconds; ``what`` says what was waited for.
    """
    end = time.monotonic() + deadline
    pause = threading.Event()
    begun = time.monotonic()
    while not condition():
        now = time.monotonic()
        if now >= end:
            raise AssertionError(f"waited {deadline:g} s for {what if isinstance(what, str) else what()}")
        pause.wait(max(every, min(_RESTS * (now - begun), _LONGEST_REST)))
        begun = time.monotonic()
