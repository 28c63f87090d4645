"""Which tensors a message holds and where: the JSON header of a safetensors blob, checked before memory is touched.

The safetensors library reads and writes whole blobs; here weights stream straight between a socket and the network's
own tensors, so the header is handled on its own. What this module accepts is a subset of what the library writes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from math import prod

import torch
from torch import Tensor

from synergos.errors import WireFormatError
from synergos.learning.bags import Shapes

MAXIMUM_HEADER_BYTES = 16 * 2**20
METADATA_ENTRY = "synergos"
LARGEST_OWN = 2**28
"""Bytes that the tensors of a message may have together of which only the message says what they are."""

DTYPES: Mapping[str, torch.dtype] = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
_MOST_SIDES = 8
_MOST_TAILS, _LONGEST_TAIL = 4, 2**20
_BEGIN = '{"__metadata__":'
_CODES = {dtype: code for code, dtype in DTYPES.items()}


@dataclass(frozen=True)
class TensorSpec:
    """Name, dtype code and shape of one tensor."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        """Size of the tensor in bytes."""
        return prod(self.shape) * DTYPES[self.dtype].itemsize


@dataclass(frozen=True)
class Layout:
    """What tensors a message holds, largest element first so that each starts at a multiple of its element size.

    Attributes:
        tensors: those that must be there, each exactly once.
        optional: groups of tensors that may be there, each as a whole.
        own: beginnings of the names of tensors that may be there in any number and shape, up to :data:`LARGEST_OWN` bytes.
    """

    tensors: tuple[TensorSpec, ...]
    optional: tuple[tuple[TensorSpec, ...], ...] = ()
    own: tuple[str, ...] = ()

    @classmethod
    def of(cls, weights: Mapping[str, Tensor]) -> Layout:
        """The layout of a state dict.

        Raises:
            WireFormatError: it has a tensor of a dtype that does not travel.
        """
        return _layout(tuple((name, tensor.dtype, tensor.shape) for name, tensor in weights.items()))

    @classmethod
    def of_packed(cls, shapes: Shapes) -> Layout:
        """The layout of float32 tensors that lie in this order."""
        return _layout_of_packed(shapes)

    @cached_property
    def places(self) -> Places:
        """Where the tensors that must be there begin when they lie without gaps, in this order."""
        places, position = Places(), 0
        for spec in self.tensors:
            places[spec] = position
            position += spec.nbytes
        return places

    @property
    def nbytes(self) -> int:
        """Size in bytes of all tensors that must be there."""
        return self.places.nbytes

    @cached_property
    def largest(self) -> int:
        """The most bytes that all tensors of a message can have together."""
        optional = sum(spec.nbytes for group in self.optional for spec in group)
        return self.nbytes + optional + (LARGEST_OWN if self.own else 0)

    @cached_property
    def tails(self) -> dict[str, Places]:
        """What headers had behind their metadata that were right: the next one most probably has the same."""
        return {}

    def specs_of(self, entries: Mapping[str, object]) -> dict[str, TensorSpec]:
        """What each tensor of a header has to be.

        Raises:
            WireFormatError: something is missing, or there that does not belong there.
        """
        own = {name: _own_spec(name, entry) for name, entry in entries.items() if name.startswith(self.own)}
        wanted = {spec.name: spec for spec in self.tensors}
        for group in self.optional:
            if any(spec.name in entries for spec in group):
                wanted |= {spec.name: spec for spec in group}
        _compare_names(entries.keys() - own.keys(), set(wanted))
        if sum(spec.nbytes for spec in own.values()) > LARGEST_OWN:
            raise WireFormatError(f"the message's own tensors have more than {LARGEST_OWN} bytes")
        return wanted | own


class Places(dict[TensorSpec, int]):
    """At which byte of the data section each tensor begins. It is not changed once it is made, and serves many messages."""

    @cached_property
    def nbytes(self) -> int:
        """Size of the data section."""
        return sum(spec.nbytes for spec in self)

    @cached_property
    def shapes(self) -> Shapes | None:
        """Of tensors that are all of float32 and lie in this order, None for others."""
        in_order = list(self.values()) == sorted(self.values())
        if not self or not in_order or any(spec.dtype != "F32" for spec in self):
            return None
        return Shapes({spec.name: spec.shape for spec in self})

    @cached_property
    def tail(self) -> str:
        """What a header says of them, which is everything behind the metadata."""
        entries = {
            spec.name: {"dtype": spec.dtype, "shape": list(spec.shape), "data_offsets": [start, start + spec.nbytes]}
            for spec, start in self.items()
        }
        text = json.dumps(entries, separators=(",", ":"))
        return f",{text[1:]}" if entries else "}"


@dataclass(frozen=True)
class Header:
    """The header of one message: where each tensor begins in the data section, and the metadata."""

    offsets: Places
    metadata: Mapping[str, object] = field(default_factory=dict)

    @property
    def data_bytes(self) -> int:
        """Size of the data section."""
        return self.offsets.nbytes

    @classmethod
    def of(cls, layout: Layout, metadata: Mapping[str, object]) -> Header:
        """The header of a message that holds ``layout`` without gaps."""
        return cls(layout.places, metadata)

    def to_bytes(self) -> bytes:
        """Length prefix and JSON, padded so that the data section starts at a multiple of eight."""
        metadata = json.dumps({METADATA_ENTRY: json.dumps(self.metadata, allow_nan=False)}, separators=(",", ":"))
        text = f"{_BEGIN}{metadata}{self.offsets.tail}".encode()
        text += b" " * (-len(text) % 8)
        return len(text).to_bytes(8, "little") + text

    @classmethod
    def from_json(cls, text: bytes, expected: Layout) -> Header:
        """Read the JSON part of a header and hold it against what is expected.

        Raises:
            WireFormatError: it is not a header, or describes other tensors than ``expected``.
        """
        metadata, tail = _split(text)
        if (known := expected.tails.get(tail)) is not None:
            return cls(known, _metadata(metadata))
        entries = _parse(text)
        metadata = _metadata(entries.pop("__metadata__", {}))
        wanted = expected.specs_of(entries)
        offsets = Places({wanted[name]: _start(wanted[name], entry) for name, entry in entries.items()})
        _refuse_gaps(offsets)
        if 0 < len(tail) <= _LONGEST_TAIL and len(expected.tails) < _MOST_TAILS:
            expected.tails[tail] = offsets
        return cls(offsets, metadata)


@lru_cache(maxsize=64)
def _layout(described: tuple[tuple[str, torch.dtype, torch.Size], ...]) -> Layout:
    """The same layout for tensors that are described alike; a round has several messages, all of the same ones."""
    specs = []
    for name, dtype, shape in described:
        if dtype not in _CODES:
            raise WireFormatError(f"tensor {name!r} has dtype {dtype}, which does not travel")
        specs.append(TensorSpec(name, _CODES[dtype], tuple(shape)))
    return Layout(tuple(sorted(specs, key=lambda spec: -DTYPES[spec.dtype].itemsize)))


@lru_cache(maxsize=64)
def _layout_of_packed(shapes: Shapes) -> Layout:
    return _layout(tuple((name, torch.float32, torch.Size(shape)) for name, shape in shapes.by_name.items()))


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise WireFormatError("the header names something twice")
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_without_duplicates)


def _split(text: bytes) -> tuple[object, str]:
    """The metadata, and the text behind them, of a header that begins with them; nothing of another one."""
    try:
        decoded = text.decode()
        if not decoded.startswith(_BEGIN):
            return None, ""
        metadata, end = _DECODER.raw_decode(decoded, len(_BEGIN))
    except (ValueError, RecursionError):
        return None, ""
    return metadata, decoded[end:].rstrip(" ")


def _parse(text: bytes) -> dict[str, object]:
    try:
        entries = json.loads(text, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise WireFormatError("the header is not JSON") from error
    if not isinstance(entries, dict):
        raise WireFormatError("the header is not a JSON object")
    return entries


def _metadata(entry: object) -> dict[str, object]:
    is_text = isinstance(entry, dict) and all(isinstance(value, str) for value in entry.values())
    text = entry.get(METADATA_ENTRY, "{}") if isinstance(entry, dict) and is_text else None
    try:
        metadata = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        metadata = None
    if not isinstance(metadata, dict):
        raise WireFormatError(f"__metadata__.{METADATA_ENTRY} is not a JSON object written as text")
    return metadata


def _compare_names(found: set[str], wanted: set[str]) -> None:
    if missing := sorted(wanted - found):
        raise WireFormatError(f"the message lacks {len(missing)} tensors of the network, the first is {missing[0]!r}")
    if surplus := sorted(found - wanted):
        raise WireFormatError(
            f"the message has {len(surplus)} tensors the network lacks, the first is {surplus[0][:200]!r}"
        )


def _own_spec(name: str, entry: object) -> TensorSpec:
    """What a tensor says of itself, as far as it can be."""
    shape = entry.get("shape") if isinstance(entry, dict) else None
    dtype = entry.get("dtype") if isinstance(entry, dict) else None
    is_shape = isinstance(shape, list) and len(shape) <= _MOST_SIDES
    if not is_shape or not all(type(side) is int and 0 <= side <= LARGEST_OWN for side in shape or ()):
        raise WireFormatError(f"tensor {name[:200]!r}: expected a shape of at most {_MOST_SIDES} sides")
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise WireFormatError(f"tensor {name[:200]!r}: expected one of the dtypes {', '.join(DTYPES)}")
    return TensorSpec(name, dtype, tuple(shape or ()))


def _start(spec: TensorSpec, entry: object) -> int:
    """Where the tensor begins, once its dtype, shape and size are those of the network."""
    if not isinstance(entry, dict):
        raise WireFormatError(f"tensor {spec.name!r}: expected dtype, shape and data_offsets")
    shape = entry.get("shape")
    # 2.0 and True are equal to whole numbers, but none; the safetensors library refuses them too.
    is_whole = isinstance(shape, list) and all(type(side) is int for side in shape)
    if entry.get("dtype") != spec.dtype or not is_whole or shape != list(spec.shape):
        raise WireFormatError(f"tensor {spec.name!r}: expected dtype {spec.dtype} and shape {list(spec.shape)}")
    offsets = entry.get("data_offsets")
    if not (isinstance(offsets, list) and len(offsets) == 2 and all(type(offset) is int for offset in offsets)):
        raise WireFormatError(f"tensor {spec.name!r}: expected two data_offsets")
    start, end = offsets
    if start < 0 or end - start != spec.nbytes:
        raise WireFormatError(f"tensor {spec.name!r}: data_offsets do not span its {spec.nbytes} bytes")
    return int(start)


def _refuse_gaps(offsets: Mapping[TensorSpec, int]) -> None:
    position = 0
    for spec, start in sorted(offsets.items(), key=lambda item: (item[1], item[0].nbytes)):
        if start != position:
            raise WireFormatError(f"tensor {spec.name!r} begins at byte {start}, expected {position}")
        position += spec.nbytes
