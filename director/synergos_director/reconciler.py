"""The reconciler: brings queue and records together again after losses, so that no job is forgotten."""

from __future__ import annotations

import time

import structlog

from synergos.domain.job import GIVEN_UP, Job, JobState
from synergos.program.log_context import about_job
from synergos.program.loop import Loop
from synergos.records import RecordStore
from synergos.records.leases import Leases
from synergos_director.job_publisher import JobPublisher
from synergos_director.lost_outcomes import LostOutcomes

log = structlog.get_logger(__name__)


class Reconciler:
    """Publishes again what lost its owner or waited long enough, every second, and what has no message any more, every ten.

    Runs in a thread of its own, and is idempotent.

    Args:
        seconds: between two reconciliations.
        recount_seconds: between two counts of the messages.
    """

    def __init__(
        self,
        store: RecordStore,
        leases: Leases,
        publisher: JobPublisher,
        seconds: float = 1.0,
        recount_seconds: float = 10.0,
    ) -> None:
        self._store = store
        self._leases = leases
        self._publisher = publisher
        self._seconds = seconds
        self._recount_seconds = recount_seconds
        # Right away: what was accepted before an earlier process ended may never have been published.
        self._recount_at = 0.0
        self._lost_outcomes = LostOutcomes(leases, publisher)
        self._loop = Loop("reconciler", self._turn, pause=seconds)

    def start(self) -> None:
        """Begin."""
        self._loop.start()

    def close(self) -> None:
        """End."""
        self._loop.close()

    def reconcile(self) -> None:
        """Reconcile once."""
        for job in [each.job for each in self._leases.statuses.all() if each.is_given_up]:
            with about_job(job):
                self._give_up(job)
        self._publisher.publish(self._leases.arrange())
        if time.monotonic() >= self._recount_at:
            ready = [each.job for each in self._leases.statuses.all() if each.state is JobState.QUEUED]
            if ready:
                self._publisher.publish(self._publisher.missing(ready))
            self._lost_outcomes.reconcile()
            self._recount_at = time.monotonic() + self._recount_seconds

    def _give_up(self, job: Job) -> None:
        """End a job; while the broker is away it is left as it is, and looked at again."""
        try:
            self._publisher.dead_letter(job, GIVEN_UP.message)
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
            self.reconcile()
        except ConnectionError as error:
            log.debug("queue not counted", reason=str(error))
        return self._seconds
