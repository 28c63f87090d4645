"""One waiting request at an orchestrator for all browsers: it tells that something has changed, and the portal asks what."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

import structlog

from synergos_portal.orchestrator.problems import Away, NotSignedIn, OrchestratorProblem, Refused

log = structlog.get_logger(__name__)

WAIT_SECONDS = 3
"""How long a request waits for a change: with what is waited for before it less than after how long pages say that there is no news."""
SILENT_SECONDS = 5.0
"""Without an answer for so long, pages say since when."""
_PAUSE = 1.0
"""Before it is asked again where it has failed, or has answered at once that there is nothing."""
_AT_ONCE = 0.5
"""Seconds within which an answer has not waited for anything."""
_BREATH = 0.5
"""After a change, before the next is asked for: of changes that come faster, one answer tells of several."""
_LONGEST_PAUSE = 60.0
_IDLE_SECONDS = 60.0
"""So long after somebody last wanted to know, it is no longer asked."""


@dataclass(frozen=True)
class News:
    """What an orchestrator answers about changes.

    Attributes:
        cursor: where to go on.
        again_after: seconds after which it wants to be asked again, as it had no place to wait; 0 where it says nothing.
    """

    cursor: str
    again_after: float = 0.0


Ask = Callable[[str | None, float], News]
"""Waits for a change after a cursor, at most so many seconds. Raises :class:`OrchestratorProblem`."""


class Feed:
    """What has changed at one orchestrator, for one person.

    ``version`` and ``silent_since`` may be read by any thread: each is replaced as a whole by the feed's own thread.

    Args:
        ask: see :data:`Ask`.
        clock: monotonic seconds.
    """

    def __init__(self, name: str, ask: Ask, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._ask = ask
        self._clock = clock
        # Guards that there is one thread at most.
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()
        self._closed_at = float("inf")
        self._wanted_at = clock()
        self._version: str | None = None
        self._heard_at = float("-inf")
        self._heard: datetime | None = None
        self._begun_at = clock()
        self._is_there = True
        # Of the feed's own thread, as what turn() does.
        self.pause = 0.0

    @property
    def version(self) -> str | None:
        """The cursor of the last change; None where nothing was heard yet, or not lately."""
        return self._version if self._clock() - self._heard_at < SILENT_SECONDS else None

    @property
    def silent_since(self) -> datetime | None:
        """Since when nothing was heard, where that is too long ago; None where it is not, or nothing was heard ever."""
        return None if self._clock() - self._heard_at < SILENT_SECONDS else self._heard

    @property
    def is_silent(self) -> bool:
        """Whether nothing was heard for too long, be it ever or lately: whoever asks something would wait."""
        return self._clock() - max(self._heard_at, self._begun_at) >= SILENT_SECONDS

    @property
    def is_closed(self) -> bool:
        """Whether it asks no more."""
        return self._closed.is_set()

    @property
    def is_over(self) -> bool:
        """Whether it was closed a while ago, so that whoever wants to know may try with another."""
        return self._clock() - self._closed_at > _IDLE_SECONDS

    @property
    def is_wanted(self) -> bool:
        """Whether somebody has wanted to know lately."""
        return self._clock() - self._wanted_at < _IDLE_SECONDS and not self._closed.is_set()

    def want(self) -> None:
        """Somebody wants to know: ask, if nobody does."""
        self._wanted_at = self._clock()
        if self._thread is None and not self._closed.is_set():
            with self._lock:
                if self._thread is None:
                    # Nobody has listened meanwhile: that is no silence.
                    self._heard, self._heard_at, self._begun_at = None, float("-inf"), self._clock()
                    self._thread = threading.Thread(target=self._run, name=f"feed of {self._name}", daemon=True)
                    self._thread.start()

    def close(self) -> None:
        """Ask no more; the request in hand is not waited for."""
        self._closed_at = self._clock()
        self._closed.set()

    def _run(self) -> None:
        while not self._closed.is_set():
            if not self.is_wanted:
                with self._lock:
                    self._thread = None
                return
            self.turn()
            self._closed.wait(self.pause)

    def turn(self) -> bool:
        """Ask once; whether there was an answer. ``pause`` says how long to wait before the next time."""
        begun, before = self._clock(), self._version
        self.pause = _PAUSE
        try:
            # Where to begin, or to go on after a while, is told at once: until then no answer can be kept.
            news = self._ask(before, WAIT_SECONDS if self.version else 0.0)
        except OrchestratorProblem as error:
            if _is_unwelcome(error):
                self.close()
                return False
            if self._is_there:
                log.warning("no news", orchestrator=self._name, reason=error.message if isinstance(error, Away) else "")
            self._is_there = False
            return False
        if not self._is_there:
            log.info("news again", orchestrator=self._name)
        self._is_there = True
        self.pause = self._pause_after(news, is_the_same=news.cursor == before, waited=self._clock() - begun)
        self._heard, self._heard_at, self._version = datetime.now(UTC), self._clock(), news.cursor
        return True

    @staticmethod
    def _pause_after(news: News, *, is_the_same: bool, waited: float) -> float:
        """Seconds: whoever is turned away, or told nothing or very little without waiting, would ask as fast as it is answered."""
        if news.again_after > 0:
            return min(max(news.again_after, _PAUSE), _LONGEST_PAUSE)
        if is_the_same and waited < _AT_ONCE:
            return _PAUSE
        return 0.0 if is_the_same else max(0.0, _BREATH - waited)


def _is_unwelcome(error: OrchestratorProblem) -> bool:
    """Whether asking on would make it worse: the token is not right, or too much was wrong already."""
    return isinstance(error, NotSignedIn) or (
        isinstance(error, Refused) and error.status == HTTPStatus.TOO_MANY_REQUESTS
    )
