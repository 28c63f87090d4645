"""Looking at something again and again until it has ended, also while its orchestrator is being restarted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from synergos.driver.errors import DriverError, Interrupted, ServerTimeout, ServerUnreachable, WaitTimeout
from synergos.driver.going_on import GoingOn

SHORTEST_INTERVAL = 0.1
LONGEST_INTERVAL = 10.0
LONGEST_OUTAGE = 600.0
"""Seconds for which an orchestrator may be away while something is waited for."""
_AWAY = frozenset({502, 503, 504})
"""Statuses of a program that stops, and of a proxy before one that is away."""

Seen = TypeVar("Seen")


class Patience:
    """How long to wait, and how often to look.

    Args:
        timeout: seconds after which to give up; None waits as long as it takes.
        interval: seconds between two looks, kept between 0.1 and 10.
        sleep: how to pass the time.
    """

    def __init__(self, timeout: float | None, interval: float, sleep: Callable[[float], None]) -> None:
        self._timeout = timeout
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._pause = min(max(interval, SHORTEST_INTERVAL), LONGEST_INTERVAL)
        self._sleep = sleep
        self._has_seen = False

    def pause(self, going_on: GoingOn) -> None:
        """Wait until it is time for the next look.

        Args:
            going_on: what has not ended.

        Raises:
            WaitTimeout: there is no time left for one.
        """
        if self._deadline is not None and time.monotonic() + self._pause > self._deadline:
            text = f"not ended within {self._timeout:g} s: {going_on}"
            raise WaitTimeout(text, going_on.jobs, going_on.study)
        self._sleep(self._pause)

    def look(self, at: Callable[[], Seen], going_on: GoingOn) -> Seen:
        """Look, and once something was seen look again while the orchestrator is away.

        Raises:
            WaitTimeout: there is no time left.
            DriverError: it was away from the beginning, or is for too long.
        """
        began, paused = time.monotonic(), 0.0
        while True:
            try:
                seen = at()
            except DriverError as error:
                if not (self._has_seen and _is_away(error)):
                    raise
                # By either, as a pause need not take its time in a test, nor an attempt to connect little.
                if max(paused, time.monotonic() - began) > LONGEST_OUTAGE:
                    error.message = f"{error.message}, for {LONGEST_OUTAGE:g} s; {going_on}"
                    raise
                self.pause(going_on)
                paused += self._pause
            else:
                self._has_seen = True
                return seen


@contextmanager
def interrupts_named(going_on: Callable[[], GoingOn]) -> Iterator[None]:
    """While something is waited for: have Ctrl-C say what goes on.

    Args:
        going_on: what does.

    Raises:
        Interrupted: Ctrl-C.
    """
    try:
        yield
    except KeyboardInterrupt as error:
        what = going_on()
        raise Interrupted(str(what), what.jobs, what.study) from error


def _is_away(error: DriverError) -> bool:
    return isinstance(error, ServerUnreachable | ServerTimeout) or error.status in _AWAY
