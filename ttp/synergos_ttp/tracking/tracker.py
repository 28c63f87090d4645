"""Where runs are written down while they happen, so that people can watch and compare them.

A tracker never slows or fails what it follows: it takes note and returns, and what cannot be written yet waits on the disk.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from synergos.domain.job import Job
from synergos.domain.keys import RunKey
from synergos.domain.outputs import Validated
from synergos.domain.records import Kind
from synergos.domain.tracking_server import TrackingServer, registers_models
from synergos.errors import RecordNotFound
from synergos.records import RecordStore
from synergos_ttp.tracking.notes import OfStudy


@dataclass(frozen=True)
class TrackingSubject:
    """One run of one experiment, as a tracker knows it.

    Attributes:
        address: ``http://host:port`` of the tracking server that the collaboration named; None for this TTP's own store.
        registers: whether the collaboration wants trained models in the registry.
    """

    run: RunKey
    address: str | None = None
    registers: bool = False

    @classmethod
    def of(cls, store: RecordStore, job: Job) -> TrackingSubject:
        """What a job works on, and the ``mlops`` address of its collaboration."""
        try:
            collaboration = store.get(Kind.COLLABORATION, job.keys)
        except RecordNotFound:
            return cls(RunKey.of(job.keys))
        server = TrackingServer.of(collaboration)
        return cls(RunKey.of(job.keys), None if server is None else server.url, registers_models(collaboration))

    def to_json(self) -> str:
        """As text, for the time after a restart."""
        return json.dumps([dict(self.run), self.address, self.registers])

    @classmethod
    def from_json(cls, text: str) -> TrackingSubject:
        """What :meth:`to_json` wrote."""
        run, address, registers = json.loads(text)
        return cls(RunKey.of(run), address, registers)


class Status(StrEnum):
    """How a training has ended, by MLflow's words."""

    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"
    """Somebody asked it to stop."""


@dataclass(frozen=True)
class StudyEnd:
    """How a study has ended.

    Attributes:
        figures: what its best trial reached, by the name of the metric.
        best_job: the training of that trial; None where there is none.
        is_best_own: whether it ran here.
    """

    status: Status
    figures: Mapping[str, float] = field(default_factory=dict)
    best_job: str | None = None
    is_best_own: bool = False


class TrackedRun(Protocol):
    """One training that a tracker follows; used by the job's thread."""

    def trained(self, number: int, loss: float | None, local: Mapping[str, float | None]) -> None:
        """Take note of a round's training loss, and of each participant's own."""

    def evaluated(self, number: int, loss: float | None) -> None:
        """Take note of the evaluation loss of the model after a round."""

    def end(self, status: Status | None, exports: Path | None) -> None:
        """Write down what there is; a tracker that cannot is waited for only so long.

        Args:
            status: None for a training that goes on later.
            exports: the folder with the final models and histories, where there is one.
        """


class Tracker(Protocol):
    """Follows trainings and validations."""

    def training(
        self, subject: TrackingSubject, job_id: str, parameters: Mapping[str, object], study: OfStudy | None = None
    ) -> TrackedRun:
        """Follow a training until its ``end`` is called.

        Args:
            job_id: the job that trains; the same job, taken up again, goes on with what it wrote before.
            parameters: the run's hyperparameters.
            study: of which it is a trial.
        """

    def abandoned(self, subject: TrackingSubject, job_id: str) -> None:
        """Take note that a job which began to train in an earlier process never goes on."""

    def validated(self, subject: TrackingSubject, found: Validated, job_id: str | None = None) -> None:
        """Take note of how good a trained model is, at each participant and at all of them together.

        Args:
            job_id: the job that trained it, where that is known.
        """


class StudyFollower(Protocol):
    """Follows studies whose trials it follows."""

    def studies(self) -> Mapping[str, tuple[TrackingSubject, list[str]]]:
        """The studies whose end nobody has told yet, with one of their trials, and the trainings of theirs that were followed here."""

    def study_ended(self, subject: TrackingSubject, study_id: str, end: StudyEnd | None) -> None:
        """Take note of the end of a study; None where it is not known any more."""
