"""What a job does: one function per stage. Both ways a job can arrive, by hand or by queue, end here."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from synergos.domain.job import Job, Stage
from synergos.domain.outputs import Outputs
from synergos.records import RecordStore
from synergos_ttp.control import Control
from synergos_ttp.stages.evaluation import predict, validate
from synergos_ttp.stages.preprocessing import preprocess
from synergos_ttp.stages.round_store import kept_rounds, remove_rounds
from synergos_ttp.stages.scope import Scope
from synergos_ttp.stages.training import train
from synergos_ttp.workers.limits import Limits


@dataclass(frozen=True)
class JobRunner:
    """Runs jobs on one grid; see :class:`synergos_ttp.running.attempt.Runner`.

    Attributes:
        store: where the records are read; results are not written here, the caller archives what comes back.
        outputs: where models and histories are written.
        grid_index: which node of every participant takes part.
    """

    store: RecordStore
    outputs: Path
    limits: Limits = field(default_factory=Limits)
    grid_index: int = 0

    def run(self, job: Job, control: Control) -> Outputs:
        """Do what the job asks; what its stage leaves.

        Raises:
            SynergosError: why it could not be done, with the participant and the field where there is one.
            JobStopped: it was asked to stop.
        """
        scope = Scope(self.store, job, self.grid_index)
        match job.stage:
            case Stage.PREPROCESS:
                return preprocess(scope, self.limits, control)
            case Stage.TRAIN:
                return train(scope, self.outputs, self.limits, control)
            case Stage.VALIDATE:
                return validate(scope, self.limits, control)
            case Stage.PREDICT:
                return predict(scope, self.limits, control)

    def kept(self) -> list[str]:
        """The jobs of which rounds are kept."""
        return kept_rounds(self.outputs)

    def forget(self, job_id: str) -> None:
        """Remove what is kept of the rounds of one job."""
        remove_rounds(self.outputs, job_id)
