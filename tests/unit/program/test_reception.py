"""The main thread has all connections, and none of them ends the program or stays longer than is right."""

from __future__ import annotations

import errno
import logging
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from support.waiting import DEADLINE, until
from synergos.program.connection import Connection
from synergos.program.listeners import Listeners
from synergos.program.long_bodies import Entry
from synergos.program.open_connections import ConnectionLimits, Parked
from synergos.program.reception import Reception
from synergos.program.server import ServerSettings

CLIENT = ("10.0.0.1", 1234)
SETTINGS = ServerSettings("127.0.0.1", (5000,))


class Listener:
    """One by which something always comes: connections, or what accepting says instead."""

    def __init__(self, *accepted: Any) -> None:
        self.accepted = list(accepted)
        self.asked = 0
        self._readable, self._other = socket.socketpair()
        self._other.send(b"!")

    def fileno(self) -> int:
        return self._readable.fileno()

    def setblocking(self, is_blocking: bool) -> None:
        assert not is_blocking

    def getsockname(self) -> tuple[str, int]:
        return ("127.0.0.1", 5000)

    def accept(self) -> tuple[Any, tuple[str, int]]:
        self.asked += 1
        match self.accepted.pop(0) if self.accepted else errno.EAGAIN:
            case int(number):
                raise OSError(number, "as the test says")
            case (accepted, address):
                return accepted, (address, 1234)
            case accepted:
                return accepted, CLIENT

    def close(self) -> None:
        self._readable.close()
        self._other.close()


def has(reception: Reception, connections: int) -> bool:
    """Whether it has so many, after another turn."""
    reception.turn(0.01)
    return len(reception) == connections


