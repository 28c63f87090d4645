"""What answers at addresses is asked now and then, at once for all, and nobody waits long for who is silent."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from support.waiting import DEADLINE, until
from synergos.domain.reachability import Answered, Silent
from synergos.orchestration.watch import EVERY_SECONDS, Seen, Watch

A, B, SLOW = ("a", 1), ("b", 2), ("slow", 3)


class Network:
    """Addresses that answer; the slow one when it is let."""

    def __init__(self) -> None:
        self.asked: Counter[tuple[str, int]] = Counter()
        self.now = 0.0
        self.open = threading.Event()
        self.watch = Watch(self.probe, lambda: self.now)

    def probe(self, host: str, port: int) -> Answered | Silent:
        self.asked[host, port] += 1
        if (host, port) == SLOW:
            assert self.open.wait(DEADLINE)
        if (host, port) == B:
            raise ZeroDivisionError
        return Answered("worker", host)


@pytest.fixture
def network() -> Network:
    return Network()


def test_an_address_is_asked_once_in_a_while_however_often_it_is_looked_at(network: Network) -> None:
    for _ in range(3):
        assert network.watch.look([A], DEADLINE)[A].answer == Answered("worker", "a")
    network.now = EVERY_SECONDS
    network.watch.look([A, A], DEADLINE)

    assert network.asked == {A: 2}


def test_who_is_silent_for_long_is_known_later(network: Network) -> None:
    found = network.watch.look([A, SLOW], patience=0.05)
    again = network.watch.look([SLOW], patience=0.0)
    network.open.set()
    until(lambda: SLOW in network.watch.look([SLOW]), "the slow one to be known")

    assert (list(found), list(again)) == ([A], [])
    assert network.asked == {A: 1, SLOW: 1}


def test_a_probe_that_fails_costs_the_others_nothing(network: Network) -> None:
    many = [("a", port) for port in range(100)]

    found = network.watch.look([B, *many], DEADLINE)

    assert found[B].answer == Silent("ZeroDivisionError")
    assert len(found) == 101


@pytest.mark.parametrize(
    ("time", "difference"),
    [
        ("2026-01-02T12:00:31+00:00", 30.0),
        ("2026-01-02T14:00:01+02:00", 0.0),
        ("2026-01-02T12:00:31", None),
        ("noon", None),
        (None, None),
    ],
)
def test_clocks_are_compared_in_the_middle_of_the_question(time: str | None, difference: float | None) -> None:
    noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
    seen = Seen(Answered("worker", "a", time=time), noon, seconds=timedelta(seconds=2).total_seconds())

    assert seen.clock_difference == difference
