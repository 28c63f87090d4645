"""What a round of local training will come to, before any of it is done: its steps, and how large these are together."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.optim import lr_scheduler

from synergos.learning.families.family import LocalPlan
from synergos.learning.families.layers.hyperparameters import LayersHyperparameters
from synergos.learning.families.layers.later_epochs import step
from synergos.learning.families.layers.step_gain import decay_of, further, step_gain

_EPOCHS_AHEAD = 2_000
"""How far a schedule is followed. What comes later is known when it has been trained, before anything of it is told."""


def local_plan(network: nn.Module, hyperparameters: LayersHyperparameters, rows: int) -> LocalPlan:
    """The plan of the round whose steps are the largest."""
    batch_rows = min(hyperparameters.batch_size or rows, rows)
    batches, smallest = _batches(rows, batch_rows)
    steps = hyperparameters.epochs * batches
    gain = step_gain(hyperparameters, batch_rows, steps)
    return LocalPlan(
        batch_rows=batch_rows,
        smallest_batch=smallest,
        statistics_rows=_statistics_rows(network, rows, smallest, steps),
        steps=steps,
        rates=_reach(hyperparameters, batches) * gain,
        gain=gain,
    )


def _batches(rows: int, size: int) -> tuple[int, int]:
    """How many there are, and the rows of the smallest; a single row that is left goes with the batch before."""
    full, left = divmod(rows, size)
    if left > 1:
        return full + 1, left
    return max(1, full), min(rows, size)


def _statistics_rows(network: nn.Module, rows: int, smallest: int, steps: int) -> float:
    """How many rows the newest part of running statistics is a mean of, in units of how much of them it makes up.

    The momentum of a layer is that part: with 1 they are the last batch's alone. What one step makes is of all rows, as the rest is known.
    """
    parts = [
        layer.momentum for layer in network.modules() if isinstance(layer, _NormBase) and layer.track_running_stats
    ]
    # Without a momentum they are the mean of all batches.
    momentum = max((float(part) for part in parts if part is not None), default=0.0)
    return float(rows) if steps == 1 or not momentum else min(float(rows), smallest / momentum)


def _reach(hyperparameters: LayersHyperparameters, batches: int) -> float:
    """The sum of the rates of a round's steps, with what decay makes of them, of the round where it is largest."""
    optimizer = hyperparameters.make_optimizer([nn.Parameter(torch.zeros(2, 2))])
    scheduler = hyperparameters.make_scheduler(optimizer)
    # torch wants a step before the first one of a schedule.
    optimizer.step()
    [group] = optimizer.param_groups
    decay = decay_of(hyperparameters, group)
    epochs, rounds = hyperparameters.epochs, hyperparameters.rounds
    if isinstance(scheduler, lr_scheduler.ReduceLROnPlateau):
        # It only ever lowers it.
        return further(0.0, float(group["lr"]), decay, epochs * batches)
    ahead = min(epochs, _EPOCHS_AHEAD)
    largest = 0.0
    for _ in range(max(1, min(rounds, _EPOCHS_AHEAD // ahead))):
        total = 0.0
        for _ in range(ahead):
            total = further(total, float(group["lr"]), decay, batches)
            step(scheduler)
        # What is no number is above every limit.
        largest = math.inf if math.isnan(total) else max(largest, total)
    return largest * epochs / ahead
