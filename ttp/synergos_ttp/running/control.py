"""What a running job has in its hands: whether to go on, and where to say how far it is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from synergos.errors import JobCancelled


class Control:
    """One running job's link to whoever runs it.

    Args:
        report: takes the job's progress, whenever there is something new.
    """

    def __init__(self, report: Callable[[Mapping[str, Any]], None]) -> None:
        self.report = report
        self._reason: JobCancelled | None = None
        self._stopped = threading.Event()

    def stop(self, reason: JobCancelled) -> None:
        """Ask the job to stop at the next opportunity, by raising ``reason``."""
        self._reason = self._reason or reason
        self._stopped.set()

    @property
    def is_stopped(self) -> bool:
        """Whether the job was asked to stop."""
        return self._stopped.is_set()

    @property
    def reason(self) -> JobCancelled | None:
        """Why the job was asked to stop, None when it was not."""
        return self._reason

    def check(self) -> None:
        """Go on, or not.

        Raises:
            JobCancelled: the job was asked to stop.
        """
        if self._stopped.is_set():
            raise self._reason or JobCancelled("the job was stopped")
