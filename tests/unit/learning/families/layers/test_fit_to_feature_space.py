from __future__ import annotations

import copy
from typing import Any

import pytest
import torch

from factories.network_models import layer, linear, space
from synergos.domain.feature_space import Action, FeatureSpace
from synergos.errors import InvalidRequest
from synergos.learning.families.layers.fit_to_feature_space import check_fit, fit_layers, shapes
from synergos.learning.families.layers.layer_checks import Layer
from synergos.learning.families.layers.network import build_network

REGRESS, CLASSIFY = Action.REGRESS, Action.CLASSIFY
IMAGE = (1, 28, 28)

ABALONE = [linear(28, 1, "")]
HEART_DISEASE = [linear(18, 1, "sigmoid")]
FEMNIST = [
    layer("Conv2d", "relu", in_channels=1, out_channels=4, kernel_size=3, stride=1, padding=1),
    layer("Flatten"),
    linear(4096, 1, "sigmoid"),
]
DOGS = [
    layer("Conv2d", "relu", bias=True, in_channels=1, out_channels=3, kernel_size=5),
    layer("MaxPool2d", "", kernel_size=3),
    layer("Conv2d", "relu", bias=True, in_channels=3, out_channels=1, kernel_size=3),
    layer("MaxPool2d", "", kernel_size=3),
    layer("Flatten", "relu"),
    linear(4, 1, "sigmoid"),
]


def structures(layers: list[Layer], *keys: str) -> list[tuple[Any, ...]]:
    """The given structure keys of the layers that have them."""
    return [tuple(one["structure"][key] for key in keys) for one in layers if keys[0] in one["structure"]]


def test_abalone_becomes_ten_inputs_and_one_output() -> None:
    fitted = fit_layers(ABALONE, space(REGRESS, 10))

    assert fitted == [linear(10, 1, "")]


def test_heart_disease_becomes_five_outputs_with_softmax() -> None:
    fitted = fit_layers(HEART_DISEASE, space(CLASSIFY, 28, 5))

    assert fitted == [linear(28, 5, "softmax")]


def test_a_convolution_for_three_labels_of_28_by_28_images() -> None:
    fitted = fit_layers(FEMNIST, space(CLASSIFY, IMAGE, 3))

    assert fitted[0] == FEMNIST[0]
    assert fitted[2] == linear(3136, 3, "softmax")


def test_a_convolution_for_two_labels_keeps_one_output_with_sigmoid() -> None:
    fitted = fit_layers(FEMNIST, space(CLASSIFY, (1, 32, 32), 2))

    assert fitted == FEMNIST


def test_the_dogs_network_fits_as_it_is() -> None:
    assert fit_layers(DOGS, space(CLASSIFY, IMAGE, 2)) == DOGS


def test_what_was_asked_for_is_left_alone() -> None:
    asked = copy.deepcopy(HEART_DISEASE)

    fit_layers(asked, space(CLASSIFY, 28, 5))

    assert asked == HEART_DISEASE


