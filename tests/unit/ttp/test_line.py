"""A connection is waited for in turns: a stop is heard in the middle of an answer, and an answer that drips ends in time."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from itertools import count

import pytest

from synergos.errors import JobCancelled
from synergos_ttp.workers.line import Line, Overdue

LATER = 3600.0


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The worker's end of a connection, and ours, whose turns are short."""
    worker, ours = socket.socketpair()
    ours.settimeout(0.005)
    with worker, ours:
        yield worker, ours


def line(
    ours: socket.socket, stall: float = LATER, left: float = LATER, check: Callable[[], None] = lambda: None
) -> Line:
    return Line(ours, stall, time.monotonic() + left, check)


def cancelled_at(turn: int) -> Callable[[], None]:
    turns = count(1)

    def check() -> None:
        if next(turns) >= turn:
            raise JobCancelled("on request")

    return check


def test_what_comes_is_taken(ends: tuple[socket.socket, socket.socket]) -> None:
    worker, ours = ends
    worker.sendall(b"abcd")
    memory = bytearray(2)

    found = line(ours)

    assert (found.recv(2), found.recv_into(memoryview(memory)), bytes(memory)) == (b"ab", 2, b"cd")


def test_silence_is_no_answer(ends: tuple[socket.socket, socket.socket]) -> None:
    with pytest.raises(TimeoutError) as caught:
        line(ends[1], stall=0.02).recv(1)
    assert not isinstance(caught.value, Overdue)


@pytest.mark.parametrize("use", [lambda found: found.recv(1), lambda found: found.recv_into(memoryview(bytearray(1)))])
def test_an_answer_that_drips_ends_when_it_was_to_be_whole(
    ends: tuple[socket.socket, socket.socket], use: Callable[[Line], object]
) -> None:
    worker, ours = ends
    worker.sendall(b"a")
    with pytest.raises(Overdue):
        use(line(ours, left=-1.0))


def test_a_silent_answer_ends_when_it_was_to_be_whole(ends: tuple[socket.socket, socket.socket]) -> None:
    with pytest.raises(Overdue):
        line(ends[1], left=-1.0).recv(1)


def test_a_stop_is_heard_while_nothing_comes(ends: tuple[socket.socket, socket.socket]) -> None:
    with pytest.raises(JobCancelled):
        line(ends[1], check=cancelled_at(3)).recv(1)


def test_a_stop_is_heard_while_something_comes(ends: tuple[socket.socket, socket.socket]) -> None:
    worker, ours = ends
    worker.sendall(b"abc")
    found = line(ours, check=cancelled_at(2))
    found.recv(1)
    with pytest.raises(JobCancelled):
        found.recv(1)


def test_a_worker_that_takes_nothing_is_left_by_a_stop(ends: tuple[socket.socket, socket.socket]) -> None:
    with pytest.raises(JobCancelled):
        line(ends[1], check=cancelled_at(10)).send(bytes(2**24))


def test_all_of_a_large_question_is_sent(ends: tuple[socket.socket, socket.socket]) -> None:
    worker, ours = ends
    heard = bytearray()

    def hear() -> None:
        worker.setblocking(False)
        while True:
            try:
                heard.extend(worker.recv(2**20))
            except BlockingIOError:
                return

    line(ours, check=hear).send(b"x" * 2**21)
    hear()

    assert heard == b"x" * 2**21
