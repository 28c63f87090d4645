"""The typed keys of a run that trains a network of layers, and what each may hold."""

from __future__ import annotations

from collections.abc import Mapping

from synergos.learning.run_fields import ABOUT as ABOUT_EVERYWHERE
from synergos.learning.run_fields import GENERAL, Check, boolean, integer, number, one_of, string
from synergos.learning.run_fields import IGNORED as IGNORED_EVERYWHERE

_ARGUMENTS: Mapping[str, Check] = {
    "step_size_up": integer(1),
    "step_size_down": integer(1),
    "step_size": integer(1),
    "lr": number(above=True),
    "base_lr": number(),
    "max_lr": number(),
    "weight_decay": number(),
    "dampening": number(),
    "gamma": number(),
    "base_momentum": number(),
    "max_momentum": number(),
    "momentum": number(),
    "cycle_momentum": boolean,
    "reduction": one_of("none", "mean", "sum"),
    "mode": one_of("triangular", "triangular2", "exp_range", "min", "max"),
    "scale_mode": one_of("cycle", "iterations"),
}
"""Those that are arguments of torch's optimizers, losses and schedulers."""

CHECKS: Mapping[str, Check] = {
    **GENERAL,
    **_ARGUMENTS,
    **{
        f"{role}.{name}": check
        for role in ("optimizer", "criterion", "lr_scheduler")
        for name, check in _ARGUMENTS.items()
    },
    "optimizer": string,
    "criterion": string,
    "lr_scheduler": string,
    "batch_size": integer(1),
    "last_epoch": integer(-1),
    "lr_decay": number(),
    "l1_lambda": number(),
    "l2_lambda": number(),
    # What is called like a key of the run, and is another thing.
    "criterion.delta": number(above=True),
    "lr_scheduler.patience": integer(0),
    "lr_scheduler.epochs": integer(1),
    "lr_scheduler.steps_per_epoch": integer(1),
}
"""Those of every run, and of torch's optimizers, losses and schedulers."""

COMMON = ("algorithm", "rounds", "epochs", "batch_size", "lr", "optimizer", "criterion", "lr_scheduler")
"""The keys that most runs say something of, in the order of a form."""

ABOUT: Mapping[str, str] = {
    **ABOUT_EVERYWHERE,
    "batch_size": "How many rows a step takes; all of a participant's at once where nothing is said.",
    "lr": "How far each step goes: the learning rate.",
    "weight_decay": "How strongly the optimizer pulls weights towards zero.",
    "lr_decay": "How fast LambdaLR lowers the learning rate.",
    "l1_lambda": "Weight of the penalty on the sizes of weights, which makes many of them zero.",
    "l2_lambda": "Weight of the penalty on the squares of weights, which keeps them small.",
    "optimizer": "What turns gradients into steps.",
    "criterion": "The loss: what training makes small. BCELoss means MSELoss in a regression.",
    "lr_scheduler": "How the learning rate changes from epoch to epoch.",
}
"""One sentence on each key that has an effect."""

IGNORED: Mapping[str, str] = {
    **IGNORED_EVERYWHERE,
    "last_epoch": "the original's records have it; a round knows itself which epoch its schedule has come to",
}
"""Keys that are known and without effect, and why they are taken all the same."""
