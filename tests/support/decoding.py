"""A whole message read at once, as a worker reads one from its socket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from synergos.wire import Layout, read_header, receive, weights_in
from synergos.wire.codec import CHUNK_BYTES, Read


def decode(
    read: Read, length: int, expected: Layout, buffer: bytearray | memoryview
) -> tuple[Mapping[str, Tensor], dict[str, Any]]:
    """The tensors, as views into ``buffer``, and the metadata.

    Raises:
        WireFormatError: it is not a message, or not one of the network ``expected`` describes.
    """

    def read_into(memory: memoryview) -> int:
        piece = read(min(CHUNK_BYTES, len(memory)))
        memory[: len(piece)] = piece
        return len(piece)

    header = read_header(read, length, expected)
    receive(read_into, header, buffer)
    return weights_in(buffer, header), dict(header.metadata)
