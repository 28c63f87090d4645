"""What is said of a training that diverges: at whom, in which round, and what most likely makes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from synergos.domain.loss_history import LossHistory
from synergos.errors import Diverged
from synergos.learning.hyperparameters import Hyperparameters

GROWTH = 1000.0
"""How many times larger than in the beginning, and never smaller, a loss is of a training that diverges without overflowing."""
_BOUNDED_GROWTH, _FAR = 10.0, 1000.0
"""The same of losses that have an upper bound, as that of torch's BCELoss has: it has diverged only if somebody moved the model so many
times farther than it lay from 0, which is farther than any step makes sense."""

_RATES = ("lr", "max_lr", "server_lr")


class Divergence:
    """What is said of one run.

    Args:
        size: the Euclidean norm of the model before the first round.
    """

    def __init__(self, hyperparameters: Hyperparameters, size: float) -> None:
        self._far = _FAR * (1 + size)
        self._has_gone_far = False
        self._rounds = hyperparameters.rounds
        said = hyperparameters.to_dict() | vars(hyperparameters.make_algorithm())
        rates = [f"{name}={said[name]:g}" for name in _RATES if said.get(name) is not None]
        self._steps = f"{' or '.join(rates) or 'a step'} is too large"

    def moved(self, distance: float) -> None:
        """Take note of how far an update moves the model."""
        self._has_gone_far = self._has_gone_far or distance > self._far

    def of_update(self, participant: str, number: int, reason: str, *, stood_still: bool) -> Diverged:
        """The error of a participant whose update shows it.

        Args:
            number: of the round.
            reason: what is wrong with the update.
            stood_still: whether it is what the participant was sent.
        """
        # Before anybody has made a step it is no step that was too large.
        cause = "its labels are too large, scale them" if stood_still and number == 0 else self._steps
        return Diverged(f"{reason} in round {number + 1} of {self._rounds}; most likely {cause}", participant)

    def in_hindsight(self, history: LossHistory) -> Diverged | None:
        """The error of a training that has come to its end, if its losses say that it has diverged all the same.

        Args:
            history: of at least one round.
        """
        if history.measured and all(_nobody_is_finite(measured) for measured in history.measured.values()):
            participant = next(iter(next(iter(history.measured.values()))))
            reason = f"no model of {len(history.train)} rounds has a finite loss on its evaluation rows"
            return Diverged(f"{reason}; most likely they have values that are too large, or {self._steps}", participant)
        if (last := _grown_to(history, _BOUNDED_GROWTH if self._has_gone_far else GROWTH)) is None:
            return None
        participant = max(history.local, key=lambda who: _finite(history.local[who])[-1:])
        first = _finite(history.train)[0] if history.initial is None else history.initial
        reason = f"the loss has grown from {first:.3g} to {last:.3g} by round {len(history.train)} of {self._rounds}"
        return Diverged(f"{reason}, and never fallen; most likely {self._steps}", participant)


def _nobody_is_finite(measured: Mapping[str, tuple[int, float | None]]) -> bool:
    return all(loss is None for _, loss in measured.values())


def _grown_to(history: LossHistory, growth: float) -> float | None:
    """The loss at the end of a training in which it has only grown; None of any other."""
    known, evaluated = _finite(history.train), _finite(history.evaluate)
    if len(known) < len(history.train):
        return None
    if history.initial is None:
        return _beyond(known, known[0], GROWTH)
    if evaluated and min(evaluated) < history.initial:
        # There is a model that has learnt something, and it is the one that is exported.
        return None
    last = _beyond(known, history.initial, growth)
    if last is not None or len(known) > 1 or not history.measured:
        return last
    # Nobody has trained after the only round.
    measured = [loss for _, loss in history.measured[max(history.measured)].values() if loss is not None]
    return max(measured) if min(measured) >= GROWTH * history.initial > 0 else None


def _beyond(losses: Sequence[float], first: float, growth: float) -> float | None:
    """The last of some losses, if it is so many times larger than the first was, and none is smaller than that."""
    return losses[-1] if min(losses) >= first > 0 and losses[-1] >= growth * first else None


def _finite(losses: Mapping[int, float | None]) -> list[float]:
    return [loss for _, loss in sorted(losses.items()) if loss is not None]
