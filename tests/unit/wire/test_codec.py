"""Weights survive the wire bit for bit; what is not a message of ours is refused before memory is taken."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from support.decoding import decode
from synergos.errors import WireFormatError
from synergos.wire import Encoded, Layout, encode
from synergos.wire.codec import CHUNK_BYTES

WEIGHTS = {
    "nnl_0_linear.weight": torch.arange(6, dtype=torch.float32).reshape(2, 3),
    "nnl_1_batchnorm1d.num_batches_tracked": torch.tensor(7),
    "flags": torch.tensor([True, False, True]),
    "half": torch.tensor([1.5, -2.25], dtype=torch.bfloat16),
    "nothing": torch.empty((0, 4)),
}
DTYPES = (
    torch.float64,
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.int64,
    torch.int32,
    torch.uint8,
    torch.bool,
)


def whole(message: Encoded) -> bytes:
    return b"".join(message.chunks())


def back(blob: bytes, like: Mapping[str, Tensor] = WEIGHTS) -> tuple[Mapping[str, Tensor], dict[str, Any]]:
    return decode(io.BytesIO(blob).read, len(blob), Layout.of(like), bytearray())


def with_header(blob: bytes, change: Any) -> bytes:
    size = int.from_bytes(blob[:8], "little")
    header = json.loads(blob[8 : 8 + size])
    change(header)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + blob[8 + size :]


@st.composite
def state_dicts(draw: st.DrawFn) -> dict[str, Tensor]:
    names = draw(
        st.lists(st.text(min_size=1, max_size=8).filter(lambda name: name != "__metadata__"), unique=True, max_size=5)
    )
    weights = {}
    for name in names:
        shape = draw(st.lists(st.integers(0, 4), max_size=3))
        dtype = draw(st.sampled_from(DTYPES))
        seed = draw(st.integers(0, 2**31))
        values = torch.randint(-100, 100, shape, generator=torch.Generator().manual_seed(seed))
        weights[name] = values.to(dtype)
    return weights


@given(state_dicts())
def test_any_state_dict_survives_the_wire_bit_for_bit(weights: dict[str, Tensor]) -> None:
    received, metadata = back(whole(encode(weights, {"round": 3})), weights)

    assert metadata == {"round": 3}
    assert received.keys() == weights.keys()
    assert all(
        torch.equal(received[name], weights[name]) and received[name].dtype == weights[name].dtype for name in weights
    )


def test_the_safetensors_library_reads_what_is_sent() -> None:
    read = safetensors.torch.load(whole(encode(WEIGHTS, {})))

    assert all(torch.equal(read[name], WEIGHTS[name]) for name in WEIGHTS)


def test_what_the_safetensors_library_writes_is_read() -> None:
    received, _ = back(safetensors.torch.save(WEIGHTS, {"synergos": '{"round": 1}'}))

    assert all(torch.equal(received[name], WEIGHTS[name]) for name in WEIGHTS)


def test_the_length_announced_is_the_length_sent() -> None:
    message = encode(WEIGHTS, {"round": 0})

    assert message.length == len(whole(message))


def test_a_small_network_is_one_piece_and_a_large_tensor_is_not_copied() -> None:
    large = torch.zeros(CHUNK_BYTES // 4)
    message = encode(
        {"a": torch.ones(3), "b": torch.ones(2), "large": large, "c": torch.ones(1), "d": torch.ones(1)}, {}
    )

    sizes = [view.nbytes for view in message.buffers()]
    large.fill_(7.0)

    assert sizes == [len(message.header) + 20, large.nbytes, 8]
    assert bytes(list(message.buffers())[1]) == large.numpy().tobytes()
    assert [view.nbytes for view in encode(WEIGHTS, {}).buffers()] == [encode(WEIGHTS, {}).length]


def test_a_buffer_is_used_again_for_the_next_message() -> None:
    buffer = bytearray()
    blob = whole(encode(WEIGHTS, {}))
    decode(io.BytesIO(blob).read, len(blob), Layout.of(WEIGHTS), buffer)
    size = len(buffer)
    received, _ = decode(io.BytesIO(blob).read, len(blob), Layout.of(WEIGHTS), buffer)

    assert len(buffer) == size
    assert torch.equal(received["nnl_0_linear.weight"], WEIGHTS["nnl_0_linear.weight"])


@pytest.mark.parametrize("end", [0, 5, 8, 40, -1])
def test_a_truncated_message_is_refused(end: int) -> None:
    blob = whole(encode(WEIGHTS, {}))

    with pytest.raises(WireFormatError):
        decode(io.BytesIO(blob[:end]).read, len(blob), Layout.of(WEIGHTS), bytearray())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda header: header.pop("flags"), "lacks 1 tensors"),
        (lambda header: header.update(extra=header["flags"]), "tensors the network lacks"),
        (lambda header: header["flags"].update(shape=[2**40]), "shape"),
        (lambda header: header["flags"].update(shape=[3, 1]), "shape"),
        (lambda header: header["flags"].update(shape=[3.0]), "shape"),
        (lambda header: header["flags"].update(dtype="U8"), "dtype"),
        (lambda header: header["flags"].update(data_offsets=[0, 2**60]), "data_offsets"),
        (lambda header: header["flags"].update(data_offsets=[0.0, 3.0]), "data_offsets"),
        (lambda header: header["flags"].update(data_offsets=[-3, 0]), "data_offsets"),
        (lambda header: header["flags"].update(data_offsets=[0, 3]), "begins at byte"),
        (lambda header: header.update(flags=1), "expected dtype"),
        (lambda header: header.update(__metadata__={"synergos": "no JSON"}), "__metadata__"),
        (lambda header: header.update(__metadata__=[1]), "__metadata__"),
        (lambda header: header.update(__metadata__={"synergos": "{}", "more": 1}), "__metadata__"),
    ],
)
def test_a_header_of_another_network_is_refused(change: Any, reason: str) -> None:
    with pytest.raises(WireFormatError, match=reason):
        back(with_header(whole(encode(WEIGHTS, {})), change))


def test_a_name_that_stands_twice_is_refused() -> None:
    entry = '"flags":{"dtype":"BOOL","shape":[3],"data_offsets":[0,3]}'
    text = f"{{{entry},{entry}}}".encode()

    with pytest.raises(WireFormatError, match="twice"):
        back(len(text).to_bytes(8, "little") + text + bytes(3), {"flags": WEIGHTS["flags"]})


def test_headers_that_differ_in_their_metadata_alone_are_each_read_for_themselves() -> None:
    found = [back(whole(encode(WEIGHTS, {"round": number, "of": "}, "})))[1] for number in range(3)]

    assert found == [{"round": number, "of": "}, "} for number in range(3)]


@pytest.mark.parametrize(
    "metadata",
    [
        '{"synergos":"no JSON"}',
        '{"synergos":"[]"}',
        '{"synergos":"{}","more":1}',
        '{"synergos":"{}","synergos":"{}"}',
        '{"synergos":"{}"},"more":{"dtype":"BOOL","shape":[0],"data_offsets":[0,0]}',
        '{"synergos":"{}"},"__metadata__":{}',
        '{"synergos":"{}"}}',
        '"{"',
        "",
    ],
)
def test_what_is_wrong_in_front_of_a_known_header_is_refused(metadata: str) -> None:
    blob = whole(encode(WEIGHTS, {"round": 0}))
    back(blob)
    size = int.from_bytes(blob[:8], "little")
    known = blob[8 : 8 + size].decode()
    tail = known[known.index(',"nnl_1') :]
    text = f'{{"__metadata__":{metadata}{tail}'.encode()

    with pytest.raises(WireFormatError):
        back(len(text).to_bytes(8, "little") + text + blob[8 + size :])


@pytest.mark.parametrize("size", [0, 1, 2**24 + 1, 2**63])
def test_an_absurd_header_length_is_refused_before_anything_is_read(size: int) -> None:
    stream = io.BytesIO(size.to_bytes(8, "little") + b"{}")

    with pytest.raises(WireFormatError, match="claims"):
        decode(stream.read, 10, Layout.of(WEIGHTS), bytearray())
    assert stream.tell() == 8


def test_nothing_is_allocated_for_a_message_that_is_refused() -> None:
    buffer = bytearray()
    blob = with_header(whole(encode(WEIGHTS, {})), lambda header: header["flags"].update(shape=[2**50]))

    with pytest.raises(WireFormatError):
        decode(io.BytesIO(blob).read, len(blob), Layout.of(WEIGHTS), buffer)
    assert not buffer


@given(st.binary(max_size=200))
def test_noise_is_never_a_message(noise: bytes) -> None:
    with pytest.raises(WireFormatError):
        back(noise)
