from __future__ import annotations

import pytest
import torch
from torch import Tensor

from factories.network_models import layer, linear
from synergos.learning.families.layers.layer_checks import Layer
from synergos.learning.families.layers.network import Network, build_network


def test_the_state_dict_has_the_original_key_names() -> None:
    network = build_network(
        [layer("Conv2d", "relu", in_channels=1, out_channels=4, kernel_size=3), layer("Flatten"), linear(8, 3)]
    )

    assert list(network.state_dict()) == [
        "nnl_0_conv2d.weight",
        "nnl_0_conv2d.bias",
        "nnl_2_linear.weight",
        "nnl_2_linear.bias",
    ]


def test_the_same_seed_gives_the_same_first_weights() -> None:
    layers = [linear(5, 4, "relu"), linear(4, 1)]

    first, again, other = (build_network(layers, seed).state_dict() for seed in (7, 7, 8))

    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["nnl_0_linear.weight"], other["nnl_0_linear.weight"])


def test_building_with_a_seed_leaves_the_global_random_numbers_alone() -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)

    build_network([linear(5, 4)], seed=7)

    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(
    ("tail", "name"),
    [
        ([linear(4, 3, "softmax")], "softmax"),
        ([linear(4, 3, "log_softmax")], "log_softmax"),
        ([linear(4, 3), layer("Softmax")], "softmax"),
        ([linear(4, 3), layer("LogSoftmax", dim=1)], "log_softmax"),
        ([linear(4, 3), layer("Sigmoid")], "sigmoid"),
        ([linear(4, 3), layer("Softmax", dim=1), layer("Flatten"), layer("Dropout", p=0.5)], "softmax"),
    ],
)
def test_logits_are_what_enters_the_last_activation(tail: list[Layer], name: str) -> None:
    rows = torch.randn(6, 4)
    network = build_network(tail, seed=1).eval()
    plain = build_network([linear(4, 3)], seed=1)
    plain.load_state_dict(network.state_dict())

    assert network.final_activation == name
    assert torch.equal(network.logits(rows), plain(rows))
    assert not torch.allclose(network(rows), plain(rows))


@pytest.mark.parametrize("activation", [None, ""])
def test_without_activation_logits_are_the_output(activation: str | None) -> None:
    rows = torch.randn(6, 4)
    network = build_network([linear(4, 4, "relu"), linear(4, 3, activation)])

    assert network.final_activation == ""
    assert torch.equal(network.logits(rows), network(rows))


def test_an_activation_further_up_is_not_the_last_one() -> None:
    assert (
        build_network([linear(4, 4, "relu"), linear(4, 3), layer("BatchNorm1d", num_features=3)]).final_activation == ""
    )


def test_softmax_runs_over_the_classes() -> None:
    for layers in ([linear(4, 3, "softmax")], [linear(4, 3), layer("Softmax")]):
        torch.testing.assert_close(Network(layers)(torch.randn(5, 4)).sum(dim=1), torch.ones(5))


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_a_recurrent_layer_takes_a_table_as_one_time_step(kind: str) -> None:
    network = build_network([layer(kind, input_size=4, hidden_size=3), linear(3, 1)])

    assert network(torch.randn(6, 4)).shape == (6, 1)


def test_a_recurrent_layer_passes_its_last_time_step_on() -> None:
    network = build_network([layer("LSTM", input_size=4, hidden_size=3)], seed=1)
    rows = torch.randn(6, 5, 4)
    inner = network.get_submodule("nnl_0_lstm")

    whole: Tensor = inner(rows)[0]
    torch.testing.assert_close(network(rows), whole[:, -1])


@pytest.mark.parametrize(
    "between", [[], [layer("Dropout", p=0.1)], [layer("LayerNorm", normalized_shape=3), layer("ReLU")]]
)
def test_a_recurrent_layer_passes_the_whole_sequence_to_another(between: list[Layer]) -> None:
    first, second = layer("GRU", input_size=4, hidden_size=3), layer("LSTM", input_size=3, hidden_size=2)
    network = build_network([first, *between, second]).eval()
    rows = torch.randn(6, 5, 4)
    changed = rows.clone()
    changed[:, 0] += 1

    assert network(rows).shape == (6, 2)
    assert not torch.equal(network(rows), network(changed))


def test_batch_first_is_not_up_to_the_request() -> None:
    network = build_network([layer("LSTM", input_size=4, hidden_size=3, batch_first=False)])

    assert network(torch.randn(6, 5, 4)).shape == (6, 3)


def test_an_embedding_takes_numbers_for_indices() -> None:
    network = build_network([layer("Embedding", num_embeddings=5, embedding_dim=2), layer("Flatten"), linear(6, 1)])

    assert network(torch.tensor([[0.0, 1.0, 4.0]])).shape == (1, 1)


@pytest.mark.parametrize("layers", [[layer("ReLU", inplace=True)], [layer("Identity", "relu_")]])
def test_no_layer_changes_the_rows_it_is_given(layers: list[Layer]) -> None:
    rows = torch.tensor([[-1.0, 2.0]])

    assert torch.equal(build_network(layers)(rows), torch.tensor([[0.0, 2.0]]))
    assert torch.equal(rows, torch.tensor([[-1.0, 2.0]]))


def test_a_dropout_activation_drops_in_training_only() -> None:
    network = build_network([layer("Identity", "dropout")])
    rows = torch.ones(4, 100)

    assert network.draws
    assert (network.train()(rows) == 0).any()
    assert torch.equal(network.eval()(rows), rows)
