"""The one thread that sessions compute in, and how long it has been since whatever is in it gave a sign of life."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

PATIENCE = 60.0
"""Seconds without a sign of life after which a computation is stuck: between two of them, about one is usual."""


class Computing(Executor):
    """Has work done by another executor, one after another, and watches it.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, executor: Executor, clock: Callable[[], float] = time.monotonic) -> None:
        self._executor = executor
        self._clock = clock
        # Written by the computing thread alone, and replaced as a whole: whoever asks needs no lock. None while it rests.
        self._seen: float | None = None

    def submit(
        self, work: Callable[Arguments, Result], /, *arguments: Arguments.args, **options: Arguments.kwargs
    ) -> Future[Result]:
        """See :meth:`concurrent.futures.Executor.submit`."""
        return self._executor.submit(self._watched, work, *arguments, **options)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See :meth:`concurrent.futures.Executor.shutdown`."""
        self._executor.shutdown(wait, cancel_futures=cancel_futures)

    def seen(self) -> None:
        """The work in hand goes on; called in the computing thread, between its pieces."""
        self._seen = self._clock()

    def problem(self) -> str | None:
        """What is wrong with the work in hand; None while it gives signs of life, and while there is none."""
        seen = self._seen
        if seen is None or (silent := self._clock() - seen) < PATIENCE:
            return None
        return f"what it computes has given no sign of life for {silent:.0f} s; it can be ended with the program alone"

    def _watched(
        self, work: Callable[Arguments, Result], /, *arguments: Arguments.args, **options: Arguments.kwargs
    ) -> Result:
        self.seen()
        try:
            return work(*arguments, **options)
        finally:
            self._seen = None
