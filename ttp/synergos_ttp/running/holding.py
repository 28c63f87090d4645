"""Jobs that are put back until owners have decided: their workers are asked now and then, in a thread that holds up no other job."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import structlog

from synergos.domain.job import Job
from synergos.domain.job_progress import AwaitedWorker
from synergos.errors import JobInterrupted, SynergosError, WorkerAwaitsApproval, WorkerUnreachable
from synergos.program.log_context import about_job
from synergos.program.loop import Loop
from synergos_ttp.holds import Hold, in_progress

log = structlog.get_logger(__name__)

_TURN = 1.0
LEAST_SECONDS, MOST_SECONDS = 1.0, 20.0
"""Between two questions for one job."""
_PART = 20.0
"""Questions become rarer with the time that nobody has decided in: after the first so many seconds there are as many as that."""
_COST = 10.0
"""How many times longer than a question takes nobody asks the next."""


@dataclass(frozen=True)
class PutBack:
    """What is done for a job that was put back; all is called by the thread that asks, with holds as a job's progress has them.

    Attributes:
        still: notes that these are not decided yet; false for a job that is nobody's to ask for any more, as it was cancelled.
        go_on: has the job taken up when it is its turn. What it is given is not decided, after too long a time; it is nothing
            where all is decided, and then nothing of it is to be left.
    """

    still: Callable[[Sequence[AwaitedWorker]], bool]
    go_on: Callable[[Sequence[AwaitedWorker]], None]


@dataclass(frozen=True)
class _Waiting:
    """A job that is asked for.

    Attributes:
        time: stands for this time that it was put back, as it may be put back again.
    """

    job: Job
    holds: tuple[Hold, ...]
    place: PutBack
    since: float
    due: float
    time: object = field(default_factory=object)


class Holding:
    """The jobs that one TTP has put back. Any thread may :meth:`keep` and :meth:`drop`.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # Guards who is asked for, between those who put jobs back or cancel them and the thread that asks.
        self._lock = threading.Lock()
        self._waiting: dict[str, _Waiting] = {}
        self._loop = Loop("held jobs", self._turn)

    def start(self) -> None:
        """Begin."""
        self._loop.start()

    def stop(self) -> None:
        """Ask no more."""
        self._loop.stop()

    def close(self) -> None:
        """Ask no more, and wait until the thread has ended."""
        self._loop.close()

    def keep(self, job: Job, holds: Sequence[Hold], place: PutBack) -> None:
        """Ask for a job until its owners have decided, or it has been held for too long."""
        now = self._clock()
        with self._lock:
            self._waiting[job.id] = _Waiting(job, tuple(holds), place, now, now + LEAST_SECONDS)

    def drop(self, job_id: str) -> None:
        """Ask no more for a job, if anybody does."""
        with self._lock:
            self._waiting.pop(job_id, None)

    def look(self) -> None:
        """Ask for the jobs for which it is time."""
        now = self._clock()
        with self._lock:
            due = [waiting for waiting in self._waiting.values() if waiting.due <= now]
        for waiting in due:
            if self._loop.is_stopping:
                return
            with about_job(waiting.job):
                self._ask(waiting)

    def _turn(self) -> float:
        try:
            self.look()
        except JobInterrupted:
            log.debug("nobody is asked any more")
        return _TURN

    def _ask(self, waiting: _Waiting) -> None:
        begun = self._clock()
        # Should something nobody foresaw come of it, it is not at once asked again.
        self._put(replace(waiting, due=begun + MOST_SECONDS))
        left = self._undecided(waiting.holds)
        if not left or any(hold.is_over for hold in left):
            log.info("a job that was held goes on")
            waiting.place.go_on(in_progress(left))
            self._drop(waiting)
        elif waiting.place.still(in_progress(left)):
            now = self._clock()
            pause = min(MOST_SECONDS, max(LEAST_SECONDS, (now - waiting.since) / _PART, _COST * (now - begun)))
            self._put(replace(waiting, holds=left, due=now + pause))
        else:
            self._drop(waiting)

    def _put(self, waiting: _Waiting) -> None:
        with self._lock:
            if self._is_known(waiting):
                self._waiting[waiting.job.id] = waiting

    def _drop(self, waiting: _Waiting) -> None:
        with self._lock:
            if self._is_known(waiting):
                del self._waiting[waiting.job.id]

    def _is_known(self, waiting: _Waiting) -> bool:
        """Whether somebody wants to know of it still: it may have been dropped meanwhile, or taken up and put back again."""
        known = self._waiting.get(waiting.job.id)
        return known is not None and known.time is waiting.time

    def _undecided(self, holds: tuple[Hold, ...]) -> tuple[Hold, ...]:
        """Those that are left, from the first on that is not decided: the others are asked when that one is."""
        while holds:
            first, *others = holds
            try:
                first.ask(self._check)
            except WorkerAwaitsApproval as error:
                return (replace(first, reason=str(error)), *others)
            except WorkerUnreachable as error:
                log.debug("a worker that is waited for is away", participant=first.participant, reason=str(error))
                return holds
            except SynergosError as error:
                # It has decided, if not as one would like: the next attempt says so.
                log.info("a worker that was waited for refuses", participant=first.participant, reason=str(error))
            holds = tuple(others)
        return ()

    def _check(self) -> None:
        if self._loop.is_stopping:
            raise JobInterrupted("the TTP is being stopped")
