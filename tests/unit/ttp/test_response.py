"""A response is read as it was sent, in whatever pieces it comes and however its length is told; what is none is refused."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from typing import Any, cast

import httptools
import pytest

from synergos_ttp.workers.response import Response

KNOWN = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\ndo\r\n2\r\nne\r\n0\r\n\r\n"
CLOSED = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\ndone"


class Connection:
    """Gives what was sent, and the end, in pieces of so many bytes at most."""

    def __init__(self, line: socket.socket, most: int = 2**20) -> None:
        self._line = line
        self._most = most
        self.copied = 0

    def recv(self, size: int) -> bytes:
        piece = self._line.recv(min(size, self._most))
        self.copied += len(piece)
        return piece

    def recv_into(self, memory: memoryview) -> int:
        return self._line.recv_into(memory[: self._most])


@pytest.fixture
def line() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The worker's end of a connection, and ours."""
    worker, ours = socket.socketpair()
    with worker, ours:
        yield worker, ours


def response(line: tuple[socket.socket, socket.socket], sent: bytes, most: int = 2**20) -> Response:
    """What comes when a worker says this and hangs up."""
    worker, ours = line
    worker.sendall(sent)
    worker.shutdown(socket.SHUT_WR)
    return Response(cast("Any", Connection(ours, most)))


@pytest.mark.parametrize("most", [1, 5, 2**20])
@pytest.mark.parametrize(
    ("sent", "length", "is_last"),
    [
        (KNOWN, 4, False),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + KNOWN, 4, False),
        (KNOWN.replace(b"Content", b"Connection: close\r\ncontent"), 4, True),
        (CHUNKED, 0, False),
        (CLOSED, 0, True),
        (b"HTTP/1.0 200 OK\r\n\r\ndone", 0, True),
    ],
    ids=["length", "interim", "last", "chunks", "until it closes", "of old"],
)
def test_content_is_read_however_its_length_is_told(
    line: tuple[socket.socket, socket.socket], sent: bytes, length: int, is_last: bool, most: int
) -> None:
    found = response(line, sent, most)

    assert (found.status, found.length, found.is_last, found.is_complete) == (200, length, is_last, False)
    assert (found.read(1), found.read(2), found.read(), found.read()) == (b"d", b"on", b"e", b"")
    assert found.is_complete


@pytest.mark.parametrize("most", [7, 2**20])
def test_large_content_goes_straight_into_memory(line: tuple[socket.socket, socket.socket], most: int) -> None:
    content = os.urandom(100_000)
    worker, ours = line
    worker.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + content)
    connection = Connection(ours, most)
    found = Response(cast("Any", connection))

    memory, position = bytearray(100_000), 0
    begun = found.read(8)
    while count := found.read_into(memoryview(memory)[position:]):
        position += count

    assert begun + memory[:position] == content
    assert found.is_complete
    # The head, and what came with it, of which more was there than is ever taken at once.
    assert connection.copied <= 2**16


def test_a_response_without_content_is_complete_at_once(line: tuple[socket.socket, socket.socket]) -> None:
    assert response(line, b"HTTP/1.1 204 No Content\r\n\r\n").is_complete


@pytest.mark.parametrize(
    "sent", [b"", KNOWN[:20], KNOWN[:-1], CHUNKED[:-5]], ids=["nothing", "head", "length", "chunk"]
)
def test_a_response_that_ends_early_is_none(line: tuple[socket.socket, socket.socket], sent: bytes) -> None:
    with pytest.raises(ConnectionResetError):
        response(line, sent).read()


@pytest.mark.parametrize(
    "sent",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        KNOWN.replace(b"4", b"-4"),
        KNOWN.replace(b"4", b"4, 5"),
        KNOWN.replace(b"Content", b"Transfer-Encoding: chunked\r\nContent"),
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: 0\r\n" % number for number in range(10_000)),
        KNOWN + KNOWN,
    ],
    ids=["no HTTP", "negative", "two lengths", "two ways", "endless head", "two responses"],
)
def test_what_is_no_response_is_refused(line: tuple[socket.socket, socket.socket], sent: bytes) -> None:
    with pytest.raises(httptools.HttpParserError):
        response(line, sent).read()
