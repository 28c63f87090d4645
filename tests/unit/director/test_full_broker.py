"""A broker that is there and takes no more: what was to be published waits, as while it is away."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fakes.director_parts import accepted
from synergos.domain.job import MAXIMUM_ATTEMPTS, JobState, Stage
from synergos.orchestration.submission import Submission
from synergos.records import RecordStore
from synergos.records.leases import Leases
from synergos_director.cluster_queue import DirectorQueue
from synergos_director.dispatch import QueueDispatcher
from synergos_director.job_publisher import JobPublisher
from synergos_director.reconciler import Reconciler
from synergos_ttp.running.cluster_queue import TtpQueue
from synmanager.config import DEAD, TRAIN
from synmanager.errors import PublishRefused
from synmanager.memory import MemoryBroker


class FullBroker(MemoryBroker):
    """Takes messages when there is room."""

    has_room = False

    def _targets(self, exchange: str, routing_key: str) -> set[str]:
        if not self.has_room:
            raise PublishRefused("the broker did not take the message")
        return super()._targets(exchange, routing_key)


@pytest.fixture
def broker() -> FullBroker:
    return FullBroker()


@pytest.fixture
def publisher(store: RecordStore, broker: FullBroker) -> JobPublisher:
    return JobPublisher(store, DirectorQueue(broker, store.cluster_id()))


def test_a_job_is_accepted_and_published_when_there_is_room(
    store: RecordStore,
    leases: Leases,
    broker: FullBroker,
    publisher: JobPublisher,
) -> None:
    job = accepted(store, Stage.TRAIN)
    submission = Submission(store, QueueDispatcher(store, leases, publisher))

    assert [each.state for each in submission.hand_over([job], wait=None)] == [JobState.QUEUED]

    broker.has_room = True
    Reconciler(store, leases, publisher, recount_seconds=0).reconcile()
    assert broker.link().count(TRAIN.name) == 1


def test_a_job_is_not_given_up_before_its_dead_letter_is_taken(
    store: RecordStore,
    leases: Leases,
    broker: FullBroker,
    publisher: JobPublisher,
) -> None:
    job = accepted(store, Stage.TRAIN)
    store.save_job(replace(job.started(), attempts=MAXIMUM_ATTEMPTS))
    reconciler = Reconciler(store, leases, publisher)

    reconciler.reconcile()
    assert not store.job(job.id).state.is_final

    broker.has_room = True
    reconciler.reconcile()
    assert store.job(job.id).state is JobState.FAILED
    assert broker.link().count(DEAD.name) == 1


def test_an_outcome_is_kept_by_its_ttp_until_then(broker: FullBroker) -> None:
    queue = TtpQueue(broker, "c1")
    try:
        with pytest.raises(ConnectionError):
            queue.complete({})
        with pytest.raises(ConnectionError):
            queue.dead_letter({}, "given up")
    finally:
        queue.stop()
        queue.close()
