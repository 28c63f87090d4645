"""The mean of models weighted by rows: exact, in the memory of an earlier one, without a copy of any of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, wait
from dataclasses import dataclass

import torch
from torch import Tensor

from synergos.errors import Conflict
from synergos.learning.bags import Packed, Weights

_CHUNK = 2**15
"""Elements that one core accumulates at once: their float64 sums stay in its own cache."""
_TOGETHER = 2**17
"""A model of so few elements is averaged as if it were one tensor."""
_BY_TWO = 2**19
"""A tensor of so many elements is averaged in two threads, where another is lent: less is over before that has begun."""
_EXACT_ROWS = 2**29
"""Up to so many, the product with a float32 value is exact in float64, however a processor adds it up."""

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


def chunk() -> int:
    """Elements that are accumulated at once, by all cores that torch uses."""
    return _CHUNK * torch.get_num_threads()


def average(
    answers: Sequence[Weighted],
    into: Weights | None = None,
    then: Then | None = None,
    other: Executor | None = None,
) -> Weights:
    """The mean of the weights, weighted by rows.

    One tensor at a time and in the order given: float64 sums, cast back to the tensor's own type. Integers are rounded, of
    booleans the weighted majority decides (a tie is false).

    Args:
        into: an earlier mean that nobody needs any more; the memory of what is alike is used again.
        then: what is to be made of the mean, before it is rounded.
        other: a thread for half of what is large, where nothing else is made of the mean; the bits are the same.

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
    if then is None and (packed := _average_packed(counted, into, other)) is not None:
        return packed
    small = _small(counted) if then is None else frozenset()
    together = _average_together(counted, [name for name in names if name in small]) if len(small) > 1 else {}
    return {
        name: together[name] if name in together else _average(counted, name, (into or {}).get(name), then, other)
        for name in names
    }


def _average_packed(answers: Sequence[Weighted], into: Weights | None, other: Executor | None) -> Packed | None:
    """The means of values that lie together in every answer, as one tensor: to the last bit what each would be alone."""
    first = answers[0].weights
    if not isinstance(first, Packed) or max(answer.rows for answer in answers) > _EXACT_ROWS:
        return None
    flat = [
        each.flat for answer in answers if isinstance(each := answer.weights, Packed) and each.shapes is first.shapes
    ]
    if len(flat) < len(answers):
        return None
    rows = [answer.rows for answer in answers]
    if len(first.flat) > _TOGETHER:
        result = into.flat if isinstance(into, Packed) and into.shapes is first.shapes else torch.empty_like(first.flat)
        _fill_by_two(result, flat, rows, other)
        return Packed(first.shapes, result)
    sums = torch.zeros(len(first.flat), dtype=torch.float64)
    for values, count in zip(flat, rows, strict=True):
        sums.add_(values.to(torch.float64), alpha=count)
    return Packed(first.shapes, sums.div_(sum(rows)).to(torch.float32))


def _small(answers: Sequence[Weighted]) -> frozenset[str]:
    """The tensors of few values that can be averaged as if they were one, which takes as long as one of them does alone."""
    weights = answers[0].weights
    if not isinstance(weights, dict | Packed) or max(answer.rows for answer in answers) > _EXACT_ROWS:
        return frozenset()
    found = {name: tensor for name, tensor in weights.items() if tensor.dtype is torch.float32 and tensor.is_cpu}
    return frozenset(found) if sum(tensor.numel() for tensor in found.values()) <= _TOGETHER else frozenset()


def _average_together(answers: Sequence[Weighted], names: Sequence[str]) -> dict[str, Tensor]:
    """The means of small tensors: to the last bit what each would be alone, as every product of rows and a value is exact."""
    shapes = [answers[0].weights[name].shape for name in names]
    total = sum(answer.rows for answer in answers)
    result = torch.zeros(sum(map(math.prod, shapes)), dtype=torch.float64)
    for answer in answers:
        tensors = [answer.weights[name].detach() for name in names]
        if any(tensor.dtype is not torch.float32 for tensor in tensors) or [each.shape for each in tensors] != shapes:
            raise _of_another_network(answer)
        result.add_(torch.cat([tensor.reshape(-1) for tensor in tensors]).to(torch.float64), alpha=answer.rows)
    mean = result.div_(total).to(torch.float32)
    pieces = torch.split(mean, [math.prod(shape) for shape in shapes])
    return {name: piece.view(shape) for name, piece, shape in zip(names, pieces, shapes, strict=True)}


def _average(
    answers: Sequence[Weighted], name: str, into: Tensor | None, then: Then | None, other: Executor | None
) -> Tensor:
    # Each tensor is asked for once: it may be read from a file.
    tensors = [answer.weights[name].detach() for answer in answers]
    shape, kind = tensors[0].shape, tensors[0].dtype
    for answer, tensor in zip(answers, tensors, strict=True):
        if tensor.shape != shape or tensor.dtype != kind:
            raise _of_another_network(answer)
    flat = [tensor.reshape(-1) for tensor in tensors]
    rows = [answer.rows for answer in answers]
    # New memory for a large model takes as long as the averaging itself.
    if into is None or (into.shape, into.dtype) != (shape, kind) or not into.is_contiguous():
        into = torch.empty(shape, dtype=kind, device=tensors[0].device)
    result = into.view(-1)
    if then is not None:
        _fill(result, flat, rows, lambda here, mean: then(name, here, mean))
    else:
        _fill_by_two(result, flat, rows, other)
    return into


def _fill_by_two(result: Tensor, flat: Sequence[Tensor], rows: Sequence[int], other: Executor | None) -> None:
    """See :func:`_fill`; half of what is large in another thread."""
    if other is None or len(result) < _BY_TWO or not result.is_cpu:
        _fill(result, flat, rows)
        return
    # Between two pieces, which are those of one thread.
    half = len(result) // 2 // chunk() * chunk()
    second = other.submit(_fill, result[half:], [tensor[half:] for tensor in flat], rows)
    try:
        _fill(result[:half], [tensor[:half] for tensor in flat], rows)
    finally:
        wait([second])
    second.result()


def _fill(
    result: Tensor,
    flat: Sequence[Tensor],
    rows: Sequence[int],
    then: Callable[[slice, Tensor], Tensor] | None = None,
) -> None:
    """Put the mean of flat tensors where it belongs, piece by piece."""
    kind, size, total = result.dtype, chunk(), sum(rows)
    exact = torch.complex128 if kind.is_complex else torch.float64
    both = torch.empty(2, min(size, len(result)), dtype=exact, device=result.device)
    zero = torch.zeros((), dtype=exact, device=result.device)
    start = 0
    for target, *pieces in zip(*(torch.split(tensor, size) for tensor in (result, *flat)), strict=True):
        sums, own = both[:, : len(target)]
        # To 0, and not alone: what a sum of negative zeros is depends on it.
        torch.add(zero, sums.copy_(pieces[0]), alpha=rows[0], out=sums)
        for count, piece in zip(rows[1:], pieces[1:], strict=True):
            sums.add_(own.copy_(piece), alpha=count)
        mean = sums.div_(total)
        here = slice(start, start := start + len(target))
        target.copy_(_rounded(mean if then is None else then(here, mean), kind))


def _of_another_network(answer: Weighted) -> Conflict:
    return Conflict(f"the update of {answer.participant_id} is not of the same network as the others")


def _rounded(values: Tensor, kind: torch.dtype) -> Tensor:
    if kind is torch.bool:
        return values > 0.5
    return values if kind.is_floating_point or kind.is_complex else values.round_()
