"""A message on its way in: read piece by piece, straight from the socket."""

from __future__ import annotations

from collections.abc import Callable

from synergos.errors import WireFormatError

_PIECE = 2**20


class Message:
    """The body of one request on the data port.

    Args:
        read: returns at most that many bytes, and none only at the end.
        length: of the whole body.
    """

    def __init__(self, read: Callable[[int], bytes], length: int) -> None:
        self.length = length
        self._left = length
        self._read = read

    def read(self, size: int) -> bytes:
        """The next bytes, none beyond the body's own length.

        Raises:
            WireFormatError: the connection was lost.
        """
        try:
            piece = self._read(min(size, self._left))
        except OSError as error:
            raise WireFormatError("the connection was lost") from error
        self._left -= len(piece)
        return piece

    def discard(self) -> None:
        """Read what is left and forget it, so that the sender gets to hear the answer."""
        while self._left and self.read(_PIECE):
            pass
