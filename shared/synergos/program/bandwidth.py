"""``/bandwidth`` of every program: bytes that mean nothing, to be received or thrown away, so that a line can be measured."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from synergos.errors import InvalidRequest

ROUTE = "/bandwidth"
MOST = 2**22
"""Bytes at a time."""
_PIECE = 2**16
# Not zeros: what a line makes smaller on its way says little of weights.
_BYTES = os.urandom(_PIECE)


def amount(text: str) -> int:
    """How many bytes are wanted.

    Raises:
        InvalidRequest: it is no number, or too many.
    """
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) <= MOST):
        raise InvalidRequest(f"expected a number of bytes, {MOST} at most", "bytes")
    return int(text)


def pieces(count: int) -> Iterator[bytes]:
    """So many bytes."""
    while count > 0:
        yield _BYTES[:count]
        count -= _PIECE


def discard(read: Callable[[int], bytes], count: int) -> int:
    """Throw so many bytes away; how many there were."""
    thrown = 0
    while thrown < count and (piece := read(min(_PIECE, count - thrown))):
        thrown += len(piece)
    return thrown
