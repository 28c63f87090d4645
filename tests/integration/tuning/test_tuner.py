"""The tuner on a grid whose jobs end when the test says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from factories.outputs import measured, validated
from fakes.orchestration import PROJECT, E, outputs_of
from synergos.bodies import OPTIMIZATIONS
from synergos.domain.job import Job, JobError, JobState, Stage
from synergos.domain.keys import ExperimentKey, ProjectKey
from synergos.domain.outputs import read_outputs
from synergos.domain.quotas import Quotas
from synergos.domain.records import Kind
from synergos.domain.study import Study, StudyState, Trial, TrialState
from synergos.errors import Conflict
from synergos.orchestration.dispatcher import FOREVER, Wait
from synergos.orchestration.study_records import StudyRecords
from synergos.orchestration.study_request import study_of
from synergos.records import RecordStore, archive
from synergos.tuning.tuner import Tuner

EXPERIMENT = {**PROJECT, "expt_id": E}
SPACE = {"lr": {"_type": "uniform", "_value": [0.01, 0.1]}}


@dataclass
class Grid:
    """Takes jobs and does them when it is told to: R2 is the learning rate."""

    store: RecordStore
    size: int = 1
    meanwhile: Callable[[], None] = lambda: None
    is_away: bool = False

    def submit(self, jobs: Sequence[Job], *, wait: Wait | None = FOREVER) -> list[Job]:
        return list(jobs)

    def cancel(self, job_id: str) -> Job:
        if self.is_away:
            raise ConnectionError("no answer")
        job = self.store.job(job_id)
        if job.state.is_final:
            raise Conflict("it has ended")
        self.store.save_job(job.ended(JobState.CANCELLED, JobError("JobCancelled", "cancelled on request")))
        return self.store.job(job_id)

    def width(self, project: ProjectKey) -> int:
        self.meanwhile()
        return self.size

    def waits(self) -> Mapping[str, Mapping[str, Any]]:
        return {}

    def waiting(self, stage: Stage = Stage.TRAIN) -> list[Job]:
        return [job for job in self.store.jobs(stage=stage.value) if not job.state.is_final]

    def finish(self, train: Job) -> None:
        """Train and validate a trial."""
        started = train.started()
        archive(self.store, started, read_outputs(started.stage, outputs_of(self.store, started)))
        [validate] = self.store.jobs(stage=Stage.VALIDATE.value, run_id=train.keys["run_id"])
        rate = self.store.get(Kind.RUN, train.keys)["lr"]
        found = measured(R2=rate)
        archive(self.store, validate.started(), validated(worker_1=found, worker_2=found))

    def end(self, train: Job, state: JobState, kind: str) -> None:
        self.store.save_job(train.started().ended(state, JobError(kind, "so it ended")))


@dataclass
class Bench:
    """A tuner, its grid, and a look at its studies."""

    store: RecordStore
    grid: Grid
    tuner: Tuner
    outputs: Path

    def open(self, **changes: Any) -> Study:
        body = {"search_space": SPACE, "metric": "R2", "optimize_mode": "max", "seed": 1, "max_trial_num": 3}
        return StudyRecords(self.store).add(
            study_of(self.store, ExperimentKey.of(EXPERIMENT), OPTIMIZATIONS.read(body | changes))
        )

    def study(self, study: Study) -> Study:
        return StudyRecords(self.store).get(study.id)

    def trials(self, study: Study) -> list[Trial]:
        return StudyRecords(self.store).trials(study)

    def states(self, study: Study) -> list[TrialState]:
        return [trial.state for trial in self.trials(study)]

    def advance(self, times: int = 1) -> None:
        for _ in range(times):
            self.tuner.advance()

    def finish_everything(self, study: Study) -> None:
        for _ in range(50):
            if self.study(study).state.is_final:
                return
            for job in self.grid.waiting():
                self.grid.finish(job)
            self.advance()
        raise AssertionError("the study never ended")


def tuner(store: RecordStore, grid: Grid, outputs: Path) -> Tuner:
    """One that draws no pictures: each takes longer than the study it is of."""
    return Tuner(store, grid, outputs, draw=lambda *_: None)


@pytest.fixture
def bench(store: RecordStore, tmp_path: Path) -> Bench:
    grid = Grid(store)
    outputs = tmp_path / "outputs"
    return Bench(store, grid, tuner(store, grid, outputs), outputs)


def test_a_study_tries_as_many_as_it_was_asked_for_and_knows_the_objectives(bench: Bench) -> None:
    study = bench.open()

    bench.finish_everything(study)

    trials = bench.trials(study)
    assert [trial.state for trial in trials] == [TrialState.COMPLETED] * 3
    assert [trial.objective for trial in trials] == [pytest.approx(trial.hyperparameters["lr"]) for trial in trials]
    assert all(trial.objective_over["participants"] == trial.objective_over["figures"] >= 1 for trial in trials)
    ended = bench.study(study)
    assert ended.state is StudyState.COMPLETED
    assert ended.finished_at is not None
    assert len(bench.store.find(Kind.RUN, EXPERIMENT)) == 4  # the trials' and the one that was there


@pytest.mark.parametrize(
    ("size", "asked", "expected"), [(1, None, 1), (2, None, 2), (2, 1, 1), (1, 2, 2), (9, None, 3)]
)
def test_as_many_run_at_once_as_fit_or_were_asked_for(
    bench: Bench, size: int, asked: int | None, expected: int
) -> None:
    bench.grid.size = size
    study = bench.open(max_concurrent=asked)

    bench.advance(times=3)

    assert bench.states(study) == [TrialState.RUNNING] * expected
    assert len(bench.grid.waiting(Stage.VALIDATE)) == expected


def test_a_combination_that_cannot_be_trained_is_skipped_with_the_reason(bench: Bench) -> None:
    schedulers = {"_type": "grid_search", "_value": ["StepLR", "LambdaLR"]}
    study = bench.open(search_space={**SPACE, "lr_scheduler": schedulers}, max_trial_num=2)

    bench.finish_everything(study)

    skipped = [trial for trial in bench.trials(study) if trial.state is TrialState.SKIPPED]
    assert skipped
    assert all("step_size" in str(trial.reason) for trial in skipped)
    assert bench.states(study).count(TrialState.COMPLETED) == 2


def test_a_run_of_a_combination_has_no_key_that_its_optimizer_does_not_take(bench: Bench) -> None:
    optimizers = {"_type": "grid_search", "_value": ["SGD", "Adam"]}
    momenta = {"_type": "choice", "_value": [0.5]}
    study = bench.open(
        search_space={"optimizer": optimizers, "momentum": momenta, "lr": {"_type": "choice", "_value": [0.1]}},
        searcher="grid",
        max_trial_num=2,
    )

    bench.finish_everything(study)

    trials = {str(trial.hyperparameters["optimizer"]): trial for trial in bench.trials(study)}
    assert {name: trial.state for name, trial in trials.items()} == dict.fromkeys(trials, TrialState.COMPLETED)
    runs = {name: bench.store.get(Kind.RUN, {**EXPERIMENT, "run_id": trial.run_id}) for name, trial in trials.items()}
    assert runs["SGD"]["momentum"] == 0.5
    assert "momentum" not in runs["Adam"]


def test_a_study_of_which_nothing_can_be_trained_fails_and_says_why(bench: Bench) -> None:
    study = bench.open(search_space={**SPACE, "lr_scheduler": {"_type": "choice", "_value": ["StepLR"]}})

    bench.advance(times=40)

    ended = bench.study(study)
    assert ended.state is StudyState.FAILED
    assert ended.error is not None
    assert "step_size" in ended.error.message
    assert not bench.store.jobs(state="queued")


@pytest.mark.parametrize(
    ("state", "kind", "expected"),
    [
        (JobState.FAILED, "WorkerUnreachable", TrialState.FAILED),
        (JobState.CANCELLED, "JobCancelled", TrialState.CANCELLED),
        (JobState.CANCELLED, "TrialPruned", TrialState.PRUNED),
    ],
)
def test_a_trial_without_a_model_has_a_reason_and_the_study_goes_on(
    bench: Bench, state: JobState, kind: str, expected: TrialState
) -> None:
    study = bench.open()
    bench.advance()

    bench.grid.end(bench.grid.waiting()[0], state, kind)
    bench.advance()

    first, second = bench.trials(study)
    assert (first.state, first.reason, first.objective) == (expected, "so it ended", None)
    assert second.state is TrialState.RUNNING
    assert bench.store.job(first.jobs["validate"]).state is JobState.CANCELLED
    bench.finish_everything(study)
    assert len(bench.trials(study)) == 3


def test_a_study_with_a_completed_trial_has_a_picture(bench: Bench) -> None:
    bench.tuner = Tuner(bench.store, bench.grid, bench.outputs)
    study = bench.open(max_trial_num=1)

    bench.finish_everything(study)

    ended = bench.study(study)
    assert ended.picture is not None
    assert Path(ended.picture).is_relative_to(bench.outputs)
    assert Path(ended.picture).read_bytes().startswith(b"\x89PNG")


def test_a_study_without_a_completed_trial_has_no_picture(bench: Bench) -> None:
    bench.tuner = Tuner(bench.store, bench.grid, bench.outputs)
    study = bench.open(max_trial_num=1)
    bench.advance()
    bench.grid.end(bench.grid.waiting()[0], JobState.FAILED, "GridError")

    bench.advance(times=2)

    ended = bench.study(study)
    assert (ended.state, ended.picture) == (StudyState.FAILED, None)
    assert ended.error is not None
    assert "so it ended" in ended.error.message


def test_a_model_that_nobody_can_judge_is_a_failed_trial(bench: Bench) -> None:
    study = bench.open(max_trial_num=1)
    bench.advance()
    [train], [validate] = bench.grid.waiting(), bench.grid.waiting(Stage.VALIDATE)
    archive(bench.store, train.started(), read_outputs(train.stage, outputs_of(bench.store, train)))
    archive(bench.store, validate.started(), validated(worker_1=measured(R2=None)))

    bench.advance()

    [trial] = bench.trials(study)
    assert trial.state is TrialState.FAILED
    assert "R2" in str(trial.reason)


def test_a_stopped_study_cancels_what_runs_and_keeps_what_has_ended(bench: Bench) -> None:
    bench.grid.size = 2
    study = bench.open()
    bench.advance()
    bench.grid.finish(bench.grid.waiting()[0])
    bench.advance()

    StudyRecords(bench.store).stop(study.id)
    bench.advance(times=3)

    assert bench.study(study).state is StudyState.STOPPED
    assert sorted(bench.states(study)) == sorted([TrialState.COMPLETED, TrialState.CANCELLED, TrialState.CANCELLED])
    assert not bench.grid.waiting()
    with pytest.raises(Conflict, match="stopped already"):
        StudyRecords(bench.store).stop(study.id)


def test_a_cancellation_that_did_not_get_through_is_asked_for_again(bench: Bench) -> None:
    study = bench.open()
    bench.advance()
    [train] = bench.grid.waiting()
    StudyRecords(bench.store).stop(study.id)

    bench.grid.is_away = True
    bench.advance()
    assert (bench.study(study).state, bench.grid.waiting()) == (StudyState.STOPPING, [train])

    bench.grid.is_away = False
    bench.advance(times=2)
    assert bench.study(study).state is StudyState.STOPPED
    assert bench.states(study) == [TrialState.CANCELLED]


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds


def by(clock: Clock, bench: Bench) -> Tuner:
    return Tuner(bench.store, bench.grid, bench.outputs, draw=lambda *_: None, clock=clock)


def test_when_the_time_is_over_no_trial_is_started_and_those_that_run_are_finished(bench: Bench) -> None:
    clock = Clock()
    bench.tuner = by(clock, bench)
    study = bench.open(max_exec_duration="1h")
    bench.advance()

    clock.seconds += 3600
    bench.advance()
    assert bench.states(study) == [TrialState.RUNNING]
    bench.finish_everything(study)

    assert bench.states(study) == [TrialState.COMPLETED]
    assert bench.study(study).state is StudyState.COMPLETED


def test_a_clock_that_is_set_ends_no_study(bench: Bench) -> None:
    study = bench.open(max_exec_duration="1h")
    bench.advance()
    for days in (-2, 2):
        opened = (datetime.now(UTC) - timedelta(days=days)).replace(tzinfo=None)
        with bench.store.database.writing() as connection:
            connection.exec_driver_sql("UPDATE study SET created_at = ?", (opened.isoformat(" "),))
        bench.advance()

    bench.finish_everything(study)

    assert bench.states(study) == [TrialState.COMPLETED] * 3


def test_the_time_of_a_study_goes_on_in_the_next_process(bench: Bench) -> None:
    clock = Clock()
    bench.tuner = by(clock, bench)
    study = bench.open(max_exec_duration="1h")
    bench.advance()
    clock.seconds += 2000
    bench.advance()

    later = Clock(5.0)
    bench.tuner = by(later, bench)
    bench.advance()
    later.seconds += 1590
    assert not bench.tuner._is_late(bench.study(study))
    later.seconds += 20
    bench.finish_everything(study)

    assert bench.states(study) == [TrialState.COMPLETED]
    assert bench.study(study).searched_seconds >= 3600


def test_another_process_goes_on_where_the_first_one_was(bench: Bench, tmp_path: Path) -> None:
    uninterrupted = bench.open(max_trial_num=5)
    bench.finish_everything(uninterrupted)
    study = bench.open(max_trial_num=5)
    for _ in range(2):
        bench.advance()
        for job in bench.grid.waiting():
            bench.grid.finish(job)

    bench.tuner = tuner(bench.store, bench.grid, tmp_path)
    bench.finish_everything(study)

    drawn = [[trial.drawn for trial in bench.trials(each)] for each in (uninterrupted, study)]
    assert drawn[0] == drawn[1]


def test_two_tuners_on_one_store_start_no_trial_twice(bench: Bench, tmp_path: Path) -> None:
    other = tuner(bench.store, bench.grid, tmp_path)
    study = bench.open(max_trial_num=4)

    for _ in range(20):
        bench.advance()
        other.advance()
        for job in bench.grid.waiting():
            bench.grid.finish(job)

    assert [trial.number for trial in bench.trials(study)] == [0, 1, 2, 3]
    assert len(bench.store.jobs(stage="train", state="completed")) == 1 + 4


def test_a_trial_that_somebody_else_has_drawn_meanwhile_is_not_started(bench: Bench) -> None:
    study = bench.open()
    rival = Trial("optim_run_rival", 0, {"lr": 0.05}, {"lr": 0.05}, TrialState.SKIPPED)
    # The grid is asked for room after the trials have been read.
    bench.grid.meanwhile = lambda: StudyRecords(bench.store).save_trial(study, rival)

    bench.advance()

    assert [trial.run_id for trial in bench.trials(study)] == ["optim_run_rival"]
    assert not bench.grid.waiting()


def test_two_studies_go_on_side_by_side(bench: Bench) -> None:
    first, second = bench.open(), bench.open(seed=2, max_trial_num=2)

    bench.advance()
    assert (len(bench.trials(first)), len(bench.trials(second))) == (1, 1)
    bench.finish_everything(first)
    bench.finish_everything(second)

    assert (len(bench.trials(first)), len(bench.trials(second))) == (3, 2)


def test_a_study_whose_experiment_is_deleted_is_gone(bench: Bench) -> None:
    study = bench.open()
    bench.advance()

    bench.store.delete(Kind.EXPERIMENT, EXPERIMENT)
    bench.advance()

    assert StudyRecords(bench.store).find({}) == []
    assert bench.store.find(Kind.TRIAL) == []
    assert study.id not in {each.id for each in StudyRecords(bench.store).unfinished()}


def test_a_trial_whose_run_is_deleted_is_forgotten_and_the_study_goes_on(bench: Bench) -> None:
    study = bench.open(max_trial_num=2)
    bench.advance()
    [trial] = bench.trials(study)

    bench.store.delete(Kind.RUN, {**EXPERIMENT, "run_id": trial.run_id})
    for job in bench.grid.waiting():
        bench.grid.end(job, JobState.FAILED, "RecordNotFound")
    bench.finish_everything(study)

    assert trial.run_id not in {each.run_id for each in bench.trials(study)}
    assert len(bench.trials(study)) == 2


def test_a_grid_search_ends_when_everything_was_tried(bench: Bench) -> None:
    space = {"lr": {"_type": "choice", "_value": [0.1, 0.2]}, "epochs": {"_type": "choice", "_value": [1, 2]}}
    study = bench.open(search_space=space, searcher="GridSearch", max_trial_num=10)

    bench.finish_everything(study)

    assert {(t.hyperparameters["lr"], t.hyperparameters["epochs"]) for t in bench.trials(study)} == {
        (0.1, 1),
        (0.1, 2),
        (0.2, 1),
        (0.2, 2),
    }
    assert len(bench.trials(study)) == 4


def test_trials_say_to_the_grid_what_they_are(bench: Bench) -> None:
    study = bench.open(scheduler="ASHAScheduler", priority=5)
    StudyRecords(bench.store).end(study, StudyState.STOPPED)
    marked = StudyRecords(bench.store).add(replace(study, id="marked", options={"priority": 5}))

    bench.advance()

    [train], [validate] = bench.grid.waiting(), bench.grid.waiting(Stage.VALIDATE)
    assert train.priority == validate.priority == 5
    mark = train.parameters["trial"]
    assert (mark["study_id"], mark["number"], mark["scheduler"]) == (marked.id, 0, "successive halving")
    assert "trial" not in validate.parameters


def test_a_study_hands_in_no_more_than_the_grid_has_a_use_for(bench: Bench) -> None:
    study = bench.open(max_concurrent=10_000, max_trial_num=10_000)

    bench.advance(times=20)

    assert bench.states(study) == [TrialState.RUNNING] * 2
    bench.grid.finish(bench.grid.waiting()[0])
    bench.advance()
    assert bench.states(study) == [TrialState.COMPLETED, *[TrialState.RUNNING] * 2]


def test_a_study_waits_while_as_many_jobs_wait_as_may(bench: Bench) -> None:
    bench.tuner = Tuner(bench.store, bench.grid, bench.outputs, draw=lambda *_: None, quotas=Quotas(waiting_jobs=2))
    study = bench.open(max_concurrent=2)

    bench.advance(times=3)
    assert bench.states(study) == [TrialState.RUNNING]
    assert len(bench.store.find(Kind.RUN, EXPERIMENT)) == 2, "nothing of the trial that waits is there"

    bench.finish_everything(study)
    assert bench.states(study) == [TrialState.COMPLETED] * 3


def test_a_study_without_room_for_a_trial_ends_and_says_so(bench: Bench) -> None:
    quotas = Quotas(records=bench.store.share(EXPERIMENT["collab_id"]).records + 2)
    bench.tuner = Tuner(bench.store, bench.grid, bench.outputs, draw=lambda *_: None, quotas=quotas)
    study = bench.open()

    bench.advance(times=3)

    ended = bench.study(study)
    assert ended.state is StudyState.FAILED
    assert ended.error is not None
    assert "--quota records=" in ended.error.message
