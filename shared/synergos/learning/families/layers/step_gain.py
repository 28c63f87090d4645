"""How many times larger the steps of a run can be than their learning rates say, for gradients that are means over rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from synergos.learning.families.layers.hyperparameters import LayersHyperparameters
from synergos.learning.families.layers.torch_keys import numbers_in, own_key


def step_gain(hyperparameters: LayersHyperparameters, batch_rows: int, steps: int) -> float:
    """For a round of so many steps, each of so many rows; not finite where nothing bounds them."""
    found = float(batch_rows) if hyperparameters.reduction == "sum" else 1.0
    for name in ("weight", "pos_weight"):
        found *= max(1.0, _largest(hyperparameters, name, "criterion"))
    momentum = max(
        _largest(hyperparameters, "momentum", "optimizer"),
        *(_largest(hyperparameters, name, "lr_scheduler") for name in ("base_momentum", "max_momentum")),
    )
    # What is left of earlier steps adds up to 1 / (1 - momentum), and grows without end from 1 on.
    found *= 1 / (1 - momentum) if momentum < 1 else _power(momentum, steps)
    # A penalty's gradient is as large as it says, whatever the rows are.
    return found * max(1.0, hyperparameters.l1_lambda) * _of_optimizer(hyperparameters, max(1, steps))


def decay_of(hyperparameters: LayersHyperparameters, group: Mapping[str, Any]) -> float:
    """What part of the weights, or of what they have moved by, a step of rate 1 takes away.

    Args:
        group: of the run's optimizer.
    """
    said = sum(float(group.get(name, 0.0)) for name in ("weight_decay", "lambd"))
    return said + hyperparameters.l2_lambda + hyperparameters.pull


def further(reach: float, rate: float, decay: float, steps: int = 1) -> float:
    """How far steps along gradients of length 1 can have moved the weights, after some more of them.

    A step that takes away more than twice of what there is leaves more of it than there was, and so of what it had been moved by.
    """
    growth = max(1.0, abs(1 - rate * decay))
    grown = _power(growth, steps)
    added = float(steps) if growth == 1 else (grown - 1) / (growth - 1)
    return reach * grown + abs(rate) * added


def _of_optimizer(hyperparameters: LayersHyperparameters, steps: int) -> float:
    """What the optimizer's own arguments come to; those that divide by the size of gradients must have some of it left."""
    said: Mapping[str, Any] = hyperparameters.make_optimizer([nn.Parameter(torch.zeros(2, 2))]).param_groups[0]
    name = hyperparameters.optimizer
    if name == "SGD":
        return max(1.0, abs(1 - said["dampening"])) if said["momentum"] else 1.0
    if name == "RMSprop":
        return _at_most(_rmsprop(said["alpha"], steps, centered=said["centered"]), said["eps"])
    if name in {"Adam", "AdamW", "NAdam", "RAdam"}:
        first, second = map(float, said["betas"])
        return _at_most(max(_adam(first, second, each) for each in _some(steps)), said["eps"])
    if name == "Adamax":
        first, second = map(float, said["betas"])
        left = first / second if second else math.inf if first else 0.0
        return _at_most(max((1 - first) / (1 - first**each) * _sum(left, each) for each in _some(steps)), said["eps"])
    if name == "Rprop":
        least, most = (float(size) / float(said["lr"]) for size in said["step_sizes"])
        return max(1.0, least, min(_power(max(1.0, said["etas"][1]), steps), most))
    if name == "Adafactor":
        return max(1.0, float(said["eps"][1])) * max(1.0, float(said["d"]))
    if name == "ASGD":
        last = 1 + said["lambd"] * said["lr"] * steps
        return max(1.0, _power(last, -said["alpha"])) if last > 0 else math.inf
    return 1.0


def _rmsprop(alpha: float, steps: int, *, centered: bool) -> float:
    """A gradient by the root of what the mean of squares has of it; less the square of its mean when that is taken off."""
    new = 1 - alpha
    return _root(new * min(1.0, _power(alpha, steps), alpha) if centered else new)


def _adam(first: float, second: float, step: int) -> float:
    """The largest that a step can be, by Cauchy and Schwarz; see Kingma and Ba (2015), "Adam", section 2.1, for its usual betas."""
    mean = (1 - first) / (1 - first**step)
    squares = (1 - second**step) / (1 - second)
    return mean * math.sqrt(squares * _sum(first**2 / second if second else math.inf if first else 0.0, step))


def _some(steps: int) -> list[int]:
    return [*(2**power for power in range(steps.bit_length())), steps]


def _sum(ratio: float, terms: int) -> float:
    """1 + ratio + ratio^2 + ..., of so many terms."""
    if ratio == 1:
        return float(terms)
    return (_power(ratio, terms) - 1) / (ratio - 1) if math.isfinite(ratio) else math.inf if terms > 1 else 1.0


def _at_most(gain: float, eps: float) -> float:
    """Nothing is divided by less than the number that is added to what it is divided by."""
    return max(1.0, min(gain, 1 / eps if eps else math.inf))


def _root(share: float) -> float:
    return 1 / math.sqrt(share) if share > 0 else math.inf


def _largest(hyperparameters: LayersHyperparameters, name: str, role: str) -> float:
    """The largest number that the run says there, 0 when it says none."""
    values = (hyperparameters.extras.get(key) for key in (name, own_key(role, name)))
    return max((abs(each) for value in values for each in numbers_in(value)), default=0.0)


def _power(base: float, exponent: float) -> float:
    try:
        return float(base**exponent)
    except OverflowError:
        return math.inf
