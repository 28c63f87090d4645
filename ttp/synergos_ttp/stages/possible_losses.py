"""What a participant says of its training has to be possible: losses that the run's loss can have, epochs that the run has."""

from __future__ import annotations

import math

from synergos.errors import GridError
from synergos.learning.hyperparameters import Hyperparameters
from synergos.wire.answers import Evaluation, RoundAnswer

_ROUNDING = 1e-6
"""By how much a mean of floats may be below what it is of real numbers."""


class PossibleLosses:
    """Of one run; used by the participants' threads, and changes nothing.

    Args:
        hyperparameters: None for a run of which nothing is known.
    """

    def __init__(self, hyperparameters: Hyperparameters | None) -> None:
        self._least = hyperparameters.least_loss if hyperparameters else None
        self._loss = hyperparameters.loss.split(",")[0] if hyperparameters else ""
        self._epochs = hyperparameters.epochs if hyperparameters else math.inf

    def check_training(self, participant: str, said: RoundAnswer) -> None:
        """Refuse what no training of this run comes to.

        Raises:
            GridError: names the participant, and what it claims.
        """
        for name, loss in (("a training loss", said.train_loss), ("a first loss", said.first_loss)):
            self._check(participant, name, loss)
        if isinstance(said.epochs, int) and said.epochs > self._epochs:
            raise GridError(f"claims {said.epochs} epochs of a run that has {self._epochs}", participant)

    def check_evaluation(self, participant: str, said: Evaluation | None) -> None:
        """Refuse a loss that no model has.

        Raises:
            GridError: see :meth:`check_training`.
        """
        if said is not None:
            self._check(participant, "an evaluation loss", said.loss)

    def _check(self, participant: str, name: str, loss: object) -> None:
        if self._least is not None and isinstance(loss, float) and loss < self._least - _ROUNDING:
            raise GridError(f"claims {name} below {self._least:g}, which {self._loss} cannot have", participant)


ANY_LOSSES = PossibleLosses(None)
