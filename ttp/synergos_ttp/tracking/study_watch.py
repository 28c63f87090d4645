"""Watches for the end of studies whose trials ran here: whoever looks after them ends them, here or at the director, in the records."""

from __future__ import annotations

from collections.abc import Sequence

from synergos.domain.damage import Damaged
from synergos.domain.study import Study, StudyState, best_of
from synergos.errors import RecordNotFound
from synergos.orchestration.study_records import StudyRecords
from synergos.program.loop import Loop
from synergos.records import RecordStore
from synergos_ttp.tracking.tracker import Status, StudyEnd, StudyFollower

_SECONDS = 2.0
_STATUS = {
    StudyState.COMPLETED: Status.FINISHED,
    StudyState.STOPPED: Status.KILLED,
    StudyState.FAILED: Status.FAILED,
}


class StudyWatch:
    """A thread that looks at the records of studies as long as there are some that have not ended."""

    def __init__(self, store: RecordStore, tracker: StudyFollower, seconds: float = _SECONDS) -> None:
        self._studies = StudyRecords(store)
        self._tracker = tracker
        self._seconds = seconds
        self._loop = Loop("studies in MLflow", self._turn, pause=seconds)

    def start(self) -> None:
        """Begin, with those of an earlier process."""
        self._loop.start()

    def close(self) -> None:
        """Look no more."""
        self._loop.close()

    def look(self) -> None:
        """Tell the tracker of those that have ended."""
        for study_id, (subject, jobs) in self._tracker.studies().items():
            try:
                study = self._studies.look(study_id)
            except RecordNotFound:
                self._tracker.study_ended(subject, study_id, None)
                continue
            if isinstance(study, Damaged):
                self._tracker.study_ended(subject, study_id, None)
            elif study.state.is_final:
                self._tracker.study_ended(subject, study_id, self._end_of(study, jobs))

    def _turn(self) -> float:
        self.look()
        return self._seconds

    def _end_of(self, study: Study, jobs: Sequence[str]) -> StudyEnd:
        best = best_of(self._studies.trials(study), study.direction)
        status = _STATUS[study.state]
        if best is None or best.objective is None:
            return StudyEnd(status)
        job = best.jobs.get("train")
        return StudyEnd(status, {f"best_{study.metric}": best.objective}, job, job in jobs)
