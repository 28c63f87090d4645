"""Ends a study's trial between two rounds when the others' losses leave it no hope."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from synergos.domain.job import Job, JobState
from synergos.domain.loss_history import LossHistory
from synergos.domain.records import Kind, restrict
from synergos.errors import TrialPruned
from synergos.records import RecordStore
from synergos.tuning.checkpoints import at_checkpoints
from synergos.tuning.pruners import NONE, Course, is_hopeless


@dataclass(frozen=True)
class Pruning:
    """Looks at one training after some of its rounds.

    Attributes:
        job: a trial's training job.
        rounds: how many the training is to have.
    """

    store: RecordStore
    job: Job
    rounds: int

    @classmethod
    def of(cls, store: RecordStore, job: Job, rounds: int) -> Self | None:
        """The pruning of a job, None for one that is not to be pruned."""
        mark = job.parameters.get("trial")
        return cls(store, job, rounds) if mark and mark["scheduler"] != NONE else None

    def look(self, number: int, history: LossHistory) -> None:
        """Look at the training when the evaluation of a round is known.

        Raises:
            TrialPruned: there is no hope.
        """
        done = number + 1
        losses = at_checkpoints(history.evaluate, done)
        if done >= self.rounds or done not in losses:
            return
        mark = self.job.parameters["trial"]
        own = Course(mark["number"], losses)
        if is_hopeless(mark["scheduler"], mark["study_id"], own, self._others(mark), self.rounds):
            raise TrialPruned(
                f"pruned after round {done} of {self.rounds}: other trials of its study had smaller losses"
            )

    def _others(self, mark: dict[str, Any]) -> list[Course]:
        experiment = restrict(self.job.keys, Kind.EXPERIMENT)
        others = self.store.jobs(stage=self.job.stage.value, **experiment)
        return [
            _course(job)
            for job in others
            if job.id != self.job.id
            and (found := job.parameters.get("trial")) is not None
            and (found["study_id"], found["loss"]) == (mark["study_id"], mark["loss"])
        ]


def _course(job: Job) -> Course:
    losses = {int(done): loss for done, loss in job.progress.get("checkpoints", {}).items()}
    is_pruned = job.error is not None and job.error.kind == TrialPruned.__name__
    return Course(job.parameters["trial"]["number"], losses, job.state is JobState.COMPLETED, is_pruned)
