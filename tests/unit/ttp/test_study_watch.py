"""When a study has ended, whoever follows its trials is told, and which of them was the best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from synergos.domain.keys import RunKey
from synergos.domain.study import Direction, Study, StudyState, Trial, TrialState
from synergos.orchestration.study_records import StudyRecords
from synergos.records import RecordStore
from synergos_ttp.tracking.study_watch import StudyWatch
from synergos_ttp.tracking.tracker import Status, StudyEnd, TrackingSubject

RUN = RunKey("c", "p", "e", "optim_run_1")
SUBJECT = TrackingSubject(RUN)
STUDY = Study("s", RUN.experiment, "R2", Direction.MAXIMUM, {}, {}, "random", "none", 2, 1)


class Follower:
    """Follows one study, and keeps what it is told."""

    def __init__(self, *jobs: str) -> None:
        self.jobs = list(jobs)
        self.told: list[StudyEnd | None] = []

    def studies(self) -> Mapping[str, tuple[TrackingSubject, list[str]]]:
        return {"s": (SUBJECT, self.jobs)} if not self.told else {}

    def study_ended(self, subject: TrackingSubject, study_id: str, end: StudyEnd | None) -> None:
        assert (subject, study_id) == (SUBJECT, "s")
        self.told.append(end)


@pytest.fixture
def studies(store: RecordStore) -> StudyRecords:
    return StudyRecords(store)


def trial(number: int, objective: float | None) -> Trial:
    state = TrialState.FAILED if objective is None else TrialState.COMPLETED
    return Trial(f"optim_run_{number}", number, {}, {}, state, {"train": f"job_{number}"}, objective)


def test_a_study_that_goes_on_is_nobodys_news(store: RecordStore, studies: StudyRecords) -> None:
    studies.add(STUDY)
    follower = Follower("job_1")

    StudyWatch(store, follower).look()

    assert follower.told == []


@pytest.mark.parametrize(("here", "is_own"), [("job_2", True), ("job_1", False)])
def test_its_end_is_told_with_the_best_trial(
    store: RecordStore, studies: StudyRecords, here: str, is_own: bool
) -> None:
    studies.add(replace(STUDY, state=StudyState.COMPLETED))
    for each in (trial(1, 0.25), trial(2, 0.5), trial(3, None)):
        studies.save_trial(STUDY, each)
    follower = Follower(here)

    StudyWatch(store, follower).look()

    assert follower.told == [StudyEnd(Status.FINISHED, {"best_R2": 0.5}, "job_2", is_own)]


@pytest.mark.parametrize(("state", "status"), [(StudyState.STOPPED, Status.KILLED), (StudyState.FAILED, Status.FAILED)])
def test_a_study_without_a_result_says_so(
    store: RecordStore, studies: StudyRecords, state: StudyState, status: Status
) -> None:
    studies.add(replace(STUDY, state=state))
    follower = Follower("job_1")

    StudyWatch(store, follower).look()

    assert follower.told == [StudyEnd(status)]


def test_a_study_that_was_deleted_is_followed_no_more(store: RecordStore) -> None:
    follower = Follower("job_1")

    StudyWatch(store, follower).look()

    assert follower.told == [None]
