"""A loop takes turns until it is told to stop, whatever happens in one of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from synergos.program.loop import Loop

LONG = 600.0
SOON = 100.0


class Turns:
    """Counts turns, and lets a test wait for them."""

    def __init__(self, rest: float) -> None:
        self.rest = rest
        self.taken = 0
        self.failing = 0
        self._changed = threading.Condition()

    def take(self) -> float:
        with self._changed:
            self.taken += 1
            self._changed.notify_all()
            if self.taken <= self.failing:
                raise RuntimeError("out of order")
        return self.rest

    def wait_for(self, number: int) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self.taken >= number, timeout=SOON)


@pytest.fixture
def turns() -> Turns:
    return Turns(rest=0.0)


@pytest.fixture
def loop(turns: Turns) -> Iterator[Loop]:
    loop = Loop("test", turns.take, pause=0.0)
    yield loop
    loop.close()


def test_turns_follow_each_other(loop: Loop, turns: Turns) -> None:
    loop.start()

    assert turns.wait_for(3)


def test_a_turn_that_raises_is_logged_and_not_the_last(loop: Loop, turns: Turns) -> None:
    turns.failing = 2
    with capture_logs() as logs:
        loop.start()
        assert turns.wait_for(4)

    assert [(entry["event"], entry["loop"]) for entry in logs] == [("a turn failed", "test")] * 2


def test_whoever_rests_can_be_woken(loop: Loop, turns: Turns) -> None:
    turns.rest = LONG
    loop.start()
    assert turns.wait_for(1)

    loop.wake()

    assert turns.wait_for(2)


def test_a_loop_that_rests_ends_at_once(loop: Loop, turns: Turns) -> None:
    turns.rest = LONG
    loop.start()
    assert turns.wait_for(1)

    loop.close()

    assert loop.is_stopping
    assert turns.taken == 1


def test_a_loop_may_end_itself(turns: Turns) -> None:
    def take() -> float:
        own.close()
        return turns.take()

    own = Loop("test", take)
    own.start()
    assert turns.wait_for(1)
    own.close()

    assert turns.taken == 1


def test_a_loop_that_was_stopped_before_its_first_turn_takes_none(turns: Turns) -> None:
    loop = Loop("test", turns.take, delay=LONG)
    loop.start()
    loop.close()

    assert turns.taken == 0


def test_a_loop_that_never_began_can_be_closed(turns: Turns) -> None:
    Loop("test", turns.take).close()
