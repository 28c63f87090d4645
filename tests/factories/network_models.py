"""Short ways to write layers and feature spaces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from factories.feature_spaces import labels as classes
from synergos.domain.feature_space import Action, Feature, FeatureSpace
from synergos.learning.families import Recipe
from synergos.learning.families.layers import LAYERS
from synergos.learning.families.layers.layer_checks import Layer
from synergos.learning.families.layers.network import Network, build_network

WEIGHT = "nnl_0_linear.weight"


def layer(l_type: str, activation: str | None = None, **structure: Any) -> Layer:
    return Layer(is_input=False, l_type=l_type, structure=structure, activation=activation)


def linear(inputs: int, outputs: int, activation: str | None = None, bias: bool = True) -> Layer:
    return layer("Linear", activation, in_features=inputs, out_features=outputs, bias=bias)


def space(action: Action, inputs: int | tuple[int, ...], labels: int = 0) -> FeatureSpace:
    """A feature space with as many input columns and labels as that."""
    shape = (inputs,) if isinstance(inputs, int) else inputs
    return FeatureSpace(
        datatype="tabular",
        action=action,
        X=tuple(Feature(f"x{index:03}") for index in range(shape[0] if len(shape) == 1 else 1)),
        y=classes() if action is Action.REGRESS else classes(*map(str, range(labels))),
        input_shape=shape,
    )


def recipe(layers: Sequence[Layer], feature_space: FeatureSpace, **run: Any) -> Recipe:
    """A network of layers with a run's hyperparameters."""
    return Recipe(LAYERS, layers, LAYERS.hyperparameters(run, feature_space.action), feature_space)


def one_weight(value: float) -> Network:
    """A network that multiplies by one number."""
    network = build_network([linear(1, 1, bias=False)])
    network.load_state_dict({WEIGHT: torch.tensor([[value]])})
    return network


def rows(count: int, width: int = 3, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Rows and the sums of their values."""
    inputs = torch.randn(count, width, generator=torch.Generator().manual_seed(seed))
    return inputs, inputs.sum(dim=1, keepdim=True)


DEEP = [linear(3, 8, "relu"), layer("Dropout", p=0.3), layer("BatchNorm1d", num_features=8), linear(8, 1)]
"""Layers that draw random numbers and keep running statistics."""
