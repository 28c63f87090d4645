"""Where a program may connect to: every way to write this machine, or what is nobody's, is known."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

from synergos.domain.addresses import Places
from synergos.errors import InvalidRequest
from synergos.program.destinations import Destinations, Listening, OwnPort

PUBLIC = Listening("0.0.0.0", 5000)
LOOPBACK = Listening("127.0.0.1", 5000)
HOSTS = {
    "worker.example.org": ["10.0.0.11"],
    "rebound.example.org": ["10.0.0.11", "127.0.0.1"],
    "metadata.example.org": ["169.254.169.254"],
}


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks up these names and no others; addresses are what they are."""
    real: Callable[..., Any] = socket.getaddrinfo

    def look_up(host: str, port: int, **options: Any) -> Any:
        return [found for each in HOSTS.get(host, [host]) for found in real(each, port, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


def at(own: Listening, *places: str) -> Destinations:
    return Destinations("--allow_nodes", Places.read(places) if places else None, own)


@pytest.mark.parametrize("host", ["10.0.0.11", "172.18.0.3", "192.168.1.5", "8.8.8.8", "fd00::7", "[2001:4860::1]"])
def test_other_hosts_may_be_connected_to(host: str) -> None:
    assert at(PUBLIC).addresses(host, 8020) == [host.strip("[]")]


def test_a_name_is_looked_up_once_and_what_it_says_is_connected_to() -> None:
    assert at(PUBLIC).addresses("worker.example.org", 8020) == ["10.0.0.11"]


def test_loopback_is_for_programs_that_are_there_themselves() -> None:
    assert at(LOOPBACK).addresses("127.0.0.1", 8020) == ["127.0.0.1"]
    with pytest.raises(
        InvalidRequest, match=r"^127\.0\.0\.1:8020 is this machine's loopback, which is allowed only where"
    ):
        at(PUBLIC).addresses("127.0.0.1", 8020)
    assert at(PUBLIC, "127.0.0.1").addresses("127.0.0.1", 8020) == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("0.0.0.0", "every address of this machine"),
        ("::", "every address of this machine"),
        ("169.254.169.254", "a link-local address"),
        ("fe80::1", "a link-local address"),
        ("100.100.100.200", "where a cloud tells its machines about themselves"),
        ("fd00:ec2::254", "where a cloud tells its machines about themselves"),
        ("224.0.0.1", "no host's address"),
        ("255.255.255.255", "no host's address"),
        ("64:ff9b::7f00:1", "no host's address"),
        ("2130706433", r"another way to write 127\.0\.0\.1"),
        ("127.1", r"another way to write 127\.0\.0\.1"),
        ("0x7f.0.0.1", r"another way to write 127\.0\.0\.1"),
        ("0177.0.0.1", r"another way to write 127\.0\.0\.1"),
        ("::ffff:127.0.0.1", r"another way to write 127\.0\.0\.1"),
        ("::ffff:10.0.0.1", r"another way to write 10\.0\.0\.1"),
        ("2002:7f00:1::", r"another way to write 127\.0\.0\.1"),
        ("metadata.example.org", r"\(169\.254\.169\.254\) is a link-local address"),
    ],
)
@pytest.mark.parametrize("own", [PUBLIC, LOOPBACK])
def test_what_is_no_other_host_is_refused_however_it_is_written(host: str, reason: str, own: Listening) -> None:
    with pytest.raises(InvalidRequest, match=reason):
        at(own).addresses(host, 8020)


def test_one_address_that_is_not_allowed_is_enough() -> None:
    with pytest.raises(
        InvalidRequest, match=r"^rebound\.example\.org:8020 \(127\.0\.0\.1\) is this machine's loopback"
    ):
        at(PUBLIC).addresses("rebound.example.org", 8020)
    with pytest.raises(InvalidRequest, match="loopback"):
        at(PUBLIC, "rebound.example.org").addresses("rebound.example.org", 8020)


@pytest.mark.parametrize(
    ("own", "host"),
    [(LOOPBACK, "127.0.0.1"), (PUBLIC, "127.0.0.1"), (PUBLIC, "127.0.0.9"), (Listening("10.0.0.1", 5000), "10.0.0.1")],
)
def test_a_program_never_asks_itself(own: Listening, host: str) -> None:
    with pytest.raises(OwnPort, match="is this program itself"):
        at(own, host).addresses(host, own.port)
    assert at(own, host).addresses(host, own.port + 1) == [host]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "2130706433", "::ffff:10.0.0.1"])
def test_what_is_no_address_of_a_host_is_not_allowed_by_any_list(host: str) -> None:
    with pytest.raises(InvalidRequest):
        at(PUBLIC, "0.0.0.0/0", "::/0").addresses(host, 8020)


def test_another_program_of_this_machine_at_the_same_port_is_not_this_one() -> None:
    assert at(LOOPBACK).addresses("127.0.0.2", 5000) == ["127.0.0.2"]


def test_what_is_listed_is_allowed_and_nothing_else() -> None:
    listed = at(PUBLIC, "worker.example.org", "172.18.0.0/24:8020")

    assert listed.addresses("worker.example.org", 1) == ["10.0.0.11"]
    assert listed.addresses("172.18.0.3", 8020) == ["172.18.0.3"]
    for host, port in (("172.18.0.3", 22), ("10.0.0.11", 8020), ("8.8.8.8", 8020)):
        with pytest.raises(
            InvalidRequest, match="is not allowed; expected one that this program was given by --allow_nodes"
        ):
            listed.addresses(host, port)
