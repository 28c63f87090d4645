"""What the unfinished jobs of a cluster wait for or do, and which of those that may start comes next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select

from synergos.domain.dependencies import JobDependencies
from synergos.domain.job import MAXIMUM_ATTEMPTS, UNFINISHED, Job, JobState
from synergos.domain.scheduling import Served, scheduling_order
from synergos.records.jobs import read_job
from synergos.records.store import RecordStore
from synergos.records.tables import JOBS


@dataclass(frozen=True)
class JobStatus:
    """The status that an unfinished job is to have just now, derived from leases, dependencies and attempts.

    Attributes:
        state: RUNNING only with an owner that is alive.
        waits_for: the job it must wait for.
        is_given_up: it has been taken up too often, and nobody runs it.
    """

    job: Job
    state: JobState
    waits_for: Job | None = None
    is_given_up: bool = False


class JobStatuses:
    """The unfinished jobs of one record store; of those that are damaged nothing is said."""

    def __init__(self, store: RecordStore) -> None:
        self._store = store

    def all(self) -> list[JobStatus]:
        """What every unfinished job waits for or does, in the order they were accepted."""
        unfinished = select(JOBS).where(JOBS.c.state.in_(UNFINISHED)).order_by(JOBS.c.number)
        dependencies = JobDependencies()
        with self._store.database.reading() as connection:
            now = self._store.database.now()
            rows = connection.execute(unfinished).mappings().all()
        found = ((read_job(row), row["lease_until"]) for row in rows)
        return [_status(job, lease, dependencies, now) for job, lease in found if isinstance(job, Job)]

    def ready(self, job_statuses: Iterable[JobStatus]) -> list[Job]:
        """Of these jobs those that may start, in the order in which they are taken up when no others come."""
        return list(self.in_turn([each.job for each in job_statuses if each.state is JobState.QUEUED]))

    def in_turn(self, jobs: Sequence[Job]) -> Iterator[Job]:
        """These jobs in the order in which they are taken up; see :mod:`synergos.domain.scheduling`."""
        return scheduling_order(jobs, self._last_served(jobs))

    def _last_served(self, jobs: Sequence[Job]) -> Served:
        """When a job of each of these jobs' projects and collaborations was last taken up, for those where one was."""
        of_project, of_collaboration = {}, {}
        with self._store.database.reading() as connection:

            def last(*conditions: ColumnElement[bool]) -> datetime | None:
                # One at a time: the end of each one's part of an index is looked up, and no job that ended long ago read.
                moment: datetime | None = connection.execute(
                    select(func.max(JOBS.c.started_at)).where(*conditions)
                ).scalar_one()
                return moment

            for project in {job.keys.project for job in jobs}:
                is_of_project = (JOBS.c.collab_id == project.collab_id, JOBS.c.project_id == project.project_id)
                if (moment := last(*is_of_project)) is not None:
                    of_project[project] = moment
            for collab_id in {job.keys["collab_id"] for job in jobs}:
                if (moment := last(JOBS.c.collab_id == collab_id)) is not None:
                    of_collaboration[collab_id] = moment
        return Served(of_project, of_collaboration)


def _status(job: Job, lease_until: datetime | None, dependencies: JobDependencies, now: datetime) -> JobStatus:
    waits_for = dependencies.add(job)
    if job.state is JobState.ARCHIVING:
        return JobStatus(job, JobState.ARCHIVING)
    if job.state is JobState.RUNNING and lease_until is not None and lease_until > now:
        return JobStatus(job, JobState.RUNNING)
    if job.attempts >= MAXIMUM_ATTEMPTS:
        return JobStatus(job, JobState.WAITING, is_given_up=True)
    must_wait = waits_for is not None or (job.not_before is not None and job.not_before > now)
    return JobStatus(job, JobState.WAITING if must_wait else JobState.QUEUED, waits_for)
