"""Outcomes that were sent off and are in no queue any more: purged by somebody, or lost with their broker."""

from __future__ import annotations

import time

import structlog

from synergos.domain.job import JobState
from synergos.program.log_context import about_job
from synergos.records.leases import Leases
from synergos_director.job_publisher import JobPublisher

log = structlog.get_logger(__name__)


class LostOutcomes:
    """Detects them; their jobs run again, from the last round that was committed. Used by the reconciler's thread.

    Args:
        seconds: how long an outcome may be on its way from an empty queue into the records.
    """

    def __init__(self, leases: Leases, publisher: JobPublisher, seconds: float = 15.0) -> None:
        self._leases = leases
        self._publisher = publisher
        self._seconds = seconds
        # When the job of each was first seen to wait for what no queue has.
        self._missing_since: dict[str, float] = {}

    def reconcile(self) -> None:
        """Reopen the jobs whose outcomes are lost.

        Raises:
            ConnectionError: the broker cannot be reached.
        """
        job_statuses = self._leases.statuses.all()
        archiving = {each.job.id: each.job for each in job_statuses if each.job.state is JobState.ARCHIVING}
        # Which job an outcome in the queue belongs to nobody knows before it is taken up.
        if not archiving or self._publisher.outcomes_waiting():
            self._missing_since.clear()
            return
        now = time.monotonic()
        self._missing_since = {job_id: self._missing_since.get(job_id, now) for job_id in archiving}
        for job_id, since in self._missing_since.items():
            if now - since >= self._seconds:
                with about_job(archiving[job_id]):
                    log.warning("outcome lost; its job runs again")
                self._leases.reopen(job_id)
