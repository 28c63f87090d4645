"""Jobs: what became of a stage request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from types import MappingProxyType
from typing import Any, ClassVar

from flask import Response

from synergos.domain.damage import DAMAGED, UNREADABLE, Damaged
from synergos.domain.job import Job, JobState, Stage
from synergos.domain.keys import JOB_IDS
from synergos.orchestration.jobs import Jobs
from synergos.records.paging import Page, Part
from synergos.records.plain import plain
from synergos.rest.api import Route
from synergos.rest.body import nothing
from synergos.rest.caller import caller
from synergos.rest.envelope import success
from synergos.rest.lists import Filter, described, wanted
from synergos.rest.representations import Representation
from synergos.rest.resource import Resource

_FILTERS = {
    "state": Filter.one_of(JobState),
    "stage": Filter.one_of(Stage),
    **dict.fromkeys(JOB_IDS, Filter("an id in the job's keys")),
}
_FIELDS = (
    "kind",
    "id",
    "stage",
    "state",
    "keys",
    "parameters",
    "progress",
    "attempts",
    "grid",
    "ttp",
    "error",
    "created_at",
    "started_at",
    "finished_at",
)


def routes(jobs: Jobs, *, read_only: bool = False) -> list[Route]:
    """The routes below ``/ttp``.

    Args:
        read_only: without those that change something.
    """
    reading = [
        Route("Jobs", JobCollection, jobs, ("/jobs",), "jobs", parameters=described(_FILTERS)),
        Route("Job", SingleJob, jobs, ("/jobs/<job_id>",), "jobs"),
    ]
    cancelling = Route("JobCancellation", JobCancellation, jobs, ("/jobs/<job_id>/cancel",), "jobs")
    return reading if read_only else [*reading, cancelling]


def job_representation(
    job: Job | Damaged, waits: Mapping[str, Mapping[str, Any]] = MappingProxyType({})
) -> dict[str, Any]:
    """A job as it is answered; times are ISO 8601 in UTC.

    Args:
        waits: what the jobs that have not started wait for, see :class:`synergos.orchestration.dispatcher.Dispatcher`.
    """
    if isinstance(job, Damaged):
        return _damaged(job)
    has_started = job.state.is_final or job.state in {JobState.RUNNING, JobState.ARCHIVING}
    waiting = {} if has_started else waits.get(job.id, {})
    # Who ran it waits for nobody any more, though it may not have come to say so.
    progress = {
        name: value for name, value in job.progress.items() if name != "waiting_for" or job.state is JobState.RUNNING
    }
    return {
        "kind": "Job",
        "id": job.id,
        "stage": job.stage.value,
        "state": job.state.value,
        "keys": job.keys.to_dict(),
        "parameters": plain(job.parameters),
        "progress": plain({**progress, **waiting}),
        "attempts": job.attempts,
        "grid": job.grid,
        "ttp": job.ttp,
        "error": None if job.error is None else asdict(job.error),
        "created_at": _time(job.created_at),
        "started_at": _time(job.started_at),
        "finished_at": _time(job.finished_at),
    }


def _damaged(job: Damaged) -> dict[str, Any]:
    known = {"kind": job.kind, "id": job.id, "keys": dict(job.keys), **job.told, "parameters": {}, "progress": {}}
    return {**dict.fromkeys(_FIELDS), **known, DAMAGED: UNREADABLE}


class _JobResource(Resource):
    def __init__(self, api: object, jobs: Jobs) -> None:
        super().__init__(api)
        self.jobs = jobs


class JobCollection(_JobResource):
    """All jobs."""

    query_of: ClassVar[Mapping[str, Iterable[str] | None]] = {"GET": None}

    def get(self) -> Response:
        """List them, newest last unless asked otherwise; query parameters choose among them."""
        list_of = wanted("jobs", _FILTERS, _FIELDS)
        who = caller()
        # What all jobs wait for takes a look at all that have not ended.
        waits = self.jobs.waits(who) if list_of.wants("progress") else {}

        def read(page: Page) -> Part[Representation]:
            return self.jobs.find(who, list_of.filters, page).map(lambda job: job_representation(job, waits))

        return list_of.answer(read)


class SingleJob(_JobResource):
    """One job."""

    def get(self, job_id: str) -> Response:
        """Read it."""
        return success("job.get", job_representation(self.jobs.get(caller(), job_id), self.jobs.waits(caller())))


class JobCancellation(_JobResource):
    """The end of a job before its time."""

    def post(self, job_id: str) -> Response:
        """Ask it to stop; it is cancelled as soon as what it is doing can be left."""
        nothing()
        return success("job.cancel", job_representation(self.jobs.cancel(caller(), job_id)))


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
