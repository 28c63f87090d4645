"""The thread that runs a TTP's jobs, one at a time, wherever they come from."""

from __future__ import annotations

import structlog
from sqlalchemy.exc import SQLAlchemyError

from synergos.errors import LeaseLost
from synergos.program.log_context import about_job
from synergos.program.loop import Loop
from synergos_ttp.outcomes import Lost, Outcome
from synergos_ttp.running.attempt import NO_RETRIES, Attempt, Followers, Retries, Runner
from synergos_ttp.running.source import JobInHand, Source
from synergos_ttp.subscribers.progress import Progress
from synergos_ttp.subscribers.recorder import Recorder

log = structlog.get_logger(__name__)

_PAUSE = 1.0
"""Seconds before it goes on after something that nobody foresaw."""


class JobLoop:
    """Takes jobs from a source, runs them, and has the source settle what became of them.

    Args:
        followers: makes those who are told what happens to a job.
    """

    def __init__(
        self,
        source: Source,
        runner: Runner,
        followers: Followers = lambda _job: (),
        retries: Retries = NO_RETRIES,
    ) -> None:
        self._source = source
        self._runner = runner
        self._followers = followers
        self._retries = retries
        self._loop = Loop("jobs", self._turn, pause=_PAUSE)

    def start(self) -> None:
        """Begin."""
        self._loop.start()

    def stop(self) -> None:
        """Take nothing more up; the job in hand is its source's to stop."""
        self._loop.stop()

    def close(self) -> None:
        """Take nothing more up, and wait until the thread has ended."""
        self._loop.close()

    def _turn(self) -> float:
        """Take a job and run it; how many seconds to rest before the next."""
        try:
            in_hand = self._source.take()
            if in_hand is not None:
                self._work(in_hand)
        except (SQLAlchemyError, ConnectionError, LeaseLost) as error:
            log.warning("no work for now", reason=type(error).__name__)
            return _PAUSE
        return 0.0

    def _work(self, in_hand: JobInHand) -> None:
        with about_job(in_hand.job):
            try:
                in_hand.settle(self._delivered(in_hand))
            except BaseException:
                in_hand.let_go()
                raise

    def _delivered(self, in_hand: JobInHand) -> Outcome:
        """Make the attempt, and have handed over what comes of it."""
        control = in_hand.control
        progress = Progress(in_hand.report, control)
        # Before the progress, which has written everything when the job ends.
        control.subscribe(Recorder(progress.tell), progress, *self._followers(in_hand.job))
        with in_hand.kept():
            outcome = Attempt(in_hand.job, self._runner, control, self._retries, in_hand.is_resumed).run()
            if isinstance(control.reason, LeaseLost):
                # Found when the last progress was stored.
                return Lost(str(control.reason))
            return in_hand.deliver(outcome)
