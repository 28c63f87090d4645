"""A request's body, read from its connection straight into memory that is there already."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gunicorn.http.body import Body, LengthReader
from gunicorn.http.unreader import SocketUnreader

ReadInto = Callable[[memoryview], int]
"""Fills memory from its beginning; how many bytes, none only at the end."""


def reading_into(stream: Any) -> ReadInto:
    """How to read ``wsgi.input`` into memory.

    gunicorn's own way copies every byte several times, which takes longer than all else that is done with a body of megabytes.
    Other streams, such as those of test clients, are read as they are.
    """
    if (own := getattr(stream, "read_into", None)) is not None:
        read_into: ReadInto = own
        return read_into
    if (
        isinstance(stream, Body)
        and isinstance(stream.reader, LengthReader)
        and isinstance(stream.reader.unreader, SocketUnreader)
    ):
        return _Direct(stream)
    return lambda memory: _copied(stream, memory)


class _Direct:
    """Reads from the socket below gunicorn's stream, which goes on to know how much is left."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __call__(self, memory: memoryview) -> int:
        reader, unreader = self._stream.reader, self._stream.reader.unreader
        if early := self._stream.buf.tell():
            # What gunicorn has read beyond what it was asked for.
            return _copied(self._stream, memory[:early])
        wanted = memory[: reader.length]
        if not wanted:
            return 0
        try:
            # What came together with the header.
            together = unreader.take_buffered()
            count = _handed_over(together, wanted, unreader) if together else unreader.sock.recv_into(wanted)
        except Exception:
            # As gunicorn does: where the next request would begin is not known.
            self._stream.failed = True
            raise
        reader.length -= count
        return int(count)


def _handed_over(data: bytes, memory: memoryview, unreader: Any) -> int:
    count = min(len(data), len(memory))
    memory[:count] = data[:count]
    if rest := data[count:]:
        unreader.unread(rest)
    return count


def _copied(stream: Any, memory: memoryview) -> int:
    piece = stream.read(len(memory))
    memory[: len(piece)] = piece
    return len(piece)
