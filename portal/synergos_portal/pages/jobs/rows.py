"""Jobs as rows of a table: what is shown of each, put together at once, so that fifty of them take little longer than one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from synergos_portal.orchestrator.jobs import Job
from synergos_portal.pages.jobs.standing import sentence, stage
from synergos_portal.web.filters import moment, seconds, state
from synergos_portal.web.links import links_to


class Row(NamedTuple):
    """What a table shows of a job, in the reader's language and in this order.

    Attributes:
        blamed: whose worker it is about, where the sentence does not say so; else empty.
        moving: the job, where it can be said how much of it is done; else None.
        took: how long it has taken, in words.
    """

    id: str
    state: str
    address: str
    title: str
    about: str
    blamed: str
    sentence: str
    moving: Job | None
    accepted: str
    took: str


def rows(jobs: Iterable[Job]) -> list[Row]:
    """A row for each job."""
    address, shown, worked_on = links_to("jobs.shown", "job_id"), state.for_reader(), stage.for_reader()
    when, duration = moment.for_reader(), seconds.for_reader()
    return [
        Row(
            job.id,
            shown(job.state),
            address(job.id),
            f"{worked_on(job.stage)} {job.id[:8]}",
            job.about,
            _blamed(job),
            sentence(job),
            job if job.is_unfinished and job.fraction is not None else None,
            when(job.created_at),
            duration(took(job)),
        )
        for job in jobs
    ]


def took(job: Job) -> float | None:
    """How many seconds it has taken, from when it was last taken up."""
    if job.started_at is None or job.finished_at is None:
        return None
    begun, ended = datetime.fromisoformat(job.started_at), datetime.fromisoformat(job.finished_at)
    return (ended - begun).total_seconds()


def _blamed(job: Job) -> str:
    if job.error is None or not job.error.participant or job.error.participant in job.error.message:
        return ""
    return job.error.participant
