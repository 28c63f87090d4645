"""A connection that is read and written by one thread: it waits for the other end, but neither for ever nor byte by byte."""

from __future__ import annotations

import os
import select
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from werkzeug.exceptions import RequestTimeout

NOT_YET = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
"""What a connection that is not waited for says when nothing can be read or written now."""

_GONE = getattr(select, "POLLRDHUP", 0) | select.POLLHUP | select.POLLERR


@dataclass(frozen=True)
class Pace:
    """How slow the other end may be: time counts only while it is waited for.

    Attributes:
        seconds: within which something has to happen.
        bytes: that are at least exchanged in them, unless less is left.
    """

    seconds: float
    bytes: int

    def by_records(self) -> Pace:
        """The same where bytes come in TLS records: none of one's are there before the last one, so that one is let off."""
        count = max(self.bytes, _RECORD)
        return Pace((count + _RECORD) * self.seconds / self.bytes, count)


_RECORD = 2**14
"""Bytes of the longest TLS record."""
RECEIVING = Pace(10.0, 10 * 2**10)
SENDING = Pace(30.0, 30 * 2**10)
"""An answer is read by a program that may be busy with others' meanwhile."""


class PacedSocket:
    """What gunicorn and the applications take for the socket of a request.

    The socket itself waits for nothing (it is in non-blocking mode), so that the main thread can have it back as it is, and
    that what is there needs no step more.

    Args:
        connection: plain or TLS, non-blocking.

    Attributes:
        may_wait_for_room: asked before an answer waits for the other end to take more of it; None when it always may.
        is_tls: whether what is sent is encrypted by this process, past which no file goes then.
    """

    def __init__(self, connection: socket.socket, receiving: Pace = RECEIVING, sending: Pace = SENDING) -> None:
        self._connection = connection
        self._receiving = _Window(receiving)
        self._sending = _Window(sending)
        self.may_wait_for_room: Callable[[], bool] | None = None
        self.is_tls = isinstance(connection, ssl.SSLSocket)

    def begin(self) -> None:
        """A request begins: what was waited for before is forgotten."""
        self._receiving.begin()
        self._sending.begin()

    def recv(self, size: int) -> bytes:
        """What has come, so many bytes at most; none at the end.

        Raises:
            RequestTimeout: too little comes.
        """
        while True:
            try:
                piece = self._connection.recv(size)
            except NOT_YET as missing:
                self._await_more(missing)
            else:
                self._receiving.count(len(piece))
                return piece

    def recv_into(self, memory: memoryview) -> int:
        """Fill memory from its beginning with what has come; how many bytes, none at the end.

        Raises:
            RequestTimeout: too little comes.
        """
        while True:
            try:
                count = self._connection.recv_into(memory)
            except NOT_YET as missing:
                self._await_more(missing)
            else:
                self._receiving.count(count)
                return count

    def sendall(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of it.

        Raises:
            TimeoutError: the other end takes too little, or too many others are waited for.
        """
        left = memoryview(data).cast("B")
        while left:
            try:
                count = self._connection.send(left)
            except NOT_YET as missing:
                self._await_room(missing)
            else:
                self._sending.count(count)
                left = left[count:]

    def send(self, data: bytes) -> int:
        """The same; how many bytes there were."""
        self.sendall(data)
        return len(data)

    def sendfile(self, file: IO[bytes], offset: int, count: int) -> None:
        """Have the system send so many bytes of a file, which go past this process; a plain connection's only.

        Raises:
            TimeoutError: the other end takes too little, or too many others are waited for.
            OSError: the file has become shorter than it was said to be.
        """
        end = offset + count
        while offset < end:
            try:
                sent = os.sendfile(self._connection.fileno(), file.fileno(), offset, end - offset)
            except NOT_YET as missing:
                self._await_room(missing)
            else:
                if not sent:
                    raise OSError("the file has become shorter")
                self._sending.count(sent)
                offset += sent

    def is_gone(self) -> bool:
        """Whether the other end has closed the connection."""
        return bool(_poll(self._connection, _GONE, 0.0))

    def _await_more(self, missing: Exception) -> None:
        if not self._receiving.wait(self._connection, _event(missing, select.POLLIN)):
            pace = self._receiving.pace
            raise RequestTimeout(
                f"the request came too slowly: expected at least {pace.bytes} bytes in {pace.seconds:g} seconds, or its end"
            )

    def _await_room(self, missing: Exception) -> None:
        if self.may_wait_for_room is not None and not self.may_wait_for_room():
            raise TimeoutError("too many answers are taken slowly")
        if not self._sending.wait(self._connection, _event(missing, select.POLLOUT)):
            raise TimeoutError("the answer is not taken")


class _Window:
    """A stretch of waiting in which something has to happen."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self.begin()

    def begin(self) -> None:
        self._waited = 0.0
        self._bytes = 0

    def count(self, count: int) -> None:
        self._bytes += count

    def wait(self, connection: socket.socket, event: int) -> bool:
        """Wait until there is something to do; False when the time is over and too little was exchanged in it."""
        if self._waited >= self.pace.seconds:
            if self._bytes < self.pace.bytes:
                return False
            self.begin()
        begun = time.monotonic()
        is_ready = bool(_poll(connection, event, self.pace.seconds - self._waited))
        self._waited += time.monotonic() - begun
        return is_ready or self._bytes >= self.pace.bytes


def _event(missing: Exception, usual: int) -> int:
    """What to wait for: TLS may have to write before it can read, and the other way round."""
    match missing:
        case ssl.SSLWantReadError():
            return select.POLLIN
        case ssl.SSLWantWriteError():
            return select.POLLOUT
        case _:
            return usual


def _poll(connection: socket.socket, events: int, seconds: float) -> list[tuple[int, int]]:
    poll = select.poll()
    poll.register(connection, events)
    return poll.poll(1000 * seconds)
