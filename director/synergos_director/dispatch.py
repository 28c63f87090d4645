"""The director's dispatcher: an accepted job is queued, and a TTP that is free takes it up."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from synergos.domain.job import CANCELLED_ON_REQUEST, Job, JobState
from synergos.domain.job_progress import awaited_owners
from synergos.domain.keys import ProjectKey
from synergos.errors import Conflict
from synergos.orchestration.dispatcher import FOREVER, Wait
from synergos.records import RecordStore
from synergos.records.job_statuses import JobStatus
from synergos.records.leases import Leases
from synergos_director.job_publisher import JobPublisher

log = structlog.get_logger(__name__)


class QueueDispatcher:
    """Queues accepted jobs and answers at once."""

    def __init__(self, store: RecordStore, leases: Leases, publisher: JobPublisher) -> None:
        self._store = store
        self._leases = leases
        self._publisher = publisher

    def submit(self, jobs: Sequence[Job], *, wait: Wait | None = FOREVER) -> list[Job]:
        """Publish the jobs that may start; the others are published when what they wait for is over.

        Args:
            wait: makes no difference: nobody waits for a cluster's jobs.
        """
        became_ready = self._leases.arrange()
        found = [self._store.job(job.id) for job in jobs]
        submitted = {job.id for job in found}
        ready = [job for job in found if job.state is JobState.QUEUED]
        self._publisher.publish([*(job for job in became_ready if job.id not in submitted), *ready])
        return found

    def waits(self) -> dict[str, dict[str, object]]:
        """What each job that has not started waits for."""
        job_statuses = self._leases.statuses.all()
        grids = self._leases.grids.living()
        busy = sum(each.state is JobState.RUNNING for each in job_statuses)
        found = {each.job.id: _delay(each) for each in job_statuses if each.state is JobState.WAITING}
        for position, job in enumerate(self._leases.statuses.ready(job_statuses)):
            reason = f"{busy} of {len(grids)} sub-grids are busy" if grids else "no TTP is running"
            found[job.id] = {"position": position, "reason": reason}
        return found

    def cancel(self, job_id: str) -> Job:
        """Have a job not start, or its TTP stop it at its next step.

        Raises:
            RecordNotFound: there is no such job.
            Conflict: it has ended already.
        """
        with self._store.transaction():
            job = self._store.job(job_id)
            if job.state.is_final or job.state is JobState.ARCHIVING:
                raise Conflict(f"job {job_id} is {job.state} already")
            if not self._leases.cancel(job_id):
                self._store.save_job(job.ended(JobState.CANCELLED, CANCELLED_ON_REQUEST))
        self._publisher.publish(self._leases.arrange())
        return self._store.job(job_id)

    def width(self, project: ProjectKey) -> int:
        """How many of a project's jobs can run at once: as many as it has sub-grids with a living TTP."""
        return self._leases.grids.width(project)


def _delay(status: JobStatus) -> dict[str, object]:
    if status.waits_for is not None:
        first = status.waits_for
        return {"waiting_for": first.id, "reason": f"its {first.stage.value} job must end first"}
    if awaited_owners(status.job.progress):
        # Its progress says whose decision it takes.
        return {}
    moment = status.job.not_before
    return {"reason": "it is tried again" + (f" at {moment.isoformat(timespec='seconds')}" if moment else " soon")}
