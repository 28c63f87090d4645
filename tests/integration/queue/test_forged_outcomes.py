"""Whoever may write to the queue, and runs no job, ends none: what is sent in the name of another is put aside for people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from factories.outputs import trained
from fakes.director_parts import MemoryQueue, accepted, declare, taken_up
from servers.brokers import PATIENCE, Running
from support.waiting import until
from synergos.domain.job import JobState, Stage
from synergos.domain.messages import Outcome
from synergos.domain.outputs import write_outputs
from synergos.domain.records import Kind
from synergos.records import RecordStore
from synergos.records.leases import Leases
from synergos_director.cluster_queue import CompletedListener
from synergos_director.job_publisher import JobPublisher
from synergos_director.outcome_consumer import OutcomeConsumer
from synmanager.broker import Link
from synmanager.config import COMPLETED, PARKED_QUEUE
from synmanager.delivery import REASON_HEADER
from synmanager.publisher import Publisher


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RecordStore]:
    store = RecordStore(f"sqlite:///{tmp_path / 'records.sqlite'}")
    declare(store)
    yield store
    store.close()


@pytest.fixture
def leases(store: RecordStore) -> Leases:
    return Leases(store, seconds=3600)


@pytest.fixture
def listener(store: RecordStore, leases: Leases, running: Running) -> Iterator[None]:
    """A director's, that archives."""
    consumer = OutcomeConsumer(store, leases, JobPublisher(store, MemoryQueue()))
    listener = CompletedListener(running.broker, store.cluster_id(), consumer)
    listener.start()
    yield
    listener.close()


@pytest.mark.usefixtures("listener")
def test_a_forged_and_a_stale_outcome_are_parked_and_logged_and_the_owners_counts(
    store: RecordStore, leases: Leases, publisher: Publisher, link: Link
) -> None:
    job = accepted(store, Stage.TRAIN)
    before = taken_up(leases)
    leases.release(before)
    owner = taken_up(leases)
    forged = {"global": {"path": "/etc/passwd"}, "local_1": 5}
    theirs = write_outputs(trained())

    with capture_logs() as lines:
        for lease, outputs in (("0" * 32, forged), (before.lease, theirs), (owner.lease, theirs)):
            outcome = Outcome(job, store.cluster_id(), lease, JobState.COMPLETED, outputs)
            publisher.publish(COMPLETED, [outcome.to_dict()])
        until(lambda: store.job(job.id).state.is_final, "the owner's outcome to be archived", PATIENCE)

    assert store.job(job.id).state is JobState.COMPLETED
    assert [record["global"]["path"] for record in store.find(Kind.MODEL)] == [trained().global_.path]
    until(lambda: publisher.count(PARKED_QUEUE) == 2, "both others to be parked", PATIENCE)
    warnings = [line["reason"] for line in lines if line["log_level"] == "warning"]
    parked = [link.get(PARKED_QUEUE) for _ in range(2)]
    assert [message.headers[REASON_HEADER] for message in parked if message] == warnings
    assert len(warnings) == 2
    assert all(job.id in reason and "forged, or comes too late" in reason for reason in warnings)
    assert not any(lease in reason for reason in warnings for lease in (before.lease, owner.lease))
