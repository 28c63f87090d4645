"""How many connections an address may have, and which of them give way to newer ones."""

from __future__ import annotations

import socket
from typing import cast

import pytest

from synergos.program.connection import Connection, origin_of
from synergos.program.open_connections import ConnectionLimits, OpenConnections, Parked


def connection(address: str = "10.0.0.1") -> Connection:
    """One that nobody reads."""
    return Connection(cast("socket.socket", None), (address, 1234), ("10.0.0.9", 5000))


@pytest.fixture
def open_connections() -> OpenConnections:
    return OpenConnections(ConnectionLimits(of_address=3, in_all=5, bytes=100))


def parked(among: OpenConnections, reason: Parked, address: str = "10.0.0.1") -> Connection:
    made = connection(address)
    among.add(made)
    among.park(made, reason)
    return made


def test_an_address_with_too_many_gives_its_own_the_oldest_first(open_connections: OpenConnections) -> None:
    idle = parked(open_connections, Parked.IDLE)
    first, second = (parked(open_connections, Parked.UNFINISHED) for _ in range(2))
    other = parked(open_connections, Parked.UNFINISHED, "10.0.0.2")
    assert not open_connections.has_room("10.0.0.1")
    assert open_connections.has_room("10.0.0.2")

    given = []
    while (found := open_connections.gives_way("10.0.0.1")) and found is not other:
        open_connections.remove(found)
        given.append(found)
        parked(open_connections, Parked.KEPT)
        if len(given) < 3:
            open_connections.add(connection())

    assert given == [first, second, idle]
    assert other in open_connections


def test_who_waits_in_line_gives_way_before_who_was_answered(open_connections: OpenConnections) -> None:
    parked(open_connections, Parked.IDLE)
    in_line = parked(open_connections, Parked.IN_LINE)
    parked(open_connections, Parked.KEPT)

    assert open_connections.gives_way("10.0.0.1") is in_line


def test_where_there_are_too_many_in_all_the_address_with_most_gives(open_connections: OpenConnections) -> None:
    oldest = parked(open_connections, Parked.UNFINISHED, "10.0.0.2")
    of_most = [parked(open_connections, Parked.UNFINISHED, "10.0.0.3") for _ in range(3)]
    parked(open_connections, Parked.UNFINISHED, "10.0.0.4")

    assert not open_connections.has_room("10.0.0.5")
    assert open_connections.gives_way("10.0.0.5") is of_most[0]
    assert oldest in open_connections


def test_strangers_that_have_sent_nothing_give_way_before_idle_ones_of_an_address_with_more(
    open_connections: OpenConnections,
) -> None:
    idle = [parked(open_connections, Parked.IDLE) for _ in range(3)]
    stranger = parked(open_connections, Parked.UNFINISHED, "10.0.0.2")
    last = parked(open_connections, Parked.IDLE, "10.0.0.3")

    assert open_connections.gives_way("10.0.0.4") is stranger
    open_connections.remove(stranger)
    parked(open_connections, Parked.KEPT, "10.0.0.3")
    assert open_connections.gives_way("10.0.0.4") is idle[0]
    assert last in open_connections


def test_those_that_threads_have_and_those_that_come_back_give_way_to_nobody(open_connections: OpenConnections) -> None:
    parked(open_connections, Parked.KEPT)
    for _ in range(3):
        open_connections.add(connection())

    assert not open_connections.has_room("10.0.0.1")
    assert open_connections.gives_way("10.0.0.1") is None


def test_those_that_come_back_are_not_counted_for_their_address(open_connections: OpenConnections) -> None:
    kept = [parked(open_connections, Parked.KEPT) for _ in range(4)]

    assert open_connections.has_room("10.0.0.1")
    for each in kept:
        open_connections.take(each)
        open_connections.park(each, Parked.KEPT)
        open_connections.remove(each)
    assert len(open_connections) == 0
    assert open_connections.has_room("10.0.0.1")


def test_what_is_held_of_incomplete_requests_is_bounded(open_connections: OpenConnections) -> None:
    first, second, third = (parked(open_connections, Parked.UNFINISHED) for _ in range(3))
    open_connections.hold(first, 40)
    open_connections.hold(second, 40)
    open_connections.hold(first, 50)
    assert list(open_connections.in_the_way()) == []

    open_connections.hold(third, 30)

    closed = []
    for each in open_connections.in_the_way():
        open_connections.remove(each)
        closed.append(each)
    assert closed == [first]


def test_the_address_of_which_most_is_held_gives_its_oldest_request(open_connections: OpenConnections) -> None:
    oldest = parked(open_connections, Parked.UNFINISHED)
    first, second = (parked(open_connections, Parked.UNFINISHED, "10.0.0.2") for _ in range(2))
    for each, count in ((oldest, 40), (first, 30), (second, 30)):
        open_connections.hold(each, count)

    open_connections.hold(first, 31)

    given = open_connections.in_the_way()
    open_connections.remove(next(given))
    assert next(given, None) is None
    assert first not in open_connections
    assert oldest in open_connections


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
    ],
)
def test_a_network_that_one_machine_is_given_counts_as_one_address(address: str, origin: str) -> None:
    assert origin_of((address, 80)) == origin
