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
        penalty: ``(network, reference, hyperparameters)`` to a term that is added to each batch's loss, or ``None``; ``reference``
            is the global model the round started from.
        aggregate: the updates of a round to the next global model.
    """

    name: str
    penalty: Callable[[nn.Module, Weights, Hyperparameters], Tensor | None]
    aggregate: Callable[[Sequence[Update]], dict[str, Tensor]]
