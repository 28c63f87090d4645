"""What a job does: one function per stage. Both ways a job can arrive, by hand or by queue, end here."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synergos.domain.job import Job, JobState, Stage
from synergos.errors import RecordNotFound
from synergos.records import RecordStore
from synergos_ttp.running.control import Control
from synergos_ttp.stages.evaluation import predict, validate
from synergos_ttp.stages.preprocessing import preprocess
from synergos_ttp.stages.round_store import clear_rounds, kept_rounds, remove_rounds
from synergos_ttp.stages.scope import Scope
from synergos_ttp.stages.training import train
from synergos_ttp.tracking.tracker import UNTRACKED, Combination, Tracker
from synergos_ttp.workers.limits import Limits


@dataclass(frozen=True)
class JobRunner:
    """Runs jobs on one grid.

    Attributes:
        store: where the records are read; results are not written here, the caller archives what comes back.
        outputs: where models and histories are written.
        grid_index: which node of every participant takes part.
        tracker: follows trainings and validations.
    """

    store: RecordStore
    outputs: Path
    limits: Limits = field(default_factory=Limits)
    grid_index: int = 0
    tracker: Tracker = UNTRACKED

    def settle(self, unfinished: Iterable[str]) -> None:
        """Remove what is kept of the rounds of all jobs but the unfinished ones."""
        clear_rounds(self.outputs, set(unfinished))

    def abandon(self, job: Job) -> None:
        """Take note that a job which was begun in an earlier process never goes on."""
        if job.stage is Stage.TRAIN:
            self.tracker.abandoned(Combination.of(Scope(self.store, job, self.grid_index)), job.id)

    def tidy(self) -> None:
        """Remove what is kept of jobs that others have ended: given up, or cancelled between two attempts."""
        # Listed first: what begins meanwhile is not looked at.
        for job_id in kept_rounds(self.outputs):
            with suppress(RecordNotFound):
                job = self.store.job(job_id)
                if not job.state.is_final:
                    continue
                self.forget(job_id)
                if job.state is not JobState.COMPLETED:
                    self.abandon(job)

    def forget(self, job_id: str) -> None:
        """Remove what is kept of the rounds of one job."""
        remove_rounds(self.outputs, job_id)

    def run(self, job: Job, control: Control) -> dict[str, Any]:
        """Do what the job asks; its outputs, as :func:`synergos.records.archive` takes them.

        Raises:
            SynergosError: why it could not be done, with the participant and the field where there is one.
        """
        scope = Scope(self.store, job, self.grid_index)
        match job.stage:
            case Stage.PREPROCESS:
                return preprocess(scope, self.limits, control)
            case Stage.TRAIN:
                return train(scope, self.outputs, self.limits, control, self.tracker)
            case Stage.VALIDATE:
                return validate(scope, self.limits, control, self.tracker)
            case Stage.PREDICT:
                return predict(scope, self.limits, control)
