"""Nobody is forgotten: what lost its owner, waited long enough, or has no message any more."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from fakes.director_parts import MemoryQueue, accepted, taken_up
from support.waiting import until
from synergos.domain.job import GIVEN_UP, MAXIMUM_ATTEMPTS, JobState, Stage
from synergos.records import RecordStore
from synergos.records.leases import Leases
from synergos_director.dispatch import QueueDispatcher
from synergos_director.job_publisher import JobPublisher
from synergos_director.reconciler import Reconciler


@pytest.fixture
def reconciler(store: RecordStore, leases: Leases, publisher: JobPublisher) -> Reconciler:
    return Reconciler(store, leases, publisher, seconds=0.01, recount_seconds=3600)


def test_the_job_of_a_dead_ttp_is_announced_again(
    store: RecordStore, leases: Leases, queue: MemoryQueue, reconciler: Reconciler, clock: Any
) -> None:
    job = accepted(store, Stage.TRAIN)
    taken_up(leases)
    reconciler.reconcile()
    assert queue.published == []

    clock.passes(11)
    reconciler.reconcile()

    assert queue.published == [("train", job.id)]
    assert store.job(job.id).state is JobState.QUEUED


def test_a_job_that_failed_is_announced_when_its_time_has_come(
    store: RecordStore, leases: Leases, queue: MemoryQueue, reconciler: Reconciler, clock: Any
) -> None:
    job = accepted(store, Stage.TRAIN)
    leases.release(taken_up(leases), delay=5)
    reconciler.reconcile()
    assert queue.published == []

    clock.passes(6)
    reconciler.reconcile()

    assert queue.published == [("train", job.id)]


def test_what_an_earlier_process_did_not_announce_is_announced_at_once(
    store: RecordStore, queue: MemoryQueue, reconciler: Reconciler
) -> None:
    jobs = [accepted(store, Stage.TRAIN), accepted(store, Stage.TRAIN, "r2")]
    reconciler.reconcile()
    assert queue.published == [("train", job.id) for job in jobs]


def test_messages_that_were_lost_with_their_broker_are_published_again(
    store: RecordStore, leases: Leases, publisher: JobPublisher, queue: MemoryQueue
) -> None:
    reconciler = Reconciler(store, leases, publisher, recount_seconds=0)
    job = accepted(store, Stage.TRAIN)
    reconciler.reconcile()
    queue.messages.clear()

    reconciler.reconcile()

    assert queue.published == [("train", job.id)]


def test_it_goes_on_when_the_queue_is_back(store: RecordStore, queue: MemoryQueue, reconciler: Reconciler) -> None:
    queue.is_away = True
    job = accepted(store, Stage.TRAIN)
    reconciler.start()
    try:
        until(lambda: queue.refusals > 1, "the queue to be found away")
        queue.is_away = False
        until(lambda: bool(queue.messages), "the job to be published")
    finally:
        reconciler.close()
    assert queue.published == [("train", job.id)]


def test_what_brings_its_owners_down_is_given_up_and_buried(
    store: RecordStore, queue: MemoryQueue, reconciler: Reconciler
) -> None:
    job = accepted(store, Stage.TRAIN)
    store.save_job(replace(job.started(), attempts=MAXIMUM_ATTEMPTS))
    reconciler.reconcile()
    ended = store.job(job.id)
    assert (ended.state, ended.error) == (JobState.FAILED, GIVEN_UP)
    assert queue.dead == [(job.id, GIVEN_UP.message)]


def test_a_job_is_not_given_up_before_it_can_be_dead_lettered(
    store: RecordStore, queue: MemoryQueue, reconciler: Reconciler
) -> None:
    job = accepted(store, Stage.TRAIN)
    store.save_job(replace(job.started(), attempts=MAXIMUM_ATTEMPTS))
    queue.is_away = True
    with suppress(ConnectionError):
        reconciler.reconcile()
    assert not store.job(job.id).state.is_final

    queue.is_away = False
    reconciler.reconcile()

    assert (store.job(job.id).state, queue.dead) == (JobState.FAILED, [(job.id, GIVEN_UP.message)])


def test_what_could_not_be_announced_is_announced_later_and_once(
    store: RecordStore, queue: MemoryQueue, dispatcher: QueueDispatcher, reconciler: Reconciler
) -> None:
    queue.is_away = True
    job = accepted(store, Stage.TRAIN)
    dispatcher.submit([job])
    with pytest.raises(ConnectionError):
        reconciler.reconcile()

    queue.is_away = False
    reconciler.reconcile()
    reconciler.reconcile()

    assert queue.published == [("train", job.id)]
