"""The mean of models weighted by rows: exact, in the memory of an earlier one, without a copy of any of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from synergos.errors import Conflict
from synergos.learning.bags import Weights

CHUNK = 2**17
"""Elements that are accumulated at once: their float64 sums stay in the processor's cache."""

Then = Callable[[str, slice, Tensor], Tensor]
"""Given a tensor's name, where in it, flattened, a piece stands, and the piece's float64 mean; what to put there instead."""


@dataclass(frozen=True)
class Weighted:
    """One participant's tensors, and how much they count.

    Attributes:
        rows: training rows they come from.
        weights: may be memory-mapped.
    """

    participant_id: str
    rows: int
    weights: Weights


def average(answers: Sequence[Weighted], into: Weights | None = None, then: Then | None = None) -> dict[str, Tensor]:
    """The mean of the weights, weighted by rows.

    One tensor at a time and in the order given: float64 sums, cast back to the tensor's own type. Integers are rounded, of
    booleans the weighted majority decides (a tie is false).

    Args:
        into: an earlier mean that nobody needs any more; the memory of what is alike is used again.
        then: what is to be made of the mean, before it is rounded.

    Raises:
        Conflict: there is nothing to average, or the weights are not of one network.
    """
    counted = [answer for answer in answers if answer.rows > 0]
    if not counted:
        raise Conflict("nothing to aggregate: no participant trained on any row")
    names = counted[0].weights.keys()
    for answer in counted:
        if answer.weights.keys() != names:
            raise _of_another_network(answer)
    return {name: _average(counted, name, (into or {}).get(name), then) for name in names}


def _average(answers: Sequence[Weighted], name: str, into: Tensor | None, then: Then | None) -> Tensor:
    # Each tensor is asked for once: it may be read from a file.
    tensors = [answer.weights[name].detach() for answer in answers]
    shape, kind = tensors[0].shape, tensors[0].dtype
    for answer, tensor in zip(answers, tensors, strict=True):
        if tensor.shape != shape or tensor.dtype != kind:
            raise _of_another_network(answer)
    flat = [tensor.reshape(-1) for tensor in tensors]
    total = sum(answer.rows for answer in answers)
    # New memory for a large model takes as long as the averaging itself.
    if into is None or (into.shape, into.dtype) != (shape, kind) or not into.is_contiguous():
        into = torch.empty(shape, dtype=kind, device=tensors[0].device)
    result = into.view(-1)
    exact = torch.complex128 if kind.is_complex else torch.float64
    both = torch.empty(2, min(CHUNK, len(result)), dtype=exact, device=result.device)
    for start in range(0, len(result), CHUNK):
        here = slice(start, min(start + CHUNK, len(result)))
        sums, own = both[:, : here.stop - here.start]
        sums.zero_()
        for answer, tensor in zip(answers, flat, strict=True):
            sums.add_(own.copy_(tensor[here]), alpha=answer.rows)
        mean = sums.div_(total)
        result[here].copy_(_rounded(mean if then is None else then(name, here, mean), kind))
    return into


def _of_another_network(answer: Weighted) -> Conflict:
    return Conflict(f"the update of {answer.participant_id} is not of the same network as the others")


def _rounded(values: Tensor, kind: torch.dtype) -> Tensor:
    if kind is torch.bool:
        return values > 0.5
    return values if kind.is_floating_point or kind.is_complex else values.round_()
