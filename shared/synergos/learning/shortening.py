"""Answers that are shortened: all that they change, by the same part; and how answers lie to one another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from synergos.learning.bags import Bag, Packed, Weights
from synergos.learning.update_gate import moving

_PIECE = 2**17


def shortened(answer: Bag, message: Bag, factor: float) -> Bag:
    """An answer whose sets change as much less as its factor says, its numbers too; tensors are made when they are asked for.

    Args:
        message: what it answers: a set is a change of the set of that name, and where there is none it is one in itself.
    """
    sets = {name: _Shorter(weights, message.sets.get(name), factor) for name, weights in answer.sets.items()}
    before = message.numbers
    numbers = {
        name: before.get(name, 0.0) + factor * (number - before.get(name, 0.0))
        for name, number in answer.numbers.items()
    }
    return Bag(sets, numbers)


def products(
    answers: Mapping[str, Bag], messages: Mapping[str, Bag], moves: str | None
) -> dict[tuple[str, str], float]:
    """Scalar products of what answers move the model by, of each two and of each with itself.

    Args:
        answers: by participant.
        moves: see :class:`synergos.learning.algorithms.Algorithm`.
    """
    who = list(answers)
    found = torch.zeros((len(who), len(who)), dtype=torch.float64)
    if moves is not None and who:
        sets = [answers[each].sets[moves] for each in who]
        starts = [messages[each].sets.get(moves) for each in who]
        for piece in _pieces(sets, starts):
            found += _products(piece)
    rows = zip(who, found.tolist(), strict=True)
    return {(one, other): product for one, row in rows for other, product in zip(who, row, strict=True)}


_Tensors = Sequence[tuple[Tensor, Tensor | None]]
"""Of each participant, flat, and with what it was made from."""


def _pieces(sets: Sequence[Weights], starts: Sequence[Weights | None]) -> Iterator[_Tensors]:
    """All that moves a model, a piece at a time; small models in one."""
    packed = [each for each in (*sets, *starts) if isinstance(each, Packed)]
    if len(packed) == 2 * len(sets) and all(each.shapes is packed[0].shapes for each in packed):
        flats = [each.flat for each in packed]
        yield from _cut(flats[: len(sets)], flats[len(sets) :])
        return
    for name in moving(sets[0], starts[0]):
        ends = [each[name].detach().reshape(-1) for each in sets]
        yield from _cut(ends, [None if start is None else start[name].detach().reshape(-1) for start in starts])


def _cut(ends: Sequence[Tensor], befores: Sequence[Tensor | None]) -> Iterator[_Tensors]:
    for begin in range(0, len(ends[0]), _PIECE):
        here = slice(begin, begin + _PIECE)
        yield [(end[here], None if before is None else before[here]) for end, before in zip(ends, befores, strict=True)]


def _products(piece: _Tensors) -> Tensor:
    """Products of the changes of each two: in float32 where that is what they are, and nothing overflows."""
    if piece[0][0].dtype is torch.float32:
        found = _products_as(piece, torch.float32)
        if bool(found.isfinite().all()):
            return found
    return _products_as(piece, torch.complex128 if piece[0][0].is_complex() else torch.float64)


def _products_as(piece: _Tensors, dtype: torch.dtype) -> Tensor:
    changes = torch.stack([end.to(dtype) - (0.0 if before is None else before.to(dtype)) for end, before in piece])
    return (changes @ changes.mH).real.to(torch.float64)


class _Shorter(Mapping[str, Tensor]):
    """A set whose tensors are on the way to what they would be, so far as a factor says; whole numbers are rounded."""

    def __init__(self, weights: Weights, reference: Weights | None, factor: float) -> None:
        self._weights, self._reference, self._factor = weights, reference, factor

    def __getitem__(self, name: str) -> Tensor:
        end = self._weights[name].detach()
        if end.dtype is torch.bool:
            # There is nothing between true and false.
            return end if self._reference is None else self._reference[name].detach()
        exact = torch.complex128 if end.is_complex() else torch.float64
        start = torch.zeros((), dtype=exact) if self._reference is None else self._reference[name].detach().to(exact)
        found = start + self._factor * (end.to(exact) - start)
        return (found if end.is_floating_point() or end.is_complex() else found.round()).to(end.dtype)

    def __iter__(self) -> Iterator[str]:
        return iter(self._weights)

    def __len__(self) -> int:
        return len(self._weights)
