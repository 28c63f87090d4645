"""How single rows are read from one update: a layer whose neurons differ in nothing but where they begin to answer.

Neuron j answers to a row x when ``direction · x > threshold[j]``. What one step over all rows moves it by, less what it moves its neighbour by, is
the sum over the rows between their two thresholds: where there is one, its weights divided by its bias are that row. Neurons pull the output up and down in
turn, so that it stays where its gradient is large.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from synergos.learning.algorithms import Weights
from synergos.learning.families.layers.layer_checks import Layer

WEIGHT, BIAS = "nnl_0_linear.weight", "nnl_0_linear.bias"
OUT, OUT_BIAS = "nnl_1_linear.weight", "nnl_1_linear.bias"
_PULL = 0.2


def wide(columns: int, neurons: int) -> list[Layer]:
    """A network with such a layer, for two classes."""
    return [
        {
            "is_input": True,
            "l_type": "Linear",
            "structure": {"bias": True, "in_features": columns, "out_features": neurons},
            "activation": "relu",
        },
        {
            "is_input": False,
            "l_type": "Linear",
            "structure": {"bias": True, "in_features": neurons, "out_features": 1},
            "activation": "sigmoid",
        },
    ]


def trap(columns: int, neurons: int) -> Weights:
    """Its weights, for rows whose values lie between 0 and 1."""
    direction = torch.tensor(np.random.default_rng(5).uniform(0.5, 1.5, columns), dtype=torch.float32)
    # Where as many rows are expected between one and the next, of values that are spread evenly.
    shares = torch.linspace(0, 1, neurons + 2)[1:-1]
    thresholds = direction.sum() / 2 + (direction.square().sum() / 12).sqrt() * torch.special.ndtri(shares)
    turns = torch.tensor([1.0, -1.0]).repeat(neurons)[:neurons]
    return {
        WEIGHT: direction.repeat(neurons, 1),
        BIAS: -thresholds,
        OUT: _PULL * turns.unsqueeze(0),
        OUT_BIAS: torch.zeros(1),
    }


def rows_in(update: Weights, start: Weights) -> NDArray[np.float64]:
    """What an update says of rows, some of it wrong: (guesses, columns)."""
    pull = start[OUT].double().squeeze(0)
    weights = ((update[WEIGHT].double() - start[WEIGHT].double()) / pull[:, None]).diff(dim=0)
    biases = ((update[BIAS].double() - start[BIAS].double()) / pull).diff(dim=0)
    known = biases.abs() > 0
    found: NDArray[np.float64] = (weights[known] / biases[known, None]).numpy()
    return found[np.isfinite(found).all(axis=1)]


def recovered(guesses: NDArray[np.float64], rows: NDArray[np.float64], within: float) -> int:
    """How many rows are among the guesses, in all of their values."""
    return sum(bool((np.abs(guesses - row).max(axis=1) < within).any()) for row in rows) if len(guesses) else 0
