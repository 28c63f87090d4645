"""When to stop waiting for a loss to fall."""

from __future__ import annotations

import math


class EarlyStopping:
    """Counts the checks since a loss last fell by at least ``delta``.

    The first finite loss always counts as an improvement, and with ``delta`` 0 so does an equal one. A loss that is missing
    or not finite never does. Which loss is the lowest is another question: with a ``delta``, none that fell by less is an
    improvement.
    """

    def __init__(self, patience: int, delta: float) -> None:
        self._patience = patience
        self._delta = delta
        self._best = math.inf
        self._waited = 0

    def improved(self, loss: float | None) -> bool:
        """Take note of one loss; whether it is an improvement."""
        if loss is None or not math.isfinite(loss) or loss > self._best - self._delta:
            self._waited += 1
            return False
        self._best, self._waited = loss, 0
        return True

    @property
    def should_stop(self) -> bool:
        """Whether ``patience`` checks in a row were no improvement."""
        return self._waited >= self._patience
