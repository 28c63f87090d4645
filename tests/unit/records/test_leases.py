"""Who runs which job: one owner or none, in a fair order, and nobody is forgotten."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from factories.outputs import OUTPUTS
from synergos.domain.job import MAXIMUM_ATTEMPTS, Job, JobError, JobState, Stage
from synergos.domain.keys import job_key
from synergos.domain.messages import OUTCOME_MESSAGE, Outcome
from synergos.domain.records import Kind
from synergos.errors import LeaseLost
from synergos.records import RecordStore
from synergos.records.database import Database
from synergos.records.leases import Claim, Leases
from synergos.records.outcomes import settle

HOLDER = "holder"


class Clock:
    """The time, as the database tells it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, tzinfo=UTC)

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(Database, "now", lambda _database: clock.now)
    return clock


@pytest.fixture
def leases(store: RecordStore, clock: Clock) -> Leases:
    leases = Leases(store, seconds=10)
    assert leases.grids.hold(0, HOLDER, "ttp_0") is None
    return leases


def accepted(
    store: RecordStore, stage: Stage, project: str = "p", run: str = "r", priority: int = 0, collab: str = "c"
) -> Job:
    keys = {"collab_id": collab, "project_id": project}
    if stage is not Stage.PREPROCESS:
        keys |= {"expt_id": "e", "run_id": run}
    job = Job(stage, job_key(keys), {"priority": priority})
    store.add_jobs([job])
    return job


def register(store: RecordStore, nodes: int, project: str = "p") -> None:
    key = {"collab_id": "c", "project_id": project, "participant_id": f"worker of {nodes}"}
    store.put(Kind.REGISTRATION, key, {"n_count": nodes})


def claimed(leases: Leases, grid: int = 0) -> Claim:
    found = leases.claim(grid, HOLDER, "ttp_0", OUTPUTS).claim
    assert found is not None
    return found


def settled(store: RecordStore, leases: Leases, claim: Claim, state: JobState = JobState.CANCELLED) -> bool:
    outcome = Outcome(claim.job, "here", claim.lease, state, error=JobError("X", "y"))
    return settle(store, leases, OUTCOME_MESSAGE.read(outcome.to_dict()))


def test_a_job_that_is_taken_up_says_by_whom(store: RecordStore, leases: Leases) -> None:
    job = accepted(store, Stage.TRAIN)
    claim = claimed(leases)

    stored = store.job(job.id)
    assert (stored.state, stored.attempts, stored.grid, stored.ttp) == (JobState.RUNNING, 1, 0, "ttp_0")
    assert claim.fence == 1
    assert leases.claim(0, HOLDER, "ttp_0", OUTPUTS).claim is None


def test_alignments_come_before_trainings_before_evaluations_and_the_oldest_first(
    store: RecordStore, leases: Leases
) -> None:
    jobs = [
        accepted(store, Stage.VALIDATE, "a"),
        accepted(store, Stage.TRAIN, "b"),
        accepted(store, Stage.TRAIN, "c"),
        accepted(store, Stage.PREPROCESS, "d"),
    ]
    assert [claimed(leases).job.id for _ in jobs] == [jobs[index].id for index in (3, 1, 2, 0)]


def test_projects_take_turns_and_priorities_go_before(store: RecordStore, leases: Leases) -> None:
    greedy = [accepted(store, Stage.TRAIN, "greedy", f"r{number}") for number in range(3)]
    modest = accepted(store, Stage.TRAIN, "modest")
    urgent = accepted(store, Stage.TRAIN, "greedy", "urgent", priority=1)

    order = [claimed(leases).job.id for _ in range(5)]

    assert order == [urgent.id, modest.id, *(job.id for job in greedy)]


def test_collaborations_take_turns_and_nobody_is_more_urgent_than_another(
    store: RecordStore, leases: Leases, clock: Clock
) -> None:
    names = [f"r{number}" for number in range(3)]
    greedy = [accepted(store, Stage.TRAIN, name, priority=100, collab="greedy") for name in names]
    order = [claimed(leases).job.id]
    modest = [accepted(store, Stage.TRAIN, run=name, collab="modest") for name in names[:2]]

    for _ in range(4):
        clock.passes(1)
        order.append(claimed(leases).job.id)

    assert order == [job.id for job in (greedy[0], modest[0], greedy[1], modest[1], greedy[2])]


