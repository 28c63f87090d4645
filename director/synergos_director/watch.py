"""Sees that no job is forgotten: what lost its owner, waited long enough, or has no message any more is announced again."""

from __future__ import annotations

import time

import structlog

from synergos.domain.job import GIVEN_UP, Job, JobState
from synergos.program.log_context import about_job
from synergos.program.loop import Loop
from synergos.records import RecordStore
from synergos.records.leases import Leases
from synergos_director.announcer import Announcer
from synergos_director.lost_outcomes import LostOutcomes

log = structlog.get_logger(__name__)


class Watch:
    """Looks at the unfinished jobs every second, and every ten seconds at whether the queue still knows of them.

    Args:
        seconds: between two looks.
        recount_seconds: between two counts of the messages.
    """

    def __init__(
        self,
        store: RecordStore,
        leases: Leases,
        announcer: Announcer,
        seconds: float = 1.0,
        recount_seconds: float = 10.0,
    ) -> None:
        self._store = store
        self._leases = leases
        self._announcer = announcer
        self._seconds = seconds
        self._recount_seconds = recount_seconds
        # Right away: what was accepted before an earlier process ended may never have been announced.
        self._recount_at = 0.0
        self._lost_outcomes = LostOutcomes(leases, announcer)
        self._loop = Loop("watch", self._turn, pause=seconds)

    def start(self) -> None:
        """Begin."""
        self._loop.start()

    def close(self) -> None:
        """End."""
        self._loop.close()

    def look(self) -> None:
        """Put everything where it belongs, once."""
        for job in [each.job for each in self._leases.standings() if each.is_given_up]:
            with about_job(job):
                self._give_up(job)
        self._announcer.announce(self._leases.arrange())
        if time.monotonic() >= self._recount_at:
            ready = [each.job for each in self._leases.standings() if each.state is JobState.QUEUED]
            if ready:
                self._announcer.announce(self._announcer.missing(ready))
            self._lost_outcomes.look()
            self._recount_at = time.monotonic() + self._recount_seconds

    def _give_up(self, job: Job) -> None:
        """End a job; while the broker is away it is left as it is, and looked at again."""
        try:
            self._announcer.bury(job, GIVEN_UP.message)
        except ConnectionError as error:
            log.debug("job not given up yet", reason=str(error))
            return
        with self._store.transaction():
            # Somebody may have cancelled it meanwhile.
            stored = self._store.job(job.id)
            if not stored.state.is_final:
                log.warning("job given up", reason=GIVEN_UP.message)
                self._store.save_job(stored.ended(JobState.FAILED, GIVEN_UP))

    def _turn(self) -> float:
        try:
            self.look()
        except ConnectionError as error:
            log.debug("queue not counted", reason=str(error))
        return self._seconds
