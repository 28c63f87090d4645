"""A worker knows when what it computes gives no sign of life any more."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from fakes.clock import Clock
from fakes.worker_client import HeldExecutor
from synergos_worker.computing import PATIENCE, Computing


@pytest.fixture
def clock() -> Clock:
    return Clock(0.0)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


def test_work_without_a_sign_of_life_is_stuck_until_it_ends(clock: Clock, threads: ThreadPoolExecutor) -> None:
    computing, begun, goes_on, seen, ends = Computing(threads, clock), *(threading.Event() for _ in range(4))

    def work() -> None:
        begun.set()
        goes_on.wait(30)
        computing.seen()
        seen.set()
        ends.wait(30)

    done = computing.submit(work)
    begun.wait(30)
    at_first = computing.problem()
    clock.now = PATIENCE
    stuck = computing.problem()
    goes_on.set()
    seen.wait(30)
    alive = computing.problem()
    clock.now = 3 * PATIENCE
    stuck_again = computing.problem()
    ends.set()
    done.result(30)

    assert (at_first, alive, computing.problem()) == (None, None, None)
    assert stuck is not None
    assert "no sign of life for 60 s" in stuck
    assert stuck_again is not None
    assert "for 120 s" in stuck_again


def test_what_only_waits_to_be_computed_is_not_stuck(clock: Clock) -> None:
    held = HeldExecutor()
    held.is_held = True
    computing = Computing(held, clock)

    computing.submit(lambda: None)
    clock.now = 2 * PATIENCE

    assert computing.problem() is None


def test_work_that_fails_leaves_nothing_behind(clock: Clock, threads: ThreadPoolExecutor) -> None:
    computing = Computing(threads, clock)

    failed = computing.submit(int, "no number")
    assert isinstance(failed.exception(30), ValueError)
    clock.now = 2 * PATIENCE

    assert computing.problem() is None
