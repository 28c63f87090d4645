"""A message is read as it was sent, and nothing of what follows it by the same connection."""

from __future__ import annotations

import io
import os

import pytest

from synergos.errors import WireFormatError
from synergos_worker.message import Message

SIZES = [1, 2**16, 2**16 + 1, 200_000]


@pytest.mark.parametrize("size", SIZES)
def test_a_message_is_its_bytes_and_no_more(size: int) -> None:
    sent = os.urandom(size)
    stream = io.BytesIO(sent + b"the next request")
    message = Message(stream, size)

    memory, position = bytearray(size + 100), 0
    begun = message.read(8)
    while count := message.read_into(memoryview(memory)[position:]):
        position += count

    assert begun + memory[:position] == sent
    assert message.read(1) == b""
    assert stream.read() == b"the next request"


@pytest.mark.parametrize("size", SIZES)
def test_what_is_discarded_leaves_the_connection_at_the_next_request(size: int) -> None:
    stream = io.BytesIO(bytes(size) + b"the next request")

    Message(stream, size).discard()

    assert stream.read() == b"the next request"


class Broken(io.RawIOBase):
    def read(self, _size: int = -1) -> bytes:
        raise ConnectionResetError


@pytest.mark.parametrize("size", SIZES)
def test_a_connection_that_breaks_is_said_so(size: int) -> None:
    with pytest.raises(WireFormatError, match="lost"):
        Message(Broken(), size).read(8)
    with pytest.raises(WireFormatError, match="lost"):
        Message(Broken(), size).read_into(memoryview(bytearray(8)))
