"""One HTTP response, read from its connection as far as it is asked for."""

from __future__ import annotations

from typing import Protocol

import httptools

_AT_ONCE = 2**16
"""The most that is taken from the connection before it is known how much is wanted: a small response as a whole."""
_LONGEST_HEAD = 2**16
_INTERIM = 200
"""Below this, a response says no more than that there will be another one."""


class Incoming(Protocol):
    """Where the bytes come from; see :class:`synergos_ttp.workers.line.Line`."""

    def recv(self, size: int, /) -> bytes:
        """What has come, so many bytes at most; none at the end."""

    def recv_into(self, memory: memoryview, /) -> int:
        """Fill memory from its beginning with what has come; how many bytes, none at the end."""


class Response:
    """What comes by a connection after a request. Making one waits for its head.

    Making one and reading it raises :class:`OSError` when the connection breaks or ends early, and
    :class:`httptools.HttpParserError` or its like for what is no HTTP.

    Attributes:
        status: of HTTP.
        length: of the content in bytes, 0 when the worker does not say.
    """

    def __init__(self, connection: Incoming) -> None:
        self._connection = connection
        self._parser = httptools.HttpResponseParser(self)
        # Content that has been received and was not asked for yet.
        self._early = bytearray()
        self._has_head = self._has_ended = False
        self._begin()
        received = 0
        while not self._has_head:
            if received > _LONGEST_HEAD:
                raise httptools.HttpParserError(f"a head of more than {_LONGEST_HEAD} bytes")
            received += self._parse()
        self.status = self._parser.get_status_code()
        self.length = self._length or 0
        # Of a content whose length is known nothing has to be looked at any more; None where the parser tells its end.
        self._left = None if self._length is None else self._length - len(self._early)
        if self._left is not None:
            # It knows this response, and this response it: memory that nobody would free for a while.
            del self._parser

    @property
    def is_complete(self) -> bool:
        """Whether all of it has been read."""
        return not self._early and (self._left == 0 or (self._left is None and self._has_ended))

    @property
    def is_last(self) -> bool:
        """Whether nothing else will come by its connection."""
        return self._is_last

    def read(self, size: int | None = None) -> bytes:
        """The next ``size`` bytes, fewer only at the end; all that is left without ``size``."""
        while (size is None or len(self._early) < size) and self._receive():
            pass
        piece = bytes(self._early[:size])
        del self._early[: len(piece)]
        return piece

    def read_into(self, memory: memoryview) -> int:
        """Fill memory from its beginning with the next bytes; how many, none only at the end."""
        if self._early or self._left is None:
            # No more than is here already, where the length is known: what is to come goes straight into memory.
            piece = self.read(len(memory) if self._left is None else min(len(memory), len(self._early)))
            memory[: len(piece)] = piece
            return len(piece)
        count = self._connection.recv_into(memory[: self._left]) if self._left else 0
        if self._left and not count:
            raise _ended()
        self._left -= count
        return count

    def _receive(self) -> bool:
        """Take more of the content from the connection; false at its end."""
        if self._left is None:
            return not self._has_ended and self._parse() >= 0
        if not self._left:
            return False
        piece = self._connection.recv(min(self._left, _AT_ONCE))
        if not piece:
            raise _ended()
        self._left -= len(piece)
        self._early += piece
        return True

    def _parse(self) -> int:
        """Have the parser look at what comes next; how much that is."""
        piece = self._connection.recv(_AT_ONCE)
        if piece:
            self._parser.feed_data(piece)
        elif self._has_head and not self._is_chunked:
            # Neither length nor pieces: the content is all there is.
            self._has_ended = True
        else:
            raise _ended()
        return len(piece)

    def _begin(self) -> None:
        self._length: int | None = None
        self._is_chunked = self._is_last = False

    # What the parser calls.

    def on_message_begin(self) -> None:
        """A response begins."""
        if self._has_ended:
            raise ValueError("more than what was asked for")

    def on_header(self, name: bytes, value: bytes) -> None:
        """One line of the head; the parser has refused lengths that are none, and several that differ."""
        match name.lower():
            case b"content-length":
                self._length = int(value)
            case b"transfer-encoding":
                self._is_chunked = True

    def on_headers_complete(self) -> None:
        """The head is there, and the parser remembers it until the end."""
        self._has_head = True
        self._is_last = not self._parser.should_keep_alive()

    def on_body(self, piece: bytes) -> None:
        """Some of the content."""
        self._early += piece

    def on_message_complete(self) -> None:
        """The end, or that of a response before the one that was asked for."""
        if self._parser.get_status_code() < _INTERIM:
            self._has_head = False
            self._begin()
        else:
            self._has_ended = True


def _ended() -> ConnectionError:
    return ConnectionResetError("the connection ended early")
