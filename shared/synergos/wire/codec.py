"""Tensors to bytes and back, without ever holding a second copy of the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256

import torch
from torch import Tensor

from synergos.errors import WireFormatError
from synergos.learning.bags import Packed, Weights
from synergos.wire.layout import DTYPES, MAXIMUM_HEADER_BYTES, Header, Layout

CHUNK_BYTES = 2**18
"""The most that is sent or read at once: pieces that the allocator hands out again and the processor's cache holds."""

Read = Callable[[int], bytes]
"""Returns at most that many bytes, and none only at the end."""

ReadInto = Callable[[memoryview], int]
"""Fills memory from its beginning; how many bytes, none only at the end."""


@dataclass(frozen=True)
class Encoded:
    """One message, ready to be sent: its length, and its bytes made as they are asked for.

    Attributes:
        sent: called when somebody has taken the last of them.
        offset: bytes at its beginning that are left out, as they have arrived before.
    """

    header: bytes
    tensors: tuple[Tensor, ...]
    sent: Callable[[], None] = lambda: None
    offset: int = 0

    @property
    def whole(self) -> int:
        """Size of the whole message in bytes."""
        return len(self.header) + sum(tensor.nbytes for tensor in self.tensors)

    @property
    def length(self) -> int:
        """Bytes of it that are to be sent."""
        return self.whole - self.offset

    @property
    def digest(self) -> str:
        """Tells it from other messages of the same place: SHA-256 of all in front of its tensors, in hexadecimal."""
        return sha256(self.header).hexdigest()

    def after(self, offset: int) -> Encoded:
        """What is left of it when so many bytes have arrived."""
        return replace(self, offset=offset)

    def buffers(self) -> Iterator[memoryview]:
        """The message as views into the tensors themselves.

        Nothing is copied, except that small neighbours come as one piece, so that a small network is sent at once, and that a
        tensor in a GPU's memory is for as long as its turn lasts.
        """
        left_out = self.offset
        for piece in self._pieces():
            if left_out < len(piece):
                yield piece[left_out:] if left_out else piece
            left_out = max(0, left_out - len(piece))
        self.sent()

    def _pieces(self) -> Iterator[memoryview]:
        small = bytearray(self.header)
        for tensor in self.tensors:
            if len(small) + tensor.nbytes <= CHUNK_BYTES:
                small += _bytes_of(tensor)
                continue
            if small:
                yield memoryview(small)
            yield _bytes_of(tensor)
            small = bytearray()
        if small:
            yield memoryview(small)

    def chunks(self) -> Iterator[bytes]:
        """The message in pieces of at most :data:`CHUNK_BYTES`, each a copy that lives as long as it is sent."""
        for view in self.buffers():
            for start in range(0, view.nbytes, CHUNK_BYTES):
                yield bytes(view[start : start + CHUNK_BYTES])


def encode(weights: Mapping[str, Tensor], metadata: Mapping[str, object]) -> Encoded:
    """A message of these weights. The tensors must not change until it has been sent.

    Raises:
        WireFormatError: a tensor has a dtype that does not travel.
    """
    if isinstance(weights, Packed):
        # As they lie, in the order in which they travel.
        header = Header.of(Layout.of_packed(weights.shapes), metadata)
        return Encoded(header.to_bytes(), (weights.flat,) if weights.flat.nbytes else ())
    layout = Layout.of(weights)
    header = Header.of(layout, metadata)
    return Encoded(header.to_bytes(), tuple(weights[spec.name].detach() for spec in layout.tensors if spec.nbytes))


def read_header(read: Read, length: int, expected: Layout) -> Header:
    """Read and check the header of a message of ``length`` bytes; afterwards ``read`` stands at the data section.

    Raises:
        WireFormatError: it is not a message, or not one of the network ``expected`` describes.
    """
    size = int.from_bytes(_read_exactly(read, 8), "little")
    if not 2 <= size <= MAXIMUM_HEADER_BYTES or size > length - 8:
        raise WireFormatError(
            f"the header claims {size} bytes; expected at most {MAXIMUM_HEADER_BYTES} and a whole message"
        )
    header = Header.from_json(_read_exactly(read, size), expected)
    if 8 + size + header.data_bytes != length:
        raise WireFormatError(f"the message has {length} bytes, its header describes {8 + size + header.data_bytes}")
    return header


def receive(
    read_into: ReadInto,
    header: Header,
    buffer: bytearray | memoryview,
    arrived: Callable[[int], None] = lambda _count: None,
    position: int = 0,
) -> None:
    """Read the data section into ``buffer``, which can be used again for the next message.

    A bytearray is grown if need be; a memoryview must be large enough.

    Args:
        arrived: told again and again how many bytes are there.
        position: bytes of it that are there already.

    Raises:
        WireFormatError: the message ends early.
    """
    if isinstance(buffer, bytearray) and len(buffer) < header.data_bytes:
        buffer.extend(bytes(header.data_bytes - len(buffer)))
    view = memoryview(buffer)[: header.data_bytes]
    if position:
        arrived(position)
    while position < header.data_bytes:
        count = read_into(view[position:])
        if not count:
            raise WireFormatError(f"the message ends after {position} of {header.data_bytes} bytes")
        position += count
        arrived(position)


def weights_in(buffer: bytearray | memoryview, header: Header) -> Weights:
    """The tensors of a received message, as views into ``buffer``."""
    if (shapes := header.offsets.shapes) is not None and header.data_bytes:
        return Packed(shapes, torch.frombuffer(buffer, dtype=torch.float32, count=header.data_bytes // 4))
    return {spec.name: _view(buffer, start, spec.dtype, spec.shape) for spec, start in header.offsets.items()}


def _read_exactly(read: Read, size: int) -> bytes:
    found = bytearray()
    while len(found) < size:
        piece = read(min(CHUNK_BYTES, size - len(found)))
        if not piece:
            raise WireFormatError(f"the message ends after {len(found)} of {size} header bytes")
        found += piece
    return bytes(found)


def _bytes_of(tensor: Tensor) -> memoryview:
    if tensor.is_cpu and tensor.is_contiguous() and tensor.dtype is not torch.bfloat16:
        # In fewer steps: of a small network there are many tensors, and little in each.
        return tensor.numpy().data.cast("B")
    # reshape first: a tensor without dimensions cannot be viewed with another element size.
    flat = tensor.cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().data


def _view(buffer: bytearray | memoryview, start: int, dtype: str, shape: tuple[int, ...]) -> Tensor:
    kind = DTYPES[dtype]
    count = 1
    for side in shape:
        count *= side
    if count == 0:
        return torch.empty(shape, dtype=kind)
    return torch.frombuffer(buffer, dtype=kind, count=count, offset=start).reshape(shape)
