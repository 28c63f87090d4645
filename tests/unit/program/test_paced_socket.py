"""Whoever answers waits for the other end, but not for ever."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.exceptions import RequestTimeout

from support.waiting import DEADLINE
from synergos.program.paced_socket import RECEIVING, SENDING, Pace, PacedSocket

SHORT = Pace(0.02, 10)
LONG = Pace(DEADLINE, 10)


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The client's and the server's; the latter waits for nothing."""
    client, server = socket.socketpair()
    server.setblocking(False)
    with client, server:
        yield client, server


def test_what_comes_later_is_waited_for(ends: tuple[socket.socket, socket.socket]) -> None:
    client, server = ends
    paced = PacedSocket(server, LONG, LONG)
    later = threading.Timer(0.01, client.sendall, [b"some more"])
    later.start()

    assert paced.recv(4) == b"some"
    memory = bytearray(10)
    assert paced.recv_into(memoryview(memory)) == 5
    later.join()


def test_who_sends_nothing_is_not_waited_for(ends: tuple[socket.socket, socket.socket]) -> None:
    paced = PacedSocket(ends[1], SHORT, LONG)

    with pytest.raises(RequestTimeout, match=r"at least 10 bytes in 0\.02 seconds"):
        paced.recv(1)


def test_who_sends_too_little_is_not_waited_for(ends: tuple[socket.socket, socket.socket]) -> None:
    client, server = ends
    paced = PacedSocket(server, SHORT, LONG)
    client.sendall(b"9 bytes..")
    paced.recv(100)

    with pytest.raises(RequestTimeout):
        paced.recv(1)


def test_who_has_sent_enough_has_the_time_anew(ends: tuple[socket.socket, socket.socket]) -> None:
    client, server = ends
    paced = PacedSocket(server, SHORT, LONG)
    client.sendall(b"ten bytes!")
    paced.recv(100)
    with pytest.raises(RequestTimeout):
        paced.recv(1)

    paced.begin()

    client.sendall(b"!")
    assert paced.recv(1) == b"!"


def test_time_in_which_nobody_waits_does_not_count(ends: tuple[socket.socket, socket.socket]) -> None:
    client, server = ends
    paced = PacedSocket(server, SHORT, LONG)
    for _ in range(3):
        threading.Event().wait(0.02)
        client.sendall(b"!")
        assert paced.recv(1) == b"!"


def test_who_takes_no_answer_is_not_waited_for(ends: tuple[socket.socket, socket.socket], tmp_path: Path) -> None:
    paced = PacedSocket(ends[1], LONG, SHORT)
    file = tmp_path / "answer"
    file.write_bytes(bytes(2**24))

    with pytest.raises(TimeoutError):
        paced.sendall(bytes(2**24))
    paced.begin()
    with file.open("rb") as opened, pytest.raises(TimeoutError):
        paced.sendfile(opened, 0, 2**24)


def test_an_answer_is_waited_for_only_where_that_may_be(
    ends: tuple[socket.socket, socket.socket], tmp_path: Path
) -> None:
    paced = PacedSocket(ends[1], LONG, LONG)
    paced.may_wait_for_room = lambda: False
    file = tmp_path / "answer"
    file.write_bytes(bytes(2**24))

    paced.sendall(b"short")
    with pytest.raises(TimeoutError, match="too many"):
        paced.sendall(bytes(2**24))
    with file.open("rb") as opened, pytest.raises(TimeoutError, match="too many"):
        paced.sendfile(opened, 0, 2**24)


def test_an_answer_is_sent_to_its_end(ends: tuple[socket.socket, socket.socket], tmp_path: Path) -> None:
    client, server = ends
    paced = PacedSocket(server, LONG, LONG)
    content = bytes(range(256)) * 2**13
    (tmp_path / "answer").write_bytes(content)
    found = bytearray()

    def read() -> None:
        while len(found) < 2 * len(content) - 3:
            found.extend(client.recv(2**16))

    reader = threading.Thread(target=read)
    reader.start()
    paced.sendall(content)
    with (tmp_path / "answer").open("rb") as opened:
        paced.sendfile(opened, 3, len(content) - 3)
    reader.join(DEADLINE)

    assert found == content + content[3:]


def test_a_file_that_has_become_shorter_does_not_end_in_silence(
    ends: tuple[socket.socket, socket.socket], tmp_path: Path
) -> None:
    (tmp_path / "answer").write_bytes(b"short")
    with (tmp_path / "answer").open("rb") as opened, pytest.raises(OSError, match="shorter"):
        PacedSocket(ends[1]).sendfile(opened, 0, 100)


@pytest.mark.parametrize("pace", [RECEIVING, SENDING])
def test_who_keeps_the_pace_keeps_it_by_tls_too_of_which_whole_records_are_seen(pace: Pace) -> None:
    by_records = pace.by_records()

    come = int(by_records.seconds * pace.bytes / pace.seconds)
    assert come - (2**14 - 1) >= by_records.bytes >= 2**14


def test_who_has_hung_up_is_known(ends: tuple[socket.socket, socket.socket]) -> None:
    client, server = ends
    paced = PacedSocket(server)
    client.sendall(b"something that nobody reads")
    assert not paced.is_gone()

    client.close()

    assert paced.is_gone()
