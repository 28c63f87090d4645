"""What is said of a training that diverges: at whom, in which round, and what most likely makes it."""

from __future__ import annotations

from collections.abc import Mapping

from synergos.domain.loss_history import LossHistory
from synergos.errors import Diverged
from synergos.learning.hyperparameters import Hyperparameters

GROWTH = 1000.0
"""How many times larger than in the first round, and never smaller, a training loss is that diverges without overflowing."""

_RATES = ("lr", "max_lr", "server_lr")


class Divergence:
    """What is said of one run."""

    def __init__(self, hyperparameters: Hyperparameters) -> None:
        self._rounds = hyperparameters.rounds
        said = hyperparameters.to_dict() | vars(hyperparameters.make_algorithm())
        rates = [f"{name}={said[name]:g}" for name in _RATES if said.get(name) is not None]
        self._steps = f"{' or '.join(rates) or 'a step'} is too large"

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
        if not _has_grown(history.train):
            return None
        participant = max(history.local, key=lambda who: _growth(history.local[who]))
        known = _finite(history.local[participant])
        reason = f"its training loss has grown from {known[0]:.3g} to {known[-1]:.3g} in {len(history.train)} rounds"
        return Diverged(f"{reason}; most likely {self._steps}", participant)


def _nobody_is_finite(measured: Mapping[str, tuple[int, float | None]]) -> bool:
    return all(loss is None for _, loss in measured.values())


def _has_grown(losses: Mapping[int, float | None]) -> bool:
    known = _finite(losses)
    return len(known) == len(losses) > 1 and min(known) == known[0] > 0 and known[-1] >= GROWTH * known[0]


def _growth(losses: Mapping[int, float | None]) -> float:
    known = _finite(losses)
    return known[-1] / known[0] if len(known) > 1 and known[0] > 0 else 0.0


def _finite(losses: Mapping[int, float | None]) -> list[float]:
    return [loss for _, loss in sorted(losses.items()) if loss is not None]
