"""Jobs: what became of a stage request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from flask import Response, request

from synergos.domain.identifiers import check_identifier
from synergos.domain.job import Job, JobState, Stage
from synergos.domain.keys import JOB_IDS
from synergos.errors import UnknownName
from synergos.orchestration.jobs import Jobs
from synergos.records.plain import plain
from synergos.rest.api import Route
from synergos.rest.caller import caller
from synergos.rest.envelope import success
from synergos.rest.resource import Resource

_WORDS: dict[str, type[StrEnum]] = {"state": JobState, "stage": Stage}
FILTERS = {
    **{name: f"one of {', '.join(words)}" for name, words in _WORDS.items()},
    **dict.fromkeys(JOB_IDS, "an id in the job's keys"),
}


def routes(jobs: Jobs, *, read_only: bool = False) -> list[Route]:
    """The routes below ``/ttp``.

    Args:
        read_only: without those that change something.
    """
    reading = [
        Route("Jobs", JobCollection, jobs, ("/jobs",), "jobs", parameters=FILTERS),
        Route("Job", SingleJob, jobs, ("/jobs/<job_id>",), "jobs"),
    ]
    cancelling = Route("JobCancellation", JobCancellation, jobs, ("/jobs/<job_id>/cancel",), "jobs")
    return reading if read_only else [*reading, cancelling]


def job_shape(job: Job, waits: Mapping[str, Mapping[str, Any]] = MappingProxyType({})) -> dict[str, Any]:
    """A job as it is answered; times are ISO 8601 in UTC.

    Args:
        waits: what the jobs that have not started wait for, see :class:`synergos.orchestration.dispatcher.Dispatcher`.
    """
    has_started = job.state.is_final or job.state in {JobState.RUNNING, JobState.ARCHIVING}
    waiting = {} if has_started else waits.get(job.id, {})
    return {
        "kind": "Job",
        "id": job.id,
        "stage": job.stage.value,
        "state": job.state.value,
        "keys": job.keys.to_dict(),
        "parameters": plain(job.parameters),
        "progress": plain({**job.progress, **waiting}),
        "attempts": job.attempts,
        "grid": job.grid,
        "ttp": job.ttp,
        "error": None if job.error is None else asdict(job.error),
        "created_at": _time(job.created_at),
        "started_at": _time(job.started_at),
        "finished_at": _time(job.finished_at),
    }


class _JobResource(Resource):
    def __init__(self, api: object, jobs: Jobs) -> None:
        super().__init__(api)
        self.jobs = jobs


class JobCollection(_JobResource):
    """All jobs."""

    def get(self) -> Response:
        """List them, newest last; query parameters choose among them."""
        waits = self.jobs.waits(caller())
        return success("jobs.get", [job_shape(job, waits) for job in self.jobs.find(caller(), _filters())])


class SingleJob(_JobResource):
    """One job."""

    def get(self, job_id: str) -> Response:
        """Read it."""
        return success("job.get", job_shape(self.jobs.get(caller(), job_id), self.jobs.waits(caller())))


class JobCancellation(_JobResource):
    """The end of a job before its time."""

    def post(self, job_id: str) -> Response:
        """Ask it to stop; it is cancelled as soon as what it is doing can be left."""
        return success("job.cancel", job_shape(self.jobs.cancel(caller(), job_id)))


def _filters() -> dict[str, str]:
    filters = request.args.to_dict()
    for name, value in filters.items():
        if name not in FILTERS:
            raise UnknownName(name, FILTERS, name, "something jobs can be chosen by")
        if name in _WORDS and value not in set(_WORDS[name]):
            words = [word.value for word in _WORDS[name]]
            raise UnknownName(value, words, name, f"one of {', '.join(words)}")
        if name in JOB_IDS:
            check_identifier(value, name)
    return filters


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