class HalfRecords:
    """A socket by which parts of TLS records come, and never a whole one."""

    def __init__(self) -> None:
        self._readable, self._other = socket.socketpair()
        self._other.send(b"!")

    def fileno(self) -> int:
        return self._readable.fileno()

    def setblocking(self, _: bool) -> None:
        """It never blocks."""

    def recv(self, _: int) -> bytes:
        raise ssl.SSLWantReadError

    def close(self) -> None:
        self._readable.close()
        self._other.close()


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The client's and the server's."""
    client, server = socket.socketpair()
    with client, server:
        client.settimeout(DEADLINE)
        yield client, server


@pytest.fixture
def handed_on() -> list[Connection]:
    return []


@pytest.fixture
def received(handed_on: list[Connection]) -> Iterator[Callable[..., Reception]]:
    """Makes what is tested."""
    made: list[Reception] = []

    def make(**other: Any) -> Reception:
        def hand_on(connection: Connection, _: object) -> Entry:
            handed_on.append(connection)
            return Entry.IN

        limits, log = ConnectionLimits(), logging.getLogger(__name__)
        made.append(
            Reception(
                **{"settings": SETTINGS, "limits": limits, "context": None, "hand_on": hand_on, "log": log, **other}
            )
        )
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def listener(ends: tuple[socket.socket, socket.socket]) -> Iterator[Listener]:
    made = Listener(ends[1])
    yield made
    made.close()


@pytest.mark.parametrize("number", [errno.EPROTO, errno.EHOSTUNREACH, errno.EPERM, errno.ENOBUFS, errno.EINVAL])
def test_a_connection_that_cannot_be_accepted_is_no_other_ones_trouble(
    received: Callable[..., Reception], listener: Listener, number: int
) -> None:
    reception = received()
    listener.accepted.insert(0, number)
    reception.listen(listener)

    until(lambda: has(reception, 1), "the next one to be accepted")


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
def test_a_listener_for_which_there_is_no_room_is_let_alone_a_while(
    received: Callable[..., Reception], listener: Listener, number: int
) -> None:
    reception = received()
    listener.accepted = [number] * 100
    reception.listen(listener)

    for _ in range(5):
        reception.turn(0.0)

    assert listener.asked == 1
    reception.leave([listener])


def test_a_listener_that_cannot_be_watched_again_yet_is_later(
    received: Callable[..., Reception], listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OSError(errno.ENOMEM, "no more can be watched")

    reception = received()
    listener.accepted.insert(0, errno.ENOMEM)
    reception.listen(listener)
    reception.turn(0.0)

    with monkeypatch.context() as full:
        full.setattr(Listeners, "add", fails)
        for _ in range(3):
            reception.turn(0.3)
    assert len(reception) == 0

    until(lambda: has(reception, 1), "the connection to be accepted")


def test_what_fails_after_a_connection_was_accepted_costs_that_one_alone(
    received: Callable[..., Reception], listener: Listener, ends: tuple[socket.socket, socket.socket]
) -> None:
    def fails() -> None:
        raise OSError(errno.ENOSPC, "no more can be watched")

    reception = received()
    poller = reception._poller
    reception.listen(listener)
    register = poller.register

    def full(connection: Any, *rest: Any) -> Any:
        return fails() if connection is ends[1] else register(connection, *rest)

    poller.register = full  # type: ignore[assignment, method-assign]

    reception.turn(0.0)

    assert len(reception) == 0
    assert ends[0].recv(1) == b""


def test_parts_of_tls_records_give_no_time(received: Callable[..., Reception], listener: Listener) -> None:
    listener.accepted = [HalfRecords()]
    reception = received(settings=replace(SETTINGS, request_seconds=0.1))
    reception.listen(listener)
    reception.turn(0.0)
    assert len(reception) == 1

    until(lambda: has(reception, 0), "it to be closed", 5.0)


LONG_BODY = b"PUT / HTTP/1.1\r\nContent-Length: 100000\r\n\r\n"


class Places:
    """Those for long bodies: whoever is asked for, and what the test says of each address."""

    def __init__(self) -> None:
        self.of_address: dict[str, Entry] = {}
        self.asked: list[str] = []
        self.let_in: list[str] = []

    def hand_on(self, connection: Connection, _: object) -> Entry:
        self.asked.append(connection.address)
        entry = self.of_address.get(connection.address, Entry.NONE)
        if entry is Entry.IN:
            self.let_in.append(connection.address)
        return entry


@pytest.fixture
def in_line(received: Callable[..., Reception], listener: Listener) -> Iterator[tuple[Reception, Places]]:
    """Requests with long bodies wait in line, of the addresses a, a and b; nobody has been let in."""
    places = Places()
    reception = received(hand_on=places.hand_on)
    with ExitStack() as stack:
        listener.accepted = []
        for address in ("10.0.0.1", "10.0.0.1", "10.0.0.2"):
            client, server = (stack.enter_context(each) for each in socket.socketpair())
            client.send(LONG_BODY)
            listener.accepted.append((server, address))
        reception.listen(listener)
        until(lambda: has(reception, 3) and _all_asked(reception), "all to be in line")
        places.asked.clear()
        yield reception, places


def _all_asked(reception: Reception) -> bool:
    return sum(1 for _ in reception._open.parked(Parked.IN_LINE)) == 3


def test_nobody_else_in_line_is_looked_at_where_there_is_no_place(
    in_line: tuple[Reception, Places], monkeypatch: pytest.MonkeyPatch
) -> None:
    reception, places = in_line
    monkeypatch.setattr(Connection, "arrival", None)

    reception.turn(0.0)

    assert places.asked == ["10.0.0.1"]


def test_who_came_first_is_let_in_first(in_line: tuple[Reception, Places]) -> None:
    reception, places = in_line
    places.of_address = {"10.0.0.1": Entry.IN, "10.0.0.2": Entry.IN}

    reception.turn(0.0)
    reception.turn(0.0)

    assert places.asked == places.let_in == ["10.0.0.1", "10.0.0.1", "10.0.0.2"]


def test_an_address_that_has_its_share_is_passed_by_others(in_line: tuple[Reception, Places]) -> None:
    reception, places = in_line
    places.of_address = {"10.0.0.1": Entry.NONE_FOR_ADDRESS, "10.0.0.2": Entry.IN}

    reception.turn(0.0)

    assert places.asked == ["10.0.0.1", "10.0.0.2"]
    assert places.let_in == ["10.0.0.2"]


ASKED = b"GET /live HTTP/1.1\r\nHost: fl.example\r\n\r\n"


@dataclass
class Heart:
    """What a service has by heart: one answer, to whatever is asked, as long as there is one."""

    answer: bytes | None
    asked: list[tuple[int, str, bytes]] = field(default_factory=list)

    def __call__(self, port: int, client: str, request: bytes) -> bytes | None:
        self.asked.append((port, client, request))
        return self.answer


def test_what_is_known_by_heart_is_answered_without_a_thread(
    received: Callable[..., Reception],
    listener: Listener,
    ends: tuple[socket.socket, socket.socket],
    handed_on: list[Connection],
) -> None:
    heart = Heart(b"HTTP/1.1 304 NOT MODIFIED\r\n\r\n")
    reception = received(by_heart=heart)
    reception.listen(listener)

    for number in (1, 2):
        ends[0].send(ASKED)
        until(lambda number=number: has(reception, 1) and len(heart.asked) == number, "it to be asked")  # type: ignore[misc]
        assert ends[0].recv(1000) == heart.answer
    assert heart.asked == [(5000, CLIENT[0], ASKED)] * 2
    assert handed_on == []

    heart.answer = None
    ends[0].send(ASKED)
    until(lambda: has(reception, 1) and bool(handed_on), "it to be handed on")
    assert handed_on[0].data == ASKED


@pytest.mark.parametrize("more", [ASKED, b"GET /an", b"body"], ids=["another request", "a part of one", "a body"])
def test_what_came_behind_a_request_is_lost_by_no_answer(
    received: Callable[..., Reception],
    listener: Listener,
    ends: tuple[socket.socket, socket.socket],
    handed_on: list[Connection],
    more: bytes,
) -> None:
    heart = Heart(b"HTTP/1.1 304 NOT MODIFIED\r\n\r\n")
    reception = received(by_heart=heart)
    reception.listen(listener)
    ends[0].send(ASKED + more)
    until(lambda: has(reception, 1) and bool(handed_on or heart.asked), "it to be looked at")

    assert heart.asked == []
    assert handed_on[0].data == ASKED + more


def test_what_there_is_no_room_for_is_sent_by_a_thread(
    received: Callable[..., Reception],
    listener: Listener,
    ends: tuple[socket.socket, socket.socket],
    handed_on: list[Connection],
) -> None:
    heart = Heart(b"x" * 2**24)
    reception = received(by_heart=heart)
    reception.listen(listener)
    ends[0].send(ASKED)
    until(lambda: has(reception, 1) and bool(handed_on), "it to be handed on")

    [connection] = handed_on
    assert 0 < len(connection.unsent) < 2**24
    assert connection.data == b""
