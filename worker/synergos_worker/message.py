"""A message on its way in: read straight from the socket, into memory that is there already."""

from __future__ import annotations

import io
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from synergos.errors import WireFormatError
from synergos.program.request_body import reading_into

_PIECE = 2**20
_SMALL = 2**16
"""Bytes of a message that is read as a whole, which takes less than to read it in three pieces."""


def _nothing() -> None:
    pass


class Message:
    """The body of one request on the data port: a message, or what is left of one whose beginning has come before.

    Args:
        stream: ``wsgi.input``.
        length: of the whole body.
        offset: bytes of the message that came before, by another connection.
        digest: of all in front of its tensors, in hexadecimal; of a message whose beginning has come.
        give_up: has whoever reads it find its connection broken; any thread may call it.
    """

    def __init__(
        self,
        stream: Any,
        length: int,
        offset: int = 0,
        digest: str | None = None,
        give_up: Callable[[], None] = _nothing,
    ) -> None:
        self.length = length
        self.offset = offset
        self.give_up = give_up
        self._left = length
        self._digest = digest
        self._before_tensors = sha256()
        self._has_begun_tensors = bool(offset)
        self._stream = stream
        self._read_into = reading_into(stream)
        self._is_untouched = True

    @property
    def whole(self) -> int:
        """Bytes of the message, with those that came before."""
        return self.offset + self.length

    @property
    def position(self) -> int:
        """Bytes of the message that have been read, with those that came before."""
        return self.whole - self._left

    @property
    def kept(self) -> int:
        """Bytes of the message after which the rest of it may come by another connection; none before all in front of its tensors is there."""
        return self.position if self._has_begun_tensors else 0

    @property
    def digest(self) -> str:
        """SHA-256 of all in front of its tensors, as far as that was read, in hexadecimal; nothing of a small message."""
        return self._before_tensors.hexdigest() if self._digest is None else self._digest

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
        if self.length > _SMALL:
            self._before_tensors.update(piece)
        return piece

    def read_into(self, memory: memoryview) -> int:
        """Fill memory from its beginning with the next bytes, none beyond the body's own length; how many.

        Raises:
            WireFormatError: the connection was lost.
        """
        self._has_begun_tensors = True
        try:
            self._begin()
            count = self._read_into(memory[: self._left])
        except OSError as error:
            raise WireFormatError("the connection was lost") from error
        self._left -= count
        return count

    def let_go(self) -> None:
        """Keep nothing of its connection, of which nothing is read any more."""
        self._stream = io.BytesIO()
        self._read_into = reading_into(self._stream)
        self.give_up = _nothing

    def discard(self) -> None:
        """Read what is left and forget it, so that the sender gets to hear the answer."""
        while self._left and self.read(_PIECE):
            pass

    def _begin(self) -> None:
        if self._is_untouched and self.length <= _SMALL:
            self._stream = io.BytesIO(self._stream.read(self.length))
            self._read_into = reading_into(self._stream)
        self._is_untouched = False
