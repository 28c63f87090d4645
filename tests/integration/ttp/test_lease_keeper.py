"""What a TTP holds stays its own while it lives, and it knows when it has lost it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from factories.outputs import OUTPUTS
from fakes.cluster_ttp import DEADLINE, KEYS, MoodyLeases
from support.waiting import until
from synergos.domain.job import Job, Stage
from synergos.domain.keys import job_key
from synergos.errors import JobCancelled, LeaseLost
from synergos.records import RecordStore
from synergos.records.leases import Claim
from synergos_ttp.control import Control
from synergos_ttp.running.lease_keeper import GRID, JOB, LeaseKeeper, Renewal

SECONDS = 1.0

Start = Callable[[str], LeaseKeeper]


@pytest.fixture
def leases(store: RecordStore) -> MoodyLeases:
    return MoodyLeases(store, seconds=SECONDS)


@pytest.fixture
def start(leases: MoodyLeases) -> Iterator[Start]:
    started: list[LeaseKeeper] = []

    def begin(ttp: str) -> LeaseKeeper:
        started.append(LeaseKeeper(leases, 0, ttp))
        started[-1].start()
        return started[-1]

    yield begin
    for keeper in started:
        keeper.close()


@pytest.fixture
def keeper(start: Start) -> LeaseKeeper:
    keeper = start("ttp_0")
    assert keeper.wait_for_grid(DEADLINE)
    return keeper


@pytest.fixture
def claim(store: RecordStore, leases: MoodyLeases, keeper: LeaseKeeper) -> Claim:
    store.add_jobs([Job(Stage.TRAIN, job_key(KEYS))])
    claim = leases.claim(0, keeper.holder, "ttp_0", OUTPUTS).claim
    assert claim is not None
    return claim


@pytest.fixture
def control() -> Control:
    return Control()


def test_a_job_is_kept_for_longer_than_one_lease(
    store: RecordStore, leases: MoodyLeases, keeper: LeaseKeeper, claim: Claim, control: Control
) -> None:
    leases.lasts = timedelta(seconds=SECONDS)
    with keeper.keeping(claim, control):
        renewed = keeper.renewals[JOB, Renewal.RENEWED]
        # Four renewals to a lease: so many come only when one and a half have passed.
        until(lambda: keeper.renewals[JOB, Renewal.RENEWED] >= renewed + 7, "a lease and a half to pass")
        leases.report(claim, {"round": 1})
    assert not control.is_stopped
    assert keeper.wait_for_grid(0)


def test_a_job_that_is_to_be_cancelled_is_stopped(
    leases: MoodyLeases, keeper: LeaseKeeper, claim: Claim, control: Control
) -> None:
    with keeper.keeping(claim, control):
        leases.cancel(claim.job.id)
        until(lambda: control.is_stopped, "the job to be stopped")
    assert type(control.reason) is JobCancelled


def test_a_job_that_was_given_to_another_is_stopped(
    leases: MoodyLeases, keeper: LeaseKeeper, claim: Claim, control: Control
) -> None:
    leases.release(claim)
    assert leases.claim(0, keeper.holder, "ttp_0", OUTPUTS).claim is not None
    with keeper.keeping(claim, control):
        until(lambda: control.is_stopped, "the job to be stopped")
    assert isinstance(control.reason, LeaseLost)


def test_a_job_is_stopped_when_the_record_store_stays_away(
    leases: MoodyLeases, keeper: LeaseKeeper, claim: Claim, control: Control
) -> None:
    leases.fails = "renew"
    with keeper.keeping(claim, control):
        until(lambda: control.is_stopped, "the job to be stopped")
    assert isinstance(control.reason, LeaseLost)
    assert "could not be reached" in str(control.reason)


def test_the_second_of_a_sub_grid_stands_by_until_the_first_is_gone(start: Start, keeper: LeaseKeeper) -> None:
    second = start("ttp_b")
    until(lambda: second.renewals[GRID, Renewal.LOST] > 2, "the second to ask again and again")
    assert not second.wait_for_grid(0)

    keeper.close()

    assert second.wait_for_grid(DEADLINE)


def test_nobody_is_kept_from_ending_by_a_record_store_that_is_away(store: RecordStore) -> None:
    leases = MoodyLeases(store, seconds=3600)
    keeper = LeaseKeeper(leases, 0, "ttp_0")
    keeper.start()
    assert keeper.wait_for_grid(DEADLINE)

    leases.fails = "grids"
    keeper.close()

    leases.fails = None
    assert leases.grids.living() == {0: "ttp_0"}


def test_it_goes_on_after_what_nobody_foresaw(
    leases: MoodyLeases, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def break_down(grid: int, *_: object) -> None:
        asked.append(grid)
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr(leases.grids, "hold", break_down)
        keeper = start("ttp_0")
        until(lambda: bool(asked), "the sub-grid to be asked for")
    assert keeper.wait_for_grid(DEADLINE)


def test_renewals_are_counted_by_what_came_of_them(
    leases: MoodyLeases, start: Start, keeper: LeaseKeeper, claim: Claim, control: Control
) -> None:
    with keeper.keeping(claim, control):
        until(lambda: keeper.renewals[JOB, Renewal.RENEWED] > 1, "the job to be renewed")
    assert keeper.renewals[GRID, Renewal.RENEWED] > 0
    assert keeper.renewals[GRID, Renewal.LOST] == 0

    other = start("ttp_1")
    until(lambda: other.renewals[GRID, Renewal.LOST] > 0, "the other one to find the sub-grid taken")
    assert other.renewals[GRID, Renewal.RENEWED] == 0
