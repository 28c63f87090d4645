"""No call of a layer takes long, there or back, whatever kind it is: between two of them a worker looks whether to stop.

What is measured is the processor's time of a tenth of the largest piece: a busy machine takes longer, and no kind needs more for a tenth.
Of several times it is the shortest, as programs beside this one cost it processor's time as well: what both want to remember is fetched anew.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from synergos.domain.feature_space import Action, Feature, FeatureSpace
from synergos.learning.families.layers.layer_checks import Layer
from synergos.learning.families.layers.needs import LARGEST_CALL, layer_needs, rows_per_call
from synergos.learning.families.layers.network import build_network

MOST_SECONDS = 0.2
"""Of a tenth of a piece; two seconds for all of it, on a machine that is slow or busy: others need half as many, and what is not cut up a hundred."""
TIMES = 4


def layer(l_type: str, **structure: Any) -> Layer:
    return {"is_input": False, "l_type": l_type, "structure": structure, "activation": None}


SLOWEST: dict[str, tuple[tuple[int, ...], Layer]] = {
    "LSTM of size 1": ((500, 1), layer("LSTM", input_size=1, hidden_size=1)),
    "GRU": ((100, 8), layer("GRU", input_size=8, hidden_size=8)),
    "convolution of one channel": ((1, 512), layer("Conv1d", in_channels=1, out_channels=1, kernel_size=9, padding=4)),
    "convolution to one channel": (
        (16, 32, 32),
        layer("Conv2d", in_channels=16, out_channels=1, kernel_size=3, padding=1),
    ),
    "convolution from one channel": (
        (1, 28, 28),
        layer("Conv2d", in_channels=1, out_channels=16, kernel_size=3, padding=1),
    ),
    "large convolution": ((32, 32, 32), layer("Conv2d", in_channels=32, out_channels=32, kernel_size=3, padding=1)),
    "depthwise convolution": (
        (32, 64, 64),
        layer("Conv2d", in_channels=32, out_channels=32, kernel_size=5, groups=32, padding=2),
    ),
    "narrow linear layer": ((4,), layer("Linear", in_features=4, out_features=3)),
    "wide linear layer": ((2000,), layer("Linear", in_features=2000, out_features=2000)),
    "normalisation by neighbours": ((64, 32, 32), layer("LocalResponseNorm", size=5)),
    "pooling": ((8, 64, 64), layer("MaxPool2d", kernel_size=7, stride=1)),
    "dropout": ((1000,), layer("AlphaDropout", p=0.5)),
}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("kind", list(SLOWEST))
def test_a_piece_takes_two_seconds_at_most_there_and_back(kind: str) -> None:
    shape, slow = SLOWEST[kind]
    space = FeatureSpace("tabular", Action.REGRESS, (Feature("x"),), (Feature("target"),), shape)
    [most] = rows_per_call(layer_needs([slow], space), LARGEST_CALL // 10)
    assert most is not None
    network = build_network([slow], seed=1).train()
    rows = torch.rand(most, *shape, requires_grad=True)
    network(rows[:1]).sum().backward()

    there, back = float("inf"), float("inf")
    for _ in range(TIMES):
        seconds, result = _seconds(lambda: network(rows))
        there = min(there, seconds)
        back = min(back, _seconds(result.sum().backward)[0])
        if max(there, back) < MOST_SECONDS:
            break

    assert there < MOST_SECONDS
    assert back < MOST_SECONDS


def _seconds(work: Any) -> tuple[float, Any]:
    begun = time.process_time()
    result = work()
    return time.process_time() - begun, result
