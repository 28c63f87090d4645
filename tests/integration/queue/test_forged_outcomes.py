"""Whoever may write to the queue, and runs no job, ends none: what is sent in the name of another is put aside for people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from factories.outputs import OUTPUTS, trained
from fakes.director_parts import MemoryQueue, accepted, declare
from fakes.signing import SignedOnce
from servers.brokers import PATIENCE, Running
from support.waiting import until
from synergos.domain.job import Job, JobState, Stage
from synergos.domain.messages import Outcome
from synergos.domain.outputs import write_outputs
from synergos.domain.records import Kind
from synergos.identity.identity import Renewable
from synergos.identity.signed_messages import MessageSigner
from synergos.records import RecordStore
from synergos.records.leases import Claim, Leases
from synergos.records.members import Members
from synergos_director.cluster_queue import CompletedListener
from synergos_director.endorsing import Endorsing
from synergos_director.job_publisher import JobPublisher
from synergos_director.outcome_consumer import OutcomeConsumer
from synergos_director.ttp_signatures import TtpSignatures
from synmanager.broker import Link, Sign, unsigned
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
def director(tmp_path: Path) -> Renewable:
    return Renewable(tmp_path / "director.json")


@pytest.fixture
def ttps(tmp_path: Path, store: RecordStore) -> list[Renewable]:
    """Two of the cluster; the first of them has the job."""
    made = [Renewable(tmp_path / f"ttp_{grid}.json") for grid in range(2)]
    for grid, each in enumerate(made):
        Members(store).join(each.now.fingerprint, f"ttp_{grid}")
    return made


@pytest.fixture
def listener(store: RecordStore, leases: Leases, running: Running, director: Renewable) -> Iterator[None]:
    """A director's, that archives."""
    signatures = TtpSignatures(Endorsing(director, Members(store)), store.cluster_id())
    consumer = OutcomeConsumer(store, leases, JobPublisher(store, MemoryQueue()), signatures)
    listener = CompletedListener(running.broker, store.cluster_id(), consumer)
    listener.start()
    yield
    listener.close()


def claimed(leases: Leases, ttp: Renewable) -> Claim:
    leases.grids.hold(0, "process", "ttp_0")
    claim = leases.claim(0, "process", "ttp_0", OUTPUTS, ttp.now.fingerprint).claim
    assert claim is not None
    return claim


@pytest.mark.usefixtures("listener")
def test_what_is_forged_stale_altered_or_sent_again_is_parked_and_logged_and_the_owners_counts(
    store: RecordStore, leases: Leases, running: Running, link: Link, ttps: list[Renewable], director: Renewable
) -> None:
    job, cluster = accepted(store, Stage.TRAIN), store.cluster_id()
    before = claimed(leases, ttps[0])
    leases.release(before)
    owner = claimed(leases, ttps[0])
    etc, theirs = {"global": {"path": "/etc/passwd"}, "local_1": 5}, write_outputs(trained())
    sign = MessageSigner(lambda: ttps[0].now, cluster)
    sent: dict[str, tuple[Sign, str, object]] = {
        "a guessed lease": (sign, "0" * 32, etc),
        "a lease that is over": (sign, before.lease, theirs),
        "nobody": (unsigned, owner.lease, etc),
        "another TTP": (MessageSigner(lambda: ttps[1].now, cluster), owner.lease, etc),
        "the director": (MessageSigner(lambda: director.now, cluster), owner.lease, etc),
        "other bytes": (lambda queue, body: sign(queue, body[:-1]), owner.lease, etc),
        "another queue": (lambda _queue, body: sign("train", body), owner.lease, etc),
    }

    with capture_logs() as lines:
        for how, lease, outputs in sent.values():
            publisher = Publisher(running.broker, sign=how)
            publisher.publish(COMPLETED, [outcome(job, cluster, lease, outputs)])
            publisher.close()
        until(lambda: link.count(PARKED_QUEUE) == len(sent), "all of them to be parked", PATIENCE)
        assert store.job(job.id).state is JobState.RUNNING
        publisher = Publisher(running.broker, sign=SignedOnce(sign))
        publisher.publish(COMPLETED, [outcome(job, cluster, owner.lease, theirs)])
        until(lambda: store.job(job.id).state.is_final, "the owner's outcome to be archived", PATIENCE)
        publisher.publish(COMPLETED, [outcome(job, cluster, owner.lease, theirs)])
        until(lambda: link.count(PARKED_QUEUE) == len(sent) + 1, "what was sent again to be parked", PATIENCE)
        publisher.close()

    assert store.job(job.id).state is JobState.COMPLETED
    assert [record["global"]["path"] for record in store.find(Kind.MODEL)] == [trained().global_.path]
    warnings = [line["reason"] for line in lines if line["log_level"] == "warning"]
    parked = [link.get(PARKED_QUEUE) for _ in range(len(sent) + 1)]
    assert [message.headers[REASON_HEADER] for message in parked if message] == warnings
    expected = [
        *(f"{job.id} is held under another lease, or under none: the outcome is forged, or comes too late",) * 2,
        "nobody has signed the message: it is forged, or was altered",
        f"signed by {ttps[1].now.fingerprint}, who does not have the job",
        f"signed by {director.now.fingerprint}, who does not have the job",
        "the message is not the one that was signed",
        "the message was signed for another queue",
        "has ended: the outcome is sent again, or comes too late",
    ]
    assert [reason in warning for reason, warning in zip(expected, warnings, strict=True)] == [True] * len(expected)
    assert not any(lease in reason for reason in warnings for lease in (before.lease, owner.lease))


def outcome(job: Job, cluster: str, lease: str, outputs: object) -> dict[str, object]:
    assert isinstance(outputs, dict)
    return Outcome(job, cluster, lease, JobState.COMPLETED, outputs).to_dict()
