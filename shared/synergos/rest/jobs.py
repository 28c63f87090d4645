"""Jobs: what became of a stage request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from types import MappingProxyType
from typing import ClassVar

from flask import Response, request

from synergos.domain.damage import DAMAGED, UNREADABLE, Damaged
from synergos.domain.job import Job, JobState, Stage
from synergos.domain.job_progress import awaited_owners
from synergos.domain.keys import JOB_IDS
from synergos.orchestration.jobs import Jobs, Seen
from synergos.records.paging import Page, Part
from synergos.records.plain import plain
from synergos.rest.api import Route
from synergos.rest.body import nothing
from synergos.rest.caller import caller
from synergos.rest.envelope import success
from synergos.rest.job_history import LARGEST, event_representation, number_of_request, round_representation
from synergos.rest.lists import MAXIMUM_LIMIT, Filter, described, wanted
from synergos.rest.representations import Representation
from synergos.rest.resource import ABOUT_CHECKING, CHECK, Resource, is_wanted

_OF_NOW = frozenset({"waiting_for", "transfers"})
"""Of a job's progress, what is so only while somebody runs it."""
_FILTERS = {
    "state": Filter.one_of(JobState),
    "stage": Filter.one_of(Stage),
    **dict.fromkeys(JOB_IDS, Filter("an id in the job's keys")),
    "trace_id": Filter("the trace in which the job was asked for"),
}
_SUMMARY = ("stage", "state", "keys", "attempts", "grid", "ttp", "error", "created_at", "started_at", "finished_at")
"""And of its progress what :data:`_OF_SUMMARY` names."""
_OF_SUMMARY = frozenset({"fraction", "round", "rounds", "seconds_left", "waiting_for", "position", "updated_at"})
_OF_NEWS = {
    "events_after": "also what has happened to it since: the number of the last event that is known already, 0 for none",
    "rounds_after": "also what its rounds have lost since: the last round that is known already, 0 for none",
    "newest_rounds": f"of those rounds so many at most, the newest, 1 to {MAXIMUM_LIMIT}; {MAXIMUM_LIMIT} without it",
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
    "trace_id",
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
        Route("Job", SingleJob, jobs, ("/jobs/<job_id>",), "jobs", parameters=_OF_NEWS),
    ]
    cancelling = Route("JobCancellation", JobCancellation, jobs, ("/jobs/<job_id>/cancel",), "jobs")
    return reading if read_only else [*reading, cancelling]


def job_representation(
    job: Job | Damaged, waits: Mapping[str, Mapping[str, object]] = MappingProxyType({})
) -> dict[str, object]:
    """A job as it is answered; times are ISO 8601 in UTC.

    Args:
        waits: what the jobs that have not started wait for, see :class:`synergos.orchestration.dispatcher.Dispatcher`.
    """
    if isinstance(job, Damaged):
        return _damaged(job)
    waiting = {} if _has_begun(job) else waits.get(job.id, {})
    # Who ran it waits for nobody any more, though it may not have come to say so; but one that was put back waits for owners.
    of_now = {JobState.RUNNING: _OF_NOW, JobState.WAITING: {"waiting_for"} if awaited_owners(job.progress) else set()}
    still = of_now.get(job.state, set())
    progress = {name: value for name, value in job.progress.items() if name not in _OF_NOW or name in still}
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
        "trace_id": job.span.trace_id,
        "error": None if job.error is None else asdict(job.error),
        "created_at": _time(job.created_at),
        "started_at": _time(job.started_at),
        "finished_at": _time(job.finished_at),
    }


def _has_begun(job: Job) -> bool:
    return job.state.is_final or job.state in {JobState.RUNNING, JobState.ARCHIVING}


def job_in_short(
    job: Job | Damaged, waits: Mapping[str, Mapping[str, object]] = MappingProxyType({})
) -> dict[str, object]:
    """What a table of jobs shows of one."""
    shown = job_representation(job, waits)
    whole = shown["progress"]
    progress = {name: whole[name] for name in whole if name in _OF_SUMMARY} if isinstance(whole, dict) else {}
    return {name: shown[name] for name in ("kind", "id", *_SUMMARY, DAMAGED) if name in shown} | {"progress": progress}


def _damaged(job: Damaged) -> dict[str, object]:
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
        list_of = wanted("jobs", _FILTERS, _FIELDS, summary=(*_SUMMARY, "progress"))
        who = caller()
        # What all jobs wait for takes a look at all that have not ended.
        waits = self.jobs.waits(who) if list_of.wants("progress") else {}

        def show(job: Job | Damaged) -> Representation:
            return job_in_short(job, waits) if list_of.is_summary else job_representation(job, waits)

        def read(page: Page) -> Part[Representation]:
            return self.jobs.find(who, list_of.filters, page).map(show)

        return list_of.answer(read, counts=lambda: self.jobs.counts(who, list_of.filters))


class SingleJob(_JobResource):
    """One job."""

    query_of: ClassVar[Mapping[str, Iterable[str] | None]] = {"GET": tuple(_OF_NEWS)}

    def get(self, job_id: str) -> Response:
        """Read it; with what has happened and what its rounds have lost since somebody last looked, as ``events`` and ``rounds``."""
        seen = _seen()
        if seen is None:
            return success("job.get", self._shown(self.jobs.get(caller(), job_id)))
        found = self.jobs.with_news(caller(), job_id, seen)
        news = {
            "events": [event_representation(event) for event in found.events],
            "rounds": [round_representation(lost) for lost in found.rounds],
        }
        return success("job.get", self._shown(found.job), more=news)

    def _shown(self, job: Job | Damaged) -> dict[str, object]:
        # What one that has begun waits for stands in its record; for that of others it takes a look at all that wait.
        has_begun = isinstance(job, Damaged) or _has_begun(job)
        return job_representation(job, {} if has_begun else self.jobs.waits(caller()))


class JobCancellation(_JobResource):
    """The end of a job before its time."""

    query_of: ClassVar[Mapping[str, Iterable[str] | None]] = {"POST": (CHECK,)}
    __apidoc__: ClassVar[dict[str, object]] = {"post": {"params": ABOUT_CHECKING}}

    def post(self, job_id: str) -> Response:
        """Ask it to stop; it is cancelled as soon as what it is doing can be left."""
        nothing()
        job = self.jobs.cancel(caller(), job_id, is_rehearsal=is_wanted(CHECK))
        return success("job.cancel", job_representation(job))


def _seen() -> Seen | None:
    """What whoever asks has seen of a job, by the request's query parameters; None where they want no news of it.

    Raises:
        InvalidRequest: one of them is no such number; names it.
    """
    if not _OF_NEWS.keys() & request.args.keys():
        return None
    event, after = (number_of_request(name, 0, LARGEST) for name in ("events_after", "rounds_after"))
    most = number_of_request("newest_rounds", 1, MAXIMUM_LIMIT)
    return Seen(event or 0, after or 0, most or MAXIMUM_LIMIT)


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
