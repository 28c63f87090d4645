from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from synergos.domain.job import Job, JobError, JobState, Stage
from synergos.domain.keys import job_key
from synergos.domain.loss_history import LossHistory
from synergos.errors import TrialPruned
from synergos.records import RecordStore
from synergos_ttp.stages.pruning import Pruning

EXPERIMENT = {"collab_id": "c", "project_id": "p", "expt_id": "e"}
MARK = {"study_id": "s", "number": 9, "scheduler": "median", "loss": "BCELoss, None"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RecordStore]:
    store = RecordStore(f"sqlite:///{tmp_path / 'records'}")
    yield store
    store.close()


def job(number: int, **mark: Any) -> Job:
    parameters = {"trial": {**MARK, "number": number, **mark}}
    return Job(Stage.TRAIN, job_key({**EXPERIMENT, "run_id": f"r{number}"}), parameters)


def add(store: RecordStore, added: Job, checkpoints: Mapping[int, float], error: JobError | None = None) -> None:
    state = JobState.COMPLETED if error is None else JobState.CANCELLED
    store.add_jobs([added])
    store.save_job(replace(added.ended(state, error), progress={"checkpoints": checkpoints}))


def history(*losses: float | None) -> LossHistory:
    found = LossHistory()
    for number, loss in enumerate(losses):
        found.evaluated(number, loss)
    return found


def pruning(store: RecordStore, own: Job, rounds: int = 10) -> Pruning:
    found = Pruning.of(store, own, rounds)
    assert found is not None
    return found


def test_a_training_is_compared_with_the_trials_of_its_own_study_and_loss(store: RecordStore) -> None:
    for number in range(4):
        add(store, job(number), {1: 0.5, 2: 0.4})
    own = job(9)

    with pytest.raises(TrialPruned, match="after round 2 of 10"):
        pruning(store, own).look(1, history(5.0, 5.0))
    pruning(store, own).look(1, history(0.3, 0.2))
    # Nobody to compare it with.
    for stranger in (job(9, study_id="other"), job(9, loss="NLLLoss, None")):
        pruning(store, stranger).look(1, history(5.0, 5.0))


def test_it_is_looked_at_only_between_rounds_and_at_checkpoints(store: RecordStore) -> None:
    for number in range(4):
        add(store, job(number), dict.fromkeys((1, 2, 3, 4, 5, 6), 0.5))
    bad = history(*[5.0] * 6)

    pruning(store, job(9)).look(4, bad)  # the fifth round is no checkpoint
    pruning(store, job(9), rounds=6).look(5, bad)  # nothing is left to be saved
    pruning(store, job(9)).look(6, bad)  # its evaluation is not there yet
    with pytest.raises(TrialPruned):
        pruning(store, job(9)).look(5, bad)


def test_a_training_that_diverges_ends(store: RecordStore) -> None:
    with pytest.raises(TrialPruned):
        pruning(store, job(0)).look(0, history(None))


def test_pruned_trials_are_compared_with_too(store: RecordStore) -> None:
    pruned = JobError(TrialPruned.__name__, "worse")
    for number in range(7):
        add(store, job(number, scheduler="successive halving"), {1: 5.0 + number}, pruned)
    add(store, job(7, scheduler="successive halving"), {1: 1.0})

    pruning(store, job(9, scheduler="successive halving")).look(0, history(4.0))
    with pytest.raises(TrialPruned):
        pruning(store, job(9, scheduler="successive halving")).look(0, history(9.0))


def test_what_is_no_trial_or_is_not_to_be_pruned_is_left_alone(store: RecordStore) -> None:
    assert Pruning.of(store, Job(Stage.TRAIN, job_key({**EXPERIMENT, "run_id": "r"})), 10) is None
    assert Pruning.of(store, job(0, scheduler="none"), 10) is None
