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


def penalty(network: nn.Module, reference: Weights, hyperparameters: object) -> None:
    """FedAvg adds nothing to a participant's own loss."""


def aggregate(updates: Sequence[Update]) -> dict[str, Tensor]:
    """The average of the updates, weighted by rows.

    One tensor at a time and in the order given: float64 sums, cast back to the tensor's own type. Integers are rounded, of
    booleans the weighted majority decides (a tie is false).

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
    return {name: _average(counted, name) for name in names}


def _average(updates: Sequence[Update], name: str) -> Tensor:
    # Each tensor is asked for once: it may be read from a file.
    tensors = [update.weights[name].detach() for update in updates]
    shape, kind = tensors[0].shape, tensors[0].dtype
    for update, tensor in zip(updates, tensors, strict=True):
        if tensor.shape != shape or tensor.dtype != kind:
            raise _of_another_network(update)
    flat = [tensor.reshape(-1) for tensor in tensors]
    total = sum(update.rows for update in updates)
    result = torch.empty(shape.numel(), dtype=kind, device=tensors[0].device)
    for start in range(0, len(result), CHUNK):
        here = slice(start, start + CHUNK)
        exact = torch.complex128 if kind.is_complex else torch.float64
        sums = torch.zeros(len(result[here]), dtype=exact, device=result.device)
        for update, tensor in zip(updates, flat, strict=True):
            sums.add_(tensor[here].to(exact), alpha=update.rows)
        result[here] = _cast(sums.div_(total), kind)
    return result.reshape(shape)


def _of_another_network(update: Update) -> Conflict:
    return Conflict(f"the update of {update.participant_id} is not of the same network as the others")


def _cast(values: Tensor, kind: torch.dtype) -> Tensor:
    if kind is torch.bool:
        return values > 0.5
    return (values if kind.is_floating_point or kind.is_complex else values.round()).to(kind)


ALGORITHM = Algorithm("FedAvg", penalty, aggregate)
