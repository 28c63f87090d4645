"""For a job that is held its owners are asked now and then, until they have decided, and no other job waits for that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fakes.clock import Clock
from fakes.owner import Owner, PutBackSomewhere
from synergos.domain.job import Job, JobError, Stage
from synergos.domain.job_progress import AwaitedWorker, waiting_for
from synergos.domain.keys import job_key
from synergos.errors import Conflict, SynergosError, WorkerForbids, WorkerUnreachable
from synergos.records import RecordStore
from synergos_ttp.control import Control
from synergos_ttp.holds import JobHeld, continued, in_progress
from synergos_ttp.outcomes import Failed, Held
from synergos_ttp.running.attempt import outcome_of
from synergos_ttp.running.holding import MOST_SECONDS, Holding
from synergos_ttp.stages.jobs import JobRunner

JOB = Job(Stage.TRAIN, job_key({"collab_id": "c", "project_id": "p", "expt_id": "e", "run_id": "r"}))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def holding(clock: Clock) -> Holding:
    return Holding(clock)


def look_for(holding: Holding, clock: Clock, seconds: int) -> None:
    for _ in range(seconds):
        clock.now += 1
        holding.look()


def test_a_job_goes_on_once_when_its_owner_has_decided(holding: Holding, clock: Clock) -> None:
    owner, back = Owner(), PutBackSomewhere()
    holding.keep(JOB, [owner.hold()], back.place)

    look_for(holding, clock, 5)
    assert (owner.asked, back.went_on) == (5, [])
    owner.has_decided.set()
    look_for(holding, clock, 5)

    assert (owner.asked, back.went_on) == (6, [[]])


def test_who_has_decided_is_not_asked_again_for_another_who_has_not(holding: Holding, clock: Clock) -> None:
    first, second, back = Owner("worker_1"), Owner("worker_2"), PutBackSomewhere()
    holding.keep(JOB, [first.hold(), second.hold()], back.place)

    first.has_decided.set()
    look_for(holding, clock, 3)

    assert (first.asked, second.asked, back.went_on) == (1, 3, [])
    assert [wait.participant for wait in back.noted[-1]] == ["worker_2"]


def test_it_is_asked_less_often_the_longer_nobody_decides(holding: Holding, clock: Clock) -> None:
    owner = Owner()
    holding.keep(JOB, [owner.hold(10**6)], PutBackSomewhere().place)

    look_for(holding, clock, 3600)
    asked = owner.asked
    look_for(holding, clock, 3600)

    assert asked < 260
    assert owner.asked - asked == pytest.approx(3600 / MOST_SECONDS, abs=2)


def test_a_worker_that_answers_slowly_is_asked_as_seldom(holding: Holding, clock: Clock) -> None:
    owner = Owner()

    def slowly(check: object) -> None:
        clock.now += 1.5
        owner.ask(lambda: None)

    holding.keep(JOB, [replace(owner.hold(), ask=slowly)], PutBackSomewhere().place)
    look_for(holding, clock, 30)

    assert owner.asked == 2


@pytest.mark.parametrize(
    ("error", "went_on"),
    [(WorkerUnreachable("no answer", "worker_1"), 0), (WorkerForbids("revoked", "worker_1"), 1)],
    ids=["is away", "has said no"],
)
def test_who_is_away_has_decided_nothing_and_who_says_no_has(
    holding: Holding, clock: Clock, error: SynergosError, went_on: int
) -> None:
    back = PutBackSomewhere()
    holding.keep(JOB, [Owner(error=error).hold()], back.place)

    look_for(holding, clock, 2)

    assert len(back.went_on) == went_on


def test_a_job_that_was_held_too_long_goes_on_to_say_so(holding: Holding, clock: Clock) -> None:
    back = PutBackSomewhere()
    decided, late = Owner("worker_1"), Owner("worker_2")
    decided.has_decided.set()
    holding.keep(JOB, [decided.hold(seconds=-1), late.hold(seconds=-1)], back.place)

    look_for(holding, clock, 1)

    [left] = back.went_on
    assert [wait.participant for wait in left] == ["worker_2"]


def test_a_job_that_is_put_back_again_as_it_goes_on_is_asked_for_again(holding: Holding, clock: Clock) -> None:
    first, second = Owner(), Owner()
    first.has_decided.set()
    again = PutBackSomewhere()

    class PutBackAtOnce(PutBackSomewhere):
        def go_on(self, left: Sequence[AwaitedWorker]) -> None:
            holding.keep(JOB, [second.hold()], again.place)

    holding.keep(JOB, [first.hold()], PutBackAtOnce().place)
    look_for(holding, clock, 2)
    second.has_decided.set()
    look_for(holding, clock, 2)

    assert again.went_on == [[]]


@pytest.mark.parametrize("is_dropped", [True, False], ids=["dropped", "found to be over"])
def test_nobody_is_asked_for_a_job_that_was_cancelled(holding: Holding, clock: Clock, is_dropped: bool) -> None:
    owner, back = Owner(), PutBackSomewhere(is_there=False)
    holding.keep(JOB, [owner.hold()], back.place)
    if is_dropped:
        holding.drop(JOB.id)

    look_for(holding, clock, 5)

    assert (owner.asked, back.went_on) == (0 if is_dropped else 1, [])


def test_a_hold_goes_on_from_when_the_job_was_held_first() -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    first = replace(Owner().hold(), since=now - timedelta(days=3), until=now + timedelta(days=4))
    progress = waiting_for({}, in_progress([first]))

    [again, another] = continued([Owner().hold(), Owner("worker_2").hold()], progress)

    assert (again.since, again.until) == (first.since, first.until)
    assert another.since >= now


@pytest.mark.parametrize(
    "progress", [{}, {"waiting_for": "another job"}, {"waiting_for": [{"participant": "worker_1"}]}]
)
def test_who_was_only_away_is_held_from_now_on(progress: dict[str, object]) -> None:
    hold = Owner().hold()

    assert continued([hold], progress) == (hold,)


OVERDUE = replace(JOB, progress=waiting_for({}, in_progress([Owner().hold(seconds=-1)])))


def test_a_job_that_was_held_too_long_fails_by_whose_decision_it_took() -> None:
    outcome = outcome_of(JobHeld([Owner().hold()]), OVERDUE)

    assert isinstance(outcome, Failed)
    assert outcome.error == JobError(
        "WorkerAwaitsApproval", "worker_1: approve with: synergos peer approve", participant="worker_1"
    )


def test_who_has_approved_in_time_fails_no_job_that_is_taken_up_later(database: str, tmp_path: Path) -> None:
    store = RecordStore(database)

    # It comes as far as what it needs of the records.
    with pytest.raises(Conflict, match="is not aligned"):
        JobRunner(store, tmp_path).run(OVERDUE, Control())

    store.close()


def test_another_owner_has_all_the_time_when_one_took_too_long() -> None:
    outcome = outcome_of(JobHeld([(hold := Owner("worker_2").hold())]), OVERDUE)

    assert outcome == Held((hold,))
