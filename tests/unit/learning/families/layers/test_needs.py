"""What a network takes is known from its shapes, before anything of it is there; and what takes long is done in pieces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from factories.network_models import layer, linear, recipe, rows, space
from synergos.domain.feature_space import Action
from synergos.errors import InvalidRequest, JobCancelled
from synergos.learning.algorithms import Step
from synergos.learning.families.layers import LAYERS
from synergos.learning.families.layers import needs as judging
from synergos.learning.families.layers.hyperparameters import LayersHyperparameters
from synergos.learning.families.layers.layer_checks import Layer, make_module
from synergos.learning.families.layers.layer_parts import channel_dimension, outputs_in_parts
from synergos.learning.families.layers.needs import (
    LARGEST_SLICE,
    is_heavy,
    layer_needs,
    needs_of,
    parts_of_row,
    rows_per_call,
    rows_per_slice,
)
from synergos.learning.families.layers.network import build_network, looking
from synergos.learning.families.needs import Needs

ROWS = 16
NETWORKS: dict[str, tuple[Any, list[Layer]]] = {
    "linear": (6, [linear(6, 40, "relu"), layer("Dropout", p=0.5), linear(40, 1)]),
    "normalised": (6, [linear(6, 40), layer("BatchNorm1d", "tanh", num_features=40), linear(40, 1)]),
    "convolution": (
        (2, 12, 12),
        [
            layer("Conv2d", "relu", in_channels=2, out_channels=4, kernel_size=3),
            layer("MaxPool2d", kernel_size=2),
            layer("LocalResponseNorm", size=3),
            layer("Flatten"),
            linear(100, 1),
        ],
    ),
    "transposed": (
        (2, 5, 5),
        [
            layer("ConvTranspose2d", "elu", in_channels=2, out_channels=3, kernel_size=3),
            layer("Flatten"),
            linear(147, 1),
        ],
    ),
    "recurrent": (
        (9, 3),
        [layer("LSTM", input_size=3, hidden_size=5, num_layers=2, bidirectional=True), linear(10, 1)],
    ),
    "gated": ((9, 3), [layer("GRU", input_size=3, hidden_size=5), linear(5, 1)]),
}


def judged(layers: Sequence[Layer], inputs: Any, rows: int = ROWS, measured: int = 0, **run: Any) -> Needs:
    hyperparameters = LayersHyperparameters.from_run(run, Action.REGRESS)
    return needs_of(layers, hyperparameters, space(Action.REGRESS, inputs), rows, measured)


def kept_for_the_gradient(layers: Sequence[Layer], inputs: Any) -> int:
    """Bytes that a forward pass keeps, beside the weights."""
    network = build_network(layers, seed=1).train()
    own = {tensor.untyped_storage().data_ptr() for tensor in network.state_dict().values()}
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    shape = (inputs,) if isinstance(inputs, int) else inputs
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        result = network(torch.randn(ROWS, *shape))
    assert result.requires_grad
    return sum(kept.values())


@pytest.mark.parametrize("name", list(NETWORKS))
def test_a_batch_takes_no_more_than_was_judged(name: str) -> None:
    inputs, layers = NETWORKS[name]

    taken = kept_for_the_gradient(layers, inputs)

    assert taken <= judged(layers, inputs).batch <= 12 * taken


def test_a_smaller_batch_takes_less() -> None:
    inputs, layers = NETWORKS["convolution"]

    assert judged(layers, inputs, batch_size=4).batch * 4 == judged(layers, inputs).batch


@pytest.mark.parametrize(("optimizer", "states"), [("SGD", 0), ("Adam", 2), ("RMSprop", 1), ("Adagrad", 1)])
def test_an_optimizer_has_its_state_beside_the_gradients(optimizer: str, states: int) -> None:
    found = judged([linear(6, 1000), linear(1000, 1)], 6, optimizer=optimizer)

    assert found.weights == 4 * (7 * 1000 + 1001)
    assert found.learning == found.weights * (2 + states)


def test_buffers_are_weights_that_do_not_learn() -> None:
    found = judged([layer("BatchNorm1d", num_features=6, affine=False), linear(6, 1)], 6)

    assert found.weights - found.learning / 2 == 2 * 4 * 6 + 8


def test_what_is_padded_to_a_hundred_million_values_is_judged_without_them() -> None:
    layers = [layer("ConstantPad1d", padding=[0, 10**8], value=0.0), linear(10**8 + 6, 1)]

    assert judged(layers, 6, rows=1).batch > 4 * 10**8


def test_rows_are_measured_so_many_at_a_time_that_they_fit() -> None:
    wide = [linear(6, 10**6), linear(10**6, 1)]
    needs = layer_needs(wide, space(Action.REGRESS, 6))

    assert rows_per_slice(needs) * 8 * 10**6 <= LARGEST_SLICE
    assert judged(wide, 6, rows=0, measured=10**6).batch <= 2 * LARGEST_SLICE
    assert judged(wide, 6, rows=0, measured=10**6).learning == 0


@pytest.mark.parametrize(
    ("inputs", "layers", "field"),
    [
        ((200, 100), [layer("RNN", input_size=100, hidden_size=2, num_layers=101), linear(2, 1)], "num_layers"),
        (
            (64, 64, 64),
            [
                layer("Conv2d", in_channels=64, out_channels=1024, kernel_size=15, padding="same"),
                layer("Flatten"),
                linear(2**22, 1),
            ],
            "structure",
        ),
        ((2000, 500), [layer("GRU", input_size=500, hidden_size=500), linear(500, 1)], "structure"),
    ],
)
def test_what_nothing_could_stop_is_refused_by_its_layer(inputs: Any, layers: list[Layer], field: str) -> None:
    with pytest.raises(InvalidRequest, match="as nothing can stop them") as refused:
        judged(layers, inputs)

    assert str(refused.value.field).startswith("model[0].")
    assert str(refused.value.field).endswith(field)


@pytest.mark.parametrize("auto_fix", [True, False])
def test_a_network_that_no_worker_could_hold_is_refused_when_it_is_fitted(auto_fix: bool) -> None:
    padding = layer("ConstantPad1d", padding=[0, 10**8], value=0.0)
    layers = [padding, *[layer("ReLU") for _ in range(30)], linear(10**8 + 6, 1)]

    with pytest.raises(InvalidRequest, match=r"which take 8 GiB; no worker takes as many") as refused:
        LAYERS.fit(layers, space(Action.REGRESS, 6), auto_fix=auto_fix)

    assert refused.value.field == "model[21]"


@pytest.mark.parametrize("name", list(NETWORKS))
def test_in_pieces_each_row_has_the_same_output_and_gradient(name: str) -> None:
    inputs, layers = NETWORKS[name]
    whole, pieces = (build_network(layers, seed=1).eval() for _ in range(2))
    shape = (inputs,) if isinstance(inputs, int) else inputs
    values = torch.randn(ROWS, *shape, generator=torch.Generator().manual_seed(1))
    pieces.in_pieces(rows_per_call(layer_needs(layers, space(Action.REGRESS, inputs)), 20_000))

    for network in (whole, pieces):
        network(values).sum().backward()

    torch.testing.assert_close(pieces(values), whole(values))
    for one, other in zip(whole.parameters(), pieces.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)


DIVIDED: dict[str, tuple[tuple[int, ...], Layer]] = {
    "linear": ((3, 6), linear(6, 7)),
    "convolution": ((4, 9, 9), layer("Conv2d", in_channels=4, out_channels=7, kernel_size=3, padding="same")),
    "reflecting": (
        (4, 9, 9),
        layer("Conv2d", in_channels=4, out_channels=6, kernel_size=3, padding=1, padding_mode="reflect", bias=False),
    ),
    "in groups": ((6, 20), layer("Conv1d", in_channels=6, out_channels=12, kernel_size=3, groups=3, stride=2)),
    "depthwise": ((5, 4, 6, 6), layer("Conv3d", in_channels=5, out_channels=10, kernel_size=3, groups=5)),
    "transposed": (
        (4, 5, 5),
        layer("ConvTranspose2d", in_channels=4, out_channels=6, kernel_size=3, stride=2, output_padding=1),
    ),
    "transposed in groups": (
        (4, 5, 5),
        layer("ConvTranspose2d", in_channels=4, out_channels=6, kernel_size=3, groups=2, dilation=2),
    ),
}


@pytest.mark.parametrize("parts", [2, 3, 5])
@pytest.mark.parametrize("name", list(DIVIDED))
def test_in_parts_a_row_has_the_same_output_and_gradients(name: str, parts: int) -> None:
    shape, divided = DIVIDED[name]
    module = make_module(divided, "model[0]")
    values = torch.randn(2, *shape, generator=torch.Generator().manual_seed(1)).requires_grad_()
    asked = (values, *module.parameters())

    made = list(outputs_in_parts(module, values, parts))
    together, whole = torch.cat(made, channel_dimension(module)), module(values)

    assert len(made) >= parts
    torch.testing.assert_close(together, whole)
    weighing = torch.randn(whole.shape, generator=torch.Generator().manual_seed(2))
    for one, other in zip(
        torch.autograd.grad((together * weighing).sum(), asked),
        torch.autograd.grad((whole * weighing).sum(), asked),
        strict=True,
    ):
        torch.testing.assert_close(one, other)


def test_a_row_that_takes_a_layer_longer_than_a_call_may_is_left_between_its_parts() -> None:
    layers = [layer("Conv2d", in_channels=64, out_channels=64, kernel_size=3, padding=1)]
    needs = layer_needs(layers, space(Action.REGRESS, (64, 320, 320)))
    network, looks = build_network(layers, seed=1), [0]

    def look() -> None:
        looks[0] += 1

    network.in_pieces(rows_per_call(needs), parts_of_row(needs))
    with looking(network, look):
        # A small picture, as nothing here asks what it takes.
        result = network(torch.randn(1, 64, 4, 4))
        there = looks[0]
        result.sum().backward()

    assert parts_of_row(needs) == [4]
    assert there == 1 + 4
    assert looks[0] - there == 1 + 4


def test_depthwise_convolutions_on_large_pictures_are_no_more_than_they_take() -> None:
    def of(side: int, kernel: int) -> int:
        layers = [layer("Conv2d", in_channels=64, out_channels=64, kernel_size=kernel, groups=64, padding="same")]
        [needs] = layer_needs(layers, space(Action.REGRESS, (64, side, side)))
        return needs.operations

    # 0.9 and 0.2 s of the processor the other way, which takes longer.
    assert 4e9 < of(1024, 3) < 1e10
    assert 1e9 < of(256, 7) < 4e9


def test_a_single_channel_takes_longer_for_each_product_than_many() -> None:
    def by_product(channels: int) -> float:
        layers = [layer("Conv1d", in_channels=channels, out_channels=channels, kernel_size=99, padding="same")]
        [needs] = layer_needs(layers, space(Action.REGRESS, (channels, 512)))
        return needs.operations / (2 * 99 * channels**2 * 512)

    assert by_product(1) > 20 > 2 > by_product(8)


def test_batch_normalisation_sees_all_rows_of_a_batch() -> None:
    _, layers = NETWORKS["normalised"]
    needs = layer_needs(layers, space(Action.REGRESS, 6))

    assert [most is None for most in rows_per_call(needs, 1)] == [False, True, False]


@pytest.mark.parametrize("looks", [1, 4, 7, 9])
def test_a_heavy_step_is_left_between_layers_there_and_back(looks: int) -> None:
    inputs, layers = NETWORKS["convolution"]
    network, left = build_network(layers, seed=1), iter(range(looks))

    def look() -> None:
        if next(left, None) is None:
            raise JobCancelled("asked to stop")

    with pytest.raises(JobCancelled), looking(network, look):
        network(torch.randn(ROWS, *inputs)).sum().backward()

    assert network.look is None


def test_only_heavy_steps_look() -> None:
    needs = layer_needs([linear(1000, 1000), linear(1000, 1)], space(Action.REGRESS, 1000))

    assert not is_heavy(needs, 32)
    assert is_heavy(needs, 1000)


@pytest.mark.parametrize("what", ["warm_up", "train", "measure", "predict"])
def test_a_trainer_is_left_within_a_heavy_step(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "HEAVY", 0)
    inputs, targets = rows(8, 6)
    trainer = LAYERS.trainer(recipe(NETWORKS["linear"][1], space(Action.REGRESS, 6)), "me", "cpu")
    weights = {name: tensor.clone() for name, tensor in trainer.model.weights.items()}
    # Before a batch it may go on, and within it no more.
    answers = iter([False] * (what != "warm_up"))

    def should_stop() -> bool:
        return next(answers, True)

    ways: dict[str, Callable[[], object]] = {
        "warm_up": lambda: trainer.warm_up(inputs, targets, weights, should_stop),
        "train": lambda: trainer.local(inputs, targets, Step(0), lambda *_: None, should_stop).train(weights),
        "measure": lambda: trainer.measure(weights, inputs, targets, should_stop),
        "predict": lambda: trainer.predict(weights, inputs, should_stop),
    }
    with pytest.raises(JobCancelled, match="within a step"):
        ways[what]()
