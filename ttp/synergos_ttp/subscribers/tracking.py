"""A job's events as a tracker takes note of them: trainings, and what validations found."""

from __future__ import annotations

from pathlib import Path

from synergos.domain.job import Job, Stage
from synergos.domain.outputs import Trained, Validated
from synergos.domain.records import Kind
from synergos.domain.study import TrialMark
from synergos.errors import SynergosError
from synergos.records import RecordStore
from synergos_ttp.events import Event, JobEnded, JobStarted, RoundDone, RoundJudged, TrainingStarted
from synergos_ttp.outcomes import Cancelled, Completed, Failed, Held, Interrupted, Lost, Outcome, Pruned
from synergos_ttp.tracking.notes import OfStudy
from synergos_ttp.tracking.tracker import Status, TrackedRun, Tracker, TrackingSubject


class Tracking:
    """Follows one job."""

    def __init__(self, tracker: Tracker, store: RecordStore, job: Job) -> None:
        self._tracker = tracker
        self._store = store
        self._job = job
        self._run: TrackedRun | None = None
        # Whether somebody has begun with the job before this attempt, if it is one.
        self._was_begun = job.started_at is not None

    def __call__(self, event: Event) -> None:
        """Take note of an event."""
        match event:
            case JobStarted():
                self._was_begun = event.is_resumed
            case TrainingStarted():
                self._begin(event)
            case RoundDone() if self._run is not None:
                self._run.trained(event.number, event.loss, event.local)
            case RoundJudged() if self._run is not None:
                self._run.evaluated(event.number, event.loss)
            case JobEnded(outcome=outcome):
                self._end(outcome)

    @property
    def _subject(self) -> TrackingSubject:
        return TrackingSubject.of(self._store, self._job)

    def _begin(self, started: TrainingStarted) -> None:
        mark = TrialMark.of(self._job)
        study = None if mark is None else OfStudy(mark.study_id, mark.number)
        self._run = self._tracker.training(self._subject, self._job.id, started.hyperparameters, study)
        past = started.past
        for number, loss in past.train.items():
            self._run.trained(number, loss, {who: own[number] for who, own in past.local.items() if number in own})
        for number, loss in past.evaluate.items():
            self._run.evaluated(number, loss)

    def _end(self, outcome: Outcome) -> None:
        if self._run is not None:
            self._run.end(_status(outcome), _exports(outcome))
        elif isinstance(outcome, Completed) and isinstance(outcome.outputs, Validated):
            self._tracker.validated(self._subject, outcome.outputs, self._training())
        elif self._job.stage is Stage.TRAIN and self._was_begun and _status(outcome) is not None:
            # What an earlier attempt began is never gone on with.
            self._tracker.abandoned(self._subject, self._job.id)

    def _training(self) -> str | None:
        """The job that trained what was measured; None where nobody knows."""
        try:
            return self._store.get(Kind.MODEL, self._job.keys).get("job")
        except SynergosError:
            return None


def _exports(outcome: Outcome) -> Path | None:
    """The folder of a trained model; None where there is none."""
    if isinstance(outcome, Completed) and isinstance(outcome.outputs, Trained):
        return Path(outcome.outputs.global_.path).parent
    return None


def _status(outcome: Outcome) -> Status | None:
    """How a training has ended; None for one that goes on, here or elsewhere."""
    match outcome:
        case Completed():
            return Status.FINISHED
        case Cancelled() | Pruned():
            return Status.KILLED
        case Failed():
            return Status.FAILED
        case Held() | Interrupted() | Lost():
            return None
