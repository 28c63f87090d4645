"""Jobs as rows of the table ``jobs``: writing and reading them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol
from typing import cast as taken_as

from sqlalchemy import ColumnElement, RowMapping, Text, and_, cast, func, or_, tuple_

from synergos.domain.damage import Damaged
from synergos.domain.job import Job, JobError, JobState, Stage
from synergos.domain.job_options import JobOptions
from synergos.domain.keys import JOB_IDS, ProjectKey, job_key
from synergos.domain.trace_context import TraceContext
from synergos.errors import SynergosError
from synergos.records.plain import plain
from synergos.records.tables import JOBS
from synergos.schema import Definition


@dataclass(frozen=True)
class Concerned:
    """Somebody whom not all jobs concern: those of some collaborations do, a participant's own, and those about no participant.

    Attributes:
        participant: which participant they are; None for who is none.
    """

    collaborations: Collection[str]
    participant: str | None = None

    @property
    def condition(self) -> ColumnElement[bool]:
        """That a job concerns them, on the table of jobs."""
        mine = [] if self.participant is None else [JOBS.c.participant_id == self.participant]
        return or_(JOBS.c.participant_id.is_(None), JOBS.c.collab_id.in_(sorted(self.collaborations)), *mine)


class Which(Protocol):
    """Some of all jobs."""

    @property
    def condition(self) -> ColumnElement[bool]:
        """That a job is one of them, on the table of jobs."""


@dataclass(frozen=True)
class Touching:
    """The jobs that may have to do with a participant's data: of the projects it is registered for, but for other ones' own.

    Attributes:
        projects: those.
    """

    projects: Collection[ProjectKey]
    participant: str

    @property
    def condition(self) -> ColumnElement[bool]:
        """See :class:`Which`."""
        among = tuple_(JOBS.c.collab_id, JOBS.c.project_id).in_([project.ids for project in self.projects])
        return and_(among, or_(JOBS.c.participant_id.is_(None), JOBS.c.participant_id == self.participant))


SIZE_OF_JOB = func.coalesce(func.length(cast(JOBS.c.parameters, Text)) + func.length(cast(JOBS.c.progress, Text)), 0)
"""Bytes of what may be much in a job's row."""
_ERROR = Definition(JobError)


def is_of_trace(trace_id: str) -> ColumnElement[bool]:
    """That a job, on the table of jobs, was asked for in a trace, or in nobody's and has its own id for one."""
    asked = JOBS.c.traceparent.startswith(f"00-{trace_id}-", autoescape=True)
    return or_(asked, and_(JOBS.c.traceparent.is_(None), JOBS.c.id == trace_id))


def row_of(job: Job) -> dict[str, object]:
    """The columns of a job that is stored for the first time."""
    keys: Mapping[str, str | None] = dict.fromkeys(JOB_IDS) | job.keys.to_dict()
    return {
        "id": job.id,
        "stage": job.stage.value,
        **keys,
        "parameters": plain(job.parameters),
        "progress": plain(job.progress),
        "created_at": job.created_at,
        "traceparent": None if job.trace is None else job.trace.header,
        **standing_of(job),
    }


def standing_of(job: Job) -> dict[str, object]:
    """The columns that change while a job lives, its progress apart."""
    return {
        "state": job.state.value,
        "attempts": job.attempts,
        "error": None if job.error is None else _ERROR.write(job.error),
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        "grid": job.grid,
        "ttp": job.ttp,
        "not_before": job.not_before,
    }


def read_job(row: RowMapping) -> Job | Damaged:
    """The job a row stands for, be it that it cannot be read."""
    try:
        return job_of(row)
    except (ValueError, TypeError, LookupError, SynergosError):
        keys = {name: row[name] for name in JOB_IDS if row[name] is not None}
        return Damaged("Job", row["id"], keys, {"stage": row["stage"], "state": row["state"]})


def read_jobs(rows: Iterable[RowMapping]) -> list[Job]:
    """The jobs that rows stand for, as far as they can be read; who runs them has no use for the others."""
    return [job for job in map(read_job, rows) if isinstance(job, Job)]


def job_of(row: RowMapping) -> Job:
    """The job a row stands for.

    Raises:
        ValueError: a column says what no job has.
        TypeError: likewise.
        LookupError: an id is missing.
        InvalidRequest: likewise.
    """
    if not isinstance(row["parameters"], Mapping) or not isinstance(row["progress"], Mapping):
        raise TypeError("expected objects")
    if row["created_at"] is None:
        raise ValueError("expected a time")
    # Whoever schedules jobs compares it with others'.
    int(row["parameters"].get("priority", 0))
    return Job(
        stage=Stage(row["stage"]),
        keys=job_key({field: row[field] for field in JOB_IDS if row[field] is not None}),
        parameters=taken_as(JobOptions, row["parameters"]),
        id=row["id"],
        state=JobState(row["state"]),
        progress=row["progress"],
        attempts=row["attempts"],
        error=None if row["error"] is None else _ERROR.read(row["error"]),
        created_at=row["created_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        grid=row["grid"],
        ttp=row["ttp"],
        not_before=row["not_before"],
        trace=TraceContext.read(row["traceparent"]),
    )
