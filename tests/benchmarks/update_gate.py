"""What the gate before the average costs, per update: ``python tests/benchmarks/update_gate.py``.

Beside it, in the same run, the bare computation: the norm of the difference of two vectors of as many values, which a check of
every value cannot be without. An update is checked in the thread that received it, while others are still being waited for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median

import torch
from torch import Tensor

from synergos.learning.update_gate import Measured, movement, refusals

MODELS = {
    "MLP 28-64-32-1, 16 KB": [(64, 28), (64,), (32, 64), (32,), (1, 32), (1,)],
    "CNN of 1.2 M parameters, 5 MB": [(32, 1, 3, 3), (32,), (64, 32, 3, 3), (64,), (128, 9216), (128,), (1, 128), (1,)],
    "MLP 4 × 2500×2500, 100 MB": [*[(2500, 2500), (2500,)] * 4, (1, 2500), (1,)],
}
REPEATS = 21


def gate(weights: dict[str, Tensor], reference: dict[str, Tensor]) -> None:
    """All that is done with one update."""
    found = Measured(10, movement(weights, reference))
    if refusals({"participant": found}, {"participant": 10}):
        raise SystemExit("a sound update was refused")


def bare(flat: Tensor, reference: Tensor) -> None:
    """The norm alone, of one long vector."""
    difference = flat - reference
    torch.dot(difference, difference).item()


def seconds(work: Callable[[], None]) -> Iterator[float]:
    """How long it takes, several times."""
    for _ in range(REPEATS):
        begun = time.perf_counter()
        work()
        yield time.perf_counter() - begun


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    print(f"{'per update':32} {'bare':>9} {'ours':>9} {'ours / bare':>12}")
    for name, shapes in MODELS.items():
        reference = {str(index): torch.rand(shape) for index, shape in enumerate(shapes)}
        weights = {index: tensor + 0.01 for index, tensor in reference.items()}
        flat = [torch.cat([tensor.flatten() for tensor in model.values()]) for model in (weights, reference)]
        # In turn, so that neighbours on the machine disturb both alike.
        pairs = list(zip(seconds(partial(bare, *flat)), seconds(partial(gate, weights, reference)), strict=True))
        raw, ours = (median(column) * 1000 for column in zip(*pairs, strict=True))
        print(f"{name:32} {raw:6.2f} ms {ours:6.2f} ms {ours / raw:12.1f}")


if __name__ == "__main__":
    main()
