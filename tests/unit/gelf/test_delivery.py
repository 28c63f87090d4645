"""What is on the way waits until it is acknowledged, and a receiver that acknowledges nothing is said to be away."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fakes.clock import Clock
from synergos.gelf.delivery import Delivery
from synergos.gelf.destination import Destination
from synergos.gelf.spool import Spool

KIBIBYTE = 2**10
LINE = b"x" * 63 + b"\0"
AWAY = "log receiver takes no messages; they wait on disk"
BACK = "log receiver takes messages again"


@dataclass
class Line:
    """A connection on which the newest bytes are always still on the way; it acknowledges so many at most."""

    outstanding: int = 0
    most: float = math.inf
    sent: int = 0
    is_closed: bool = False

    def send(self, messages: bytes) -> int:
        self.sent += len(messages)
        return len(messages)

    def unacknowledged(self) -> int:
        if self.is_closed:
            raise ConnectionResetError("the receiver closed the connection")
        return self.sent - int(min(max(0, self.sent - self.outstanding), self.most))

    def close(self) -> None:
        """Nothing."""


@dataclass(frozen=True)
class Reached(Destination):
    """Somewhere that can be reached each time; its lines are kept."""

    host: str = "receiver"
    port: int = 1
    outstanding: int = 0
    lines: list[Line] = field(default_factory=list)

    def connect(self) -> Line:
        self.lines.append(Line(self.outstanding))
        return self.lines[-1]


@dataclass
class Delivering:
    """A delivery, and all that is around it."""

    receiver: Reached
    delivery: Delivery
    spool: Spool
    clock: Clock
    said: list[str]

    def log(self, lines: int, seconds: float) -> None:
        """So many lines, one each so often."""
        for _ in range(lines):
            self.clock.now += seconds
            self.delivery.take([LINE])
            self.delivery.send(0)

    def wait(self, seconds: int) -> None:
        """Look again each second."""
        for _ in range(seconds):
            self.clock.now += 1
            self.delivery.send(0)


def delivering(folder: Path, outstanding: int = 0) -> Delivering:
    receiver, spool, clock, said = (
        Reached(outstanding=outstanding),
        Spool(folder, 16 * KIBIBYTE),
        Clock(0.0),
        list[str](),
    )
    delivery = Delivery(receiver, spool, lambda event, _: said.append(event), steady=10, silent=10, now=clock)
    return Delivering(receiver, delivery, spool, clock, said)


def test_nothing_is_given_up_on_a_line_on_which_something_is_always_on_the_way(tmp_path: Path) -> None:
    found = delivering(tmp_path, outstanding=350)

    # Twice what the spool may hold.
    found.log(600, 0.1)

    assert found.spool.dropped == 0
    assert found.spool.waiting == 6 * len(LINE)
    assert found.said == []


def test_what_is_on_the_way_when_a_line_breaks_is_sent_again(tmp_path: Path) -> None:
    found = delivering(tmp_path, outstanding=350)
    found.log(200, 0.1)
    first = found.receiver.lines[0]

    first.is_closed = True
    found.log(1, 0.01)
    found.wait(2)

    # 194 had arrived.
    assert first.sent == 201 * len(LINE)
    assert found.receiver.lines[-1].sent == 7 * len(LINE)
    assert found.said == []


def test_a_receiver_that_acknowledges_nothing_is_said_once_however_slowly_lines_come(tmp_path: Path) -> None:
    found = delivering(tmp_path, outstanding=10_000)

    found.log(20, 5.0)
    found.wait(200)

    assert found.said == [AWAY]
    assert found.spool.dropped == 0
    assert found.spool.waiting == 20 * len(LINE)


def test_one_that_was_well_and_stops_reading_is_said_too(tmp_path: Path) -> None:
    found = delivering(tmp_path)
    found.log(100, 1.0)
    assert found.spool.is_empty

    found.receiver.lines[0].most = found.receiver.lines[0].sent
    found.log(11, 1.0)

    assert found.said == [AWAY]
    assert found.spool.waiting == 11 * len(LINE)


@pytest.mark.parametrize("outstanding", [0, 350], ids=["none on the way", "some on the way"])
def test_it_is_said_to_be_back_when_it_acknowledges_again(tmp_path: Path, outstanding: int) -> None:
    found = delivering(tmp_path, outstanding=10_000)
    found.log(1, 0.0)
    found.wait(11)
    assert found.said == [AWAY]

    for line in found.receiver.lines:
        line.is_closed = True
    object.__setattr__(found.receiver, "outstanding", outstanding)
    found.log(100, 1.0)

    assert found.said == [AWAY, BACK]
    assert not found.delivery.standing.is_away


def test_a_receiver_that_closes_what_was_idle_is_not_away(tmp_path: Path) -> None:
    found = delivering(tmp_path)
    found.log(3, 10.0)

    found.receiver.lines[0].is_closed = True
    found.log(3, 10.0)

    assert found.said == []
    assert len(found.receiver.lines) == 2
    assert found.spool.is_empty


def test_a_line_that_was_idle_for_long_has_its_time_to_acknowledge(tmp_path: Path) -> None:
    found = delivering(tmp_path)
    found.log(1, 0.0)
    found.clock.now += 1000

    found.receiver.lines[0].outstanding = len(LINE)
    found.log(1, 0.0)
    found.wait(9)
    found.receiver.lines[0].outstanding = 0
    found.wait(1)

    assert len(found.receiver.lines) == 1
    assert found.spool.is_empty
