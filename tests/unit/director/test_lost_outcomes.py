"""A job does not stay `archiving` when what it sent off is nowhere any more."""

from __future__ import annotations

import json

import pytest

from factories.outputs import trained
from fakes.director_parts import Anybody, MemoryQueue, accepted, taken_up
from synergos.domain.job import MAXIMUM_ATTEMPTS, JobState, Stage
from synergos.domain.messages import Outcome
from synergos.domain.outputs import write_outputs
from synergos.records import RecordStore
from synergos.records.leases import Claim, Leases
from synergos_director.job_publisher import JobPublisher
from synergos_director.lost_outcomes import LostOutcomes
from synergos_director.outcome_consumer import OutcomeConsumer


@pytest.fixture
def claim(store: RecordStore, leases: Leases) -> Claim:
    accepted(store, Stage.TRAIN)
    claim = taken_up(leases)
    leases.deliver(claim)
    return claim


def test_its_job_runs_again(store: RecordStore, leases: Leases, publisher: JobPublisher, claim: Claim) -> None:
    LostOutcomes(leases, publisher, seconds=0).reconcile()

    assert [job.id for job in leases.arrange()] == [claim.job.id]
    again = taken_up(leases)
    assert (again.job.id, again.fence) == (claim.job.id, claim.fence + 1)


def test_what_may_be_in_somebodys_hand_is_waited_for(
    store: RecordStore, leases: Leases, publisher: JobPublisher, claim: Claim
) -> None:
    lost = LostOutcomes(leases, publisher, seconds=3600)
    lost.reconcile()
    lost.reconcile()
    assert store.job(claim.job.id).state is JobState.ARCHIVING


def test_nothing_is_lost_while_outcomes_lie_in_the_queue(
    store: RecordStore, leases: Leases, publisher: JobPublisher, queue: MemoryQueue, claim: Claim
) -> None:
    queue.publish("completed", [{"job_id": "another"}])
    LostOutcomes(leases, publisher, seconds=0).reconcile()
    assert store.job(claim.job.id).state is JobState.ARCHIVING


def test_an_outcome_that_comes_after_all_counts(
    store: RecordStore, leases: Leases, publisher: JobPublisher, claim: Claim
) -> None:
    LostOutcomes(leases, publisher, seconds=0).reconcile()
    outcome = Outcome(claim.job, store.cluster_id(), claim.lease, JobState.COMPLETED, write_outputs(trained()))
    consumer = OutcomeConsumer(store, leases, publisher, Anybody())
    consumer.settle(json.dumps(outcome.to_dict()).encode(), {})
    assert store.job(claim.job.id).state is JobState.COMPLETED


def test_a_job_whose_outcomes_are_lost_every_time_is_given_up(
    store: RecordStore, leases: Leases, publisher: JobPublisher
) -> None:
    job = accepted(store, Stage.TRAIN)
    for _ in range(MAXIMUM_ATTEMPTS):
        leases.deliver(taken_up(leases))
        LostOutcomes(leases, publisher, seconds=0).reconcile()
    assert [(each.job.id, each.is_given_up) for each in leases.statuses.all()] == [(job.id, True)]
