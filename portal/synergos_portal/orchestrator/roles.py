"""What people are to an orchestrator now: asked when it matters, and no more often than every few seconds."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from synergos_portal.orchestrator.problems import OrchestratorProblem

KEPT_SECONDS = 5.0
"""For which an answer, or that there was none, is good: a page of another program asks for dozens of files."""
MOST = 1024


class Roles:
    """Roles by token, those that were asked for the longest time ago given up first.

    Threads of requests share them under one lock, which nobody holds while the orchestrator is asked.

    Args:
        ask: the orchestrator, for the role of whoever has a token; raises :class:`OrchestratorProblem`.
        clock: seconds that never go back.
    """

    def __init__(self, ask: Callable[[str], str], clock: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[float, str | OrchestratorProblem]] = OrderedDict()

    def of(self, token: str) -> str | OrchestratorProblem:
        """The role of whoever has a token, or why it is not known."""
        now = self._clock()
        with self._lock:
            at, kept = self._kept.get(token, (now, None))
        if kept is not None and now - at < KEPT_SECONDS:
            return kept
        found = self._asked(token)
        with self._lock:
            self._kept[token] = (now, found)
            self._kept.move_to_end(token)
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
        return found

    def forget(self, token: str | None) -> None:
        """Forget somebody who is signed out."""
        with self._lock:
            self._kept.pop(token or "", None)

    def _asked(self, token: str) -> str | OrchestratorProblem:
        try:
            return self._ask(token)
        except OrchestratorProblem as problem:
            return problem
