"""Programs that share a broker and are not to get into each other's way: two clusters, and two TTPs of one sub-grid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from fakes.quick_cluster import DIRECTOR, QuickCluster, quick_cluster
from fakes.quick_ttp import maker_of
from servers.rabbitmq import RabbitMQ
from support.ledger import Entry, Ledger
from support.log_lines import read_lines
from support.waiting import until
from synergos.domain.job import Job, JobState
from synergos.domain.records import Kind
from synergos.records.leases import Leases

pytestmark = pytest.mark.timeout(300)

FIRST, SECOND = "first", "second"
JOBS = 25
SECONDS = 10.0
"""Of leases, as in earnest, where one is to end."""
LONG = 120.0
"""Of leases that nobody is to lose, also on a machine that stands still for a while."""


@pytest.fixture
def clusters(tmp_path: Path, rabbitmq: RabbitMQ) -> Iterator[tuple[QuickCluster, QuickCluster]]:
    """Two clusters, each with a record store and a TTP of its own, on one broker."""
    with (
        quick_cluster(tmp_path / FIRST, rabbitmq.port, {f"ttp_of_{FIRST}": 0}, lease=LONG) as first,
        quick_cluster(tmp_path / SECOND, rabbitmq.port, {f"ttp_of_{SECOND}": 0}, lease=LONG) as second,
    ):
        yield first, second


@pytest.fixture
def rivals(request: pytest.FixtureRequest, tmp_path: Path, rabbitmq: RabbitMQ) -> Iterator[QuickCluster]:
    """A cluster of one sub-grid and two TTPs for it, of which the second was started later."""
    lease = getattr(request, "param", LONG)
    cluster = QuickCluster(tmp_path, rabbitmq.port, {FIRST: 0, SECOND: 0}, lease=lease)
    cluster.declare("project", runs=0, grids=1)
    try:
        cluster.start(DIRECTOR, FIRST)
        until(lambda: holder(cluster) == FIRST, "the first to have the sub-grid")
        cluster.start(SECOND)
        until(lambda: "standing by" in cluster.log(SECOND), "the second to stand by")
        yield cluster
    finally:
        cluster.close()


def holder(cluster: QuickCluster) -> str | None:
    """The TTP that has the sub-grid."""
    return Leases(cluster.store).grids.living().get(0)


def is_running(cluster: QuickCluster, job: Job, ttp: str) -> bool:
    stored = cluster.store.job(job.id)
    return (stored.state, stored.ttp) == (JobState.RUNNING, ttp)


def until_ended(cluster: QuickCluster, jobs: Sequence[Job]) -> list[Job]:
    """The jobs as they ended."""
    until(lambda: all(cluster.store.job(job.id).state.is_final for job in jobs), "the jobs to end")
    return [cluster.store.job(job.id) for job in jobs]


def test_two_clusters_on_one_broker_each_end_their_own_jobs(clusters: tuple[QuickCluster, QuickCluster]) -> None:
    ledgers = [Ledger(cluster.store) for cluster in clusters]
    projects = [f"project_{number}" for number in range(JOBS)]
    handed_in: list[list[Job]] = [[], []]
    for project in projects:
        for cluster, jobs in zip(clusters, handed_in, strict=True):
            cluster.declare(project, runs=0, grids=1)
            jobs.append(cluster.align(project))

    for cluster, jobs, ledger, name in zip(clusters, handed_in, ledgers, (FIRST, SECOND), strict=True):
        ended = until_ended(cluster, jobs)
        assert [(job.state, job.attempts, job.ttp) for job in ended] == [
            (JobState.COMPLETED, 1, f"ttp_of_{name}")
        ] * JOBS
        assert cluster.store.jobs() == ended  # nobody else's
        written = [entry for entry in ledger.entries() if entry.table == "job"]
        assert sorted(entry.row for entry in written) == sorted(job.id for job in jobs)
        for job in ended:
            signatures = [maker_of(record) for record in cluster.store.find(Kind.ALIGNMENT, job.keys)]
            assert signatures == [{"job": job.id, "attempt": 1}] * 2


def test_of_two_ttps_of_one_sub_grid_one_runs_all_jobs(rivals: QuickCluster) -> None:
    projects = [f"project_{number}" for number in range(JOBS)]
    for project in projects:
        rivals.declare(project, runs=0, grids=1)
    jobs = [rivals.align(project) for project in projects]

    ended = until_ended(rivals, jobs)
    assert [(job.state, job.attempts, job.ttp) for job in ended] == [(JobState.COMPLETED, 1, FIRST)] * JOBS
    assert "job started" not in rivals.log(SECOND)


def test_every_line_of_a_cluster_says_its_program_and_its_job(rivals: QuickCluster) -> None:
    job = rivals.align("project")
    until_ended(rivals, [job])
    # It is said a moment after it is there to be seen, and what a TTP has sent may be archived before that says so.
    until(lambda: "job archived" in rivals.log(DIRECTOR), "the director to say so")
    until(lambda: "outcome sent" in rivals.log(FIRST), "the TTP to say so")
    ids = {"job_id": job.id, **job.keys}

    events = set()
    for program in (DIRECTOR, FIRST, SECOND):
        lines = list(read_lines(rivals.log(program)))
        assert [line for line in lines if line.facts.get("component") != program] == []
        of_jobs = [line for line in lines if "job_id" in line.facts]
        assert [line for line in of_jobs if not ids.items() <= line.facts.items()] == []
        events |= {line.event for line in of_jobs}
    assert events >= {"job started", "outcome sent", "job archived"}


@pytest.mark.parametrize("rivals", [SECONDS], ids=["leases as in earnest"], indirect=True)
def test_the_ttp_that_stands_by_takes_over_from_one_that_dies(rivals: QuickCluster) -> None:
    ledger = Ledger(rivals.store)
    rivals.hold.touch()
    begun = rivals.align("project")
    until(lambda: is_running(rivals, begun, FIRST), "the first to run the job")
    waiting = rivals.align("project")

    rivals.processes.end(FIRST)
    until(lambda: is_running(rivals, begun, SECOND), "the second to go on with the job")
    rivals.start(FIRST)
    until(lambda: "standing by" in rivals.log(FIRST), "the first to stand by")
    rivals.hold.unlink()

    ended = until_ended(rivals, [begun, waiting])
    assert [(job.state, job.attempts, job.ttp) for job in ended] == [
        (JobState.COMPLETED, 2, SECOND),
        (JobState.COMPLETED, 1, SECOND),
    ]
    ends = [entry for entry in ledger.entries() if entry.table == "job"]
    assert ends == [Entry("job", begun.id), Entry("job", waiting.id)]
    assert holder(rivals) == SECOND
