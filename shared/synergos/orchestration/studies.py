"""Studies: a search for good hyperparameters is opened, followed and stopped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from synergos import bodies
from synergos.domain.damage import Damaged
from synergos.domain.job import Stage
from synergos.domain.keys import ExperimentKey
from synergos.domain.records import Ids, Kind, restrict
from synergos.domain.study import TRIAL_PREFIX, Study, Trial, best_of
from synergos.errors import DamagedRecord, RecordNotFound
from synergos.orchestration import preconditions
from synergos.orchestration.caller import Caller
from synergos.orchestration.shares import Shares
from synergos.orchestration.study_records import StudyRecords
from synergos.orchestration.study_request import study_of
from synergos.records.paging import EVERYTHING, Page, Part, Selection
from synergos.records.store import Record, RecordStore


@dataclass(frozen=True)
class TrialResult:
    """What one participant says of the model of one trial.

    Attributes:
        validation: the record of it.
        trial: None when its study was deleted.
        is_best: whether no other trial of its study has reached more so far.
    """

    validation: Record
    trial: Trial | None
    is_best: bool


class Studies:
    """The studies of one record store.

    Args:
        wake_tuner: has studies looked after at once, when there is something new.
    """

    schema = bodies.OPTIMIZATIONS

    def __init__(self, store: RecordStore, wake_tuner: Callable[[], None], shares: Shares) -> None:
        self._store = store
        self._shares = shares
        self._records = StudyRecords(store)
        self._wake_tuner = wake_tuner

    def open(self, caller: Caller, ids: Ids, body: Mapping[str, Any]) -> Study:
        """Begin a search in one experiment; its trials are started right after.

        Raises:
            RecordNotFound: the experiment is not there.
            Conflict: nothing can be trained or measured as things stand.
            InvalidRequest: names the field.
            QuotaExceeded: its collaboration has as much as it may, or as many studies run as may.
        """
        asked = self.schema.read(body)
        experiment = ExperimentKey.of(ids)
        self._check_state(experiment)
        # Every value that is named is tried out, which takes its time; nobody else is to wait for the records meanwhile.
        study = study_of(self._store, experiment, asked)
        with self._store.transaction():
            self._check_state(experiment)
            self._shares.check_room(experiment)
            study = self._records.add(study)
            self._shares.check_studies(experiment)
        self._wake_tuner()
        return study

    def find(
        self, caller: Caller, ids: Ids, state: str | None = None, page: Page = EVERYTHING
    ) -> Part[Study | Damaged]:
        """Those with these ids in their keys, in the order they were opened."""
        return self._records.select(ids, None if state is None else [state], page)

    def get(self, caller: Caller, study_id: str) -> Study | Damaged:
        """One study.

        Raises:
            RecordNotFound: there is none.
        """
        return self._records.look(study_id)

    def trials(self, caller: Caller, study: Study) -> list[Trial]:
        """A study's trials, in the order they were drawn, as far as they can be read."""
        return self._records.trials(study)

    def damaged_trials(self, caller: Caller, study: Study) -> list[Damaged]:
        """A study's trials that cannot be read."""
        return [trial for trial in self._records.all_trials(study) if isinstance(trial, Damaged)]

    def progress(self, caller: Caller, trial: Trial) -> Mapping[str, Any]:
        """How far a trial's training is, or came."""
        if Stage.TRAIN not in trial.jobs:
            return {}
        try:
            return self._store.job(trial.jobs[Stage.TRAIN]).progress
        except (RecordNotFound, DamagedRecord):
            return {}

    def results(self, caller: Caller, ids: Ids, page: Page = EVERYTHING) -> Part[TrialResult]:
        """The validations of all trials of an experiment, with what was drawn and what it reached."""
        known: dict[str, tuple[Trial, bool]] = {}
        for study in self._records.find(restrict(ids, Kind.EXPERIMENT)):
            trials = self._records.trials(study)
            best = best_of(trials, study.direction)
            known |= {trial.run_id: (trial, trial == best) for trial in trials}
        wanted = Selection(ids, containing={"run_id": TRIAL_PREFIX})
        validations = self._store.select(Kind.VALIDATION, wanted, page)
        return validations.map(lambda record: TrialResult(record, *known.get(record["key"]["run_id"], (None, False))))

    def stop(self, caller: Caller, study_id: str) -> Study:
        """Start no more trials, and cancel those that run; what is finished stays.

        Raises:
            RecordNotFound: there is no such study.
            Conflict: it has ended already.
        """
        study = self._records.stop(study_id)
        self._wake_tuner()
        return study

    def _check_state(self, experiment: ExperimentKey) -> None:
        preconditions.require_named(self._store, experiment)
        preconditions.require_trainable(self._store, experiment)
        preconditions.require_evaluation_tags(self._store, experiment)
