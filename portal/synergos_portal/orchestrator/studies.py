"""Studies as pages show them: searches for good hyperparameters, and their trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from synergos.domain.records import NOT_DECLARED
from synergos.domain.study import FINAL_STUDY_STATES
from synergos.foreign_json import mapping
from synergos_portal.orchestrator.client import Client, Listing, Query
from synergos_portal.orchestrator.declared import Spot
from synergos_portal.orchestrator.jobs import JobError

PARTS = ("studies",)
_FIELDS = "keys,state,metric,optimize_mode,max_trial_num,created_at,finished_at,counts,best,error"


@dataclass(frozen=True)
class Best:
    """The best trial so far."""

    run_id: str
    number: int
    objective: float
    hyperparameters: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Study:
    """A row of the list; what a damaged one does not say is empty."""

    id: str
    keys: Mapping[str, str]
    state: str
    metric: str | None = None
    optimize_mode: str | None = None
    max_trial_num: int | None = None
    created_at: str | None = None
    finished_at: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    best: Best | None = None
    error: JobError | None = None

    @property
    def experiment(self) -> Spot:
        """What is searched."""
        return Spot.of_keys(self.keys, "expt_id")

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in FINAL_STUDY_STATES or self.state == "damaged"

    @property
    def begun(self) -> int:
        """How many trials there are."""
        return sum(self.counts.values())

    @property
    def least_is_best(self) -> bool:
        """Whether it looks for the smallest value of its metric."""
        return self.optimize_mode == "min"


@dataclass(frozen=True)
class Trial:
    """One set of hyperparameters that was tried."""

    run_id: str
    state: str
    number: int | None = None
    hyperparameters: Mapping[str, object] = field(default_factory=dict)
    objective: float | None = None
    reason: str | None = None
    jobs: Mapping[str, str] = field(default_factory=dict)
    progress: Mapping[str, object] = field(default_factory=dict)
    finished_at: str | None = None


@dataclass(frozen=True)
class WholeStudy(Study):
    """A study with its trials."""

    searcher: str | None = None
    scheduler: str | None = None
    search_space: Mapping[str, object] = field(default_factory=dict)
    base_run: str | None = None
    max_concurrent: int | None = None
    max_exec_duration: float | None = None
    seed: int | None = None
    picture: str | None = None
    trials: Sequence[Trial] = ()

    @property
    def searched(self) -> list[str]:
        """The hyperparameters that there is a choice of."""
        return [name for name, drawn in self.search_space.items() if not _is_fixed(drawn)]

    def is_best(self, trial: Trial) -> bool:
        """Whether no other has reached more so far."""
        return self.best is not None and self.best.number == trial.number


def listed(client: Client, query: Query) -> Listing[Study]:
    """A page of the studies that are wanted, without their trials."""
    return client.records(Study, *PARTS, query={**query, "fields": _FIELDS})


def read(client: Client, study_id: str) -> WholeStudy:
    """One, with its trials."""
    return client.record(WholeStudy, *PARTS, study_id)


def record(client: Client, study_id: str) -> Mapping[str, object]:
    """The whole record of one, as the orchestrator has it."""
    return client.record(dict, *PARTS, study_id)


def stop(client: Client, study_id: str) -> None:
    """Start no more trials, and cancel those that run."""
    client.answer("POST", *PARTS, study_id, "stop", body={})


def begin(client: Client, experiment: Spot, request: Mapping[str, object], *, only_check: bool = False) -> str:
    """Open one; its id, empty where it was only checked.

    Raises:
        Refused: a field is wrong, or it cannot be done as things stand.
    """
    answer = client.answer(
        "POST",
        *("train", *experiment.project, "models", experiment.id, "optimizations"),
        body=request,
        query={"check": "true"} if only_check else None,
    )
    return str(mapping(answer.get("params")).get("study_id", ""))


def make_run(client: Client, study: Study, best: Best, run_id: str) -> None:
    """Declare a run with all hyperparameters of a trial, under a name that is free.

    Raises:
        Refused: it is not.
    """
    parts = study.experiment.inner
    trial = client.record(dict, *parts, best.run_id, query={"relations": "none"})
    declared = {name: value for name, value in trial.items() if name not in NOT_DECLARED}
    client.create(*parts, body={**declared, "run_id": run_id})


def _is_fixed(drawn: Any) -> bool:
    return (
        isinstance(drawn, Mapping)
        and drawn.get("_type") in {"choice", "grid_search"}
        and isinstance(drawn.get("_value"), list)
        and len(drawn["_value"]) == 1
    )