def test_a_job_waits_for_what_it_rests_on(store: RecordStore, leases: Leases) -> None:
    alignment, training = accepted(store, Stage.PREPROCESS), accepted(store, Stage.TRAIN)
    assert leases.arrange() == []
    assert store.job(training.id).state is JobState.WAITING
    claim = claimed(leases)
    assert claim.job.id == alignment.id
    assert leases.claim(0, HOLDER, "ttp_0", OUTPUTS).claim is None

    settled(store, leases, claim)

    assert [job.id for job in leases.arrange()] == [training.id]
    assert claimed(leases).job.id == training.id


def test_a_sub_grid_that_the_registrations_lack_gets_nothing(store: RecordStore, leases: Leases) -> None:
    register(store, 1)
    register(store, 3)
    accepted(store, Stage.TRAIN)
    assert leases.grids.hold(1, HOLDER, "ttp_1") is None

    found = leases.claim(1, HOLDER, "ttp_1", OUTPUTS)

    assert (found.claim, found.is_left) == (None, True)
    assert claimed(leases, 0).job.keys["project_id"] == "p"


def register_joining(store: RecordStore, participant: str, *fingerprints: str, project: str = "p") -> None:
    key = {"collab_id": "c", "project_id": project, "participant_id": participant}
    nodes = {f"node_{index}": {"fingerprint": each} for index, each in enumerate(fingerprints)}
    store.put(Kind.REGISTRATION, key, {"n_count": len(nodes), **nodes})


FIRST, SECOND = "a" * 64, "b" * 64


def test_a_job_goes_to_the_sub_grid_that_all_its_workers_that_dial_out_have_joined(
    store: RecordStore, leases: Leases
) -> None:
    register_joining(store, "w", FIRST, SECOND)
    accepted(store, Stage.TRAIN)
    leases.grids.hold(0, HOLDER, "ttp_0", [])
    leases.grids.hold(1, HOLDER, "ttp_1", [SECOND])

    elsewhere = leases.claim(0, HOLDER, "ttp_0", OUTPUTS)

    assert (elsewhere.claim, elsewhere.is_left) == (None, True)
    assert leases.claim(1, HOLDER, "ttp_1", OUTPUTS).claim is not None


def test_a_worker_that_has_joined_the_wrong_sub_grid_is_not_there(store: RecordStore, leases: Leases) -> None:
    register_joining(store, "w", FIRST, SECOND)
    accepted(store, Stage.TRAIN)
    leases.grids.hold(0, HOLDER, "ttp_0", [SECOND])
    leases.grids.hold(1, HOLDER, "ttp_1", [SECOND])

    assert leases.claim(0, HOLDER, "ttp_0", OUTPUTS).claim is None


def test_a_job_whose_workers_are_nowhere_is_run_to_say_who_is_missing(
    store: RecordStore, leases: Leases, clock: Clock
) -> None:
    register_joining(store, "w", FIRST, SECOND)
    accepted(store, Stage.TRAIN)
    leases.grids.hold(1, HOLDER, "ttp_1", [SECOND])
    clock.passes(11)
    # The TTP of the other sub-grid is not heard of any more.
    leases.grids.hold(0, HOLDER, "ttp_0", [])

    assert claimed(leases, 0).job.keys["project_id"] == "p"


def test_an_owner_that_is_not_heard_of_loses_its_job_for_good(store: RecordStore, leases: Leases, clock: Clock) -> None:
    accepted(store, Stage.TRAIN)
    dead = claimed(leases)
    clock.passes(9)
    assert leases.renew(dead) is False
    clock.passes(9)
    leases.report(dead, {"round": 3})
    assert leases.arrange() == []
    clock.passes(2)
    leases.grids.hold(0, HOLDER, "ttp_0")

    assert [job.id for job in leases.arrange()] == [dead.job.id]
    alive = claimed(leases)

    assert (alive.fence, alive.job.attempts) == (2, 2)
    assert store.job(dead.job.id).progress == {"round": 3}
    for late in (
        lambda: leases.renew(dead),
        lambda: leases.report(dead, {}),
        lambda: leases.deliver(dead),
        lambda: leases.release(dead),
    ):
        with pytest.raises(LeaseLost):
            late()
    with pytest.raises(LeaseLost):
        settled(store, leases, dead, JobState.FAILED)
    assert store.job(dead.job.id).state is JobState.RUNNING


