"""What a network takes, layer by layer: bytes and operations, from shapes alone, before anything is built."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Size, Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.modules.dropout import _DropoutNd

from synergos.domain.feature_space import FeatureSpace
from synergos.errors import InvalidRequest
from synergos.learning.families.layers.fit_to_feature_space import LARGEST_ROW, shapes
from synergos.learning.families.layers.hyperparameters import LayersHyperparameters
from synergos.learning.families.layers.layer_checks import Layer, make_module
from synergos.learning.families.layers.layer_parts import most_parts
from synergos.learning.families.layers.network import is_activation
from synergos.learning.families.needs import Needs

LARGEST_CALL = 2 * 10**9
"""Operations of one call of torch, forwards: at most half a second of a slow core there or back, and nothing can stop a call. It
depends on no machine, as results do not: what takes more is done in pieces, some rows at a time."""
LARGEST_OF_ROW = 10**10
"""The same of one row; a convolution or linear layer that takes more than one call may is done some channels at a time."""
LARGEST_UNDIVIDED = 2 * LARGEST_CALL
"""The same of what no part can be done of: a second of a slow core, one way."""
HEAVY = LARGEST_CALL // 10
"""Operations of one batch from which on a step is left between layers, and not only between steps."""
LONGEST_SEQUENCE = 20_000
"""Time steps of recurrent layers, one after the other: each takes its time, whatever its size."""
LARGEST_SLICE = 2**30
"""Bytes that the rows become that are measured at once."""

_FLOAT = 4
_KEPT_BY_STATE = {"LSTM": 48, "GRU": 15}
"""Values that a recurrent layer keeps for each value of its state: gates, cells, and what its library works in; found by trying."""
_BY_VALUE = 20
"""Operations that an activation or a normalisation takes for each value, about; and so every other layer beside its products."""
_THIN, _NARROW, _FEW_CHANNELS = 20, 5, 4
"""How many times as long a product of a convolution takes between so few channels, and where only each group makes so few; found
by trying: of depthwise ones at most 3.6, of those to one channel 2.2."""
_BY_STEP = 1000
"""What a recurrent layer takes for a time step of a row beside its products, however small it is."""
_BY_LOOK = 8
"""What a pooling layer takes for each value that it looks at."""
_BY_DRAWN = 100
"""What drawing a value, or looking for the largest one, takes for each value."""
_BY_NEIGHBOURS = 150
"""What normalising a value by its neighbours takes beside them."""


@dataclass(frozen=True)
class LayerNeeds:
    """One layer's part.

    Attributes:
        weights: bytes of parameters and buffers.
        learning: bytes of those that have a gradient.
        values: that it makes of one row, those that it keeps for the gradient among them.
        output: values of its output, of one row.
        operations: for one row, forwards.
        in_pieces: whether rows may be taken some at a time: they mean something together to batch normalisation alone.
        most_parts: into how many parts its output of one row can be cut.
    """

    weights: int
    learning: int
    values: int
    output: int
    operations: int
    in_pieces: bool
    most_parts: int = 1


def layer_needs(layers: Sequence[Layer], space: FeatureSpace) -> list[LayerNeeds]:
    """What each layer takes of one row.

    Raises:
        InvalidRequest: a layer does not take such rows, or one row takes it longer than anything may that cannot be stopped.
    """
    arriving = shapes(layers, space)
    found = []
    for index, (layer, before, after) in enumerate(zip(layers, arriving[:-1], arriving[1:], strict=True)):
        with torch.device("meta"):
            module = make_module(layer, f"model[{index}]")
        needs = _of_layer(module, layer, before, after, f"model[{index}]")
        # Each value by itself takes less than is judged.
        is_quick = is_activation(type(module))
        most = LARGEST_OF_ROW if is_quick else min(LARGEST_OF_ROW, needs.most_parts * LARGEST_UNDIVIDED)
        if needs.operations > most:
            raise InvalidRequest(
                f"{layer['l_type']} takes {needs.operations:.1e} operations for one row; expected at most "
                f"{most:.0e}, as nothing can stop them",
                f"model[{index}].structure",
            )
        found.append(needs)
    return found


def refuse_unusable(layers: Sequence[Layer], space: FeatureSpace) -> None:
    """Refuse a network that no worker could train or use, however much memory it has.

    Raises:
        InvalidRequest: what :func:`layer_needs` does, or one row takes too much on its way through all layers.
    """
    taken = 0
    for index, needs in enumerate(layer_needs(layers, space)):
        taken += needs.values
        if taken > LARGEST_ROW:
            raise InvalidRequest(
                f"one row becomes more than {LARGEST_ROW:,} values on its way up to here, which take "
                f"{_FLOAT * LARGEST_ROW / 2**30:.0f} GiB; no worker takes as many",
                f"model[{index}]",
            )


def rows_per_call(needs: Iterable[LayerNeeds], largest: int = LARGEST_CALL) -> list[int | None]:
    """How many rows each layer takes at once; None for all there are."""
    return [max(1, largest // max(1, each.operations)) if each.in_pieces else None for each in needs]


def parts_of_row(needs: Iterable[LayerNeeds], largest: int = LARGEST_CALL) -> list[int]:
    """In how many parts each layer makes its output of one row; 1 where a row takes no longer than a call may."""
    return [max(1, min(each.most_parts, -(-each.operations // largest))) for each in needs]


def rows_per_slice(needs: Sequence[LayerNeeds]) -> int:
    """How many rows are measured at once, at most: of each, two layers' outputs are there at a time."""
    widest = max((each.values + each.output for each in needs), default=1)
    return max(1, LARGEST_SLICE // (2 * _FLOAT * max(1, widest)))


def is_heavy(needs: Iterable[LayerNeeds], rows: int) -> bool:
    """Whether a batch of so many rows takes so long that it is left within."""
    return rows * sum(each.operations for each in needs) > HEAVY


def needs_of(
    layers: Sequence[Layer], hyperparameters: LayersHyperparameters, space: FeatureSpace, rows: int, measured: int
) -> Needs:
    """What a network takes to be trained on ``rows`` rows, if any, and measured on ``measured``.

    Raises:
        InvalidRequest: what :func:`layer_needs` does.
    """
    each = layer_needs(layers, space)
    weights, learning = sum(one.weights for one in each), sum(one.learning for one in each)
    width = math.prod(space.input_shape)
    sliced = min(measured, rows_per_slice(each))
    batch = sliced * 2 * _FLOAT * max((one.values + one.output for one in each), default=0)
    if rows:
        size = min(rows, hyperparameters.batch_size or rows)
        # Kept for the gradient; and the gradients of two layers' outputs at a time, beside the pieces of one of them.
        kept = width + sum(one.values for one in each) + 3 * max(one.output for one in each)
        batch = max(batch, size * _FLOAT * kept)
    trained = learning * (2 + _states(hyperparameters)) if rows else 0
    return Needs(weights, trained, batch)


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def _states(hyperparameters: LayersHyperparameters) -> int:
    """How many copies of the parameters an optimizer's state takes: it is asked with a small one."""
    parameter = nn.Parameter(torch.zeros(2, 3))
    parameter.grad = torch.ones(2, 3)
    optimizer = hyperparameters.make_optimizer([parameter])
    optimizer.step()
    state = optimizer.state[parameter].values()
    return sum(1 for value in state if isinstance(value, Tensor) and value.shape == parameter.shape)


def _of_layer(module: nn.Module, layer: Layer, before: Size, after: Size, place: str) -> LayerNeeds:
    arriving, output = math.prod(before), math.prod(after)
    values, operations = output, _operations(module, before, after)
    if isinstance(module, nn.RNNBase):
        values += _of_sequence(module, before, place)
    elif isinstance(module, nn.LocalResponseNorm):
        # It pads the channels with its own size, on both sides.
        values += (before[0] + module.size) * math.prod(before[1:]) + 2 * output
        operations += output * (module.size + _BY_NEIGHBOURS)
    elif isinstance(module, _DropoutNd | nn.Embedding | nn.EmbeddingBag) or "Pool" in layer["l_type"]:
        # A mask, or places as numbers of eight bytes.
        values += 2 * max(arriving, output)
        if not isinstance(module, nn.Embedding | nn.EmbeddingBag):
            operations += max(arriving, output) * _BY_DRAWN
    if layer["activation"]:
        values += output
        operations += output * _BY_VALUE
    most = most_parts(module)
    if most > 1 and operations > LARGEST_CALL:
        # Each part has a gradient of what arrives, and they are summed up.
        values += 2 * arriving
    learning = sum(map(_bytes, module.parameters()))
    weights = learning + sum(map(_bytes, module.buffers()))
    return LayerNeeds(weights, learning, values, output, operations, not isinstance(module, _BatchNorm), most)


def _operations(module: nn.Module, before: Size, after: Size) -> int:
    arriving, output = math.prod(before), math.prod(after)
    by_value = (arriving + output) * _BY_VALUE
    if isinstance(module, nn.Linear):
        return 2 * output * module.in_features + by_value
    if isinstance(module, _ConvNd):
        ends, channels = (
            (arriving, module.in_channels) if isinstance(module, _ConvTransposeNd) else (output, module.out_channels)
        )
        return 2 * ends * (module.weight.numel() // channels) * _slowness(module) + by_value
    parameters = sum(parameter.numel() for parameter in module.parameters())
    if isinstance(module, nn.RNNBase):
        depth = module.num_layers * (2 if module.bidirectional else 1)
        return _steps(before) * (2 * parameters + depth * _BY_STEP)
    own = parameters if isinstance(module, nn.RNNCellBase) else 0
    return 2 * own + by_value + output * _window(module) * _BY_LOOK


def _slowness(module: _ConvNd) -> int:
    """How many times as long each product of a convolution takes as one between many channels."""
    if max(module.in_channels, module.out_channels) < _FEW_CHANNELS:
        return _THIN
    made = module.in_channels if isinstance(module, _ConvTransposeNd) else module.out_channels
    return _NARROW if made // module.groups < _FEW_CHANNELS else 1


def _window(module: nn.Module) -> int:
    """How many values a pooling layer looks at for each of its output."""
    size = getattr(module, "kernel_size", 1)
    if isinstance(size, Sequence):
        return math.prod(int(each) for each in size)
    dimensions = next((int(digit) for digit in "321" if type(module).__name__.endswith(f"{digit}d")), 1)
    return int(size) ** dimensions if isinstance(size, int) else 1


def _of_sequence(module: nn.RNNBase, before: Size, place: str) -> int:
    """What a recurrent layer keeps of a row: gates and states of each time step in each layer and direction."""
    steps, depth = _steps(before), module.num_layers * (2 if module.bidirectional else 1)
    if steps * depth > LONGEST_SEQUENCE:
        raise InvalidRequest(
            f"{steps:,} time steps through a depth of {depth:,} are one after the other; expected at most "
            f"{LONGEST_SEQUENCE:,} together, as nothing can stop them",
            f"{place}.structure.num_layers",
        )
    return steps * depth * module.hidden_size * _KEPT_BY_STATE.get(module.mode, 6)


def _steps(before: Size) -> int:
    return before[0] if len(before) > 1 else 1
