"""A transfer is told of when it takes long, and puts deadlines off only while it moves."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fakes.clock import Clock
from fakes.owner import Owner
from synergos.errors import WorkerAwaitsApproval, WorkerSilent, WorkerUnreachable
from synergos_ttp.events import Event, ParticipantAwaited, ParticipantTransferred, ParticipantTransfers
from synergos_ttp.holds import JobHeld
from synergos_ttp.workers.flow import LEAST_RATE, Direction, ParticipantFlow
from synergos_ttp.workers.retry import RejoinDeadline, Wait


@pytest.fixture
def clock() -> Clock:
    return Clock(100.0)


@pytest.fixture
def told() -> list[Event]:
    return []


@pytest.fixture
def flow(clock: Clock, told: list[Event]) -> ParticipantFlow:
    return ParticipantFlow("b", told.append, clock)


def passing(flow: ParticipantFlow, clock: Clock, seconds: int, rate: int) -> None:
    for _ in range(seconds):
        clock.now += 1
        flow.passed(rate)


def test_what_passes_quickly_is_not_told(flow: ParticipantFlow, clock: Clock, told: list[Event]) -> None:
    flow.begin(Direction.SENDING, 0, 10**6)
    passing(flow, clock, 2, 500_000)
    flow.end()

    assert told == []


def test_what_takes_long_is_told_now_and_then_until_it_has_passed(
    flow: ParticipantFlow, clock: Clock, told: list[Event]
) -> None:
    flow.begin(Direction.RECEIVING, 50_000, 2_050_000)
    passing(flow, clock, 20, 100_000)
    flow.end()
    flow.end()

    assert told == [
        ParticipantTransfers("b", "receiving", 350_000, 2_050_000, 100_000.0),
        ParticipantTransfers("b", "receiving", 1_350_000, 2_050_000, 100_000.0),
        ParticipantTransferred("b"),
    ]


@pytest.mark.parametrize(("rate", "moves"), [(LEAST_RATE, True), (LEAST_RATE - 1, False), (10**7, True), (1, False)])
def test_a_transfer_puts_a_deadline_off_as_long_as_it_is_not_a_drip(
    flow: ParticipantFlow, clock: Clock, rate: int, moves: bool
) -> None:
    flow.begin(Direction.SENDING, 0, 10**9)
    passing(flow, clock, 40, rate)

    assert (flow.excused_until > 100.0) is moves


def test_a_line_that_is_waited_for_is_excused_for_so_long(flow: ParticipantFlow, clock: Clock) -> None:
    flow.excuse(90.0)
    flow.excuse(10.0)

    assert flow.excused_until == clock.now + 90.0


@pytest.fixture
def deadline(monkeypatch: pytest.MonkeyPatch, told: list[Event]) -> Callable[[float], RejoinDeadline]:
    monkeypatch.setattr("synergos_ttp.workers.retry.time.sleep", lambda _: None)
    return lambda seconds: RejoinDeadline(seconds, Wait("b", "round 1", told.append))


def lost_often(deadline: RejoinDeadline, progress: int) -> int:
    """How often a connection may be lost, of which each has brought so many bytes more; 20 is enough."""
    for count in range(20):
        deadline.progressed(count * progress)
        try:
            deadline.wait(WorkerUnreachable("lost", "b"))
        except WorkerUnreachable:
            return count
        deadline.renew()
    return 20


@pytest.mark.parametrize(("progress", "losses"), [(2**16, 20), (0, 3), (10**6, 20)])
def test_a_transfer_may_be_cut_as_often_as_it_comes_further(
    deadline: Callable[[float], RejoinDeadline], progress: int, losses: int
) -> None:
    assert lost_often(deadline(25.0), progress) == losses


def test_a_line_that_was_cut_is_given_more_time_than_a_worker_that_is_gone(
    deadline: Callable[[float], RejoinDeadline],
) -> None:
    made = deadline(0.0)

    made.wait(WorkerSilent("silent", "b"), patience=90.0)
    with pytest.raises(WorkerUnreachable):
        made.wait(WorkerUnreachable("refused", "b"))


def test_what_an_owner_has_to_decide_is_waited_for_in_hand_a_little_and_then_put_back(
    monkeypatch: pytest.MonkeyPatch, told: list[Event]
) -> None:
    monkeypatch.setattr("synergos_ttp.workers.retry.time.sleep", lambda _: None)
    error, owner = WorkerAwaitsApproval("approve with: x", "b"), Owner("b")
    wait = Wait("b", "its session", told.append, owner.ask)

    def wait_for_ever() -> None:
        with RejoinDeadline(1.0, wait, approval=3600.0, in_hand=0.05) as made:
            while True:
                made.wait(error)

    with pytest.raises(JobHeld) as held:
        wait_for_ever()

    [hold] = held.value.holds
    assert (hold.participant, hold.purpose, hold.reason) == ("b", "its session", "b: approve with: x")
    assert (hold.until - hold.since).total_seconds() == pytest.approx(3600.0)
    # That it is waited for is still so.
    [awaited] = told
    assert isinstance(awaited, ParticipantAwaited)
    assert awaited.is_held


def test_who_has_not_decided_in_time_is_given_up(monkeypatch: pytest.MonkeyPatch, told: list[Event]) -> None:
    monkeypatch.setattr("synergos_ttp.workers.retry.time.sleep", lambda _: None)
    wait = Wait("b", "its session", told.append, Owner("b").ask)

    with pytest.raises(WorkerAwaitsApproval), RejoinDeadline(1.0, wait, approval=0.0, in_hand=0.0) as made:
        made.wait(WorkerAwaitsApproval("approve with: x", "b"))
