"""A run's learning-rate schedule over all of its rounds: taken forward from round to round, not replayed in each."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.optim import Optimizer, lr_scheduler

from synergos.errors import JobCancelled
from synergos.learning.families.layers.hyperparameters import LayersHyperparameters
from synergos.learning.families.layers.later_epochs import advance, step


class Schedule:
    """What the schedule says of one epoch after the other; used by one thread.

    It steers an optimizer of its own, of the run's class and with nothing to optimise, which outlives those of the rounds. A
    round begins at epoch ``round * epochs``; a plateau schedule, which looks at losses, starts afresh each round.

    No round costs more to begin than another, also in a process that has just started: see :mod:`.later_epochs`.
    """

    def __init__(self, hyperparameters: LayersHyperparameters) -> None:
        self._hyperparameters = hyperparameters
        self._epoch = self._begun = 0
        self._start_over()

    def begin(self, round_index: int, should_stop: Callable[[], bool] = lambda: False) -> None:
        """Stand where round ``round_index`` begins.

        Raises:
            JobCancelled: ``should_stop`` said so meanwhile.
        """
        start = round_index * self._hyperparameters.epochs
        if self._looks_at_losses or start < self._begun:
            self._start_over()
        if self._looks_at_losses:
            return
        if start < self._epoch:
            self._restore()
        try:
            advance(self._scheduler, self._epoch, start, should_stop)
        except JobCancelled:
            # It stands somewhere between.
            self._start_over()
            raise
        self._epoch = start
        self._save()

    def steer(self, optimizer: Optimizer) -> None:
        """Give an optimizer of the same run the learning rate of this epoch, and whatever else the schedule changes."""
        for group, own in zip(optimizer.param_groups, self._carrier.param_groups, strict=True):
            group.update((name, value) for name, value in own.items() if name != "params")

    def step(self, loss: float) -> None:
        """One epoch is over; a plateau schedule looks at its loss."""
        if isinstance(self._scheduler, lr_scheduler.ReduceLROnPlateau):
            self._scheduler.step(loss)
        else:
            step(self._scheduler)
        self._epoch += 1

    def _start_over(self) -> None:
        self._carrier = self._hyperparameters.make_optimizer([nn.Parameter(torch.zeros(2, 2))])
        self._scheduler = self._hyperparameters.make_scheduler(self._carrier)
        self._looks_at_losses = isinstance(self._scheduler, lr_scheduler.ReduceLROnPlateau)
        # Without gradients it changes nothing; torch wants a step before the first one of a schedule.
        self._carrier.step()
        self._epoch = 0
        self._save()

    def _save(self) -> None:
        """Note where the round begins, so that it can be begun again."""
        self._begun = self._epoch
        self._saved = _copied(vars(self._scheduler))
        self._saved_groups = [_copied(group) for group in self._carrier.param_groups]

    def _restore(self) -> None:
        vars(self._scheduler).update(_copied(self._saved))
        for group, saved in zip(self._carrier.param_groups, self._saved_groups, strict=True):
            group.update(_copied(saved))
        self._epoch = self._begun


def _copied(values: dict[str, object]) -> dict[str, object]:
    """A copy of which the lists are copies too: schedulers write into some of them."""
    return {name: list(value) if isinstance(value, list) else value for name, value in values.items()}
