"""The gate before the average: an update that cannot be right is left out of its round."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import repeat
from statistics import median

import torch
from torch import Tensor

from synergos.learning.bags import Bag, Packed, Weights
from synergos.learning.update_faults import Fault

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
        has_trained: whether there should be a training loss.
        first_loss: mean training loss in the first epoch; None where it is not finite, or not told.
        last_loss: the same in the last epoch.
        steps: of the optimizer in an epoch.
        beside: see :class:`Lengths`.
    """

    rows: int
    movement: float
    has_trained: bool = False
    first_loss: float | None = None
    last_loss: float | None = None
    steps: int = 1
    beside: float = 0.0

    @property
    def fell(self) -> float | None:
        """By how much training has lowered its loss; None where it did not."""
        if self.first_loss is None or self.last_loss is None or self.last_loss >= self.first_loss:
            return None
        return self.first_loss - self.last_loss

    @property
    def scale(self) -> float | None:
        """How large the errors are that it learns from, in units of its labels; None where training did not lower the loss.

        The gradient of a squared error is proportional to it, and other losses' gradients grow more slowly.
        """
        first, last = self.first_loss, self.last_loss
        if first is None or last is None or last > first:
            return None
        return math.sqrt(max(abs(first), abs(last)))


@dataclass(frozen=True)
class Refusal:
    """Why an update is refused."""

    reason: str
    fault: Fault

    @property
    def is_divergence(self) -> bool:
        """Whether a training that diverges makes such updates; else the participant says what is not true."""
        return self.fault is not Fault.ROWS


def refusals(updates: Mapping[str, Measured], rows: Mapping[str, int]) -> dict[str, Refusal]:
    """Which updates may not enter the average, and why.

    Names, shapes and dtypes were compared when the update was received. Here: the rows it claims are those of the
    participant, its loss and every value are finite, and it does not move the model :data:`ABSURD_NORM` times farther than
    the median of the others does, unless its labels are on a scale that is so much larger: then its first loss is larger too, and training
    has lowered it, as it does where nothing diverges.

    Args:
        updates: by participant.
        rows: how many training rows each participant has.

    Returns:
        The reason by participant, for those refused.
    """
    refused: dict[str, Refusal] = {}
    for participant, update in updates.items():
        expected = rows[participant]
        if update.rows != expected:
            refused[participant] = Refusal(f"claims {update.rows} training rows and has {expected}", Fault.ROWS)
        elif not math.isfinite(update.movement):
            refused[participant] = Refusal("its update has values that are not finite", Fault.NOT_FINITE)
        elif update.has_trained and update.last_loss is None:
            refused[participant] = Refusal("its training loss is not a finite number", Fault.LOSS)
    return refused | _outliers({who: update for who, update in updates.items() if who not in refused})


def movement(weights: Weights, reference: Weights | None, names: Collection[str] | None = None) -> float:
    """The Euclidean norm of what an update changes; not finite when one of its values is not.

    Args:
        reference: what it was made from, the global model the round started from; ``None`` for an update that is the change.
        names: of the tensors that count; all by default.
    """
    return _norm(sum(_squares(piece, start) for piece, start in _pieces(weights, reference, names)))


def moving(weights: Weights, reference: Weights | None) -> list[str]:
    """The names of the tensors that say how far a model moves.

    Whole numbers do not: they count something, as the batches that a network has seen, and would hide how little the rest changes.
    """
    own = weights if reference is None else reference
    return [name for name in own if own[name].is_floating_point() or own[name].is_complex()]


@dataclass(frozen=True)
class Lengths:
    """How much an answer brings.

    Attributes:
        moved: how far it moves the model; not finite when one of the values that it brings is not.
        beside: the Euclidean norm of its other sets, which change something else.
    """

    moved: float = 0.0
    beside: float = 0.0


def lengths(answer: Bag, kept: Bag | None, message: Bag, moves: str | None) -> Lengths:
    """How much an answer brings.

    Args:
        kept: what the participant is to be given again.
        message: what it answers.
        moves: see :class:`synergos.learning.algorithms.Algorithm`.
    """
    squares = dict.fromkeys(_Part, 0.0)
    for weights, reference, part in _sets(answer, kept, message, moves):
        norm = movement(weights, reference, None if isinstance(weights, Packed) else moving(weights, reference))
        # The norm is what finds a value that is not finite.
        if not math.isfinite(norm):
            return Lengths(math.inf)
        squares[part] += norm**2
    return _lengths(squares)


class Gauge:
    """The same of an answer that is still arriving in memory, so that its values are read while the processor's cache has them.

    Args: those of :func:`lengths`, and
        names: of the tensors that count; by default those that say how far a model moves.
    """

    def __init__(
        self,
        answer: Bag,
        kept: Bag | None,
        message: Bag,
        moves: str | None,
        names: Collection[str] | None = None,
    ) -> None:
        found = [
            (piece, start, part)
            for weights, reference, part in _sets(answer, kept, message, moves)
            for name in moving(weights, reference)
            if names is None or name in names
            for piece, start in _split(weights[name], None if reference is None else reference[name])
        ]
        self._left = deque(sorted(found, key=lambda each: each[0].data_ptr()))
        self._squares = dict.fromkeys(_Part, 0.0)

    def arrived(self, address: float) -> None:
        """Everything that lies in memory before this address is there."""
        while self._left and _end(self._left[0][0]) <= address:
            piece, start, part = self._left.popleft()
            self._squares[part] += _squares(piece, start)

    @property
    def lengths(self) -> Lengths:
        """How much the answer brings, all of which is there now; see :func:`lengths`."""
        self.arrived(math.inf)
        return _lengths(self._squares)


