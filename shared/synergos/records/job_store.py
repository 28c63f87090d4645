"""The jobs of a record store: what was asked for, where it stands, and how it ended."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, bindparam, exists, func, insert, select, tuple_, update

from synergos.domain.damage import Damaged
from synergos.domain.job import FINAL_STATES, UNFINISHED, Job, JobState, Stage
from synergos.domain.job_event import NO_NEWS, JobEvent, JobEventKind, JobNews
from synergos.domain.keys import ProjectKey
from synergos.domain.records import Ids
from synergos.errors import RecordNotFound
from synergos.records.changes import note_job, note_new_job
from synergos.records.database import Database
from synergos.records.job_history import JobHistory
from synergos.records.jobs import SIZE_OF_JOB, Which, is_of_trace, read_job, read_jobs, row_of, standing_of
from synergos.records.paging import EVERYTHING, Page, Part
from synergos.records.plain import plain
from synergos.records.tables import JOBS

_OWN_ENDS = (JobState.COMPLETED.value, JobState.FAILED.value)
"""How a job ends that nobody has cancelled."""


_JOB = select(JOBS).where(JOBS.c.id == bindparam("own_id"))
"""Made once: making a statement takes longer than what it asks for."""


class JobStore:
    """Jobs by id; see :class:`~synergos.records.store.RecordStore`, which is one too.

    Attributes:
        database: what they lie in.
        history: what has happened to them.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.history = JobHistory(database)

    def add_jobs(self, jobs: Sequence[Job]) -> None:
        """Store new jobs, all or none; the results they will replace are hidden from now on."""
        with self.database.writing() as connection:
            for job in jobs:
                connection.execute(insert(JOBS).values(row_of(job)))
                note_new_job(connection, job)
                self.history.add(job.id, JobNews((JobEvent(JobEventKind.ACCEPTED, at=job.created_at),)))

    def job(self, job_id: str) -> Job:
        """One job.

        Raises:
            RecordNotFound: there is no such job.
            DamagedRecord: it cannot be read.
        """
        found = self.find_job(job_id)
        if isinstance(found, Damaged):
            raise found.error
        return found

    def find_job(self, job_id: str) -> Job | Damaged:
        """One job, be it that it cannot be read.

        Raises:
            RecordNotFound: there is no such job.
        """
        with self.database.reading() as connection:
            row = connection.execute(_JOB, {"own_id": job_id}).mappings().one_or_none()
        if row is None:
            raise RecordNotFound(f"no Job {job_id!r}")
        return read_job(row)

    def progress_of(self, job_ids: Collection[str]) -> dict[str, Mapping[str, object]]:
        """How far each of these jobs is, of those that are there."""
        wanted = select(JOBS.c.id, JOBS.c.progress).where(JOBS.c.id.in_(job_ids))
        with self.database.reading() as connection:
            rows = connection.execute(wanted)
            return {row.id: row.progress for row in rows if isinstance(row.progress, Mapping)}

    def jobs(self, **filters: str) -> list[Job]:
        """The jobs with this ``state``, this ``stage`` and these ids in their keys, newest last, as far as they can be read."""
        return [job for job in self.select_jobs(filters).items if isinstance(job, Job)]

    def select_jobs(
        self, filters: Mapping[str, str], page: Page = EVERYTHING, concerned: Which | None = None
    ) -> Part[Job | Damaged]:
        """As :meth:`jobs`, a page of them, those among them that cannot be read; numbered in the order they were accepted.

        Args:
            filters: also ``trace_id``, for those that were asked for in one trace.
            concerned: those that concern somebody; all without it.
        """
        statement = page.of(JOBS, JOBS.c.number, SIZE_OF_JOB, *_of_jobs(filters, concerned))
        with self.database.reading() as connection:
            rows = connection.execute(statement).mappings()
            return Part.cut(page, rows, JOBS.c.number, read_job)

    def unfinished_jobs(self) -> list[Job]:
        """The jobs to which something more will happen, newest last, as far as they can be read; found without a look at the others."""
        unfinished = select(JOBS).where(JOBS.c.state.in_(UNFINISHED)).order_by(JOBS.c.number)
        with self.database.reading() as connection:
            return read_jobs(connection.execute(unfinished).mappings())

    def ended_last(self, projects: Collection[ProjectKey]) -> dict[ProjectKey, Job]:
        """Of each of these projects the job accepted last of those that are done or have failed, as far as it can be read."""
        if not projects:
            return {}
        ids = tuple_(JOBS.c.collab_id, JOBS.c.project_id)
        of_projects = (ids.in_([project.ids for project in projects]), JOBS.c.state.in_(_OWN_ENDS))
        newest = select(func.max(JOBS.c.number)).where(*of_projects).group_by(JOBS.c.collab_id, JOBS.c.project_id)
        with self.database.reading() as connection:
            found = read_jobs(connection.execute(select(JOBS).where(JOBS.c.number.in_(newest))).mappings())
        return {job.keys.project: job for job in found}

    def count_unfinished_jobs(self, collab_id: str) -> int:
        """How many jobs of a collaboration have not ended."""
        wanted = (JOBS.c.state.in_(UNFINISHED), JOBS.c.collab_id == collab_id)
        with self.database.reading() as connection:
            return int(connection.execute(select(func.count()).select_from(JOBS).where(*wanted)).scalar_one())

    def count_jobs(self) -> dict[tuple[str, str], int]:
        """How many jobs there are, by state and stage as their columns say, be it what no job has."""
        counted = select(JOBS.c.state, JOBS.c.stage, func.count()).group_by(JOBS.c.state, JOBS.c.stage)
        with self.database.reading() as connection:
            return {(state, stage): count for state, stage, count in connection.execute(counted)}

    def job_states(self, filters: Mapping[str, str], concerned: Which | None = None) -> dict[str, int]:
        """How many of the jobs that :meth:`select_jobs` finds are in each state, as their column says."""
        counted = select(JOBS.c.state, func.count()).where(*_of_jobs(filters, concerned)).group_by(JOBS.c.state)
        with self.database.reading() as connection:
            return {row.state: int(row[1]) for row in connection.execute(counted)}

    def oldest_job(self, state: JobState) -> datetime | None:
        """When the oldest job in a state was accepted."""
        oldest = select(JOBS.c.created_at).where(JOBS.c.state == state.value).order_by(JOBS.c.number).limit(1)
        with self.database.reading() as connection:
            return connection.execute(oldest).scalar_one_or_none()

    def grids_of(self, ids: Ids) -> set[int | None]:
        """The sub-grids that have begun a job with these ids in its key; None stands for the only one of a basic grid."""
        scope = (JOBS.c[field] == value for field, value in ids.items())
        begun = select(JOBS.c.grid).where(JOBS.c.started_at.is_not(None), *scope).distinct()
        with self.database.reading() as connection:
            return set(connection.execute(begun).scalars())

    def has_unfinished_job(self, stage: Stage, ids: Ids) -> bool:
        """Whether a job of this stage with these ids in its key has not ended."""
        wanted = (JOBS.c.stage == stage.value, JOBS.c.state.in_(UNFINISHED))
        scope = (JOBS.c[field] == value for field, value in ids.items())
        with self.database.reading() as connection:
            return bool(connection.execute(select(exists().where(*wanted, *scope))).scalar_one())

    def save_job(self, job: Job) -> None:
        """Store where a job stands; what was reported of its progress stays when ``job`` carries none.

        Raises:
            RecordNotFound: there is no such job.
        """
        values = standing_of(job) | ({"progress": plain(job.progress)} if job.progress else {})
        with self.database.writing() as connection:
            had_ended = job.state.is_final and self._has_ended(connection, job.id)
            self._update_job(job.id, values)
            if job.state.is_final and not had_ended:
                self.history.add(job.id, JobNews((_end_of(job),)))

    def update_progress(self, job_id: str, progress: Mapping[str, object] | None, news: JobNews = NO_NEWS) -> None:
        """Store how far a job is, and what has happened to it meanwhile.

        Args:
            progress: None where that is as before.

        Raises:
            RecordNotFound: there is no such job.
        """
        with self.database.writing():
            if progress is not None:
                self._update_job(job_id, {"progress": plain(progress)})
            self.history.add(job_id, news)

    @staticmethod
    def _has_ended(connection: Connection, job_id: str) -> bool:
        return connection.execute(select(JOBS.c.state).where(JOBS.c.id == job_id)).scalar_one_or_none() in FINAL_STATES

    def _update_job(self, job_id: str, values: Mapping[str, object]) -> None:
        with self.database.writing() as connection:
            if not connection.execute(update(JOBS).where(JOBS.c.id == job_id).values(**values)).rowcount:
                raise RecordNotFound(f"no Job {job_id!r}")
            note_job(connection, job_id)


def _of_jobs(filters: Mapping[str, str], concerned: Which | None) -> list[ColumnElement[bool]]:
    conditions = [
        is_of_trace(value) if field == "trace_id" else JOBS.c[field] == value for field, value in filters.items()
    ]
    return conditions if concerned is None else [*conditions, concerned.condition]


def _end_of(job: Job) -> JobEvent:
    error = None if job.error is None else asdict(job.error)
    about = {"state": job.state.value} | ({} if error is None else {"error": error})
    who = None if job.error is None else job.error.participant
    return JobEvent(JobEventKind.ENDED, who, about, job.finished_at or datetime.now(UTC))
