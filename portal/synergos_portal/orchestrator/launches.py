"""What a launch is made of: experiments and their runs, the nodes they need, and the jobs that it becomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from synergos.domain.job import FINAL_STATES
from synergos.domain.trace_context import TRACEPARENT, TraceContext
from synergos_portal.orchestrator.client import Client, Listing, Query
from synergos_portal.orchestrator.problems import Refused


@dataclass(frozen=True)
class ProjectIds:
    """Of what is launched in."""

    collab_id: str
    project_id: str

    @property
    def parts(self) -> tuple[str, ...]:
        """Of its route."""
        return ("collaborations", self.collab_id, "projects", self.project_id)


@dataclass(frozen=True)
class _ExperimentKey:
    expt_id: str


@dataclass(frozen=True)
class ExperimentRow:
    """An experiment, and how much hangs under it."""

    key: _ExperimentKey
    relations: Mapping[str, int] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """What it is called."""
        return self.key.expt_id

    @property
    def runs(self) -> int:
        """How many it has."""
        return self.relations.get("Run", 0)

    @property
    def models(self) -> int:
        """How many of its runs are trained as they stand."""
        return self.relations.get("Model", 0)


@dataclass(frozen=True)
class _RunKey:
    expt_id: str
    run_id: str


@dataclass(frozen=True)
class RunRow:
    """A run, and whether it is trained and measured."""

    key: _RunKey
    relations: Mapping[str, int] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """What it is called."""
        return self.key.run_id

    @property
    def name(self) -> str:
        """With its experiment; no id has a slash in it."""
        return f"{self.key.expt_id}/{self.key.run_id}"

    @property
    def is_trained(self) -> bool:
        """Whether there is a model of it as it stands."""
        return bool(self.relations.get("Model"))

    @property
    def is_measured(self) -> bool:
        """Whether that model was validated."""
        return bool(self.relations.get("Validation"))


@dataclass(frozen=True)
class _Keyed:
    key: Mapping[str, str]


@dataclass(frozen=True)
class _RegistrationKey:
    participant_id: str


@dataclass(frozen=True)
class _Port:
    version: str | None = None
    seconds: float | None = None
    asked_at: str | None = None


@dataclass(frozen=True)
class Node:
    """A registered node, as the orchestrator has found it.

    Attributes:
        node: ``node_0`` is of sub-grid 0.
        is_reachable: None while nobody knows.
    """

    key: _RegistrationKey
    node: str
    host: str | None = None
    f_port: int | None = None
    port: int | None = None
    is_reachable: bool | None = None
    problem: str | None = None
    command: _Port | None = None

    @property
    def participant(self) -> str:
        """Whose it is."""
        return self.key.participant_id

    @property
    def grid(self) -> int:
        """Of which sub-grid it is."""
        number = self.node.rpartition("_")[2]
        return int(number) if number.isdecimal() else 0


@dataclass(frozen=True)
class _JobError:
    message: str
    participant: str | None = None
    field: str | None = None


@dataclass(frozen=True)
class LaunchedJob:
    """A job that a launch has made."""

    id: str
    stage: str
    state: str
    keys: Mapping[str, str] = field(default_factory=dict)
    progress: Mapping[str, Any] = field(default_factory=dict)
    error: _JobError | None = None

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in FINAL_STATES or self.state == "damaged"

    @property
    def fraction(self) -> float | None:
        """How far it is, between 0 and 1; None where nobody knows."""
        if self.state == "completed":
            return 1.0
        told = self.progress.get("fraction")
        return float(told) if isinstance(told, int | float) else None

    @property
    def run(self) -> str:
        """What it is about, as ``experiment/run``; empty for the project."""
        return "/".join(self.keys[name] for name in ("expt_id", "run_id") if name in self.keys)


def experiments(client: Client, project: ProjectIds, query: Query) -> Listing[ExperimentRow]:
    """A page of a project's experiments."""
    asked = {**query, "relations": "counts", "fields": "relations"}
    return client.records(ExperimentRow, "connect", *project.parts, "experiments", query=asked)


def experiment(client: Client, project: ProjectIds, expt_id: str) -> ExperimentRow:
    """One of them."""
    return client.record(
        ExperimentRow, "connect", *project.parts, "experiments", expt_id, query={"relations": "counts"}
    )


def runs(client: Client, project: ProjectIds, expt_id: str, query: Query) -> Listing[RunRow]:
    """A page of an experiment's runs."""
    asked = {**query, "relations": "counts", "fields": "relations"}
    return client.records(RunRow, "connect", *project.parts, "experiments", expt_id, "runs", query=asked)


def nodes(client: Client, project: ProjectIds) -> dict[int, list[Node]]:
    """The nodes of a project by their sub-grids; it takes two seconds where one does not answer."""
    asked = {"collab_id": project.collab_id, "project_id": project.project_id}
    found: dict[int, list[Node]] = {}
    for node in client.records(Node, "nodes", query=asked).items:
        found.setdefault(node.grid, []).append(node)
    return dict(sorted(found.items()))


def is_aligned(client: Client, project: ProjectIds) -> bool:
    """Whether its participants have agreed."""
    try:
        found = client.records(_Keyed, "train", *project.parts, "alignments", query={"limit": 1, "fields": "key"})
    except Refused as error:
        # There are none, or they are being made anew.
        if error.status == HTTPStatus.NOT_FOUND:
            return False
        raise
    return bool(found.items)


def ask(client: Client, parts: Sequence[str], trace: TraceContext) -> None:
    """Ask for one stage in a trace, by which its jobs are found again.

    Raises:
        Refused: it cannot be done as things stand; nothing of it is stored.
    """
    client.answer("POST", *parts, body={}, headers={"Prefer": "respond-async", TRACEPARENT: trace.header})


def jobs_of(client: Client, project: ProjectIds, trace_id: str, most: int) -> Sequence[LaunchedJob]:
    """The jobs that were asked for in a trace, in that order; so many at most."""
    ids = {"collab_id": project.collab_id, "project_id": project.project_id}
    asked: Query = {**ids, "trace_id": trace_id, "limit": most, "fields": "stage,state,keys,progress,error"}
    return client.records(LaunchedJob, "jobs", query=asked).items
