"""What is to be written down in MLflow, as one line of JSON each: the process that runs jobs says it to the one that knows MLflow."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Protocol, Self

SEPARATOR = "_>_"
"""Between the ids in the name of an experiment; no id has it."""


class Fault(StrEnum):
    """What keeps notes from being written, as far as it matters to whoever has them."""

    AWAY = "away"
    """Of the whole server: it cannot be reached, or lets nobody in."""
    FAILING = "failing"
    """Of these notes: the server has trouble with them, which may pass."""
    REFUSED = "refused"
    """Of these notes, for good."""


class NotWritten(Exception):
    """Notes could not be written; they may be written again.

    Attributes:
        reason: the name of what MLflow raised. Not what it said: that has addresses in it.
        detail: all it said.
    """

    def __init__(self, reason: str, detail: str = "", fault: Fault = Fault.FAILING) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail
        self.fault = fault


@dataclass(frozen=True)
class Target:
    """One run of one experiment, as MLflow names it.

    Attributes:
        address: of a tracking server; None for the local store.
        connect_to: the server's addresses that were checked, and that alone are connected to; None to look up its name.
    """

    experiment: str
    run: str
    address: str | None = None
    connect_to: tuple[str, ...] | None = None

    @property
    def collaboration(self) -> str:
        """Whose experiment it is."""
        return self.experiment.split(SEPARATOR)[0]


@dataclass(frozen=True)
class Point:
    """One value of one metric."""

    name: str
    value: float
    step: int
    milliseconds: int = field(default_factory=lambda: int(time.time() * 1000))


@dataclass(frozen=True)
class Ending:
    """How a training ended.

    Attributes:
        status: by MLflow's words; None for one that goes on later.
        exports: the folder with the final models and histories, where there is one.
    """

    status: str | None
    exports: str | None


@dataclass(frozen=True)
class OfStudy:
    """A training that is a study's trial.

    Attributes:
        number: of the trial.
    """

    study_id: str
    number: int


@dataclass(frozen=True)
class TrainingNotes:
    """What is new of a training; all that is needed to begin with it is said each time.

    Attributes:
        job_id: the job that trains; its MLflow run is found again by it.
        ending: None while it goes on.
        study: None for one that is no trial.
    """

    target: Target
    job_id: str
    parameters: Mapping[str, str]
    points: tuple[Point, ...] = ()
    ending: Ending | None = None
    study: OfStudy | None = None


@dataclass(frozen=True)
class ValidationNotes:
    """What a validation found.

    Attributes:
        job_id: of the training that was measured; None for the newest that finished, where nobody knows.
    """

    target: Target
    points: tuple[Point, ...]
    job_id: str | None = None


@dataclass(frozen=True)
class ModelNotes:
    """The model of a training, for those who load models from MLflow.

    Attributes:
        exports: the folder with the model's files.
        registered: the name in MLflow's registry that it is to be a version of; None for none.
    """

    target: Target
    job_id: str
    exports: str
    registered: str | None = None


@dataclass(frozen=True)
class StudyNotes:
    """How a study ended.

    Attributes:
        status: by MLflow's words.
        points: what the best trial reached.
        best_job: the training of the best trial; None where there is none.
        registered: as in :class:`ModelNotes`, for the model of that training.
    """

    target: Target
    study_id: str
    status: str
    points: tuple[Point, ...] = ()
    best_job: str | None = None
    registered: str | None = None


@dataclass(frozen=True)
class AbandonedNotes:
    """A training that began in an earlier process and never goes on."""

    target: Target
    job_id: str


Notes = TrainingNotes | ValidationNotes | AbandonedNotes | ModelNotes | StudyNotes
_KINDS: Mapping[str, type[Notes]] = {
    kind.__name__: kind for kind in (TrainingNotes, ValidationNotes, AbandonedNotes, ModelNotes, StudyNotes)
}


class Writer(Protocol):
    """Writes notes to MLflow; used by one thread at a time."""

    def write(self, notes: Notes) -> None:
        """Write notes.

        Raises:
            NotWritten: MLflow cannot be reached, or refuses.
        """

    def close(self) -> None:
        """Write nothing more; what is being written is given up. May be called by another thread."""


def to_line(notes: Notes) -> bytes:
    """The notes as a line of JSON."""
    return json.dumps({"kind": type(notes).__name__, **asdict(notes)}).encode() + b"\n"


def from_line(line: bytes) -> Notes:
    """Notes from their line.

    Raises:
        ValueError: there are none in it, or such as another release has.
    """
    try:
        return _from_line(line)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"no notes that are known ({type(error).__name__})") from error


def _from_line(line: bytes) -> Notes:
    fields: dict[str, Any] = json.loads(line)
    kind = _KINDS[fields.pop("kind")]
    fields["target"] = _target(fields["target"])
    if "points" in fields:
        fields["points"] = tuple(Point(**point) for point in fields["points"])
    for name, part in (("ending", Ending), ("study", OfStudy)):
        if fields.get(name) is not None:
            fields[name] = part(**fields[name])
    return kind(**fields)


def _target(fields: Mapping[str, Any]) -> Target:
    connect_to = fields["connect_to"]
    return Target(**{**fields, "connect_to": None if connect_to is None else tuple(connect_to)})


@dataclass(frozen=True)
class Answer:
    """What came of notes.

    Attributes:
        reason: None when they are written; else see :class:`NotWritten`.
    """

    reason: str | None = None
    detail: str = ""
    fault: Fault = Fault.FAILING

    def to_line(self) -> bytes:
        """The answer as a line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Self:
        """An answer from its line."""
        fields = json.loads(line)
        return cls(**{**fields, "fault": Fault(fields["fault"])})
