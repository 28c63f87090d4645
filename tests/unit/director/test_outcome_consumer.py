"""What the director does with an outcome: once, whole, and never without an end of the job."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from factories.outputs import RUN_FOLDER, trained
from fakes.director_parts import HOLDER, PROJECT, RUN, Anybody, MemoryQueue, accepted, taken_up
from synergos.domain.job import Job, JobError, JobState, Stage
from synergos.domain.keys import job_key
from synergos.domain.messages import Outcome
from synergos.domain.outputs import write_outputs
from synergos.domain.records import Kind
from synergos.errors import InvalidRequest
from synergos.records import RecordStore
from synergos.records.leases import Claim, Leases
from synergos_director.dispatch import QueueDispatcher
from synergos_director.job_publisher import JobPublisher
from synergos_director.outcome_consumer import NotOurs, OutcomeConsumer

LEASE = "0" * 32


@pytest.fixture
def outcome_consumer(store: RecordStore, leases: Leases, publisher: JobPublisher) -> OutcomeConsumer:
    return OutcomeConsumer(store, leases, publisher, Anybody())


def settle(consumer: OutcomeConsumer, body: bytes, *, again: bool = False) -> None:
    """As it comes from the queue, for the first time or once more."""
    consumer.settle(body, {}, is_redelivered=again)


def body(outcome: Outcome) -> bytes:
    """As it comes from the queue."""
    return json.dumps(outcome.to_dict()).encode()


def outcome(store: RecordStore, claim: Claim) -> bytes:
    outputs = write_outputs(trained(RUN_FOLDER / f"{claim.fence}.pt"))
    return body(Outcome(claim.job, store.cluster_id(), claim.lease, JobState.COMPLETED, outputs))


def models(store: RecordStore) -> list[str]:
    return [Path(record["global"]["path"]).name for record in store.find(Kind.MODEL)]


def test_results_are_there_and_what_waited_for_them_is_announced(
    store: RecordStore, leases: Leases, queue: MemoryQueue, outcome_consumer: OutcomeConsumer
) -> None:
    training, validation = accepted(store, Stage.TRAIN), accepted(store, Stage.VALIDATE)
    leases.arrange()
    claim = taken_up(leases)
    leases.deliver(claim)

    settle(outcome_consumer, outcome(store, claim))
    settle(outcome_consumer, outcome(store, claim), again=True)

    assert store.job(training.id).state is JobState.COMPLETED
    assert models(store) == ["1.pt"]
    assert queue.published == [("evaluate", validation.id)]


def test_an_owner_that_was_believed_dead_ends_no_job(
    store: RecordStore, leases: Leases, outcome_consumer: OutcomeConsumer
) -> None:
    accepted(store, Stage.TRAIN)
    dead = taken_up(leases)
    leases.release(dead)
    alive = taken_up(leases)

    with pytest.raises(InvalidRequest, match="forged, or comes too late"):
        settle(outcome_consumer, outcome(store, dead))
    assert store.job(alive.job.id).state is JobState.RUNNING

    settle(outcome_consumer, outcome(store, alive))
    assert models(store) == ["2.pt"]


def test_results_of_a_deleted_project_end_the_job_with_the_reason(
    store: RecordStore, leases: Leases, outcome_consumer: OutcomeConsumer
) -> None:
    accepted(store, Stage.TRAIN)
    claim = taken_up(leases)
    store.delete(Kind.PROJECT, PROJECT)

    settle(outcome_consumer, outcome(store, claim))

    ended = store.job(claim.job.id)
    assert ended.state is JobState.FAILED
    assert ended.error is not None
    assert ended.error.message.startswith("its results could not be archived: no Run with")
    assert store.find(Kind.MODEL) == []


def test_a_record_store_that_is_away_leaves_the_outcome_for_later(
    store: RecordStore, leases: Leases, outcome_consumer: OutcomeConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted(store, Stage.TRAIN)
    claim = taken_up(leases)

    def be_away(*_args: object) -> None:
        raise OperationalError("", None, ConnectionError())

    with monkeypatch.context() as away:
        away.setattr(store, "put", be_away)
        with pytest.raises(OperationalError):
            settle(outcome_consumer, outcome(store, claim))
    assert store.job(claim.job.id).state is JobState.RUNNING

    settle(outcome_consumer, outcome(store, claim))
    assert store.job(claim.job.id).state is JobState.COMPLETED


def test_an_outcome_that_is_sent_a_second_time_is_refused(
    store: RecordStore, leases: Leases, outcome_consumer: OutcomeConsumer
) -> None:
    accepted(store, Stage.TRAIN)
    claim = taken_up(leases)
    settle(outcome_consumer, outcome(store, claim))

    with pytest.raises(InvalidRequest, match="has ended: the outcome is sent again, or comes too late"):
        settle(outcome_consumer, outcome(store, claim))


def test_an_outcome_that_its_ttp_has_not_signed_ends_no_job(
    store: RecordStore, leases: Leases, publisher: JobPublisher
) -> None:
    class Nobody:
        def check(self, body: bytes, headers: object, holder: str) -> None:
            raise InvalidRequest(f"not by {holder}")

    job = accepted(store, Stage.TRAIN)
    claim = taken_up(leases)

    with pytest.raises(InvalidRequest, match=f"not by {HOLDER}"):
        settle(OutcomeConsumer(store, leases, publisher, Nobody()), outcome(store, claim))
    assert store.job(job.id).state is JobState.RUNNING


def test_what_must_wait_is_announced_when_that_is_over(
    store: RecordStore,
    queue: MemoryQueue,
    dispatcher: QueueDispatcher,
    leases: Leases,
    outcome_consumer: OutcomeConsumer,
) -> None:
    alignment, training = accepted(store, Stage.PREPROCESS), accepted(store, Stage.TRAIN)
    dispatcher.submit([alignment, training])
    assert queue.published == [("preprocess", alignment.id)]
    assert dispatcher.waits()[training.id]["waiting_for"] == alignment.id

    claim = taken_up(leases)
    error = JobError("Conflict", "no")
    failure = body(Outcome(claim.job, store.cluster_id(), claim.lease, JobState.FAILED, error=error))
    settle(outcome_consumer, failure)
    settle(outcome_consumer, failure, again=True)

    assert (store.job(alignment.id).state, store.job(alignment.id).error) == (JobState.FAILED, error)
    assert queue.published == [("preprocess", alignment.id), ("train", training.id)]


def test_outputs_that_are_none_end_the_job(
    store: RecordStore, leases: Leases, outcome_consumer: OutcomeConsumer
) -> None:
    job = accepted(store, Stage.PREPROCESS)
    claim = taken_up(leases)
    settle(
        outcome_consumer, body(Outcome(claim.job, store.cluster_id(), claim.lease, JobState.COMPLETED, {"nonsense": 1}))
    )
    ended = store.job(job.id)
    assert ended.state is JobState.FAILED
    assert ended.error is not None
    assert "could not be archived" in ended.error.message


def test_what_belongs_elsewhere_or_nowhere_is_said_so(store: RecordStore, outcome_consumer: OutcomeConsumer) -> None:
    job = Job(Stage.TRAIN, job_key(RUN))
    with pytest.raises(NotOurs, match="elsewhere"):
        settle(outcome_consumer, body(Outcome(job, "elsewhere", LEASE, JobState.COMPLETED)))
    with pytest.raises(InvalidRequest, match="there is no such job"):
        settle(outcome_consumer, body(Outcome(job, store.cluster_id(), LEASE, JobState.COMPLETED)))
    with pytest.raises(InvalidRequest, match="job_id: is required"):
        settle(outcome_consumer, b'{"process": "train"}')


FORGED = {"global": {"path": "/etc/passwd"}, "local_1": 5}


@pytest.mark.parametrize("state", [JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED])
@pytest.mark.parametrize("lease", [LEASE, "1".zfill(32), 1, None, "", "F" * 32, "0" * 33, f"{LEASE}\n"])
def test_a_forged_outcome_ends_no_job_and_leaves_nothing(
    store: RecordStore, leases: Leases, outcome_consumer: OutcomeConsumer, state: JobState, lease: object
) -> None:
    accepted(store, Stage.TRAIN)
    claim = taken_up(leases)
    forged = Outcome(claim.job, store.cluster_id(), claim.lease, state, FORGED, JobError("X", "y")).to_dict()

    with pytest.raises(InvalidRequest, match=r"^lease"):
        settle(outcome_consumer, json.dumps(forged | {"lease": lease}).encode())

    assert (store.job(claim.job.id), models(store)) == (store.jobs()[0], [])
    assert store.job(claim.job.id).state is JobState.RUNNING


def test_an_outcome_of_who_does_not_run_the_job_is_not_even_read(
    store: RecordStore, leases: Leases, outcome_consumer: OutcomeConsumer
) -> None:
    accepted(store, Stage.TRAIN)
    claim = taken_up(leases)
    sent = Outcome(claim.job, store.cluster_id(), LEASE, JobState.COMPLETED).to_dict() | {"state": 5}
    with pytest.raises(InvalidRequest, match="forged"):
        settle(outcome_consumer, json.dumps(sent).encode())
    with pytest.raises(InvalidRequest, match="state"):
        settle(outcome_consumer, json.dumps(sent | {"lease": claim.lease}).encode())


def test_files_that_lie_elsewhere_end_the_job_by_the_name_of_the_field(
    store: RecordStore, leases: Leases, outcome_consumer: OutcomeConsumer
) -> None:
    job = accepted(store, Stage.TRAIN)
    claim = taken_up(leases)
    outputs = write_outputs(trained("/etc/passwd"))

    settle(outcome_consumer, body(Outcome(claim.job, store.cluster_id(), claim.lease, JobState.COMPLETED, outputs)))

    error = store.job(job.id).error
    assert error is not None
    assert "global.path: expected a file in the run's folder below the TTP's --outputs" in error.message
    assert models(store) == []


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b"\xff", b"null", b"[" * 100_000, b'{"job_id": NaN}', b"5"])
def test_what_is_no_outcome_is_refused(outcome_consumer: OutcomeConsumer, text: bytes) -> None:
    with pytest.raises(InvalidRequest):
        settle(outcome_consumer, text)


def test_the_outcome_of_a_damaged_job_is_put_aside(
    store: RecordStore, leases: Leases, outcome_consumer: OutcomeConsumer
) -> None:
    accepted(store, Stage.TRAIN)
    claim = taken_up(leases)
    with store.database.writing() as connection:
        connection.exec_driver_sql("UPDATE job SET stage = 'dance'")

    with pytest.raises(InvalidRequest, match="is damaged"):
        settle(outcome_consumer, outcome(store, claim))