def test_what_was_delivered_is_nobodys_and_is_settled_once(store: RecordStore, leases: Leases, clock: Clock) -> None:
    job = accepted(store, Stage.TRAIN)
    claim = claimed(leases)
    leases.deliver(claim)
    clock.passes(3600)
    leases.grids.hold(0, HOLDER, "ttp_0")
    assert leases.arrange() == []
    assert leases.claim(0, HOLDER, "ttp_0", OUTPUTS).claim is None

    assert settled(store, leases, claim, JobState.FAILED) is True
    assert settled(store, leases, claim, JobState.CANCELLED) is False
    assert store.job(job.id).state is JobState.FAILED


def test_what_is_given_back_can_be_taken_up_when_its_time_has_come(
    store: RecordStore, leases: Leases, clock: Clock
) -> None:
    accepted(store, Stage.TRAIN)
    leases.release(claimed(leases))
    leases.release(claimed(leases), delay=5)
    assert leases.claim(0, HOLDER, "ttp_0", OUTPUTS).claim is None
    assert leases.arrange() == []

    clock.passes(5.1)

    assert len(leases.arrange()) == 1
    assert claimed(leases).fence == 3


def test_who_runs_a_job_is_told_to_stop_and_who_is_dead_is_not_asked(
    store: RecordStore, leases: Leases, clock: Clock
) -> None:
    job = accepted(store, Stage.TRAIN)
    assert leases.cancel(job.id) is False
    claim = claimed(leases)
    assert leases.cancel(job.id) is True
    assert leases.renew(claim) is True
    clock.passes(11)
    assert leases.cancel(job.id) is False


def test_a_job_that_brings_its_owners_down_is_given_up(store: RecordStore, leases: Leases, clock: Clock) -> None:
    job = accepted(store, Stage.TRAIN)
    store.save_job(replace(store.job(job.id), attempts=MAXIMUM_ATTEMPTS))

    [status] = leases.statuses.all()

    assert status.is_given_up
    assert leases.claim(0, HOLDER, "ttp_0", OUTPUTS).claim is None


def test_a_sub_grid_has_one_ttp_and_another_when_that_is_gone(leases: Leases, clock: Clock) -> None:
    assert leases.grids.hold(0, "second", "ttp_b") == "ttp_0"
    with pytest.raises(LeaseLost):
        leases.claim(0, "second", "ttp_b", OUTPUTS)
    clock.passes(11)
    assert leases.grids.hold(0, "second", "ttp_b") is None
    assert leases.grids.hold(0, HOLDER, "ttp_0") == "ttp_b"
    assert leases.grids.living() == {0: "ttp_b"}
    leases.grids.leave(0, "second")
    assert leases.grids.hold(0, HOLDER, "ttp_0") is None


def test_nobody_gets_what_somebody_else_has_got(store: RecordStore, leases: Leases) -> None:
    jobs = [accepted(store, Stage.TRAIN, f"p{number}") for number in range(20)]
    for grid in range(4):
        leases.grids.hold(grid, HOLDER, f"ttp_{grid}")

    def take(grid: int) -> list[str]:
        taken = []
        while (claim := leases.claim(grid, HOLDER, f"ttp_{grid}", OUTPUTS).claim) is not None:
            taken.append(claim.job.id)
        return taken

    with ThreadPoolExecutor(4) as ttps:
        taken = [job for found in ttps.map(take, range(4)) for job in found]

    assert sorted(taken) == sorted(job.id for job in jobs)


def test_a_job_that_was_given_back_in_order_has_used_up_no_attempt(store: RecordStore, leases: Leases) -> None:
    job = accepted(store, Stage.TRAIN)
    for _ in range(MAXIMUM_ATTEMPTS):
        leases.release(claimed(leases))
    assert (store.job(job.id).state, store.job(job.id).attempts) == (JobState.QUEUED, 0)
    assert claimed(leases).fence == MAXIMUM_ATTEMPTS + 1
