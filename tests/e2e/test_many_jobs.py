"""Three hundred jobs on a cluster whose programs are killed and frozen at random: none is lost, none is archived twice.

Who is hit after how many jobs comes from a seed, which a failure shows; ``SYNERGOS_TEST_SEED`` takes it again. Where in its
work somebody is hit differs each time.
"""

from __future__ import annotations

import os
import random
import secrets
import signal
import time
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest

from fakes.quick_cluster import DIRECTOR, LEASE, QuickCluster, quick_cluster
from fakes.quick_ttp import maker_of
from grids.real_grid import WORKERS
from servers import rabbitmq as rabbitmq_server
from servers.rabbitmq import RabbitMQ
from support.ledger import RESULTS, Ledger
from support.waiting import until
from synergos.domain.job import Job, JobState, Stage
from synergos.domain.keys import RunKey
from synergos.domain.records import Kind
from synergos.records import RecordStore
from synergos.records.leases import Leases
from synergos.records.tables import RECORDS
from synmanager.config import COMPLETED, PARKED_QUEUE, RANKED, TOPOLOGY, cluster_queue
from synmanager.delivery import REASON_HEADER

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

PROJECTS = 6
RUNS = 12
JOBS = PROJECTS * (1 + RUNS * (1 + 1 + len(WORKERS)) + 1)
"""Of each project an alignment, of each run a training, a validation and everybody's prediction, and the alignment again."""
RESULT = {
    Stage.PREPROCESS: Kind.ALIGNMENT,
    Stage.TRAIN: Kind.MODEL,
    Stage.VALIDATE: Kind.VALIDATION,
    Stage.PREDICT: Kind.PREDICTION,
}
BACKLOG = 120
"""How many jobs wait or run before the next project's are handed in."""
LONG = 400.0
"""Seconds for many jobs to end: only a mistake takes so long, also on a slow machine."""
GRIDS = 4
SMALL_GRIDS = 2
"""How many sub-grids every fourth project has; the others have all."""
BROKER = "rabbitmq"
TTP = "a TTP"
FREEZE = "freeze"
MISFORTUNES = [(TTP,)] * 5 + [(TTP, TTP), (FREEZE,), (DIRECTOR,), (BROKER, DIRECTOR), (BROKER, TTP)]
"""Who dies in the same moment. So few TTPs among so many jobs that none meets the same job as often as would end it."""
FROZEN_SECONDS = 1.5 * LEASE
"""Long enough for somebody else to take over."""


class Misfortune:
    """Kills and freezes programs as many jobs have ended, and starts them again.

    Args:
        chance: decides who, and when.
    """

    def __init__(self, cluster: QuickCluster, broker: RabbitMQ, chance: random.Random) -> None:
        self._cluster = cluster
        self._broker = broker
        self._chance = chance
        self._coming = chance.sample(MISFORTUNES, len(MISFORTUNES))
        # Each is sure to come: the last of them while jobs are left.
        self._moments = sorted(chance.sample(range(5, JOBS - 50), len(MISFORTUNES)))

    def strike(self, ended: int) -> None:
        """Do what is due when so many jobs have ended."""
        while self._moments and ended >= self._moments[0]:
            self._moments.pop(0)
            # Not just when something was archived, but anywhere in what all of them do.
            time.sleep(self._chance.uniform(0, 0.1))
            self._bring(self._coming.pop())

    def _bring(self, what: tuple[str, ...]) -> None:
        ttps = self._chance.sample(self._cluster.ttps, 2)
        if what == (FREEZE,):
            self._cluster.processes.send(ttps[0], signal.SIGSTOP)
            # Nothing else meanwhile: it may have stopped while it writes, and then nobody else can.
            time.sleep(FROZEN_SECONDS)
            self._cluster.processes.send(ttps[0], signal.SIGCONT)
            return
        victims = [ttps.pop() if kind == TTP else kind for kind in what]
        for name in victims:
            if name == BROKER:
                self._broker.kill()
            else:
                self._cluster.processes.end(name)
        for name in victims:
            if name == BROKER:
                self._broker.start()
            else:
                self._cluster.start(name)


@pytest.fixture
def broker() -> Iterator[RabbitMQ]:
    if not rabbitmq_server.is_installed():
        pytest.skip("THE CLUSTER IS NOT TESTED: RabbitMQ is not installed (on Debian: apt-get install rabbitmq-server)")
    with rabbitmq_server.running(has_roles=True) as broker:
        yield broker


@pytest.fixture
def cluster(tmp_path: Path, broker: RabbitMQ) -> Iterator[QuickCluster]:
    ttps = {f"ttp_{grid}": grid for grid in range(GRIDS)}
    with quick_cluster(tmp_path, broker.port, ttps, access=broker.credentials) as running:
        yield running


@pytest.fixture
def chance() -> random.Random:
    """What decides who is hit, and when."""
    seed = int(os.environ.get("SYNERGOS_TEST_SEED") or secrets.randbelow(2**32))
    print(f"SYNERGOS_TEST_SEED={seed}")  # shown when the test fails
    return random.Random(seed)


