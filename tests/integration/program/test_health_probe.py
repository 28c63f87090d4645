"""Asking a program what it is takes no longer, and reads no more, than whoever asks allows."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

import pytest

from synergos.domain.reachability import Answered, Silent
from synergos.program.health_probe import probe

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
TOLD = b'{"component": "worker", "id": "w"}'


@contextmanager
def answering(pieces: Callable[[threading.Event], Iterable[bytes]]) -> Iterator[int]:
    """A server that answers the first who asks with these; its port."""
    ended = threading.Event()

    def answer() -> None:
        # Whoever asks may have had enough of it.
        with suppress(OSError):
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                for piece in pieces(ended):
                    connection.sendall(piece)

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            ended.set()
            thread.join()


def drip(first: bytes, letter: bytes) -> Callable[[threading.Event], Iterator[bytes]]:
    """A beginning, and then a letter every few milliseconds for as long as somebody listens."""

    def pieces(ended: threading.Event) -> Iterator[bytes]:
        yield first
        while not ended.wait(0.005):
            yield letter

    return pieces


@pytest.mark.parametrize(
    ("first", "letter"),
    [
        (b"", b"H"),
        (HEAD + b"X-Slow: ", b"x"),
        (HEAD, b"A"),
        (HEAD + b"\r\n", b" "),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["status", "header", "headers", "content", "continued"],
)
def test_who_drips_is_left_in_time_whatever_it_is_that_drips(first: bytes, letter: bytes) -> None:
    with answering(drip(first, letter)) as port:
        found = probe("127.0.0.1", port, seconds=0.3)
    assert found == Silent("silent for 0 s")


@pytest.mark.parametrize("beginning", [b"", HEAD + b"X: ", HEAD + b"\r\n"], ids=["status", "header", "content"])
def test_who_sends_without_end_is_left(beginning: bytes) -> None:
    with answering(lambda _ended: itertools.chain([beginning], itertools.repeat(b"x" * 65536))) as port:
        assert probe("127.0.0.1", port) == Answered()


def test_what_it_is_is_told_however_it_comes() -> None:
    whole = HEAD + f"Content-Length: {len(TOLD)}\r\n\r\n".encode() + TOLD
    with answering(lambda _ended: [whole[:20], whole[20:90], whole[90:]]) as port:
        found = probe("127.0.0.1", port)
    assert isinstance(found, Answered)
    assert (found.component, found.component_id) == ("worker", "w")


def test_a_program_that_is_degraded_says_who_it_is() -> None:
    head = HEAD.replace(b"200 OK", b"503 Service Unavailable")
    with answering(lambda _ended: [head + b"\r\n" + TOLD]) as port:
        found = probe("127.0.0.1", port)
    assert isinstance(found, Answered)
    assert found.component == "worker"
