"""Studies: a search for good hyperparameters is opened, followed and stopped."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from synergos import bodies
from synergos.domain.damage import Damaged
from synergos.domain.job import Stage
from synergos.domain.keys import ExperimentKey
from synergos.domain.records import Ids, Kind, Record, restrict
from synergos.domain.study import TRIAL_PREFIX, Study, Tally, Trial
from synergos.orchestration import preconditions
from synergos.orchestration.access import Access
from synergos.orchestration.caller import Caller
from synergos.orchestration.disclosure import Sight
from synergos.orchestration.shares import Shares
from synergos.orchestration.study_records import StudyRecords, trial_of
from synergos.orchestration.study_request import study_of
from synergos.records.paging import EVERYTHING, Page, Part, Selection
from synergos.records.store import RecordStore

_ASKED_AT_ONCE = 1000


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

    def __init__(
        self, store: RecordStore, wake_tuner: Callable[[], None], shares: Shares, access: Access | None = None
    ) -> None:
        self._store = store
        self._access = access or Access(store)
        self._shares = shares
        self._records = StudyRecords(store)
        self._wake_tuner = wake_tuner

    def open(self, caller: Caller, ids: Ids, body: Mapping[str, object], *, is_rehearsal: bool = False) -> Study:
        """Begin a search in one experiment; its trials are started right after.

        Args:
            is_rehearsal: only say what would be begun.

        Raises:
            NotPermitted: its collaboration is another's.
            RecordNotFound: the experiment is not there.
            Conflict: nothing can be trained or measured as things stand.
            InvalidRequest: names the field.
            QuotaExceeded: its collaboration has as much as it may, or as many studies run as may.
        """
        self._access.check_working(caller, ids)
        asked = self.schema.read(body)
        experiment = ExperimentKey.of(ids)
        self._check_state(experiment)
        # Every value that is named is tried out, which takes its time; nobody else is to wait for the records meanwhile.
        study = study_of(self._store, experiment, asked)
        with self._store.rehearsal() if is_rehearsal else self._store.transaction():
            self._check_state(experiment)
            self._shares.check_room(experiment)
            study = self._records.add(study)
            self._shares.check_studies(experiment)
        if not is_rehearsal:
            self._wake_tuner()
        return study

    def find(
        self, caller: Caller, ids: Ids, state: str | None = None, page: Page = EVERYTHING
    ) -> Part[Study | Damaged]:
        """Those with these ids in their keys, in the order they were opened."""
        sight = self._access.sight(caller)
        return self._records.select(ids, None if state is None else [state], page).map(
            lambda study: _told(sight, study)
        )

    def get(self, caller: Caller, study_id: str) -> Study | Damaged:
        """One study.

        Raises:
            RecordNotFound: there is none.
        """
        return _told(self._access.sight(caller), self._records.look(study_id))

    def trials(self, caller: Caller, study: Study) -> tuple[list[Trial], list[Damaged]]:
        """A study's trials, in the order they were drawn, and those that cannot be read."""
        found = self._records.all_trials(study)
        told = self._access.sight(caller).within(study.key).trial
        readable = sorted((told(each) for each in found if isinstance(each, Trial)), key=lambda trial: trial.number)
        return readable, [each for each in found if isinstance(each, Damaged)]

    def tallies(self, caller: Caller, studies: Sequence[Study | Damaged]) -> Mapping[str, Tally]:
        """What the trials of each of these studies have come to, by its id; nothing of one that cannot be read."""
        return self._records.tallies([study for study in studies if isinstance(study, Study)])

    def progress(self, caller: Caller, study: Study, trials: Sequence[Trial]) -> Mapping[str, Mapping[str, object]]:
        """How far the training of each trial is, or came, by its run; nothing of one that has none."""
        jobs = {trial.jobs[Stage.TRAIN]: trial.run_id for trial in trials if Stage.TRAIN in trial.jobs}
        found: dict[str, Mapping[str, object]] = {}
        told = self._access.sight(caller).within(study.key).progress
        for first in range(0, len(jobs), _ASKED_AT_ONCE):
            some = list(jobs)[first : first + _ASKED_AT_ONCE]
            found |= {jobs[job_id]: told(progress) for job_id, progress in self._store.progress_of(some).items()}
        return found

    def results(self, caller: Caller, ids: Ids) -> Callable[[Page], Part[TrialResult]]:
        """What reads a page of the validations of all trials of an experiment, with what was drawn and what it reached."""
        wanted = Selection(ids, containing={"run_id": TRIAL_PREFIX})
        wanted = self._access.narrowed(caller, Kind.VALIDATION, wanted)
        experiment = restrict(ids, Kind.EXPERIMENT)
        tallies = self._records.tallies(self._records.find(experiment))
        best = {tally.best.run_id for tally in tallies.values() if tally.best is not None}

        def read(page: Page) -> Part[TrialResult]:
            validations = self._store.select(Kind.VALIDATION, wanted, page)
            runs = {record["key"]["run_id"] for record in validations.items}
            drawn = self._store.each(Kind.TRIAL, Selection(experiment, among={"run_id": runs}))
            trials = {trial.run_id: trial for trial in map(trial_of, drawn) if isinstance(trial, Trial)}
            return validations.map(lambda record: _result(record, trials, best))

        return read

    def stop(self, caller: Caller, study_id: str, *, is_rehearsal: bool = False) -> Study:
        """Start no more trials, and cancel those that run; what is finished stays.

        Args:
            is_rehearsal: only say how it would stand.

        Raises:
            RecordNotFound: there is no such study.
            NotPermitted: its collaboration is another's.
            Conflict: it has ended already.
        """
        self._access.check_working(caller, self._records.get(study_id).key)
        with self._store.rehearsal() if is_rehearsal else self._store.transaction():
            study = self._records.stop(study_id)
        if not is_rehearsal:
            self._wake_tuner()
        return study

    def _check_state(self, experiment: ExperimentKey) -> None:
        preconditions.require_named(self._store, experiment)
        preconditions.require_trainable(self._store, experiment)
        preconditions.require_evaluation_tags(self._store, experiment)


def _told(sight: Sight, study: Study | Damaged) -> Study | Damaged:
    return study if isinstance(study, Damaged) else sight.within(study.key).study(study)


def _result(validation: Record, trials: Mapping[str, Trial], best: Collection[str]) -> TrialResult:
    run_id = validation["key"]["run_id"]
    return TrialResult(validation, trials.get(run_id), run_id in best)
