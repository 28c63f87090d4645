"""Several sets of tensors and numbers in one message, each known before memory is taken for it, or bounded."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor

from support.decoding import decode
from synergos.errors import WireFormatError
from synergos.learning.algorithms import Bag, Like, Model
from synergos.wire import Layout, Parcel, encode, encode_parcel, layout_of, parcel_of, stored_parcel
from synergos.wire.layout import LARGEST_OWN

WEIGHTS = {
    "a.weight": torch.arange(6, dtype=torch.float32).reshape(2, 3),
    "a.running_mean": torch.tensor([0.5, 1.5]),
    "a.num_batches_tracked": torch.tensor(7),
}
MODEL = Model(WEIGHTS, ["a.weight"])
CONTROL = {"a.weight": torch.full((2, 3), 2.0)}
KEPT = {"control": Like.PARAMETERS}
ASKED = {"weights": Like.MODEL, "control": Like.PARAMETERS}


def whole(parcel: Parcel) -> bytes:
    return b"".join(encode_parcel(parcel).chunks())


def back(blob: bytes, layout: Layout) -> Parcel:
    return parcel_of(*decode(io.BytesIO(blob).read, len(blob), layout, bytearray()))


def values(bag: Bag | None) -> dict[str, dict[str, Any]]:
    assert bag is not None
    return {name: {key: tensor.tolist() for key, tensor in own.items()} for name, own in bag.sets.items()}


def with_entry(blob: bytes, name: str, entry: Mapping[str, Any]) -> bytes:
    size = int.from_bytes(blob[:8], "little")
    text = json.dumps(json.loads(blob[8 : 8 + size]) | {name: entry}).encode()
    return len(text).to_bytes(8, "little") + text + blob[8 + size :]


def test_weights_alone_are_the_bytes_they_always_were() -> None:
    metadata = {"round": 3, "rows": 5}

    assert whole(Parcel(Bag({"weights": WEIGHTS}), metadata=metadata)) == b"".join(encode(WEIGHTS, metadata).chunks())


def test_sets_numbers_and_what_is_kept_survive_the_wire() -> None:
    sent = Parcel(
        Bag({"weights": WEIGHTS, "control": CONTROL}, {"loss": 0.5}),
        Bag({"control": {"a.weight": torch.ones(2, 3)}}, {"rounds": 4}),
        {"round": 1},
    )

    found = back(whole(sent), layout_of(ASKED, MODEL, KEPT))

    assert values(found.bag) == values(sent.bag)
    assert values(found.kept) == values(sent.kept)
    assert found.kept is not None
    assert (found.bag.numbers, found.kept.numbers, found.metadata) == ({"loss": 0.5}, {"rounds": 4}, {"round": 1})


def test_what_is_kept_may_be_missing() -> None:
    found = back(whole(Parcel(Bag({"weights": WEIGHTS, "control": CONTROL}))), layout_of(ASKED, MODEL, KEPT))

    assert found.kept is None


def test_a_file_holds_what_a_message_does(tmp_path: Path) -> None:
    sent = Parcel(Bag({"weights": WEIGHTS, "control": CONTROL}, {"loss": 0.5}), Bag({}, {"rounds": 4}), {"round": 1})
    path = tmp_path / "parcel.safetensors"
    path.write_bytes(whole(sent))

    found = stored_parcel(path)

    assert values(found.bag) == values(sent.bag)
    assert found.kept == Bag({}, {"rounds": 4})
    assert (found.bag.numbers, found.path) == ({"loss": 0.5}, path)
    assert "a.weight" in found.bag["control"]
    assert len(found.bag["weights"]) == 3


def test_the_safetensors_library_reads_all_sets() -> None:
    read = safetensors.torch.load(whole(Parcel(Bag({"weights": WEIGHTS, "control": CONTROL}), Bag({"own": CONTROL}))))

    assert set(read) == {*WEIGHTS, "control:a.weight", "kept.own:a.weight"}


@pytest.mark.parametrize(
    ("parcel", "reason"),
    [
        (Parcel(Bag({"weights": WEIGHTS})), "lacks 1 tensors"),
        (Parcel(Bag({"control": CONTROL})), "lacks 3 tensors"),
        (Parcel(Bag({"weights": WEIGHTS, "control": WEIGHTS})), "tensors the network lacks"),
        (Parcel(Bag({"weights": WEIGHTS, "control": CONTROL, "more": CONTROL})), "tensors the network lacks"),
        (Parcel(Bag({"weights": WEIGHTS, "control": {"a.weight": torch.ones(3, 2)}})), "shape"),
        (Parcel(Bag({"weights": WEIGHTS, "control": CONTROL}), Bag({"control": {"a": torch.ones(1)}})), "lacks"),
        (Parcel(Bag({"weights": WEIGHTS, "control": CONTROL}), Bag({"other": CONTROL})), "tensors the network lacks"),
    ],
)
def test_sets_that_are_not_expected_are_refused(parcel: Parcel, reason: str) -> None:
    with pytest.raises(WireFormatError, match=reason):
        back(whole(parcel), layout_of(ASKED, MODEL, KEPT))


def test_a_set_of_ones_own_may_be_anything() -> None:
    sets: dict[str, Mapping[str, Tensor]] = {
        "points": {"x": torch.ones(2, 5), "y": torch.tensor([1, 2])},
        "weights": WEIGHTS,
    }

    found = back(whole(Parcel(Bag(sets))), layout_of({"weights": Like.MODEL, "points": Like.OWN}, MODEL))

    assert values(found.bag)["points"] == {"x": [[1.0] * 5] * 2, "y": [1, 2]}


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"dtype": "F32", "shape": [LARGEST_OWN], "data_offsets": [0, 4 * LARGEST_OWN]}, "more than"),
        ({"dtype": "F32", "shape": [2**20, 2**20], "data_offsets": [0, 2**42]}, "more than"),
        ({"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}, "shape"),
        ({"dtype": "F32", "shape": [1] * 9, "data_offsets": [0, 4]}, "shape"),
        ({"dtype": "F32", "shape": [True], "data_offsets": [0, 4]}, "shape"),
        ({"dtype": "F32", "shape": "4", "data_offsets": [0, 4]}, "shape"),
        ({"dtype": "C64", "shape": [1], "data_offsets": [0, 8]}, "dtypes"),
        ({"dtype": ["F32"], "shape": [1], "data_offsets": [0, 4]}, "dtypes"),
        (7, "shape"),
    ],
)
def test_what_only_the_message_knows_is_bounded_before_memory_is_taken(entry: Any, reason: str) -> None:
    layout = layout_of({"weights": Like.MODEL, "points": Like.OWN}, MODEL)
    blob = with_entry(whole(Parcel(Bag({"weights": WEIGHTS}))), "points:x", entry)
    buffer = bytearray()

    with pytest.raises(WireFormatError, match=reason):
        decode(io.BytesIO(blob).read, len(blob), layout, buffer)
    assert not buffer


def test_a_weight_whose_name_looks_like_a_sets_does_not_travel() -> None:
    with pytest.raises(WireFormatError, match="in its name"):
        encode_parcel(Parcel(Bag({"weights": {"a:b": torch.ones(1)}})))


@pytest.mark.parametrize("numbers", [[1], {"n": float("inf")}, {"n": "1"}, {"n": False}])
def test_what_are_no_numbers_is_refused(numbers: object) -> None:
    for metadata in ({"numbers": numbers}, {"kept": numbers}):
        with pytest.raises(WireFormatError, match="numbers"):
            parcel_of({}, metadata)
