"""What a job does: one function per stage. Both ways a job can arrive, by hand or by queue, end here."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import structlog

from synergos.domain.job import Job, Stage
from synergos.domain.outputs import VALIDATION, Outputs, Validated
from synergos.domain.records import Record
from synergos.domain.trained_model import figures_of
from synergos.learning.exports import note_validation, weights_of
from synergos.learning.shares import LARGEST_SHARE
from synergos.records import RecordStore
from synergos_ttp.control import Control
from synergos_ttp.events import ParticipantUnsealed
from synergos_ttp.stages.evaluation import predict, validate
from synergos_ttp.stages.preprocessing import check, preprocess
from synergos_ttp.stages.round_store import kept_rounds, remove_rounds
from synergos_ttp.stages.scope import Scope
from synergos_ttp.stages.training import train
from synergos_ttp.workers.limits import Limits

log = structlog.get_logger(__name__)

KEEP_VERSIONS = 5


@dataclass(frozen=True)
class JobRunner:
    """Runs jobs on one grid; see :class:`synergos_ttp.running.attempt.Runner`.

    Attributes:
        store: where the records are read; results are not written here, the caller archives what comes back.
        outputs: where models and histories are written.
        grid_index: which node of every participant takes part.
        keep_versions: how many of a run's trainings before the newest stay.
        component: the id of this program.
        largest_share: of a training's rows, that one participant counts for at most.
    """

    store: RecordStore
    outputs: Path
    limits: Limits = field(default_factory=Limits)
    grid_index: int = 0
    keep_versions: int = KEEP_VERSIONS
    component: str | None = None
    largest_share: float = LARGEST_SHARE

    def run(self, job: Job, control: Control) -> Outputs:
        """Do what the job asks; what its stage leaves.

        Raises:
            SynergosError: why it could not be done, with the participant and the field where there is one.
            JobStopped: it was asked to stop.
        """
        scope = Scope(self.store, job, self.grid_index, self.component)
        limits = self._telling(control)
        match job.stage:
            case Stage.CHECK:
                return check(scope, limits, control)
            case Stage.PREPROCESS:
                return preprocess(scope, limits, control)
            case Stage.TRAIN:
                return train(scope, self.outputs, limits, control, self.keep_versions, self.largest_share)
            case Stage.VALIDATE:
                model = scope.model()
                validated = validate(scope, limits, control)
                _note(validated, model, of_all="participant_id" not in scope.keys)
                return validated
            case Stage.PREDICT:
                return predict(scope, limits, control)

    def _telling(self, control: Control) -> Limits:
        """The limits of one job, which is told who is asked unsealed."""
        if (own := self.limits.introductions) is None:
            return self.limits
        told = replace(own, unsealed=lambda participant: control.publish(ParticipantUnsealed(participant)))
        return replace(self.limits, introductions=told)

    def kept(self) -> list[str]:
        """The jobs of which rounds are kept."""
        return kept_rounds(self.outputs)

    def forget(self, job_id: str) -> None:
        """Remove what is kept of the rounds of one job."""
        remove_rounds(self.outputs, job_id)


def _note(validated: Validated, model: Record, *, of_all: bool) -> None:
    """Have the model's files say how good it is, as its record will."""
    found = figures_of({who: VALIDATION.write(each) for who, each in validated.participants.items()})
    try:
        note_validation(weights_of(model).parent, model.get("job"), found, of_all=of_all)
    except OSError as error:
        # What was measured is no less true for it; the records have it.
        log.warning("the manifest could not be written", reason=error.strerror or type(error).__name__)
