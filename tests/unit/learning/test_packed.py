"""Small tensors that lie together are measured and averaged at once, with the same bits as each for itself."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from synergos.errors import WireFormatError
from synergos.learning.algorithms.averaging import Weighted, average
from synergos.learning.bags import WEIGHTS, Bag, Packed, Shapes
from synergos.learning.update_gate import movement
from synergos.wire import Layout, Parcel, encode, encode_parcel
from synergos.wire.codec import weights_in
from synergos.wire.layout import Header

SHAPES = Shapes({"weight": (3, 4), "nothing": (0, 2), "bias": (5,), "scale": ()})


def packed(seed: int, shapes: Shapes = SHAPES) -> Packed:
    return Packed(shapes, torch.randn(sum(shapes.sizes), generator=torch.Generator().manual_seed(seed)))


def apart(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in weights.items()}


def test_its_tensors_are_views_of_one_memory() -> None:
    weights = packed(0)

    weights.flat.zero_()

    assert {name: tuple(tensor.shape) for name, tensor in weights.items()} == SHAPES.by_name
    assert not any(tensor.any() for tensor in weights.values())


def test_the_same_weights_are_copied_to_lie_together() -> None:
    like, others = packed(0), apart(packed(1))

    copy = Packed.of(others, like)
    others["bias"].zero_()

    assert copy is not None
    assert copy.shapes is like.shapes
    assert torch.equal(copy.flat, packed(1).flat)
    assert movement(copy, like) == movement(packed(1), like)


def test_some_of_them_are_measured_without_the_rest() -> None:
    one, other = packed(0), packed(1)

    assert movement(one, other, ["bias"]) == movement({"bias": one["bias"]}, {"bias": other["bias"]})
    assert movement(one, other, list(one)) == movement(one, other)


def test_large_ones_are_averaged_as_one_in_the_memory_of_an_earlier_mean() -> None:
    shapes = Shapes({"weight": (700, 800), "bias": (5,)})
    first, second, earlier = (packed(seed, shapes) for seed in range(3))
    given = [Weighted("a", 771, first), Weighted("b", 5_003, second)]

    mean = average(given, earlier)

    assert isinstance(mean, Packed)
    assert mean.shapes is shapes
    assert mean.flat.data_ptr() == earlier.flat.data_ptr()
    one_by_one = average([Weighted("a", 771, apart(first)), Weighted("b", 5_003, apart(second))])
    assert all(
        torch.equal(tensor.view(torch.int32), one_by_one[name].view(torch.int32)) for name, tensor in mean.items()
    )
    # Of another network's, or of one that does not lie together, nothing is written over.
    for other in (packed(2, Shapes(shapes.by_name)), apart(packed(2, shapes))):
        before = apart(other)
        assert torch.equal(average(given, other)["weight"], mean["weight"])
        assert all(torch.equal(tensor, before[name]) for name, tensor in other.items())


def test_weights_that_cannot_lie_together_are_left_as_they_are() -> None:
    others = apart(packed(1))

    assert Packed.of(others, others) is None
    assert Packed.of(dict(reversed(others.items())), packed(0)) is None
    assert Packed.of(others | {"bias": torch.zeros(5, dtype=torch.int64)}, packed(0)) is None
    assert Packed.of(others | {"bias": torch.zeros(5, device="meta")}, packed(0)) is None


def test_it_travels_as_it_lies_and_as_its_tensors_do_apart() -> None:
    weights = packed(0)
    bag = Parcel(Bag({WEIGHTS: weights}, {"n": 1.0}), None, {"round": 3})
    other = Parcel(Bag({WEIGHTS: apart(weights)}, {"n": 1.0}), None, {"round": 3})
    beside = Parcel(bag.bag, Bag({"own": packed(1)}))
    message = encode_parcel(bag)

    assert [tensor.data_ptr() for tensor in message.tensors] == [weights.flat.data_ptr()]
    assert b"".join(message.chunks()) == b"".join(encode_parcel(other).chunks())
    assert len(encode_parcel(beside).tensors) == 6


def test_a_name_that_does_not_travel_is_refused_of_them_too() -> None:
    with pytest.raises(WireFormatError, match="'a:b' has a ':' in its name"):
        encode_parcel(Parcel(Bag({WEIGHTS: packed(0, Shapes({"a:b": (2,)}))})))


def test_a_message_of_float32_alone_is_read_as_one() -> None:
    weights = apart(packed(0))
    message = encode(weights, {})
    header = Header.of(Layout.of(weights), {})
    found = weights_in(bytearray(b"".join(message.chunks())[len(message.header) :]), header)

    assert isinstance(found, Packed)
    assert found.keys() == weights.keys()
    assert all(torch.equal(found[name], weights[name]) for name in weights)


def test_one_with_another_type_is_not() -> None:
    weights = apart(packed(0)) | {"counted": torch.tensor(3)}
    message = encode(weights, {})
    data = bytearray(b"".join(message.chunks())[len(message.header) :])

    assert not isinstance(weights_in(data, Header.of(Layout.of(weights), {})), Packed)


@pytest.mark.parametrize("mixed", [False, True], ids=["all", "some"])
def test_the_mean_is_to_the_last_bit_what_it_is_apart(mixed: bool) -> None:
    answers = [packed(seed) for seed in range(3)]
    together = [Weighted(str(rows), rows, weights) for rows, weights in enumerate(answers, start=7)]
    if mixed:
        together[1] = Weighted("8", 8, apart(answers[1]))

    found = average(together)
    expected = average([Weighted(each.participant_id, each.rows, apart(each.weights)) for each in together])

    assert isinstance(found, Packed) is not mixed
    assert list(found) == list(expected)
    assert all(torch.equal(found[name], expected[name]) for name in expected)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_it_moves_as_far_as_apart(wrong: float) -> None:
    weights, reference = packed(1), packed(2)

    far = movement(apart(weights), apart(reference))
    assert movement(weights, reference) == pytest.approx(far)
    assert movement(apart(weights), reference) == movement(weights, apart(reference)) == pytest.approx(far)
    weights["bias"][2] = wrong
    assert movement(weights, reference) == movement(weights, apart(reference)) == float("inf")
