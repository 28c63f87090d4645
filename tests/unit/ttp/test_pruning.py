from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from synergos.domain.job import Job, JobError, JobState, Stage
from synergos.domain.job_options import JobOptions
from synergos.domain.keys import job_key
from synergos.domain.loss_history import LossHistory
from synergos.errors import TrialPruned
from synergos.records import RecordStore
from synergos_ttp.events import RoundJudged, TrainingStarted
from synergos_ttp.subscribers.pruning import Pruning

EXPERIMENT = {"collab_id": "c", "project_id": "p", "expt_id": "e"}
MARK = {"study_id": "s", "number": 9, "scheduler": "median", "loss": "BCELoss, None"}


def job(number: int, **mark: Any) -> Job:
    parameters: JobOptions = {"trial": {**MARK, "number": number, **mark}}
    return Job(Stage.TRAIN, job_key({**EXPERIMENT, "run_id": f"r{number}"}), parameters)


def add(store: RecordStore, added: Job, checkpoints: Mapping[int, float], error: JobError | None = None) -> None:
    state = JobState.COMPLETED if error is None else JobState.CANCELLED
    store.add_jobs([added])
    store.save_job(replace(added.ended(state, error), progress={"checkpoints": checkpoints}))


def judge(store: RecordStore, own: Job, *losses: float | None, rounds: int = 10) -> None:
    """Have a training's rounds judged one after the other, by these losses."""
    pruning = Pruning.of(store, own)
    assert pruning is not None
    pruning(TrainingStarted(rounds, {}, LossHistory()))
    for number, loss in enumerate(losses):
        pruning(RoundJudged(number, loss))


def test_a_training_is_compared_with_the_trials_of_its_own_study_and_loss(store: RecordStore) -> None:
    for number in range(4):
        add(store, job(number), {1: 0.5, 2: 0.4})
    with pytest.raises(TrialPruned, match="after round 1 of 10"):
        judge(store, job(9), 5.0, 5.0)
    judge(store, job(9), 0.3, 0.2)
    # Nobody to compare it with.
    for stranger in (job(9, study_id="other"), job(9, loss="NLLLoss, None")):
        judge(store, stranger, 5.0, 5.0)


def test_it_is_looked_at_only_between_rounds_and_at_checkpoints(store: RecordStore) -> None:
    for number in range(4):
        add(store, job(number), {**dict.fromkeys((1, 2, 3, 4), 9.0), 5: 0.5, 6: 0.5})
    bad = [5.0] * 6

    judge(store, job(9), *bad[:5])  # the fifth round is no checkpoint
    judge(store, job(9), *bad, rounds=6)  # nothing is left to be saved
    with pytest.raises(TrialPruned, match="after round 6 of 10"):
        judge(store, job(9), *bad)


def test_a_training_that_is_taken_up_again_is_compared_by_its_whole_course(store: RecordStore) -> None:
    for number in range(4):
        add(store, job(number), {1: 0.5, 2: 0.5})
    pruning = Pruning.of(store, job(9))
    assert pruning is not None
    pruning(TrainingStarted(10, {}, LossHistory({0: 0.1, 1: 0.1}, {0: 0.1})))

    # The best of its course is what counts, and that was before.
    pruning(RoundJudged(1, 5.0))


def test_losses_over_fewer_participants_are_compared_with_nobodys(store: RecordStore) -> None:
    for number in range(4):
        add(store, job(number), {1: 0.5, 2: 0.5})
    pruning = Pruning.of(store, job(9))
    assert pruning is not None
    past = LossHistory()
    past.evaluated(0, 9.0, {"a": (1, 9.0)}, ["b"])
    pruning(TrainingStarted(10, {}, past))

    pruning(RoundJudged(1, 9.0, ("b",)))
    for number in range(10, 14):
        add(store, job(number), {1: 0.5, 2: 0.5, 3: 0.5})
    with pytest.raises(TrialPruned, match="after round 3 of 10"):
        pruning(RoundJudged(2, 9.0))


def test_a_training_that_diverges_ends(store: RecordStore) -> None:
    with pytest.raises(TrialPruned):
        judge(store, job(0), None)


def test_pruned_trials_are_compared_with_too(store: RecordStore) -> None:
    pruned = JobError(TrialPruned.__name__, "worse")
    for number in range(7):
        add(store, job(number, scheduler="successive halving"), {1: 5.0 + number}, pruned)
    add(store, job(7, scheduler="successive halving"), {1: 1.0})

    judge(store, job(9, scheduler="successive halving"), 4.0)
    with pytest.raises(TrialPruned):
        judge(store, job(9, scheduler="successive halving"), 9.0)


def test_what_is_no_trial_or_is_not_to_be_pruned_is_left_alone(store: RecordStore) -> None:
    assert Pruning.of(store, Job(Stage.TRAIN, job_key({**EXPERIMENT, "run_id": "r"}))) is None
    assert Pruning.of(store, job(0, scheduler="none")) is None
