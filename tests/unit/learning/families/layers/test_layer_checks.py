from __future__ import annotations

from typing import Any

import pytest

from factories.network_models import layer, linear
from synergos.errors import InvalidRequest, UnknownName
from synergos.learning.families.layers.layer_checks import MAXIMUM_LAYERS, check_layers


def refusal(*layers: object) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as refused:
        check_layers(list(layers))
    return refused.value


def test_good_layers_come_back_as_they_were() -> None:
    layers = [
        layer("Conv2d", "relu", in_channels=1, out_channels=4, kernel_size=[3, 3], padding="same"),
        layer("MaxPool2d", "", kernel_size=2),
        layer("Flatten"),
        layer("RNN", input_size=4, hidden_size=3, nonlinearity="relu"),
        linear(3, 2, "softmax"),
    ]

    assert check_layers(layers) == layers


@pytest.mark.parametrize("value", [None, {}, [], "Linear"])
def test_a_model_is_a_list_with_a_layer_in_it(value: object) -> None:
    with pytest.raises(InvalidRequest, match=r"^model: expected a list of layers"):
        check_layers(value)


def test_an_unknown_layer_is_refused_with_its_near_misses() -> None:
    refused = refusal(linear(2, 2), layer("Linaer", in_features=2, out_features=2))

    assert isinstance(refused, UnknownName)
    assert refused.field == "model[1].l_type"
    assert "did you mean Linear" in str(refused)


@pytest.mark.parametrize(
    ("l_type", "reason"),
    [
        ("Transformer", "cannot stand in a sequence"),
        ("Sequential", "cannot stand in a sequence"),
        ("Bilinear", "cannot stand in a sequence"),
        ("MultiheadAttention", "cannot stand in a sequence"),
        ("BCELoss", "is a loss"),
        ("LazyLinear", "write Linear"),
        ("Module", "cannot|not a layer"),
        ("functional", "not a layer"),
        ("__builtins__", "not a layer"),
    ],
)
def test_what_cannot_stand_in_a_sequence_is_refused(l_type: str, reason: str) -> None:
    refused = refusal(layer(l_type))

    assert refused.field == "model[0].l_type"
    with pytest.raises(InvalidRequest, match=reason):
        raise refused


def test_an_unknown_activation_is_refused_with_its_near_misses() -> None:
    refused = refusal(linear(2, 2, "sofmax"))

    assert refused.field == "model[0].activation"
    assert "softmax" in str(refused)


@pytest.mark.parametrize("name", ["linear", "has_torch_function", "cross_entropy", "pdist", "Tensor", "torch"])
def test_a_function_that_is_no_activation_is_refused(name: str) -> None:
    assert refusal(linear(2, 2, name)).field == "model[0].activation"


@pytest.mark.parametrize(
    ("structure", "key", "expected"),
    [
        ({"in_features": 3}, "out_features", "needs it"),
        ({"in_features": 3, "out_features": "5"}, "out_features", "an integer"),
        ({"in_features": True, "out_features": 5}, "in_features", "an integer"),
        ({"in_features": 2.5, "out_features": 5}, "in_features", "an integer"),
        ({"in_features": 3, "out_features": 5, "biass": True}, "biass", "did you mean bias"),
        ({"in_features": 0, "out_features": 5}, "in_features", "1 or more"),
        ({"in_features": 3, "out_features": -5}, "out_features", "1 or more"),
        ({"in_features": 3, "out_features": 2**40}, "out_features", "at most"),
        ({"in_features": 3, "out_features": 5, "device": "cuda"}, "device", "not an argument"),
    ],
)
def test_a_wrong_structure_names_the_argument(structure: dict[str, Any], key: str, expected: str) -> None:
    refused = refusal(layer("Linear", **structure))

    assert refused.field == f"model[0].structure.{key}"
    assert expected in str(refused)


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        (layer("Conv2d", in_channels=3, out_channels=4, kernel_size=3, groups=2), "in_channels"),
        (layer("Conv2d", in_channels=3, out_channels=4, kernel_size=[3, 3, 3]), "kernel_size"),
        (layer("Conv2d", in_channels=3, out_channels=4, kernel_size=3, padding_mode="zero"), "padding_mode"),
        (layer("Embedding", num_embeddings=3, embedding_dim=3, padding_idx=7), "padding_idx"),
        (layer("Dropout", p=2), "p"),
        (layer("LSTM", input_size=3, hidden_size=4, num_layers=10**6), "num_layers"),
        (layer("LSTM", input_size=3, hidden_size=4, mode="GRU"), "mode"),
        (layer("Flatten", start_dim=0), "start_dim"),
        (layer("Softmax", dim=0), "dim"),
        (layer("GroupNorm", num_groups=3, num_channels=4), "num_channels"),
    ],
)
def test_a_value_that_torch_refuses_names_the_argument(wrong: Any, key: str) -> None:
    assert refusal(wrong).field == f"model[0].structure.{key}"


def test_a_network_of_terabytes_is_refused_before_anything_is_allocated() -> None:
    assert "parameters" in str(refusal(linear(2**20, 2**20)))
    assert refusal(*[linear(2**15, 2**15)] * 3).field == "model[1].structure"
    assert refusal(linear(2**31 - 1, 2**31 - 1)).field == "model[0].structure"


def test_buffers_count_as_parameters_do() -> None:
    refused = refusal(layer("BatchNorm1d", num_features=2**31 - 1, affine=False))

    assert refused.field == "model[0].structure"
    assert "parameters and buffers, which take 8 GiB" in str(refused)


@pytest.mark.parametrize(("depths", "at"), [([1001], 0), ([600, 401], 1), ([1] * 999 + [2], 999), ([-5, 600, 600], 2)])
def test_recurrent_layers_are_bounded_together_before_one_is_built(depths: list[int], at: int) -> None:
    refused = refusal(*[layer("GRU", input_size=1, hidden_size=1, num_layers=depth) for depth in depths])

    assert refused.field == f"model[{at}].structure.num_layers"


def test_two_directions_count_twice() -> None:
    deep = layer("LSTM", input_size=1, hidden_size=1, num_layers=501, bidirectional=True)

    assert "1,002 deep" in str(refusal(deep))


def test_too_many_layers_are_refused() -> None:
    assert refusal(*[layer("ReLU")] * (MAXIMUM_LAYERS + 1)).field == "model"


@pytest.mark.parametrize(
    ("key", "value"),
    [("is_input", "yes"), ("l_type", 3), ("structure", None), ("structure", [1]), ("activation", 0)],
)
def test_each_key_of_a_layer_has_its_type(key: str, value: object) -> None:
    assert refusal({**linear(2, 2), key: value}).field == f"model[0].{key}"


@pytest.mark.parametrize("key", ["is_input", "l_type", "structure", "activation"])
def test_each_key_of_a_layer_is_required(key: str) -> None:
    incomplete = {name: value for name, value in linear(2, 2).items() if name != key}

    assert refusal(incomplete).field == f"model[0].{key}"


def test_an_unknown_key_of_a_layer_is_refused() -> None:
    assert "activation" in str(refusal({**linear(2, 2), "activatoin": "relu"}))
