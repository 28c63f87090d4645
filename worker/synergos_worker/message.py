"""A message on its way in: read straight from the socket, into memory that is there already."""

from __future__ import annotations

import io
from typing import Any

from synergos.errors import WireFormatError
from synergos.program.request_body import reading_into

_PIECE = 2**20
_SMALL = 2**16
"""Bytes of a message that is read as a whole, which takes less than to read it in three pieces."""


class Message:
    """The body of one request on the data port.

    Args:
        stream: ``wsgi.input``.
        length: of the whole body.
    """

    def __init__(self, stream: Any, length: int) -> None:
        self.length = length
        self._left = length
        self._stream = stream
        self._read_into = reading_into(stream)
        self._is_untouched = True

    def read(self, size: int) -> bytes:
        """The next bytes, none beyond the body's own length.

        Raises:
            WireFormatError: the connection was lost.
        """
        try:
            self._begin()
            piece: bytes = self._stream.read(min(size, self._left))
        except OSError as error:
            raise WireFormatError("the connection was lost") from error
        self._left -= len(piece)
        return piece

    def read_into(self, memory: memoryview) -> int:
        """Fill memory from its beginning with the next bytes, none beyond the body's own length; how many.

        Raises:
            WireFormatError: the connection was lost.
        """
        try:
            self._begin()
            count = self._read_into(memory[: self._left])
        except OSError as error:
            raise WireFormatError("the connection was lost") from error
        self._left -= count
        return count

    def discard(self) -> None:
        """Read what is left and forget it, so that the sender gets to hear the answer."""
        while self._left and self.read(_PIECE):
            pass

    def _begin(self) -> None:
        if self._is_untouched and self.length <= _SMALL:
            self._stream = io.BytesIO(self._stream.read(self.length))
            self._read_into = reading_into(self._stream)
        self._is_untouched = False
