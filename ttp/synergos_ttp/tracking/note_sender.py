"""Sends notes that wait on disk to their servers: in order, one batch at a time, and again until they are written."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from synergos.program.loop import Loop
from synergos_ttp.tracking.note_spool import NoteSpool, Waiting
from synergos_ttp.tracking.notes import SEPARATOR, Fault, NotWritten, Target, Writer

log = structlog.get_logger(__name__)

LONGEST_PAUSE = 60.0
"""Seconds between two tries at a server that does not answer."""
LONGEST_TROUBLE = 24 * 3600.0
"""Seconds for which a server that answers may have trouble with some notes; they are given up then."""
_IDLE = 5.0
_KEYS = ("collab_id", "project_id", "expt_id", "run_id")


@dataclass
class _Patience:
    """How long to wait for something that has failed."""

    since: float | None = None
    pause: float = 0.0
    again_at: float = 0.0

    def note_failure(self, now: float, first: float) -> None:
        self.since = now if self.since is None else self.since
        self.pause = min(LONGEST_PAUSE, max(first, 2 * self.pause))
        self.again_at = now + self.pause


@dataclass
class _Server:
    """What is known of a server.

    Attributes:
        threads: those whose notes it has trouble with.
        dropped: of the spool, when it was last said that the server takes no notes.
    """

    patience: _Patience = field(default_factory=_Patience)
    threads: dict[str, _Patience] = field(default_factory=dict)
    is_away: bool = False
    dropped: int = 0


class NoteSender:
    """A thread that sends; the other methods may be called by any.

    Args:
        writer: used by this thread alone.
        first_pause: seconds after the first failure; the double after each.
    """

    def __init__(
        self,
        spool: NoteSpool,
        writer: Writer,
        *,
        first_pause: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spool = spool
        self._writer = writer
        self._first_pause = first_pause
        self._clock = clock
        self._servers: dict[str, _Server] = {}
        # Written or given up, and not removed yet: the disk was full. Nothing is sent until they are, else they would be sent again.
        self._over: list[int] = []
        self._disk = _Patience()
        # Told after each attempt, to those who wait for one.
        self._attempted = threading.Condition()
        self._loop = Loop("tracking", self._turn, pause=1.0)

    @property
    def servers_away(self) -> int:
        """How many servers take no notes."""
        return sum(server.is_away for server in list(self._servers.values()))

    def start(self) -> None:
        """Begin, with what an earlier process has left."""
        self._loop.start()

    def wake(self) -> None:
        """There is something new."""
        self._loop.wake()

    def wait(self, number: int, seconds: float) -> None:
        """Wait until notes are written or given up, but not for a server that does not take any."""
        end = self._clock() + seconds
        with self._attempted:
            while (place := self._spool.place_of(number)) is not None and not self._is_skipped(*place):
                left = end - self._clock()
                if left <= 0 or self._loop.is_stopping:
                    return
                self._attempted.wait(left)

    def close(self, seconds: float) -> None:
        """Send what there is, as far as that goes at once; what is left is sent by the next process."""
        end = self._clock() + seconds
        self._loop.wake()
        with self._attempted:
            while self._spool.has_next(self._is_skipped) and (left := end - self._clock()) > 0:
                self._attempted.wait(min(left, 0.1))
        self._loop.stop()
        # Whoever waits for an answer is told that there is none.
        self._writer.close()
        self._loop.wait()

    def _is_skipped(self, server: str, thread: str) -> bool:
        known, now = self._servers.get(server), self._clock()
        if self._over:
            return True
        if known is None:
            return False
        of_thread = known.threads.get(thread)
        return known.patience.again_at > now or (of_thread is not None and of_thread.again_at > now)

    def _turn(self) -> float:
        if self._over and self._disk.again_at <= self._clock():
            self._remove()
        while not self._loop.is_stopping and (waiting := self._spool.next(self._is_skipped)) is not None:
            self._send(waiting)
            with self._attempted:
                self._attempted.notify_all()
        return self._pause()

    def _pause(self) -> float:
        """Seconds until the first of those that have failed is tried again."""
        now = self._clock()
        times = [self._disk.again_at, *(each.patience.again_at for each in self._servers.values())]
        times += [thread.again_at for each in self._servers.values() for thread in each.threads.values()]
        return min([_IDLE, *(max(0.01, at - now) for at in times if at > now)])

    def _send(self, waiting: Waiting) -> None:
        server = self._servers.setdefault(waiting.server, _Server())
        try:
            self._writer.write(waiting.notes)
        except NotWritten as error:
            self._failed(waiting, server, error)
            return
        self._remove(waiting.ids)
        server.threads.pop(waiting.thread, None)
        server.patience = _Patience()
        if server.is_away:
            server.is_away = False
            dropped = self._spool.dropped - server.dropped
            log.info("MLflow takes notes again", address=waiting.server or None, dropped=dropped)

    def _remove(self, ids: Sequence[int] = ()) -> None:
        """Remove these, and what could not be removed before."""
        over = [*self._over, *ids]
        try:
            self._spool.remove(over)
        except sqlite3.Error as error:
            # Not before: whoever waits for others would be told that these are not tried.
            self._over = over
            if self._disk.since is None:
                log.warning("notes that are done with cannot be removed; no more are sent", reason=type(error).__name__)
            self._disk.note_failure(self._clock(), self._first_pause)
        else:
            self._over, self._disk = [], _Patience()

    def _failed(self, waiting: Waiting, server: _Server, error: NotWritten) -> None:
        if self._loop.is_stopping:
            return
        now, about = self._clock(), _ids_of(waiting.notes.target)
        if error.fault is Fault.REFUSED:
            self._give_up(waiting, server, error, about)
            return
        patience = server.patience
        if error.fault is Fault.AWAY:
            # Whoever is not there has trouble with nothing: a day of it begins when it is back.
            server.threads.clear()
        if error.fault is Fault.FAILING:
            patience = server.threads.setdefault(waiting.thread, _Patience())
            if patience.since is not None and now - patience.since > LONGEST_TROUBLE:
                self._give_up(waiting, server, error, about)
                return
        patience.note_failure(now, self._first_pause)
        if not server.is_away:
            server.is_away, server.dropped = True, self._spool.dropped
            log.warning("MLflow takes no notes", address=waiting.server or None, reason=error.reason, **about)
            log.debug("MLflow's reason", detail=error.detail)

    def _give_up(self, waiting: Waiting, server: _Server, error: NotWritten, about: Mapping[str, str]) -> None:
        self._remove(waiting.ids)
        server.threads.pop(waiting.thread, None)
        log.warning("MLflow refuses notes", address=waiting.server or None, reason=error.reason, **about)
        log.debug("MLflow's reason", detail=error.detail)


def _ids_of(target: Target) -> dict[str, str]:
    """Whom a line is about."""
    return dict(zip(_KEYS, [*target.experiment.split(SEPARATOR), target.run], strict=False))
