"""A body is read into memory as it was sent, whatever of it gunicorn had already read."""

from __future__ import annotations

import io
import os
import socket
from collections.abc import Iterator

import pytest
from gunicorn.http.body import Body, LengthReader
from gunicorn.http.unreader import SocketUnreader

from synergos.program.request_body import reading_into

CONTENT = os.urandom(50_000)
NEXT = b"PUT /the/next/request HTTP/1.1"


@pytest.fixture
def connection() -> Iterator[tuple[socket.socket, SocketUnreader]]:
    """The client's end, and gunicorn's view of the other one."""
    client, server = socket.socketpair()
    with client, server:
        yield client, SocketUnreader(server)


def body(unreader: SocketUnreader, length: int = len(CONTENT)) -> Body:
    return Body(LengthReader(unreader, length))


def read(stream: object, size: int) -> bytes:
    """Up to ``size`` bytes, in whatever pieces they come."""
    memory, position, read_into = bytearray(size), 0, reading_into(stream)
    while position < size and (count := read_into(memoryview(memory)[position:])):
        position += count
    return bytes(memory[:position])


def test_a_body_is_read_to_its_end_and_not_beyond(connection: tuple[socket.socket, SocketUnreader]) -> None:
    client, unreader = connection
    client.sendall(CONTENT + NEXT)
    stream = body(unreader)

    assert read(stream, len(CONTENT) + 100) == CONTENT
    assert stream.read(100) == b""
    assert unreader.read(len(NEXT)) == NEXT


def test_what_was_read_with_the_header_comes_first(connection: tuple[socket.socket, SocketUnreader]) -> None:
    client, unreader = connection
    client.sendall(CONTENT)
    unreader.unread(unreader.sock.recv(7000))

    assert read(body(unreader), len(CONTENT)) == CONTENT


@pytest.mark.parametrize("first", [1, 8, 1024, 3000])
def test_it_goes_on_where_reading_in_pieces_has_stopped(
    connection: tuple[socket.socket, SocketUnreader], first: int
) -> None:
    client, unreader = connection
    client.sendall(CONTENT + NEXT)
    stream = body(unreader)
    begun = stream.read(first)

    found = begun + read(stream, 20_000)

    assert found == CONTENT[: first + 20_000]
    assert found + stream.read(len(CONTENT)) == CONTENT
    assert unreader.read(len(NEXT)) == NEXT


def test_a_body_that_ends_early_has_what_came_of_it(connection: tuple[socket.socket, SocketUnreader]) -> None:
    client, unreader = connection
    client.sendall(CONTENT[:100])
    client.close()

    assert read(body(unreader), len(CONTENT)) == CONTENT[:100]


def test_a_connection_that_breaks_is_not_used_again(connection: tuple[socket.socket, SocketUnreader]) -> None:
    _, unreader = connection
    stream = body(unreader)
    unreader.sock.close()

    with pytest.raises(OSError, match="Bad file descriptor"):
        read(stream, 10)

    assert stream.failed


def test_other_streams_are_read_as_they_are() -> None:
    assert read(io.BytesIO(CONTENT), len(CONTENT)) == CONTENT
