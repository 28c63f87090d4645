"""Whoever may write to the queue gives no TTP work: jobs are the director's, each message once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from factories.outputs import OUTPUTS
from fakes.cluster_ttp import Runner
from fakes.director_parts import RUN, accepted, declare
from fakes.signing import SignedOnce
from servers.brokers import PATIENCE, Running
from support.waiting import until
from synergos.domain.job import Job, JobState, Stage
from synergos.domain.keys import job_key
from synergos.domain.messages import job_message
from synergos.identity.identity import Renewable
from synergos.identity.signed_messages import MessageSigner
from synergos.records import RecordStore
from synergos.records.leases import Leases
from synergos.records.members import Members
from synergos_director.endorsing import Endorsing
from synergos_ttp.running import leased_jobs
from synergos_ttp.running.cluster_queue import TtpQueue
from synergos_ttp.running.leased_jobs import LeasedJobs, SubGrid
from synergos_ttp.running.membership import Membership
from synergos_ttp.running.signatures import Signatures
from synmanager.broker import Link, Sign, unsigned
from synmanager.config import PARKED_QUEUE, TRAIN
from synmanager.delivery import REASON_HEADER
from synmanager.publisher import Publisher


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RecordStore]:
    store = RecordStore(f"sqlite:///{tmp_path / 'records.sqlite'}")
    declare(store)
    yield store
    store.close()


@pytest.fixture
def director(tmp_path: Path) -> Renewable:
    return Renewable(tmp_path / "director.json")


@pytest.fixture
def jobs(
    tmp_path: Path, store: RecordStore, running: Running, director: Renewable, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LeasedJobs]:
    """A TTP's, for which the director has signed. It waits for a message as long as it takes: without one it would take up the job all the same."""
    monkeypatch.setattr(leased_jobs, "LOOK_SECONDS", PATIENCE)
    membership = Membership(Renewable(tmp_path / "ttp.json"), Members(store), "ttp_0")
    membership.join()
    Endorsing(director, Members(store)).look()
    signatures = Signatures(membership, store.cluster_id())
    queue = TtpQueue(running.broker, store.cluster_id(), signatures.sign)
    made = LeasedJobs(store, Leases(store, 3600), queue, Runner(), SubGrid(0, "ttp_0", OUTPUTS), signatures)
    made.start()
    yield made
    made.stop()
    made.close()


def publish(running: Running, store: RecordStore, job: Job, sign: Sign) -> None:
    publisher = Publisher(running.broker, sign=sign)
    publisher.publish(TRAIN, [job_message(job, store.cluster_id(), [], {})])
    publisher.close()


def look(jobs: LeasedJobs, link: Link, monkeypatch: pytest.MonkeyPatch, parked: int) -> None:
    """Have the TTP look at what is there, none of which is work, until so many messages were parked."""
    with monkeypatch.context() as changed:
        # It may come in vain: the last message is in its hand before it is parked.
        changed.setattr(leased_jobs, "LOOK_SECONDS", 1.0)
        until(lambda: jobs.take() is None and link.count(PARKED_QUEUE) == parked, "all of it to be parked", PATIENCE)


def test_a_job_that_the_director_has_not_signed_and_one_that_is_sent_again_are_parked_and_logged(
    tmp_path: Path,
    store: RecordStore,
    running: Running,
    link: Link,
    jobs: LeasedJobs,
    director: Renewable,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    announced, cluster = Job(Stage.TRAIN, job_key(RUN)), store.cluster_id()
    sign = MessageSigner(lambda: director.now, cluster)
    stranger, own = Renewable(tmp_path / "stranger.json"), Renewable(tmp_path / "ttp.json")
    forged: list[Sign] = [
        unsigned,
        MessageSigner(lambda: stranger.now, cluster),
        MessageSigner(lambda: own.now, cluster),
        lambda _queue, body: sign("evaluate", body),
        lambda queue, body: sign(queue, body + b" "),
    ]

    with capture_logs() as lines:
        for each in forged:
            publish(running, store, announced, each)
        look(jobs, link, monkeypatch, len(forged))
        job, sign_once = accepted(store, Stage.TRAIN), SignedOnce(sign)
        publish(running, store, job, sign_once)
        held = jobs.take()
        assert held is not None
        assert (held.job.id, store.job(job.id).state) == (job.id, JobState.RUNNING)
        assert held.delivery is not None
        held.delivery.acknowledge()
        publish(running, store, job, sign_once)
        look(jobs, link, monkeypatch, len(forged) + 1)

    reasons = [line["reason"] for line in lines if line["event"].startswith("a message is no job")]
    parked_as = [link.get(PARKED_QUEUE) for _ in range(len(forged) + 1)]
    assert [message.headers[REASON_HEADER] for message in parked_as if message] == reasons
    expected = [
        "nobody has signed the message",
        f"signed by {stranger.now.fingerprint}, who is not the director",
        f"signed by {own.now.fingerprint}, who is not the director",
        "signed for another queue",
        "not the one that was signed",
        "it was taken before: it is sent again, or comes too late",
    ]
    assert [reason in said for reason, said in zip(expected, reasons, strict=True)] == [True] * len(expected)
