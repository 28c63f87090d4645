"""Answers of an orchestrator that are kept for a moment: not asked for twice while nothing changes, and shown while it is away; and roles."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from synergos_portal.orchestrator.problems import OrchestratorProblem

MOST = 512
MOST_BYTES = 6 * 2**20
"""Of all answers together, as they came; they take some times as much in memory."""


@dataclass(frozen=True)
class Kept:
    """An answer.

    Attributes:
        body: as it was read; not to be changed.
        tag: its ETag; None where it had none.
        version: of the feed when it was asked for; None where there was no feed.
        at: monotonic seconds when it was asked for.
        when: the same by the clock.
    """

    body: Mapping[str, object]
    tag: str | None
    version: str | None
    at: float
    when: datetime
    size: int


class Answers:
    """Answers by person and request, those that were not wanted for the longest time given up first.

    Threads of requests share them under one lock, which nobody holds while an orchestrator is asked.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str | None, str], Kept] = OrderedDict()
        self._bytes = 0
        self._era = 0
        self.clock = clock

    @property
    def era(self) -> int:
        """How often all were outdated; who asks notes it before."""
        return self._era

    def find(self, person: str | None, request: str) -> Kept | None:
        """The answer to a request of a person."""
        with self._lock:
            found = self._kept.get((person, request))
            if found is not None:
                self._kept.move_to_end((person, request))
            return found

    def keep(self, person: str | None, request: str, answer: Kept) -> None:
        """Keep an answer in the place of the one before."""
        if answer.size > MOST_BYTES // 4:
            return
        with self._lock:
            before = self._kept.pop((person, request), None)
            self._bytes += answer.size - (before.size if before else 0)
            self._kept[(person, request)] = answer
            while len(self._kept) > MOST or self._bytes > MOST_BYTES:
                _, oldest = self._kept.popitem(last=False)
                self._bytes -= oldest.size

    def outdate(self) -> None:
        """Have everything asked for anew: somebody has changed something by this portal."""
        with self._lock:
            self._era += 1
            for name, answer in self._kept.items():
                self._kept[name] = Kept(answer.body, answer.tag, None, float("-inf"), answer.when, answer.size)

    def forget(self, person: str | None) -> None:
        """Forget what a person was told, who is signed out."""
        with self._lock:
            for name in [each for each in self._kept if each[0] == person]:
                self._bytes -= self._kept.pop(name).size


KEPT_SECONDS = 5.0
"""For which an answer, or that there was none, is good: a page of another program asks for dozens of files."""
MOST_ROLES = 1024


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
            while len(self._kept) > MOST_ROLES:
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
