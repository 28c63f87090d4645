"""The gate before the average: an update that cannot be right is left out of its round."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import repeat
from statistics import median

import torch
from torch import Tensor

from synergos.learning.bags import Bag, Weights

ABSURD_NORM = 1000.0
"""How many times farther than the others an update may move the model."""

# Small enough that a piece stays in the processor's cache between the two steps.
_PIECE = 2**17


@dataclass(frozen=True)
class Measured:
    """What is to be known of an update.

    Attributes:
        rows: training rows it claims.
        movement: see :func:`movement`.
    """

    rows: int
    movement: float


def refusals(updates: Mapping[str, Measured], rows: Mapping[str, int]) -> dict[str, str]:
    """Which updates may not enter the average, and why.

    Names, shapes and dtypes were compared when the update was received. Here: the rows it claims are those of the
    participant, every value is finite, and it does not move the model :data:`ABSURD_NORM` times farther than the median
    of the others does.

    Args:
        updates: by participant.
        rows: how many training rows each participant has.

    Returns:
        The reason by participant, for those refused.
    """
    refused: dict[str, str] = {}
    norms: dict[str, float] = {}
    for participant, update in updates.items():
        expected = rows[participant]
        if update.rows != expected:
            refused[participant] = f"claims {update.rows} training rows and has {expected}"
        elif math.isfinite(update.movement):
            norms[participant] = update.movement
        else:
            refused[participant] = "its update has values that are not finite"
    return refused | _outliers(norms)


def movement(weights: Weights, reference: Weights | None) -> float:
    """The Euclidean norm of what an update changes; not finite when one of its values is not.

    Args:
        reference: what it was made from, the global model the round started from; ``None`` for an update that is the change.
    """
    squares = 0.0
    for piece, start in _pieces(weights, reference):
        squares += _squares(piece, start)
    return math.sqrt(squares) if squares >= 0 and math.isfinite(squares) else math.inf


def distance(answer: Bag, kept: Bag | None, message: Bag, moves: str | None) -> float:
    """How far an answer moves the model; not finite when one of the values that it brings is not.

    Args:
        kept: what the participant is to be given again.
        message: what it answers.
        moves: see :class:`synergos.learning.algorithms.Algorithm`.
    """
    moved = 0.0
    if moves is not None and moves in answer.sets:
        moved = movement(answer[moves], message.sets.get(moves))
    others = [tensors for name, tensors in answer.sets.items() if name != moves]
    others += kept.sets.values() if kept is not None else []
    # The norm is what finds a value that is not finite.
    return moved if all(math.isfinite(movement(tensors, None)) for tensors in others) else math.inf


def _squares(piece: Tensor, start: Tensor | None) -> float:
    if start is None:
        start = piece.new_zeros(())
    if piece.dtype is torch.float32:
        change = piece - start
        found = float(torch.dot(change, change))
        if math.isfinite(found):
            return found
    # Exact where float32 overflows, and for every other type.
    change = piece.to(torch.float64) - start.to(torch.float64)
    return float(torch.dot(change, change))


def _pieces(weights: Weights, reference: Weights | None) -> Iterator[tuple[Tensor, Tensor | None]]:
    """The values, flat, each with those they were made from; small float32 tensors as one, which takes as long as one does."""
    small: list[tuple[Tensor, Tensor]] = []
    left = _PIECE
    for name in weights if reference is None else reference:
        flat, start = _flat(weights[name]), None if reference is None else _flat(reference[name])
        if start is not None and flat.dtype is start.dtype is torch.float32 and len(flat) <= left:
            small.append((flat, start))
            left -= len(flat)
            continue
        starts = repeat(None) if start is None else torch.split(start, _PIECE)
        yield from zip(torch.split(flat, _PIECE), starts, strict=start is not None)
    if small:
        yield torch.cat([flat for flat, _ in small]), torch.cat([start for _, start in small])


def _flat(tensor: Tensor) -> Tensor:
    return tensor.detach().reshape(-1)


def _outliers(norms: Mapping[str, float]) -> dict[str, str]:
    found = {}
    for participant, norm in norms.items():
        others = [other for name, other in norms.items() if name != participant]
        usual = median(others) if others else 0.0
        if usual > 0 and norm > ABSURD_NORM * usual:
            found[participant] = f"its update moves the model {norm / usual:.0f} times farther than the others' do"
    return found
