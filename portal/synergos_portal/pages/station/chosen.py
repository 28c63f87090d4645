"""The run that the station follows: its ids, and the job that was asked for, if one was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from synergos_portal.orchestrator.client import Client

IDS = ("collab_id", "project_id", "expt_id", "run_id")
_MARGIN = timedelta(minutes=1)
_RECENT = 40


@dataclass(frozen=True)
class FollowedJob:
    """A job, as far as the station needs it."""

    id: str
    stage: str
    state: str
    keys: Mapping[str, str | None] = field(default_factory=dict)
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def ids(self) -> list[str]:
        """What it works on, from the collaboration on."""
        return [value for name in IDS if (value := self.keys.get(name))]


@dataclass(frozen=True)
class Chosen:
    """What is followed; everything is None where nothing is.

    Attributes:
        began: of the job, a little earlier.
        ended: of the job, a little later; None while it goes on.
    """

    collab_id: str | None = None
    project_id: str | None = None
    expt_id: str | None = None
    run_id: str | None = None
    job_id: str | None = None
    began: datetime | None = None
    ended: datetime | None = None

    @classmethod
    def of_job(cls, job: FollowedJob) -> Chosen:
        """What a job works on, and when."""
        return replace(
            cls.of_ids(job.keys),
            job_id=job.id,
            began=None if job.started_at is None else job.started_at - _MARGIN,
            ended=None if job.finished_at is None else job.finished_at + _MARGIN,
        )

    @classmethod
    def of_ids(cls, ids: Mapping[str, str | None]) -> Chosen:
        """What these ids stand for; what is empty is none."""
        collab_id, project_id, expt_id, run_id = (ids.get(name) or None for name in IDS)
        return cls(collab_id, project_id, expt_id, run_id)

    @property
    def is_experiment(self) -> bool:
        """Whether it is known of which experiment."""
        return None not in (self.collab_id, self.project_id, self.expt_id)

    @property
    def ids(self) -> list[str]:
        """What is followed, from the collaboration on."""
        return [value for name in IDS if (value := getattr(self, name)) is not None]

    @property
    def arguments(self) -> dict[str, str]:
        """By which a page of the station is told of it again."""
        if self.job_id is not None:
            return {"job": self.job_id}
        return {name: value for name in IDS if (value := getattr(self, name)) is not None}


def chosen_by(arguments: Mapping[str, str], client: Client) -> Chosen:
    """What an address of the station asks for."""
    if job := arguments.get("job"):
        return Chosen.of_job(client.record(FollowedJob, "jobs", job))
    return Chosen.of_ids(arguments)


def recent_jobs(client: Client) -> Sequence[FollowedJob]:
    """Those that may be followed, the newest first."""
    return client.records(
        FollowedJob, "jobs", query={"limit": _RECENT, "order": "newest", "fields": "id,stage,state,keys"}
    ).items
