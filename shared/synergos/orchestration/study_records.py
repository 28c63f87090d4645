"""Studies and their trials in the record store."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from synergos.domain.damage import Damaged
from synergos.domain.job import JobError
from synergos.domain.records import Ids, Kind, Record
from synergos.domain.study import Study, StudyState, Tally, Trial
from synergos.errors import Conflict, InvalidRequest, RecordNotFound
from synergos.records.paging import EVERYTHING, Page, Part, Selection
from synergos.records.store import RecordStore


class StudyRecords:
    """What is known of the studies of one record store; whoever goes on with one begins here."""

    def __init__(self, store: RecordStore) -> None:
        self._store = store

    def add(self, study: Study) -> Study:
        """Store a new one."""
        return Study.from_record(self._store.put(Kind.STUDY, study.key, study.to_payload()))

    def find(self, ids: Ids) -> list[Study]:
        """Those with these ids in their keys, oldest first."""
        return [study for study in self.select(ids).items if isinstance(study, Study)]

    def unfinished(self) -> list[Study]:
        """Those that have not ended, oldest first, as far as they can be read."""
        found = self.select({}, [state for state in StudyState if not state.is_final]).items
        return [study for study in found if isinstance(study, Study)]

    def select(self, ids: Ids, states: Collection[str] | None = None, page: Page = EVERYTHING) -> Part[Study | Damaged]:
        """Those with these ids in their keys that stand in one of these states, in the order they were opened.

        Those among them that cannot be read are there as well.
        """
        wanted = Selection(ids, saying={} if states is None else {"state": states})
        return self._store.select(Kind.STUDY, wanted, page).map(_study_of)

    def get(self, study_id: str) -> Study:
        """One study.

        Raises:
            RecordNotFound: there is none.
            DamagedRecord: it cannot be read.
        """
        found = self.look(study_id)
        if isinstance(found, Damaged):
            raise found.error
        return found

    def look(self, study_id: str) -> Study | Damaged:
        """One study, be it that it cannot be read.

        Raises:
            RecordNotFound: there is none.
        """
        found = self.select({"study_id": study_id}).items
        if not found:
            raise RecordNotFound(f"no Study {study_id!r}")
        return found[0]

    def trials(self, study: Study) -> list[Trial]:
        """A study's trials, in the order they were drawn, as far as they can be read."""
        found = [trial for trial in self.all_trials(study) if isinstance(trial, Trial)]
        return sorted(found, key=lambda trial: trial.number)

    def all_trials(self, study: Study) -> list[Trial | Damaged]:
        """A study's trials, those among them that cannot be read, in the order they were stored."""
        return [trial_of(record) for record in self._store.find(Kind.TRIAL, study.key)]

    def tallies(self, studies: Sequence[Study]) -> dict[str, Tally]:
        """What the trials of each of these studies have come to, by its id; read piece by piece, however many there are."""
        found = {study.id: Tally(study.direction) for study in studies}
        for record in self._store.each(Kind.TRIAL, Selection(among={"study_id": list(found)})):
            if isinstance(trial := trial_of(record), Trial):
                found[record["key"]["study_id"]].add(trial)
        return found

    def save_trial(self, study: Study, trial: Trial) -> None:
        """Store where a trial stands."""
        self._store.put(Kind.TRIAL, study.key.trial(trial.run_id), trial.to_payload())

    def end_trial(self, study: Study, trial: Trial) -> None:
        """Store how a trial ended, unless it was deleted meanwhile."""
        ended = replace(trial, finished_at=datetime.now(UTC))
        try:
            self._store.merge(Kind.TRIAL, study.key.trial(trial.run_id), ended.to_payload())
        except RecordNotFound:
            return

    def end(self, study: Study, state: StudyState, error: JobError | None = None, picture: str | None = None) -> None:
        """Store how a study ended, unless it was deleted meanwhile, or somebody else has ended it."""
        with self._store.transaction():
            found = self.find(study.key)
            if found and not found[0].state.is_final:
                ended = replace(found[0], state=state, error=error, picture=picture, finished_at=datetime.now(UTC))
                self._store.merge(Kind.STUDY, study.key, ended.to_payload())

    def note_time(self, study: Study, seconds: float) -> None:
        """Store for how long trials have been started, unless somebody else has looked on for longer."""
        with self._store.transaction():
            for stored in self.find(study.key):
                if not stored.state.is_final and seconds > stored.searched_seconds:
                    self._store.merge(Kind.STUDY, study.key, {"searched_seconds": seconds})

    def stop(self, study_id: str) -> Study:
        """Have no more trials started, and those that run be cancelled.

        Raises:
            RecordNotFound: there is no such study.
            Conflict: it has ended already.
        """
        with self._store.transaction():
            study = self.get(study_id)
            if study.state.is_final:
                raise Conflict(f"study {study_id} is {study.state} already")
            self._store.merge(Kind.STUDY, study.key, {"state": StudyState.STOPPING.value})
            return self.get(study_id)


def _study_of(record: Record) -> Study | Damaged:
    try:
        return Study.from_record(record)
    except InvalidRequest:
        return Damaged(Kind.STUDY, record["key"]["study_id"], record["key"])


def trial_of(record: Record) -> Trial | Damaged:
    """The trial a record stands for, be it that it cannot be read."""
    try:
        return Trial.from_record(record)
    except InvalidRequest:
        return Damaged(Kind.TRIAL, record["key"]["run_id"], record["key"])
