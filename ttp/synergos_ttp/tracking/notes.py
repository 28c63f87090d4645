"""What is to be written down in MLflow, as one line of JSON each: the process that runs jobs says it to the one that knows MLflow."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, Self

SEPARATOR = "_>_"
"""Between the ids in the name of an experiment; no id has it."""


class NotWritten(Exception):
    """Notes could not be written; they may be written again.

    Attributes:
        reason: the name of what MLflow raised. Not what it said: that has addresses in it.
        detail: all it said.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


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
class TrainingNotes:
    """What is new of a training; all that is needed to begin with it is said each time.

    Attributes:
        job_id: the job that trains; its MLflow run is found again by it.
        ending: None while it goes on.
    """

    target: Target
    job_id: str
    parameters: Mapping[str, str]
    points: tuple[Point, ...] = ()
    ending: Ending | None = None


@dataclass(frozen=True)
class ValidationNotes:
    """What a validation found about the newest training that finished."""

    target: Target
    points: tuple[Point, ...]


@dataclass(frozen=True)
class AbandonedNotes:
    """A training that began in an earlier process and never goes on."""

    target: Target
    job_id: str


Notes = TrainingNotes | ValidationNotes | AbandonedNotes


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
    """Notes from their line."""
    fields: dict[str, Any] = json.loads(line)
    kind = fields.pop("kind")
    target = _target(fields.pop("target"))
    if kind == AbandonedNotes.__name__:
        return AbandonedNotes(target, **fields)
    points = tuple(Point(**point) for point in fields.pop("points"))
    if kind == ValidationNotes.__name__:
        return ValidationNotes(target, points)
    ending = fields.pop("ending")
    return TrainingNotes(target, points=points, ending=None if ending is None else Ending(**ending), **fields)


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

    def to_line(self) -> bytes:
        """The answer as a line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Self:
        """An answer from its line."""
        return cls(**json.loads(line))
