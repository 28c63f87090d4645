"""FedAvg: every participant trains on its own rows, then the models are averaged by rows.

McMahan, Moore, Ramage, Hampson, Agüera y Arcas (2017), "Communication-Efficient Learning of Deep Networks from
Decentralized Data", AISTATS, algorithm 1:

    w_{t+1} = sum_k n_k / n * w_{t+1}^k

Every participant takes part in every round (C = 1). Buffers (running statistics) are averaged like weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from synergos.errors import Conflict
from synergos.learning.algorithms.algorithm import Algorithm, Update, Weights

CHUNK = 2**17
"""Elements that are accumulated at once: their float64 sums stay in the processor's cache."""


def pull(network: nn.Module, reference: Weights, hyperparameters: object) -> None:
    """FedAvg adds nothing to a participant's own gradient."""


def aggregate(updates: Sequence[Update], into: Weights | None = None) -> dict[str, Tensor]:
    """The average of the updates, weighted by rows.

    One tensor at a time and in the order given: float64 sums, cast back to the tensor's own type. Integers are rounded, of
    booleans the weighted majority decides (a tie is false).

    Args:
        into: an earlier average of the same network that nobody needs any more; its memory is used again.

    Raises:
        Conflict: there is nothing to average, or the updates are not of one network.
    """
    counted = [update for update in updates if update.rows > 0]
    if not counted:
        raise Conflict("nothing to aggregate: no participant trained on any row")
    names = counted[0].weights.keys()
    for update in counted:
        if update.weights.keys() != names:
            raise _of_another_network(update)
    return {name: _average(counted, name, None if into is None else into[name]) for name in names}


def _average(updates: Sequence[Update], name: str, into: Tensor | None) -> Tensor:
    # Each tensor is asked for once: it may be read from a file.
    tensors = [update.weights[name].detach() for update in updates]
    shape, kind = tensors[0].shape, tensors[0].dtype
    for update, tensor in zip(updates, tensors, strict=True):
        if tensor.shape != shape or tensor.dtype != kind:
            raise _of_another_network(update)
    flat = [tensor.reshape(-1) for tensor in tensors]
    total = sum(update.rows for update in updates)
    # New memory for a large model takes as long as the averaging itself.
    into = torch.empty(shape, dtype=kind, device=tensors[0].device) if into is None else into
    result = into.view(-1)
    exact = torch.complex128 if kind.is_complex else torch.float64
    both = torch.empty(2, min(CHUNK, len(result)), dtype=exact, device=result.device)
    for start in range(0, len(result), CHUNK):
        here = result[start : start + CHUNK]
        sums, own = both[:, : len(here)]
        sums.zero_()
        for update, tensor in zip(updates, flat, strict=True):
            sums.add_(own.copy_(tensor[start : start + CHUNK]), alpha=update.rows)
        here.copy_(_rounded(sums.div_(total), kind))
    return into


def _of_another_network(update: Update) -> Conflict:
    return Conflict(f"the update of {update.participant_id} is not of the same network as the others")


def _rounded(values: Tensor, kind: torch.dtype) -> Tensor:
    if kind is torch.bool:
        return values > 0.5
    return values if kind.is_floating_point or kind.is_complex else values.round_()


ALGORITHM = Algorithm("FedAvg", pull, aggregate)
