"""What a federated algorithm is: how a participant's training differs, and how updates become one model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor, nn

if TYPE_CHECKING:
    from synergos.learning.hyperparameters import Hyperparameters

Weights = Mapping[str, Tensor]
"""A network's state dict: parameters and buffers by name."""


@dataclass(frozen=True)
class Update:
    """What one participant's training of one round came to.

    Attributes:
        rows: training rows it used, which is its weight in the average.
        weights: its trained weights; may be memory-mapped.
    """

    participant_id: str
    rows: int
    weights: Weights


@dataclass(frozen=True)
class Algorithm:
    """A federated algorithm.

    Attributes:
        pull: ``(network, reference, hyperparameters)``; called in each step once the loss has its gradient, it may add to the
            gradients in place. ``reference`` is the global model the round started from.
        aggregate: ``(updates, into)``; the updates of a round to the next global model, in the memory of an earlier one that
            nobody needs any more where there is one.
    """

    name: str
    pull: Callable[[nn.Module, Weights, Hyperparameters], None]
    aggregate: Callable[[Sequence[Update], Weights | None], dict[str, Tensor]]
