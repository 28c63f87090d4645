"""The end of a cluster's job in the records: once, by the owner it has now, and with all of its results or none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from factories.outputs import OUTPUTS, RUN_FOLDER
from synergos.domain.job import Job, JobError, JobState, Stage
from synergos.domain.keys import job_key
from synergos.domain.messages import OUTCOME_MESSAGE, Outcome, OutcomeMessage
from synergos.domain.records import Kind
from synergos.errors import InvalidRequest, LeaseLost, RecordNotFound
from synergos.records import RecordStore
from synergos.records.leases import Claim, Leases
from synergos.records.outcomes import settle

HOLDER = "holder"
RUN = {"collab_id": "c", "project_id": "p", "expt_id": "e", "run_id": "r"}
SPACE = {
    "datatype": "tabular",
    "action": "regress",
    "X": [["age", None]],
    "y": [["target", None]],
    "input_shape": [1],
    "numeric": {"age": {"minimum": 0.0, "maximum": 1.0, "mean": 0.5}},
    "categorical": {},
}


def trained(path: str) -> dict[str, Any]:
    """What a training leaves that wrote its model there."""
    model = {"origin": "ttp", "path": str(RUN_FOLDER / path), "loss_history": str(RUN_FOLDER / "losses.json")}
    return {"global": model, "architecture": [], "feature_space": SPACE, "hyperparameters": {}}


MODEL = trained("model.pt")


@pytest.fixture
def store(database: str) -> Iterator[RecordStore]:
    store = RecordStore(database)
    with store.transaction():
        for kind in (Kind.COLLABORATION, Kind.PROJECT, Kind.EXPERIMENT, Kind.RUN):
            store.put(kind, RUN, {})
    yield store
    store.close()


@pytest.fixture
def leases(store: RecordStore) -> Leases:
    leases = Leases(store, seconds=60)
    leases.grids.hold(0, HOLDER, "ttp_0")
    return leases


@pytest.fixture
def claim(store: RecordStore, leases: Leases) -> Claim:
    """A training that runs."""
    store.add_jobs([Job(Stage.TRAIN, job_key(RUN))])
    return taken_up(leases)


def taken_up(leases: Leases) -> Claim:
    claim = leases.claim(0, HOLDER, "ttp_0", OUTPUTS).claim
    assert claim is not None
    return claim


def outcome(claim: Claim, state: JobState, outputs: Mapping[str, Any] = MODEL) -> OutcomeMessage:
    error = None if state is JobState.COMPLETED else JobError("WorkerUnreachable", "no answer", "worker_1")
    sent = Outcome(claim.job, "here", claim.lease, state, outputs, error)
    return OUTCOME_MESSAGE.read(sent.to_dict())


def models(store: RecordStore) -> list[Any]:
    """The models that clients see."""
    return [Path(record["global"]["path"]).name for record in store.find_visible(Kind.MODEL, {})]


def test_a_completed_job_leaves_its_results(store: RecordStore, leases: Leases, claim: Claim) -> None:
    leases.deliver(claim)

    assert settle(store, leases, outcome(claim, JobState.COMPLETED))

    assert store.job(claim.job.id).state is JobState.COMPLETED
    assert models(store) == ["model.pt"]


def test_an_outcome_may_be_quicker_than_the_word_that_it_was_sent(
    store: RecordStore, leases: Leases, claim: Claim
) -> None:
    assert settle(store, leases, outcome(claim, JobState.COMPLETED))
    assert store.job(claim.job.id).state is JobState.COMPLETED


def test_what_is_delivered_twice_is_settled_once(store: RecordStore, leases: Leases, claim: Claim) -> None:
    settle(store, leases, outcome(claim, JobState.COMPLETED))
    ended = store.job(claim.job.id)

    again = outcome(claim, JobState.COMPLETED, trained("other.pt"))

    assert settle(store, leases, again) is False
    assert settle(store, leases, outcome(claim, JobState.FAILED)) is False
    assert (store.job(claim.job.id), models(store)) == (ended, ["model.pt"])


def test_the_outcome_of_an_owner_before_is_refused(store: RecordStore, leases: Leases, claim: Claim) -> None:
    leases.release(claim)
    now = taken_up(leases)

    with pytest.raises(LeaseLost):
        settle(store, leases, outcome(claim, JobState.COMPLETED, trained("old.pt")))
    assert store.job(claim.job.id).state is JobState.RUNNING

    assert settle(store, leases, outcome(now, JobState.COMPLETED))
    assert models(store) == ["model.pt"]


def test_an_outcome_counts_as_long_as_nobody_else_has_begun(store: RecordStore, leases: Leases, claim: Claim) -> None:
    leases.release(claim)

    assert settle(store, leases, outcome(claim, JobState.COMPLETED))

    assert leases.claim(0, HOLDER, "ttp_0", OUTPUTS).claim is None
    assert models(store) == ["model.pt"]


def test_what_was_cancelled_meanwhile_leaves_nothing(store: RecordStore, leases: Leases, claim: Claim) -> None:
    store.save_job(store.job(claim.job.id).ended(JobState.CANCELLED))

    assert settle(store, leases, outcome(claim, JobState.COMPLETED)) is False

    assert store.job(claim.job.id).state is JobState.CANCELLED
    assert models(store) == []


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.CANCELLED])
def test_a_job_that_came_to_nothing_says_why_and_gives_back_what_it_hid(
    store: RecordStore, leases: Leases, state: JobState
) -> None:
    store.put(Kind.MODEL, RUN, trained("before.pt"))
    store.add_jobs([Job(Stage.TRAIN, job_key(RUN))])
    claim = taken_up(leases)
    assert models(store) == []

    assert settle(store, leases, outcome(claim, state))

    ended = store.job(claim.job.id)
    assert (ended.state, ended.error) == (state, JobError("WorkerUnreachable", "no answer", "worker_1"))
    assert ended.finished_at is not None
    assert models(store) == ["before.pt"]


def test_results_of_what_was_deleted_are_refused_and_the_job_stays(
    store: RecordStore, leases: Leases, claim: Claim
) -> None:
    store.delete(Kind.PROJECT, RUN)

    with pytest.raises(RecordNotFound, match="Run"):
        settle(store, leases, outcome(claim, JobState.COMPLETED))

    assert store.job(claim.job.id).state is JobState.RUNNING
    assert settle(store, leases, outcome(claim, JobState.FAILED))


def test_an_outcome_of_no_job_is_refused(store: RecordStore, leases: Leases, claim: Claim) -> None:
    other = replace(claim, job=Job(Stage.TRAIN, job_key(RUN)))
    with pytest.raises(RecordNotFound, match="Job"):
        settle(store, leases, outcome(other, JobState.FAILED))


@pytest.mark.parametrize("lease", ["0" * 32, f"{1:032x}", "f" * 32])
def test_who_does_not_know_the_lease_ends_no_job(store: RecordStore, leases: Leases, claim: Claim, lease: str) -> None:
    with pytest.raises(LeaseLost, match="another lease"):
        settle(store, leases, outcome(replace(claim, lease=lease), JobState.COMPLETED))

    assert (store.job(claim.job.id).state, models(store)) == (JobState.RUNNING, [])


def test_a_job_that_nobody_has_taken_up_has_no_outcome(store: RecordStore, leases: Leases) -> None:
    job = Job(Stage.TRAIN, job_key(RUN))
    store.add_jobs([job])

    with pytest.raises(LeaseLost, match="under none"):
        settle(store, leases, outcome(Claim(job, 1, "0" * 32), JobState.FAILED))

    assert store.job(job.id).state is JobState.QUEUED


def test_a_lease_is_new_each_time_and_is_in_no_record_that_is_shown(
    store: RecordStore, leases: Leases, claim: Claim
) -> None:
    leases.release(claim)
    again = taken_up(leases)

    assert re.fullmatch("[0-9a-f]{32}", claim.lease)
    assert claim.lease != again.lease
    assert again.lease not in repr((again, store.job(claim.job.id), outcome(again, JobState.FAILED).error))


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "model.pt",
        str(RUN_FOLDER),
        str(RUN_FOLDER / ".."),
        str(RUN_FOLDER / "versions" / "1" / "model.pt"),
        str(RUN_FOLDER / ".." / "r" / "model.pt"),
        f"{RUN_FOLDER}//model.pt",
        str(OUTPUTS / "c" / "p" / "e" / "other" / "model.pt"),
        f"{RUN_FOLDER}/model.pt\0",
    ],
)
@pytest.mark.parametrize(("model", "field"), [("global", "path"), ("local_1", "loss_history")])
def test_a_file_that_lies_elsewhere_than_the_runs_is_refused(
    store: RecordStore, leases: Leases, claim: Claim, path: str, field: str, model: str
) -> None:
    outputs = {**MODEL, "local_1": MODEL["global"]}
    outputs[model] = {**outputs[model], field: path}

    with pytest.raises(InvalidRequest) as refused:
        settle(store, leases, outcome(claim, JobState.COMPLETED, outputs))

    assert refused.value.field == f"{model}.{field}"
    assert path not in str(refused.value)
    assert models(store) == []


@pytest.mark.parametrize(
    "outputs",
    [
        {},
        {"global": {"path": "/etc/passwd"}, "local_1": 5},
        {**MODEL, "local_1": 5},
        {**MODEL, "local_1": {**MODEL["global"], "path": str(RUN_FOLDER / ("x" * 4096))}},
        {**MODEL, "local_x": MODEL["global"]},
        {**MODEL, "global": None},
        {**MODEL, "version": 0},
    ],
)
def test_what_the_stage_does_not_leave_is_no_record(
    store: RecordStore, leases: Leases, claim: Claim, outputs: Mapping[str, Any]
) -> None:
    with pytest.raises(InvalidRequest):
        settle(store, leases, outcome(claim, JobState.COMPLETED, outputs))
    assert models(store) == []


def test_who_can_be_no_participant_gets_no_record(store: RecordStore, leases: Leases) -> None:
    store.put(Kind.MODEL, RUN, MODEL)
    store.add_jobs([Job(Stage.VALIDATE, job_key(RUN))])
    measured = {"evaluate": {"statistics": {}, "res_path": "/here"}}

    with pytest.raises(InvalidRequest, match="participant_id"):
        settle(store, leases, outcome(taken_up(leases), JobState.COMPLETED, {"../w": measured}))

    assert store.find(Kind.VALIDATION) == []


def test_an_error_is_as_long_as_people_read(store: RecordStore, leases: Leases, claim: Claim) -> None:
    sent = Outcome(claim.job, "here", claim.lease, JobState.FAILED, error=JobError("X" * 10**6, "y" * 10**6))
    settle(store, leases, OUTCOME_MESSAGE.read(sent.to_dict()))

    error = store.job(claim.job.id).error
    assert error is not None
    assert len(error.kind + error.message) == 2 * 2**16
