"""What a tracker is told of a job."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from factories.outputs import measured, predicted, trained, validated
from synergos.domain.job import CANCELLED_ON_REQUEST, GIVEN_UP, Job, JobError, Stage
from synergos.domain.keys import job_key
from synergos.domain.loss_history import LossHistory
from synergos.domain.outputs import Validated
from synergos.domain.records import Kind
from synergos.domain.study import TRIAL_MARK, TrialMark
from synergos.records import RecordStore
from synergos_ttp.events import JobEnded, JobStarted, RoundDone, RoundJudged, TrainingStarted
from synergos_ttp.outcomes import Cancelled, Completed, Failed, Interrupted, Lost, Outcome, Pruned
from synergos_ttp.subscribers.tracking import Tracking
from synergos_ttp.tracking.notes import OfStudy
from synergos_ttp.tracking.tracker import Status, TrackingSubject

KEYS = {"collab_id": "c", "project_id": "p", "expt_id": "e", "run_id": "r"}
JOB = Job(Stage.TRAIN, job_key(KEYS)).started()
EXPORTED = Completed(trained("outputs/r/global_model.pt"))


class Notes:
    """A tracker that keeps everything in one list."""

    def __init__(self) -> None:
        self.all: list[tuple[Any, ...]] = []

    def training(
        self, subject: TrackingSubject, job_id: str, parameters: Mapping[str, Any], study: OfStudy | None = None
    ) -> Notes:
        of_study = () if study is None else (study,)
        self.all.append(("training", subject.run.run_id, job_id, parameters, *of_study))
        return self

    def abandoned(self, subject: TrackingSubject, job_id: str) -> None:
        self.all.append(("abandoned", subject.run.run_id, job_id))

    def validated(self, subject: TrackingSubject, found: Validated, job_id: str | None = None) -> None:
        self.all.append(("validated", subject.run.run_id, found, job_id))

    def trained(self, number: int, loss: float | None, local: Mapping[str, float | None]) -> None:
        self.all.append(("trained", number, loss, local))

    def evaluated(self, number: int, loss: float | None) -> None:
        self.all.append(("evaluated", number, loss))

    def end(self, status: Status | None, exports: Path | None) -> None:
        self.all.append(("end", status, exports))


@pytest.fixture
def notes() -> Notes:
    return Notes()


def test_a_training_is_followed_from_its_start_to_its_files(notes: Notes, store: RecordStore) -> None:
    tracking = Tracking(notes, store, JOB)
    for event in (
        JobStarted(JOB),
        TrainingStarted(2, {"lr": 0.1}, LossHistory()),
        RoundDone(0, 1, 0.5, {"a": 0.5}, {}, 0.0),
        RoundJudged(0, 0.4),
        JobEnded(JOB, EXPORTED),
    ):
        tracking(event)

    assert notes.all == [
        ("training", "r", JOB.id, {"lr": 0.1}),
        ("trained", 0, 0.5, {"a": 0.5}),
        ("evaluated", 0, 0.4),
        ("end", Status.FINISHED, Path("outputs/r")),
    ]


def test_a_training_that_is_taken_up_again_is_told_of_with_all_that_went_before(
    notes: Notes, store: RecordStore
) -> None:
    past = LossHistory({0: 0.5, 1: 0.4}, {0: 0.6}, {"a": {0: 0.5, 1: 0.4}, "b": {1: 0.3}})

    Tracking(notes, store, JOB)(TrainingStarted(4, {}, past))

    assert notes.all[1:] == [
        ("trained", 0, 0.5, {"a": 0.5}),
        ("trained", 1, 0.4, {"a": 0.4, "b": 0.3}),
        ("evaluated", 0, 0.6),
    ]


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Cancelled(CANCELLED_ON_REQUEST), Status.KILLED),
        (Pruned(JobError("TrialPruned", "worse")), Status.KILLED),
        (Failed(JobError("Conflict", "no")), Status.FAILED),
        (Interrupted("stopped"), None),
        (Lost("elsewhere"), None),
    ],
)
def test_how_a_training_ended_is_told(notes: Notes, store: RecordStore, outcome: Outcome, status: Status) -> None:
    tracking = Tracking(notes, store, JOB)
    tracking(TrainingStarted(4, {}, LossHistory()))
    tracking(JobEnded(JOB, outcome))

    assert notes.all[-1] == ("end", status, None)


@pytest.mark.parametrize(("job", "told"), [(JOB, ["abandoned"]), (Job(Stage.TRAIN, job_key(KEYS)), [])])
def test_a_training_that_never_goes_on_is_abandoned_if_it_had_begun(
    notes: Notes, store: RecordStore, job: Job, told: list[str]
) -> None:
    Tracking(notes, store, job)(JobEnded(job, Failed(GIVEN_UP)))

    assert [note[0] for note in notes.all] == told


@pytest.mark.parametrize(("is_resumed", "told"), [(True, ["abandoned"]), (False, [])])
def test_an_attempt_that_fails_before_it_trains_ends_what_one_before_had_begun(
    notes: Notes, store: RecordStore, is_resumed: bool, told: list[str]
) -> None:
    tracking = Tracking(notes, store, JOB)
    tracking(JobStarted(JOB, is_resumed))
    tracking(JobEnded(JOB, Failed(JobError("Conflict", "not aligned"))))

    assert [note[0] for note in notes.all] == told


def test_statistics_of_a_validation_are_told_and_of_a_prediction_not(notes: Notes, store: RecordStore) -> None:
    found = measured(accuracy=0.5)
    for stage, outputs in ((Stage.VALIDATE, validated(a=found)), (Stage.PREDICT, predicted("a", found))):
        job = Job(stage, job_key(KEYS))
        Tracking(notes, store, job)(JobEnded(job, Completed(outputs)))

    assert notes.all == [("validated", "r", validated(a=found), None)]


def test_a_validation_is_told_of_the_training_that_it_measured(notes: Notes, store: RecordStore) -> None:
    store.put(Kind.MODEL, KEYS, {"job": "b" * 32})
    job = Job(Stage.VALIDATE, job_key(KEYS))

    Tracking(notes, store, job)(JobEnded(job, Completed(validated(a=measured(accuracy=0.5)))))

    assert notes.all[0][-1] == "b" * 32


def test_a_trial_is_told_of_with_its_study(notes: Notes, store: RecordStore) -> None:
    mark = TRIAL_MARK.write(TrialMark(study_id="s", number=3, scheduler="none", loss="mean"))
    trial = Job(Stage.TRAIN, job_key(KEYS), {"trial": mark})

    Tracking(notes, store, trial)(TrainingStarted(4, {}, LossHistory()))

    assert notes.all == [("training", "r", trial.id, {}, OfStudy("s", 3))]
