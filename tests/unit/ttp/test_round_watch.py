"""The time of a round: at the slowest, on its line, waiting for the silent, and at the TTP."""

from __future__ import annotations

import time

import pytest
from msgspec import UNSET, UnsetType

from synergos.learning.algorithms import Bag, Reply
from synergos.wire import Parcel
from synergos.wire.answers import RoundAnswer
from synergos_ttp.stages.exchange import Arrived
from synergos_ttp.stages.round_watch import RoundWatch

BEGUN = 1000.0


def arrived(at: float, seconds: float | UnsetType) -> Arrived:
    said = RoundAnswer(round=0, rows=1, train_loss=0.5, evaluation=None, seconds=seconds)
    return Arrived(Reply("who", 1, Bag()), Parcel(Bag()), said, 0.0, at=BEGUN + at)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the time is."""
    now = [BEGUN]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_a_round_takes_what_its_slowest_does_and_what_nobody_answers_to(clock: list[float]) -> None:
    watch = RoundWatch()
    clock[0] = BEGUN + 10
    watch.exchanged(BEGUN, {"slow": arrived(8, 5.0), "far": arrived(6, 1.0)})
    clock[0] += 0.5
    watch.averaged(BEGUN + 10)
    clock[0] += 0.25
    watch.committed(BEGUN + 10.5)

    found = watch.seconds
    assert (found.training, found.transfer, found.waiting, found.averaging, found.commit) == (5, 3, 2, 0.5, 0.25)
    assert found.participants == {"slow": (5, 3), "far": (1, 5)}


def test_exchanges_of_a_round_add_up(clock: list[float]) -> None:
    watch = RoundWatch()
    for _ in range(2):
        clock[0] = BEGUN + 4
        watch.exchanged(BEGUN, {"a": arrived(4, 3.0)})

    assert (watch.seconds.training, watch.seconds.transfer, watch.seconds.waiting) == (6, 2, 0)


@pytest.mark.parametrize(("said", "believed"), [(1e9, 4), (UNSET, 0), (3.0, 3)])
def test_nobody_trains_longer_than_it_was_waited_for(
    clock: list[float], said: float | UnsetType, believed: float
) -> None:
    watch = RoundWatch()
    clock[0] = BEGUN + 4
    watch.exchanged(BEGUN, {"a": arrived(4, said)})

    assert watch.seconds.participants == {"a": (believed, 4 - believed)}


def test_a_round_without_answers_was_waiting(clock: list[float]) -> None:
    watch = RoundWatch()
    clock[0] = BEGUN + 7
    watch.exchanged(BEGUN, {})

    assert (watch.seconds.training, watch.seconds.transfer, watch.seconds.waiting) == (0, 0, 7)
