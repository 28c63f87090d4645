"""Ends a study's trial between two rounds when the others' losses leave it no hope."""

from __future__ import annotations

from typing import Self

from synergos.domain.job import Job, JobState
from synergos.domain.job_progress import JOB_PROGRESS
from synergos.domain.records import Kind, restrict
from synergos.domain.study import TrialMark
from synergos.errors import TrialPruned
from synergos.records import RecordStore
from synergos.tuning.checkpoints import at_checkpoints, is_checkpoint
from synergos.tuning.pruners import NONE, LearningCurve, is_hopeless
from synergos_ttp.events import Event, RoundJudged, TrainingStarted


class Pruning:
    """Looks at one training whenever it is known how good it is after a number of rounds at which trials are compared.

    Args:
        job: a trial's training job.
        mark: of the job.
    """

    def __init__(self, store: RecordStore, job: Job, mark: TrialMark) -> None:
        self._store = store
        self._job = job
        self._mark = mark
        self._rounds = 0
        self._losses: dict[int, float | None] = {}

    @classmethod
    def of(cls, store: RecordStore, job: Job) -> Self | None:
        """The pruning of a job, None for one that is not to be pruned."""
        mark = TrialMark.of(job)
        return cls(store, job, mark) if mark is not None and mark.scheduler != NONE else None

    def __call__(self, event: Event) -> None:
        """Take note of an event.

        Raises:
            TrialPruned: there is no hope.
        """
        match event:
            case TrainingStarted():
                self._rounds = event.rounds
                self._losses = at_checkpoints(event.past.comparable(), event.rounds)
            # A loss over the rows of fewer participants is compared with nobody's.
            case RoundJudged() if is_checkpoint(event.number + 1) and not event.missing:
                self._losses[event.number + 1] = event.loss
                self._look(event.number + 1)

    def _look(self, done: int) -> None:
        if done >= self._rounds:
            # Nothing is left to be saved.
            return
        mark = self._mark
        own = LearningCurve(mark.number, self._losses)
        if is_hopeless(mark.scheduler, mark.study_id, own, self._others(), self._rounds):
            raise TrialPruned(
                f"pruned after round {done} of {self._rounds}: other trials of its study had smaller losses"
            )

    def _others(self) -> list[LearningCurve]:
        mark = self._mark
        others = self._store.jobs(stage=self._job.stage.value, **restrict(self._job.keys, Kind.EXPERIMENT))
        return [
            _learning_curve(job, found)
            for job in others
            if job.id != self._job.id
            and (found := TrialMark.of(job)) is not None
            and (found.study_id, found.loss) == (mark.study_id, mark.loss)
        ]


def _learning_curve(job: Job, mark: TrialMark) -> LearningCurve:
    checkpoints = JOB_PROGRESS.read(job.progress).checkpoints or {}
    losses = {int(done): loss for done, loss in checkpoints.items()}
    return LearningCurve(mark.number, losses, job.state is JobState.COMPLETED, job.is_pruned)
