"""Messages of a cluster's queue that are nearly right: each is carried out or parked, and no job is damaged by another's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from fakes.cluster_ttp import Anybody as Believing
from fakes.cluster_ttp import Noted, Queue, Runner
from fakes.director_parts import Anybody, MemoryQueue, accepted, declare, taken_up
from support.corpus import corpus
from support.mutations import nearly
from support.soon import soon
from synergos.domain.job import JobState, Stage
from synergos.errors import InvalidRequest
from synergos.records import RecordStore
from synergos.records.leases import Claim, Leases
from synergos_director.job_publisher import JobPublisher
from synergos_director.outcome_consumer import NotOurs, OutcomeConsumer
from synergos_ttp.running.leased_jobs import LeasedJobs, SubGrid
from synmanager.errors import NotAMessage
from synmanager.message import from_text

OUTCOMES, JOBS = 400, 600
OTHER = "0" * 32


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RecordStore]:
    store = RecordStore(f"sqlite:///{tmp_path / 'records.sqlite'}")
    declare(store)
    yield store
    store.close()


def claimed(store: RecordStore, leases: Leases, stage: Stage) -> Claim:
    """A job of its own that is in a TTP's hand."""
    accepted(store, stage)
    leases.arrange()
    return taken_up(leases)


def of(claim: Claim, cluster: str, sound: bytes) -> bytes:
    """A message of the corpus, about this job."""
    words = {b"JOB": claim.job.id, b"LEASE": claim.lease, b"CLUSTER": cluster}
    for word, said in words.items():
        sound = sound.replace(b'"%s"' % word, json.dumps(said).encode())
    return sound


def test_an_outcome_ends_its_job_or_is_refused(store: RecordStore) -> None:
    leases = Leases(store, 3600)
    consumer = OutcomeConsumer(store, leases, JobPublisher(store, MemoryQueue()), Anybody())
    bystander = accepted(store, Stage.VALIDATE, "other")
    cluster = store.cluster_id()
    sound = corpus("outcomes")["train.json"]
    claim = claimed(store, leases, Stage.TRAIN)
    ended = refused = 0
    with capture_logs():
        for number in range(OUTCOMES):
            [message] = nearly([of(claim, cluster, sound)], f"outcome {number}", 1)
            with soon(message):
                try:
                    from_text(message)
                    consumer.settle(message, {})
                except (NotAMessage, InvalidRequest, NotOurs):
                    refused += 1
            now = store.job(claim.job.id).state
            if now.is_final:
                ended += 1
                claim = claimed(store, leases, Stage.TRAIN)
            else:
                assert now is JobState.RUNNING, (number, message)
            assert not store.job(bystander.id).state.is_final, (number, message)
    assert ended > 0
    assert refused > OUTCOMES / 3
    consumer.settle(of(claim, cluster, sound), {})
    assert store.job(claim.job.id).state is JobState.COMPLETED


@dataclass
class Handed(Noted):
    """One of whatever bytes."""

    body: bytes


class Messages(Queue):
    """Hands out one delivery after the other."""

    def __init__(self, deliveries: Iterator[Handed]) -> None:
        super().__init__()
        self.deliveries = deliveries
        self.last: Handed | None = None

    def take(self, timeout: float) -> Handed | None:  # type: ignore[override]
        self.last = next(self.deliveries, None)
        return self.last


def test_a_job_is_announced_or_parked(store: RecordStore, tmp_path: Path) -> None:
    sounds = [sound.replace(b"CLUSTER", store.cluster_id().encode()) for sound in corpus("jobs").values()]
    queue = Messages(Handed(message) for message in nearly(sounds, "jobs", JOBS))
    jobs = LeasedJobs(store, Leases(store, 3600), queue, Runner(), SubGrid(0, "ttp", tmp_path), Believing())
    jobs.start()
    fates: list[str] = []
    try:
        with capture_logs():
            while len(fates) < JOBS:
                with soon(queue.last):
                    # No job waits, whatever is announced.
                    assert jobs.take() is None
                if queue.last is not None:
                    [fate] = queue.last.fate
                    fates.append(fate)
    finally:
        jobs.close()
    assert {fate.partition(" ")[0] for fate in fates} == {"acknowledged", "parked", "forwarded"}