class _Part(Enum):
    """What a set of an answer is."""

    MOVES = "the model"
    BESIDE = "whatever else all participants' answers are averaged to"
    KEPT = "the participant's own"


def _lengths(squares: Mapping[_Part, float]) -> Lengths:
    norms = {part: _norm(found) for part, found in squares.items()}
    if not all(map(math.isfinite, norms.values())):
        return Lengths(math.inf)
    return Lengths(norms[_Part.MOVES], norms[_Part.BESIDE])


def _sets(
    answer: Bag, kept: Bag | None, message: Bag, moves: str | None
) -> Iterator[tuple[Weights, Weights | None, _Part]]:
    """The sets of an answer, what each was made from, and what it is."""
    for name, weights in answer.sets.items():
        if name == moves:
            yield weights, message.sets.get(name), _Part.MOVES
        else:
            yield weights, None, _Part.BESIDE
    for weights in () if kept is None else kept.sets.values():
        yield weights, None, _Part.KEPT


def _norm(squares: float) -> float:
    return math.sqrt(squares) if squares >= 0 and math.isfinite(squares) else math.inf


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


def _pieces(
    weights: Weights, reference: Weights | None, names: Collection[str] | None
) -> Iterator[tuple[Tensor, Tensor | None]]:
    """The values, flat, each with those they were made from; small float32 tensors as one, which takes as long as one does."""
    is_all = names is None or len(names) == len(weights)
    if is_all and isinstance(weights, Packed) and isinstance(reference, Packed) and weights.shapes is reference.shapes:
        if len(weights.flat) <= _PIECE:
            # To split what is one piece takes as long as all that is done with it.
            yield weights.flat, reference.flat
        else:
            yield from zip(torch.split(weights.flat, _PIECE), torch.split(reference.flat, _PIECE), strict=True)
        return
    if names is None and (few := _few(weights, reference)) is not None:
        yield few
        return
    small: list[tuple[Tensor, Tensor]] = []
    left = _PIECE
    for name in _names(weights, reference) if names is None else names:
        flat, start = _flat(weights[name]), None if reference is None else _flat(reference[name])
        if start is not None and flat.dtype is start.dtype is torch.float32 and len(flat) <= left:
            small.append((flat, start))
            left -= len(flat)
        else:
            yield from _split(flat, start)
    if small:
        yield torch.cat([flat for flat, _ in small]), torch.cat([start for _, start in small])


def _few(weights: Weights, reference: Weights | None) -> tuple[Tensor, Tensor] | None:
    """All values of two small sets, if those of one lie together: the other's are laid beside in one step."""
    for one, other, is_first in ((weights, reference, True), (reference, weights, False)):
        if isinstance(one, Packed) and other is not None and len(one.flat) <= _PIECE and one.keys() == other.keys():
            beside = torch.cat([_flat(other[name]) for name in one.shapes.by_name])
            if beside.dtype is torch.float32 and len(beside) == len(one.flat):
                return (one.flat, beside) if is_first else (beside, one.flat)
    return None


def _names(weights: Weights, reference: Weights | None) -> Iterable[str]:
    return weights if reference is None else reference


def _split(tensor: Tensor, start: Tensor | None) -> Iterator[tuple[Tensor, Tensor | None]]:
    starts = repeat(None) if start is None else torch.split(_flat(start), _PIECE)
    return zip(torch.split(_flat(tensor), _PIECE), starts, strict=start is not None)


def _end(tensor: Tensor) -> int:
    return tensor.data_ptr() + tensor.nbytes


def _flat(tensor: Tensor) -> Tensor:
    return tensor.detach().reshape(-1)


def _outliers(updates: Mapping[str, Measured]) -> dict[str, Refusal]:
    found = {}
    for participant, update in updates.items():
        others = [other for who, other in updates.items() if who != participant]
        usual = _median(other.movement for other in others)
        if update.movement > ABSURD_NORM * usual > 0 and not _is_explained(update, others):
            reason = f"its update moves the model {update.movement / usual:.0f} times farther than the others' do"
            found[participant] = Refusal(reason, Fault.TOO_FAR)
    return found


def _is_explained(update: Measured, others: Sequence[Measured]) -> bool:
    """Whether it does not move absurdly far for the errors that it has to learn from, compared with what the others have."""
    scales = [other.scale for other in others]
    if not update.scale or not all(scales):
        return False
    usual = _median(other.movement / scale for other, scale in zip(others, scales, strict=True) if scale)
    return update.movement / update.scale <= ABSURD_NORM * usual


def _median(values: Iterable[float]) -> float:
    known = list(values)
    return median(known) if known else 0.0
