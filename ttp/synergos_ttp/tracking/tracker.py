"""Where runs are written down while they happen, so that people can watch and compare them.

A tracker never slows or fails what it follows: it takes note and returns, and what it cannot write down is lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from synergos.domain.keys import RunKey
from synergos.domain.loss_history import LossHistory
from synergos.domain.records import Kind
from synergos.errors import RecordNotFound
from synergos_ttp.stages.scope import Scope


@dataclass(frozen=True)
class Combination:
    """One run of one experiment, as a tracker knows it.

    Attributes:
        address: ``http://host:port`` of the tracking server that the collaboration named; None for this TTP's own store.
    """

    run: RunKey
    address: str | None = None

    @classmethod
    def of(cls, scope: Scope) -> Combination:
        """What a job works on, and the ``mlops`` address of its collaboration."""
        try:
            service = scope.store.get(Kind.COLLABORATION, scope.keys).get("mlops") or {}
        except RecordNotFound:
            service = {}
        host, port = service.get("host"), (service.get("ports") or {}).get("main")
        scheme = "https" if service.get("secure") else "http"
        return cls(scope.run, address=f"{scheme}://{host}:{port}" if host and port else None)


class TrackedRun(Protocol):
    """One training that a tracker follows."""

    def round(self, number: int, history: LossHistory) -> None:
        """Take note of what is known of round ``number``; the first time, of all rounds before it too."""

    def exported(self, folder: Path) -> None:
        """Take note of the folder with the final models and histories."""


class Tracker(Protocol):
    """Follows trainings and validations."""

    def training(
        self, combination: Combination, job_id: str, parameters: Mapping[str, Any]
    ) -> AbstractContextManager[TrackedRun]:
        """Follow a training for as long as the ``with`` block lasts; how it ends is how the training ended.

        Args:
            job_id: the job that trains; the same job, taken up again, goes on with what it wrote before.
            parameters: the run's hyperparameters.
        """

    def abandoned(self, combination: Combination, job_id: str) -> None:
        """Take note that a job which began to train in an earlier process never goes on."""

    def validated(self, combination: Combination, statistics: Mapping[str, Mapping[str, Any]]) -> None:
        """Take note of the statistics of a trained model, by participant: a number each, or one per class."""


class _Unfollowed:
    def round(self, number: int, history: LossHistory) -> None:
        """See :class:`TrackedRun`."""

    def exported(self, folder: Path) -> None:
        """See :class:`TrackedRun`."""


class NoTracker:
    """Takes no notes."""

    def training(
        self, combination: Combination, job_id: str, parameters: Mapping[str, Any]
    ) -> AbstractContextManager[TrackedRun]:
        """See :class:`Tracker`."""
        return nullcontext(_Unfollowed())

    def abandoned(self, combination: Combination, job_id: str) -> None:
        """See :class:`Tracker`."""

    def validated(self, combination: Combination, statistics: Mapping[str, Mapping[str, Any]]) -> None:
        """See :class:`Tracker`."""


UNTRACKED: Tracker = NoTracker()