TABLE = [
    ([linear(9, 9, "relu"), linear(8, 8, "relu"), linear(7, 7)], 12),
    ([layer("LSTM", input_size=3, hidden_size=6), layer("Dropout", p=0.1), linear(2, 2)], 12),
    ([layer("GRU", input_size=3, hidden_size=6), layer("RNN", input_size=1, hidden_size=5), linear(2, 2)], 12),
    ([layer("LSTM", input_size=3, hidden_size=6)], 12),
    ([layer("LSTM", input_size=3, hidden_size=9, bidirectional=True), linear(9, 2)], 12),
    ([layer("LSTM", input_size=3, hidden_size=9, proj_size=2)], 12),
    ([layer("GRUCell", input_size=3, hidden_size=9), linear(1, 1)], 12),
    ([layer("Embedding", num_embeddings=3, embedding_dim=4), layer("Flatten"), linear(5, 5)], 12),
    ([layer("Embedding", num_embeddings=3, embedding_dim=4), layer("LSTM", input_size=9, hidden_size=2), linear(5, 5)], 12),
    ([layer("EmbeddingBag", num_embeddings=3, embedding_dim=4), linear(5, 5)], 12),
    ([layer("BatchNorm1d", num_features=3), linear(3, 6, "relu"), layer("BatchNorm1d", num_features=9), linear(3, 3)], 12),
    ([linear(3, 6), layer("LayerNorm", normalized_shape=9), layer("PReLU", num_parameters=3), linear(3, 3)], 12),
    ([linear(3, 6), layer("LayerNorm", normalized_shape=[9]), layer("GroupNorm", num_groups=2, num_channels=4), linear(3, 3)], 12),
    ([layer("Identity", "relu"), layer("Dropout", p=0.5), linear(3, 3), layer("Flatten"), layer("Dropout", p=0.5)], 12),
    ([linear(3, 3), layer("Softmax", dim=1)], 12),
    ([linear(3, 3), layer("LogSoftmax", dim=1)], 12),
    ([linear(3, 3), layer("Sigmoid")], 12),
    ([linear(3, 3), layer("BatchNorm1d", num_features=9)], 12),
    ([layer("Conv2d", in_channels=3, out_channels=8, kernel_size=3), layer("AdaptiveAvgPool2d", output_size=1), layer("Flatten")], IMAGE),
    (
        [
            layer("Conv2d", "relu", in_channels=3, out_channels=4, kernel_size=3),
            layer("BatchNorm2d", num_features=9),
            layer("InstanceNorm2d", num_features=9, affine=True),
            layer("Dropout2d", p=0.2),
            layer("AvgPool2d", kernel_size=2),
            layer("Flatten"),
            linear(1, 1, "relu"),
        ],
        IMAGE,
    ),
    ([layer("Unflatten", dim=1, unflattened_size=[1, 12]), layer("Conv1d", in_channels=2, out_channels=3, kernel_size=3), layer("Flatten"), linear(1, 1)], 12),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize(("layers", "inputs"), TABLE)
@pytest.mark.parametrize(("action", "labels", "outputs"), [(REGRESS, 0, 1), (CLASSIFY, 2, 1), (CLASSIFY, 4, 4)])
def test_a_fitted_network_takes_the_rows_and_gives_the_outputs(
    layers: list[Layer], inputs: int | tuple[int, ...], action: Action, labels: int, outputs: int
) -> None:
    found = space(action, inputs, labels)
    if outputs % 2 and layers[-1]["structure"].get("bidirectional"):
        return

    fitted = fit_layers(layers, found)

    network = build_network(fitted, seed=1).eval()
    assert network(torch.rand(3, *found.input_shape)).shape == (3, outputs)
    check_fit(fitted, found)
    assert fit_layers(fitted, found) == fitted
    if action is CLASSIFY:
        expected = {"sigmoid"} if labels == 2 else {"softmax", "log_softmax"}
        assert network.final_activation in expected


def test_a_regression_keeps_its_last_activation() -> None:
    assert fit_layers([linear(3, 3, "relu")], space(REGRESS, 4)) == [linear(4, 1, "relu")]


def test_log_softmax_is_kept_for_several_labels_and_replaced_for_two() -> None:
    asked = [linear(3, 3, "log_softmax")]

    assert fit_layers(asked, space(CLASSIFY, 4, 3))[0]["activation"] == "log_softmax"
    assert fit_layers(asked, space(CLASSIFY, 4, 2))[0]["activation"] == "sigmoid"


def test_a_softmax_module_becomes_a_sigmoid_module_for_two_labels() -> None:
    fitted = fit_layers([linear(3, 3), layer("Softmax", dim=1)], space(CLASSIFY, 4, 2))

    assert fitted == [linear(4, 1), layer("Sigmoid")]


def test_a_sigmoid_module_becomes_a_softmax_module_for_several_labels() -> None:
    fitted = fit_layers([linear(3, 3), layer("Sigmoid")], space(CLASSIFY, 4, 3))

    assert fitted == [linear(4, 3), layer("Softmax", dim=1)]


def test_the_last_activation_follows_pooling() -> None:
    layers = [layer("Conv2d", "relu", in_channels=1, out_channels=8, kernel_size=3), layer("AdaptiveAvgPool2d", output_size=1), layer("Flatten")]  # fmt: skip

    fitted = fit_layers(layers, space(CLASSIFY, IMAGE, 3))

    assert [one["activation"] for one in fitted] == ["relu", None, "softmax"]
    assert structures(fitted, "in_channels", "out_channels") == [(1, 3)]


@pytest.mark.parametrize(
    ("layers", "found", "field"),
    [
        (FEMNIST, space(CLASSIFY, 28, 3), "model[0].l_type"),
        ([layer("Conv1d", in_channels=2, out_channels=2, kernel_size=1)], space(REGRESS, 5), "model[0].l_type"),
        ([layer("Conv2d", in_channels=1, out_channels=1, kernel_size=40), layer("Flatten"), linear(1, 1)], space(REGRESS, IMAGE), "model[0]"),
        ([linear(3, 3), layer("GroupNorm", num_groups=5, num_channels=5), linear(1, 1)], space(REGRESS, 5), "model[1].structure.num_channels"),
        ([layer("Embedding", num_embeddings=3, embedding_dim=3), linear(1, 1)], space(REGRESS, 5), "model[1]"),
        ([layer("Conv2d", in_channels=1, out_channels=1, kernel_size=3), layer("Flatten")], space(CLASSIFY, IMAGE, 3), "model[0]"),
        ([layer("LSTM", input_size=1, hidden_size=4, bidirectional=True)], space(CLASSIFY, 5, 3), "model[0].structure.bidirectional"),
        ([layer("ReLU")], space(REGRESS, 5), "model"),
        ([layer("Upsample", scale_factor=1e5), layer("Flatten"), linear(1, 1)], space(REGRESS, IMAGE), "model[0].structure"),
        ([layer("Unflatten", dim=1, unflattened_size=[2, 7]), layer("Flatten"), linear(1, 1)], space(REGRESS, 5), "model[0]"),
    ],
)  # fmt: skip
def test_what_cannot_fit_names_the_layer(layers: list[Layer], found: FeatureSpace, field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        fit_layers(layers, found)

    assert refused.value.field == field


def test_a_fitted_network_may_not_become_too_large_either() -> None:
    with pytest.raises(InvalidRequest, match="more than"):
        fit_layers([layer("Flatten"), linear(1, 2**22), linear(1, 1)], space(REGRESS, (1, 100, 100)))


def test_unfitted_layers_that_do_not_match_are_named() -> None:
    with pytest.raises(InvalidRequest, match=r"^model\[0\]: Linear cannot take rows of shape \(10,\)"):
        check_fit(ABALONE, space(REGRESS, 10))
    with pytest.raises(InvalidRequest, match=r"^model\[0\]: the network gives \(1,\) per row, expected \(5,\)"):
        check_fit([linear(28, 1)], space(CLASSIFY, 28, 5))


def test_layers_for_pictures_say_what_rows_they_need() -> None:
    convolution = layer("Conv2d", "relu", in_channels=1, out_channels=4, kernel_size=3)

    with pytest.raises(
        InvalidRequest, match=r"Conv2d needs rows with 3 dimensions, channels first; these have shape \(32,\)"
    ):
        fit_layers([convolution, layer("Flatten"), linear(4, 1, "sigmoid")], space(CLASSIFY, 32, 2))


def test_two_outputs_are_accepted_for_two_labels_when_asked_for() -> None:
    check_fit([linear(4, 2, "softmax")], space(CLASSIFY, 4, 2))


def test_an_embedding_tells_the_values_of_a_single_column_apart() -> None:
    layers = [layer("Embedding", num_embeddings=9, embedding_dim=2), layer("Flatten"), linear(1, 1)]

    assert fit_layers(layers, space(REGRESS, 1))[0]["structure"]["num_embeddings"] == 2


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("more", [{}, {"bidirectional": True}, {"num_layers": 2}])
@pytest.mark.parametrize("inputs", [4, (5, 4)])
def test_what_a_recurrent_layer_makes_is_known_without_its_time_steps(
    kind: str, more: dict[str, Any], inputs: int | tuple[int, ...]
) -> None:
    layers = [layer(kind, input_size=4, hidden_size=3, **more) for _ in range(2)]
    layers[1]["structure"]["input_size"] = 3 * (2 if "bidirectional" in more else 1)
    network, shape = build_network(layers, seed=1), (inputs,) if isinstance(inputs, int) else inputs

    found = shapes(layers, space(Action.REGRESS, inputs))

    assert found[-1] == network(torch.zeros(2, *shape)).shape[1:]
    assert found[1] == (1 if inputs == 4 else 5, layers[1]["structure"]["input_size"])
