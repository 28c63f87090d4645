"""Where runs are written down while they happen, so that people can watch and compare them.

A tracker never slows or fails what it follows: it takes note and returns, and what it cannot write down is lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from synergos.domain.job import Job
from synergos.domain.keys import RunKey
from synergos.domain.outputs import Validated
from synergos.domain.records import Kind
from synergos.domain.tracking_server import TrackingServer
from synergos.errors import RecordNotFound
from synergos.records import RecordStore


@dataclass(frozen=True)
class TrackingSubject:
    """One run of one experiment, as a tracker knows it.

    Attributes:
        address: ``http://host:port`` of the tracking server that the collaboration named; None for this TTP's own store.
    """

    run: RunKey
    address: str | None = None

    @classmethod
    def of(cls, store: RecordStore, job: Job) -> TrackingSubject:
        """What a job works on, and the ``mlops`` address of its collaboration."""
        try:
            server = TrackingServer.of(store.get(Kind.COLLABORATION, job.keys))
        except RecordNotFound:
            server = None
        return cls(RunKey.of(job.keys), None if server is None else server.url)


class Status(StrEnum):
    """How a training has ended, by MLflow's words."""

    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"
    """Somebody asked it to stop."""


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

    def training(self, subject: TrackingSubject, job_id: str, parameters: Mapping[str, Any]) -> TrackedRun:
        """Follow a training until its ``end`` is called.

        Args:
            job_id: the job that trains; the same job, taken up again, goes on with what it wrote before.
            parameters: the run's hyperparameters.
        """

    def abandoned(self, subject: TrackingSubject, job_id: str) -> None:
        """Take note that a job which began to train in an earlier process never goes on."""

    def validated(self, subject: TrackingSubject, found: Validated) -> None:
        """Take note of how good a trained model is, at each participant and at all of them together."""
