"""A study: the search for good hyperparameters of one experiment, trial by trial."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from synergos.domain.job import Job, JobError
from synergos.domain.job_options import JobOptions
from synergos.domain.keys import ExperimentKey, StudyKey
from synergos.domain.records import Record
from synergos.domain.search_space import DescribedSpace
from synergos.schema import Definition

TRIAL_PREFIX = "optim_run_"
"""What the ids of the runs begin with that a study makes."""


class Direction(StrEnum):
    """Which objectives are better."""

    MAXIMUM = "max"
    MINIMUM = "min"

    def is_better(self, objective: float, other: float) -> bool:
        """Whether the first is better than the second."""
        return objective > other if self is Direction.MAXIMUM else objective < other


class StudyState(StrEnum):
    """Where a study stands."""

    RUNNING = "running"
    STOPPING = "stopping"
    """No trial is started any more, and those that run are being cancelled."""
    COMPLETED = "completed"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to the study."""
        return self not in {StudyState.RUNNING, StudyState.STOPPING}


FINAL_STUDY_STATES = frozenset(state for state in StudyState if state.is_final)


class TrialState(StrEnum):
    """Where a trial stands."""

    RUNNING = "running"
    COMPLETED = "completed"
    PRUNED = "pruned"
    """Stopped between two rounds, because others were better by then."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    """Never started: the combination cannot be trained."""


@dataclass(frozen=True)
class Trial:
    """One combination of hyperparameters, tried as a run like any other.

    Attributes:
        number: how many trials of its study were drawn before.
        drawn: what the sampler drew, by dimension.
        hyperparameters: what was made of it: the fields of the run that the search space has.
        jobs: the ids of its jobs, by stage.
        objective: what it reached; None until it is completed.
        objective_over: how many ``participants`` it is a mean over, and how many ``figures``, one per class, went into theirs.
        reason: why it was pruned, skipped, cancelled, or failed.
    """

    run_id: str
    number: int
    drawn: Mapping[str, object]
    hyperparameters: Mapping[str, object]
    state: TrialState = TrialState.RUNNING
    jobs: Mapping[str, str] = field(default_factory=dict)
    objective: float | None = None
    objective_over: Mapping[str, int] = field(default_factory=dict)
    reason: str | None = None
    finished_at: datetime | None = None
    created_at: datetime | None = None

    def to_payload(self) -> dict[str, object]:
        """What its record holds beside its key."""
        return _payload(_TRIAL.write(self), self, ("run_id", "created_at"))

    @classmethod
    def from_record(cls, record: Record) -> Trial:
        """Read its record.

        Raises:
            InvalidRequest: it is none; names the field.
        """
        return _TRIAL.read(_whole(record, run_id=record["key"]["run_id"]))


class TrialMark(Struct, frozen=True):
    """What a trial's training says of its study, so that the trainings of a study can be compared while they run.

    Attributes:
        number: of the trial.
        scheduler: what prunes trials; see :class:`Study`.
        loss: of which kind its losses are; those of different kinds cannot be compared.
    """

    study_id: str
    number: int
    scheduler: str
    loss: str

    @classmethod
    def of(cls, job: Job) -> TrialMark | None:
        """The mark of a training; None for one that is no trial's."""
        mark = job.parameters.get("trial")
        return None if mark is None else TRIAL_MARK.read(mark, at="trial")


TRIAL_MARK = Definition(TrialMark)


@dataclass(frozen=True)
class Study:
    """One search.

    Attributes:
        experiment: the key of the experiment whose runs the trials are.
        metric: the statistic that is the objective.
        search_space: as it was asked for.
        fixed: the hyperparameters of every trial that the search space does not have.
        base_run: the run that ``fixed`` was taken from; None for the defaults.
        searcher: what draws combinations, by the names of :mod:`synergos.tuning.samplers`.
        scheduler: what prunes trials, by the names of :mod:`synergos.tuning.pruners`.
        max_concurrent: trials at the same time; None for as many as the grid can run.
        max_seconds: for how long trials are started; None for ever.
        searched_seconds: for how long they have been, by no clock that can be set; as it was last written down.
        options: what the trials' jobs are asked with.
        picture: where the history is drawn, once it is.
    """

    id: str
    experiment: ExperimentKey
    metric: str
    direction: Direction
    search_space: DescribedSpace
    fixed: Mapping[str, object]
    searcher: str
    scheduler: str
    max_trials: int
    seed: int
    base_run: str | None = None
    max_concurrent: int | None = None
    max_seconds: float | None = None
    searched_seconds: float = 0.0
    options: JobOptions = field(default_factory=JobOptions)
    state: StudyState = StudyState.RUNNING
    error: JobError | None = None
    picture: str | None = None
    finished_at: datetime | None = None
    created_at: datetime | None = None

    @property
    def key(self) -> StudyKey:
        """The key of its record."""
        return StudyKey(**self.experiment, study_id=self.id)

    def to_payload(self) -> dict[str, object]:
        """What its record holds beside its key."""
        error = None if self.error is None else {"kind": self.error.kind, "message": self.error.message}
        return _payload(_STUDY.write(self), self, ("id", "experiment", "created_at")) | {"error": error}

    @classmethod
    def from_record(cls, record: Record) -> Study:
        """Read its record.

        Raises:
            InvalidRequest: it is none; names the field.
        """
        experiment = ExperimentKey.of(record["key"]).to_dict()
        return _STUDY.read(_whole(record, id=record["key"]["study_id"], experiment=experiment))


_TRIAL = Definition(Trial)
_STUDY = Definition(Study)


@dataclass
class Tally:
    """What the trials of a study have come to, without the trials.

    Attributes:
        counts: how many there are, by state.
        best: see :func:`best_of`.
    """

    direction: Direction
    counts: Counter[TrialState] = field(default_factory=Counter)
    best: Trial | None = None

    def add(self, trial: Trial) -> None:
        """Count one more, in the order they were drawn."""
        self.counts[trial.state] += 1
        self.best = best_of([trial] if self.best is None else [self.best, trial], self.direction)


def best_of(trials: Iterable[Trial], direction: Direction) -> Trial | None:
    """The completed trial with the best objective, the first of those that are equal; None while there is none."""
    best: Trial | None = None
    for trial in trials:
        if trial.state is TrialState.COMPLETED and trial.objective is not None:
            is_better = best is None or best.objective is None or direction.is_better(trial.objective, best.objective)
            best = trial if is_better else best
    return best


def _whole(record: Record, **key: object) -> dict[str, object]:
    """A record as one value of JSON."""
    return {**record, **key, "created_at": record["created_at"].isoformat()}


def _payload(written: dict[str, object], whole: Trial | Study, elsewhere: Collection[str]) -> dict[str, object]:
    """What a record holds beside what its key and its columns say."""
    finished_at = None if whole.finished_at is None else whole.finished_at.isoformat()
    return {name: value for name, value in written.items() if name not in elsewhere} | {"finished_at": finished_at}
