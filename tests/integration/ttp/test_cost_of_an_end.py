"""What is read of the record store when a job ends: the same with many jobs in it as with few."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event

from factories.outputs import OUTPUTS, trained
from fakes.cluster_ttp import KEYS, Runner
from synergos.domain.job import Job, JobState, Stage
from synergos.domain.keys import job_key
from synergos.domain.messages import OUTCOME_MESSAGE, Outcome
from synergos.domain.outputs import Outputs, write_outputs
from synergos.domain.records import Kind
from synergos.records import RecordStore
from synergos.records.leases import Leases
from synergos.records.outcomes import settle
from synergos_ttp.control import Control
from synergos_ttp.running.local_dispatch import LocalDispatcher

MANY = 500


class Meter:
    """Counts the steps of SQLite's machine, which reads at most a row in each; nothing of it is a matter of time."""

    def __init__(self, store: RecordStore) -> None:
        self.steps = 0
        self._is_on = False
        event.listen(store.database._engine, "checkout", self._watch)

    @contextmanager
    def on(self) -> Iterator[None]:
        """Count what is done inside."""
        self.steps, self._is_on = 0, True
        yield
        self._is_on = False

    def _watch(self, connection: sqlite3.Connection, _record: object, _proxy: object) -> None:
        # It is called at each step, also at those that nobody wants to know of.
        connection.set_progress_handler(self._count if self._is_on else None, 1)

    def _count(self) -> int:
        self.steps += 1
        return 0


@pytest.fixture
def store(database: str) -> Iterator[RecordStore]:
    store = RecordStore(database)
    store.put(Kind.PROJECT, KEYS, {"action": "classify"})
    store.put(Kind.RUN, KEYS, {})
    yield store
    store.close()


@pytest.fixture
def meter(store: RecordStore) -> Meter:
    return Meter(store)


def add_past(store: RecordStore, count: int) -> None:
    """Jobs that ended long ago."""
    job = Job(Stage.TRAIN, job_key(KEYS), progress={"losses": {"participants": {"worker_1": 0.5}}})
    ended = job.started().ended(JobState.COMPLETED)
    store.add_jobs([replace(ended, id=f"past {number} of {count}") for number in range(count)])


def steps_of_a_local_job(store: RecordStore, meter: Meter) -> int:
    def work(_job: Job, _control: Control) -> Outputs:
        # What is read before is the business of whoever hands in a job.
        meter.steps = 0
        return trained()

    dispatcher = LocalDispatcher(store, Runner(work))
    dispatcher.start()
    job = Job(Stage.TRAIN, job_key(KEYS))
    store.add_jobs([job])
    with meter.on():
        [ended] = dispatcher.submit([job])
    dispatcher.stop()
    dispatcher.close()
    assert ended.state is JobState.COMPLETED
    return meter.steps


def steps_of_a_clusters_job(store: RecordStore, meter: Meter) -> int:
    leases = Leases(store, 3600)
    store.add_jobs([Job(Stage.TRAIN, job_key(KEYS))])
    leases.grids.hold(0, "holder", "ttp")
    with meter.on():
        claim = leases.claim(0, "holder", "ttp", OUTPUTS).claim
        assert claim is not None
        outcome = Outcome(claim.job, store.cluster_id(), claim.lease, JobState.COMPLETED, write_outputs(trained()))
        leases.deliver(claim)
        assert settle(store, leases, OUTCOME_MESSAGE.read(outcome.to_dict()))
        assert leases.arrange() == []
    return meter.steps


@pytest.mark.parametrize("steps_of", [steps_of_a_local_job, steps_of_a_clusters_job])
def test_the_end_of_a_job_costs_the_same_however_many_were_before(
    store: RecordStore, meter: Meter, steps_of: Any
) -> None:
    add_past(store, 10)
    steps_of(store, meter)
    few = steps_of(store, meter)

    add_past(store, MANY)
    many = steps_of(store, meter)

    assert few > 0
    # Less than a step for each two of the others: whoever reads them all takes several for each.
    assert many - few < MANY / 2, (few, many)
