"""The run that the station follows: its ids, the job that was asked for, if one was, and where it is found in pages of other programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from urllib.parse import quote, urlencode

from synergos.foreign_json import mapping
from synergos_portal.orchestrator.client import Client
from synergos_portal.proxy.asking import Answered, Question, ask
from synergos_portal.proxy.lines import Lines
from synergos_portal.proxy.tool import Tool

IDS = ("collab_id", "project_id", "expt_id", "run_id")
_MARGIN = timedelta(minutes=1)
_RECENT = 40
_MOST = 2**20
"""Bytes of an answer that are read."""
_A_WEEK = 7 * 24 * 3600

Get = Callable[[str], object]
"""What a program answers with 200 at a path, as JSON; None for everything else."""


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


def mlflow_page(chosen: Chosen, get: Get) -> str:
    """The fragment of MLflow's page with the trainings of a run, or of its experiment; its list of experiments where it has none yet."""
    if not chosen.is_experiment:
        return "#/experiments"
    # As the TTP writes it there (docs/tracking.md).
    name = f"{chosen.collab_id}_>_{chosen.project_id}_>_{chosen.expt_id}"
    found = get(f"/api/2.0/mlflow/experiments/get-by-name?experiment_name={quote(name, safe='')}")
    experiment = mapping(mapping(found).get("experiment")).get("experiment_id")
    if not isinstance(experiment, str) or not experiment.isalnum():
        return "#/experiments"
    tag, value = ("synergos.job", chosen.job_id) if chosen.job_id else ("synergos.run", chosen.run_id)
    if value is None:
        return f"#/experiments/{experiment}/runs"
    wanted = f"tags.`{tag}` = {_quoted(value)}"
    return f"#/experiments/{experiment}/runs?searchFilter={quote(wanted, safe='')}"


def graylog_page(chosen: Chosen) -> str:
    """The address of Graylog's search for a job's messages, or for those about a run."""
    terms = [("job_id", chosen.job_id)] if chosen.job_id else [(name, getattr(chosen, name)) for name in IDS]
    query = " AND ".join(f"{name}:{_phrase(value)}" for name, value in terms if value is not None)
    if chosen.began is not None and chosen.ended is not None:
        when = {"rangetype": "absolute", "from": _utc(chosen.began), "to": _utc(chosen.ended)}
    else:
        when = {"rangetype": "relative", "from": str(_A_WEEK)}
    return "search?" + urlencode({**({"q": query} if query else {}), **when})


def asking(tool: Tool, lines: Lines) -> Get:
    """What asks a program itself, as its login."""

    def get(path: str) -> object:
        fields = [("Host", tool.place.written), ("Accept", "application/json")]
        if tool.login is not None:
            fields.append(("Authorization", tool.login.header))
        with closing(ask(tool, lines, Question("GET", tool.place.path + path, fields, 0, lambda _: b""))) as answered:
            return _read(answered) if answered.status == HTTPStatus.OK else None

    return get


def _read(answered: Answered) -> object:
    body = b""
    for piece in answered:
        body += piece
        if len(body) > _MOST:
            return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _quoted(text: str) -> str:
    return f"'{text}'" if "'" not in text else '"' + text.replace('"', "") + '"'


def _phrase(text: str) -> str:
    """A text in Graylog's language of queries."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _utc(when: datetime) -> str:
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