def hand_in(cluster: QuickCluster, project: str) -> None:
    """All jobs of a project, each of which rests on those before."""
    driver, keys = cluster.driver, ("collaboration", project)
    answers = [driver.alignments.create(*keys), driver.models.create(*keys), driver.validations.create(*keys)]
    answers += [driver.predictions.create({project: [["predict"]]}, who, *keys) for who in WORKERS]
    answers.append(driver.alignments.create(*keys))
    assert [answer.get("message") for answer in answers if answer["success"] != 1] == []


def left_in_queues(broker: RabbitMQ, cluster: QuickCluster) -> dict[str, int]:
    """How many messages lie where, but for the outcomes of who was frozen for so long that somebody else had its job by then."""
    own = [cluster_queue(queue, cluster.store.cluster_id()) for queue in (*RANKED, COMPLETED)]
    link = broker.broker.link()
    while (parked := link.get(PARKED_QUEUE)) is not None:
        assert "comes too late" in str(parked.headers[REASON_HEADER]), parked.headers
        link.acknowledge(parked.tag)
    for queue in own:
        link.declare(queue)
    counted = {queue.name: link.count(queue.name) for queue in (*TOPOLOGY, *own)}
    link.close()
    return {name: count for name, count in counted.items() if count}


def makers_of(store: RecordStore, job: Job) -> list[object]:
    """Who made the results that are there in a job's scope."""
    return [maker_of(record) for record in store.find(RESULT[job.stage], job.keys)]


def test_all_jobs_end_once_each_whoever_dies_meanwhile(
    cluster: QuickCluster, broker: RabbitMQ, chance: random.Random
) -> None:
    ledger, misfortune = Ledger(cluster.store), Misfortune(cluster, broker, chance)

    def have_ended(jobs: int) -> bool:
        misfortune.strike(ledger.ended())
        return ledger.ended() >= jobs

    for number in range(PROJECTS):
        cluster.declare(f"project_{number}", RUNS, GRIDS if number % 4 else SMALL_GRIDS)
        hand_in(cluster, f"project_{number}")
        enough = (number + 1) * JOBS // PROJECTS - BACKLOG
        until(lambda enough=enough: have_ended(enough), "room for more jobs", LONG)  # type: ignore[misc]
    until(lambda: have_ended(JOBS), "all jobs to end", LONG)
    # Messages of jobs that have ended are still to be looked at, by the TTPs and then by the director.
    for names in (cluster.ttps, [DIRECTOR]):
        until(lambda: not left_in_queues(broker, cluster), "the queues to be empty")
        assert [cluster.stop(name) for name in names] == [0] * len(names)

    # What somebody still had in hand would be back.
    assert left_in_queues(broker, cluster) == {}
    assert Leases(cluster.store).grids.living() == {}
    jobs = cluster.store.jobs()
    assert len(jobs) == JOBS
    assert [(job.state, job.error) for job in jobs if job.state is not JobState.COMPLETED] == []
    assert any(job.attempts > 1 for job in jobs)
    check_ledger(ledger, jobs)
    check_results(cluster.store, jobs)


def check_ledger(ledger: Ledger, jobs: list[Job]) -> None:
    """Every job was ended once, every result written once by each job that leaves it, in the order of what rests on what."""
    entries = ledger.entries()
    alignments, models, evaluations = PROJECTS * len(WORKERS), PROJECTS * RUNS, PROJECTS * RUNS * len(WORKERS)
    assert Counter(entry.row for entry in entries if entry.table == "job") == Counter(job.id for job in jobs)
    writings = {kind: Counter(entry.row for entry in entries if entry.table == RECORDS[kind].name) for kind in RESULTS}
    assert {kind: (len(rows), set(rows.values())) for kind, rows in writings.items()} == {
        # A prediction adds how its rows lie to its participant's.
        Kind.ALIGNMENT: (alignments, {2 + RUNS}),
        # A validation is noted among the figures of its model.
        Kind.MODEL: (models, {2}),
        Kind.VALIDATION: (evaluations, {1}),
        Kind.PREDICTION: (evaluations, {1}),
    }
    moments = {entry.row: moment for moment, entry in enumerate(entries) if entry.table == "job"}
    trained = {job.keys: moments[job.id] for job in jobs if job.stage is Stage.TRAIN}
    for _, [first, *between, last] in groupby(jobs, lambda job: job.keys["project_id"]):
        ends = [moments[job.id] for job in between]
        assert moments[first.id] < min(ends) < max(ends) < moments[last.id]
        for job in between:
            run = RunKey.of(job.keys)
            assert trained[run] <= moments[job.id]


def check_results(store: RecordStore, jobs: list[Job]) -> None:
    """What is archived comes from the last taking-up of its job, on a sub-grid that its project has."""
    replaced = {job.keys["project_id"]: job.id for job in reversed(jobs) if job.stage is Stage.PREPROCESS}
    for job in jobs:
        number = int(job.keys["project_id"].removeprefix("project_"))
        assert job.grid in range(GRIDS if number % 4 else SMALL_GRIDS)
        if job.id == replaced[job.keys["project_id"]]:
            continue
        results = len(WORKERS) if job.stage in {Stage.PREPROCESS, Stage.VALIDATE} else 1
        assert makers_of(store, job) == [{"job": job.id, "attempt": job.attempts}] * results
