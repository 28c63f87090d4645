"""Which jobs lie in the queue of those that were given up, and under whose name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from factories.outputs import OUTPUTS, trained
from fakes.cluster_ttp import KEYS, Anybody, Runner
from servers.brokers import PATIENCE, Running, Streams, take
from synergos.domain.job import Job, Stage
from synergos.domain.keys import job_key
from synergos.domain.messages import job_message
from synergos.domain.outputs import Outputs
from synergos.errors import Conflict
from synergos.records import RecordStore
from synergos.records.leases import Leases
from synergos_ttp.control import Control
from synergos_ttp.running import leased_jobs
from synergos_ttp.running.cluster_queue import TtpQueue
from synergos_ttp.running.job_loop import JobLoop
from synergos_ttp.running.leased_jobs import LeasedJobs, SubGrid
from synmanager.broker import Link
from synmanager.config import COMPLETED, DEAD_QUEUE, TRAIN
from synmanager.delivery import REASON_HEADER
from synmanager.message import from_text
from synmanager.publisher import Publisher


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RecordStore]:
    store = RecordStore(f"sqlite:///{tmp_path / 'records.sqlite'}")
    yield store
    store.close()


@contextmanager
def working_ttp(store: RecordStore, running: Running) -> Iterator[None]:
    """A TTP that cannot do urgent jobs; what it has in hand when it ends and was not settled goes back."""
    runner = Runner(refuse_what_is_urgent)
    queue = TtpQueue(running.broker, store.cluster_id())
    jobs = LeasedJobs(store, Leases(store, 3600), queue, runner, SubGrid(0, "ttp", OUTPUTS), Anybody())
    loop = JobLoop(jobs, runner)
    jobs.start()
    loop.start()
    try:
        yield
    finally:
        loop.stop()
        jobs.stop()
        loop.close()
        jobs.close()


def refuse_what_is_urgent(job: Job, _control: Control) -> Outputs:
    if job.priority:
        raise Conflict("the urgent job cannot be done")
    return trained()


def test_a_job_that_was_given_up_is_there_under_its_own_ids_and_the_others_message_is_done_with(
    store: RecordStore,
    running: Running,
    publisher: Publisher,
    streams: Streams,
    link: Link,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Jobs are taken up on messages alone, however long a busy machine takes to hand them over.
    monkeypatch.setattr(leased_jobs, "LOOK_SECONDS", PATIENCE)
    calm = Job(Stage.TRAIN, job_key({**KEYS, "run_id": "calm"}))
    urgent = Job(Stage.TRAIN, job_key({**KEYS, "run_id": "urgent"}), {"priority": 1})
    store.add_jobs([calm, urgent])
    # The message that is taken first is the calm job's, and the turn is the urgent one's.
    publisher.publish(TRAIN, [job_message(job, store.cluster_id(), [], {}) for job in (calm, urgent)])
    outcomes, found = streams([COMPLETED]), []

    with working_ttp(store, running):
        for _ in (urgent, calm):
            outcome = take(outcomes)
            found.append((outcome.message["job_id"], outcome.message["state"]))
            outcome.acknowledge()

    assert found == [(urgent.id, "failed"), (calm.id, "completed")]
    assert publisher.count(TRAIN.name) == 0
    assert publisher.count(DEAD_QUEUE) == 1
    dead = link.get(DEAD_QUEUE)
    assert dead is not None
    assert dead.headers[REASON_HEADER] == "the urgent job cannot be done"
    message = from_text(dead.body)
    assert (message["job_id"], message["keys"]) == (urgent.id, ["c", "p", "e", "urgent"])
    link.acknowledge(dead.tag)
