"""A message that was tampered with is refused before memory is taken, or is what the safetensors library reads in it."""

from __future__ import annotations

import io
import json
import tracemalloc
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from support.corruption import corrupted
from support.decoding import decode
from synergos.errors import WireFormatError
from synergos.wire import Layout, encode
from synergos.wire.layout import MAXIMUM_HEADER_BYTES

WEIGHTS = {
    "nnl_0_linear.weight": torch.arange(2**18, dtype=torch.float32).reshape(512, 512),
    "nnl_1_batchnorm1d.num_batches_tracked": torch.tensor(7),
    "flags": torch.tensor([True, False, True]),
    "half": torch.tensor([1.5, -2.25], dtype=torch.bfloat16),
    "nothing": torch.empty((0, 4)),
}
LAYOUT = Layout.of(WEIGHTS)
BLOB = b"".join(encode(WEIGHTS, {"round": 3}).chunks())
HEADER_END = 8 + int.from_bytes(BLOB[:8], "little")
HEADER: dict[str, Any] = json.loads(BLOB[8:HEADER_END])
LITTLE = 2**17
"""Bytes; reading the header takes a tenth of it, the tensors eight times as many."""


class Message(bytes):
    """Bytes that show their beginning; in a failure's report nobody reads a million of them."""

    def __repr__(self) -> str:
        return f"{bytes(self[: HEADER_END + 100])!r} and so on, {len(self)} bytes"


def with_header(text: bytes) -> bytes:
    return len(text).to_bytes(8, "little") + text + BLOB[HEADER_END:]


def places(end: int = HEADER_END + 64) -> st.SearchStrategy[int]:
    return st.integers(0, end)


@st.composite
def flipped(draw: st.DrawFn) -> bytes:
    blob = bytearray(BLOB)
    for place in draw(st.lists(places(), min_size=1, max_size=4)):
        blob[place] ^= 1 << draw(st.integers(0, 7))
    return bytes(blob)


@st.composite
def cut(draw: st.DrawFn) -> bytes:
    start, size = draw(places()), draw(st.integers(1, 64))
    return draw(st.sampled_from([BLOB[:start], BLOB[:start] + BLOB[start + size :], BLOB[:-size]]))


@st.composite
def longer(draw: st.DrawFn) -> bytes:
    start, more = draw(places() | st.just(len(BLOB))), draw(st.binary(min_size=1, max_size=64))
    return BLOB[:start] + more + BLOB[start:]


@st.composite
def with_other_header(draw: st.DrawFn) -> bytes:
    header = draw(corrupted(HEADER))
    return with_header(json.dumps(header).encode())


@st.composite
def with_doubled_text(draw: st.DrawFn) -> bytes:
    """A part of the header's text stands twice: names, numbers and brackets that nobody expects."""
    text = BLOB[8:HEADER_END]
    start, size = draw(st.integers(0, len(text))), draw(st.integers(1, 128))
    times = draw(st.sampled_from([2, 3, 1000]))
    return with_header(text[:start] + text[start : start + size] * times + text[start + size :])


def corruptions() -> st.SearchStrategy[bytes]:
    return (flipped() | cut() | longer() | with_other_header() | with_doubled_text()).map(Message)


def same(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> bool:
    def raw(tensor: Tensor) -> Tensor:
        return tensor.contiguous().reshape(-1).view(torch.uint8)

    return found.keys() == expected.keys() and all(
        found[name].dtype == expected[name].dtype
        and found[name].shape == expected[name].shape
        and torch.equal(raw(found[name]), raw(expected[name]))
        for name in found
    )


def peak_of(act: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        act()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def check(blob: bytes, claimed: int) -> None:
    buffer = bytearray()
    refused: list[WireFormatError] = []

    def read() -> Mapping[str, Tensor] | None:
        try:
            return decode(stream.read, claimed, LAYOUT, buffer)[0]
        except WireFormatError as error:
            refused.append(error)
            return None

    stream = io.BytesIO(blob)
    peak = peak_of(read)
    # Memory for tensors is taken when the header is right and the sender promised all of its bytes, and only then.
    if buffer:
        assert len(buffer) == LAYOUT.nbytes
    else:
        announced = int.from_bytes(blob[:8], "little")
        assert peak < LITTLE + 10 * min(announced if announced <= MAXIMUM_HEADER_BYTES else 0, len(blob))
    if not refused:
        found = decode(io.BytesIO(blob).read, claimed, LAYOUT, bytearray())[0]
        assert same(found, safetensors.torch.load(bytes(blob[:claimed])))
    elif buffer:
        assert len(blob) < claimed, f"refused with {refused} after memory was taken"


@given(corruptions())
def test_a_corrupted_message_is_refused_for_nothing_or_read_as_it_stands(blob: bytes) -> None:
    check(blob, len(blob))


@given(corruptions(), st.sampled_from([0, 7, 8, len(BLOB) - 1, len(BLOB), len(BLOB) + 1, 2**40]))
def test_a_length_that_is_not_the_messages_is_refused(blob: bytes, claimed: int) -> None:
    check(blob, claimed)


@pytest.mark.parametrize(
    "text",
    [
        b'{"flags":{"dtype":"BOOL","shape":[' + b"1," * 200_000 + b'1],"data_offsets":[0,3]}}',
        b'{"flags":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b'{"flags":{"dtype":"BOOL","shape":[' + b"9" * 200_000 + b'],"data_offsets":[0,3]}}',
        b'{"' + b"x" * 400_000 + b'":{}}',
        b"{" + b",".join(b'"n%d":{}' % number for number in range(40_000)) + b"}",
        b" " * 400_000,
    ],
    ids=["many sides", "deep", "long number", "long name", "many names", "blank"],
)
def test_an_absurd_header_takes_no_more_memory_than_its_own_size_explains(text: bytes) -> None:
    blob = with_header(text)
    errors = []

    def read() -> None:
        with pytest.raises(WireFormatError) as refusal:
            decode(io.BytesIO(blob).read, len(blob), LAYOUT, bytearray())
        errors.append(str(refusal.value))

    # A JSON parser makes objects of some hundred bytes out of a few letters; the header's size is limited for that.
    assert peak_of(read) - len(blob) < 60 * len(text)
    assert len(errors[0]) < 500
