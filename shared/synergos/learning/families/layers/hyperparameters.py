"""A run's hyperparameters for a network of layers, able to build torch's optimizer, loss and scheduler."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Self, TypeVar

import torch
from torch import nn
from torch.optim import Optimizer, lr_scheduler
from torch.optim.lr_scheduler import LRScheduler

from synergos.domain.feature_space import Action
from synergos.errors import InvalidRequest
from synergos.learning.families.layers import torch_names
from synergos.learning.families.layers.architecture_overrides import check_override, overrides
from synergos.learning.families.layers.constructor_arguments import (
    check_arguments,
    construct,
    parameters_of,
    sole,
    tuples,
)
from synergos.learning.families.layers.optimizers import uncompiled
from synergos.learning.families.layers.run_fields import CHECKS, IGNORED
from synergos.learning.hyperparameters import (
    Hyperparameters,
    general_fields,
    given_in,
    left_over,
    of_another_algorithm,
    unknown_key,
)
from synergos.learning.run_fields import Check

T = TypeVar("T")

_OF_NUMBERS = frozenset({"HuberLoss", "L1Loss", "MSELoss", "PoissonNLLLoss", "SmoothL1Loss"})
"""The losses that a regression can have."""
# Set elsewhere (the reduction, the schedule's position), functions, or long deprecated.
_NEVER_FORWARDED = frozenset({"reduction", "last_epoch", "lr_lambda", "scale_fn", "size_average", "reduce"})
_OURS = frozenset({"params", "optimizer"})
"""Arguments that are no values: what is optimised, and by what."""
_NAMED_AT_MOST = 6
_MAKERS: Mapping[str, Callable[[object], type]] = {
    "optimizer": torch_names.optimizer_class,
    "criterion": torch_names.criterion_class,
    "lr_scheduler": torch_names.scheduler_class,
}


@dataclass(frozen=True)
class LayersHyperparameters(Hyperparameters):
    """What a run asked for that trains a network of layers.

    Attributes:
        batch_size: rows per step; ``None`` is all rows of the participant.
        lr_decay: of ``LambdaLR``: the rate is ``lr / (1 + lr_decay * epoch)``.
        extras: every other key of the run, forwarded to the constructors of optimizer, loss and scheduler that take it.
    """

    checks: ClassVar[Mapping[str, Check]] = CHECKS

    batch_size: int | None = None
    lr: float = 0.001
    weight_decay: float = 0.0
    lr_decay: float = 0.1
    l1_lambda: float = 0.0
    l2_lambda: float = 0.0
    optimizer: str = "SGD"
    criterion: str = "BCELoss"
    lr_scheduler: str = "CyclicLR"

    @classmethod
    def from_run(cls, run: Mapping[str, Any], action: Action | None = None) -> Self:
        """Read a run record or request; keys that are null count as absent.

        Args:
            action: what the project does, when known: the default loss of a regression is ``MSELoss``.

        Raises:
            InvalidRequest: names the field and what was expected.
        """
        found = super().from_run(run)
        for name in overrides(found.extras):
            check_override(name)
        # The original's client sends "" for the scheduler it calls LambdaLR elsewhere.
        found = replace(found, lr_scheduler=found.lr_scheduler or "LambdaLR")
        torch_names.optimizer_class(found.optimizer)
        torch_names.scheduler_class(found.lr_scheduler)
        torch_names.criterion_class(found.criterion)
        return replace(found, criterion=found.criterion_for(action)) if action else found

    @property
    def loss(self) -> str:
        """The criterion, and how it is reduced."""
        return f"{self.criterion}, {self.extras.get('reduction')}"

    @property
    def reduction(self) -> str:
        """How a batch's losses become one number for the gradient; ``none`` is a mean too."""
        return "sum" if self.extras.get("reduction") == "sum" else "mean"

    def criterion_for(self, action: Action) -> str:
        """The loss for that kind of project: the client always sends ``BCELoss``, which a regression cannot mean.

        Raises:
            InvalidRequest: the loss needs classes or probabilities, and the project has none.
        """
        if action is Action.CLASSIFY:
            return self.criterion
        if self.criterion == "BCELoss":
            return "MSELoss"
        if self.criterion not in _OF_NUMBERS:
            raise InvalidRequest(
                f"{self.criterion} is of classes or probabilities; a project that regresses can have "
                f"{', '.join(sorted(_OF_NUMBERS))}",
                "criterion",
            )
        return self.criterion

    def make_optimizer(self, parameters: Iterable[nn.Parameter]) -> Optimizer:
        """A fresh optimizer over ``parameters``."""
        kind = torch_names.optimizer_class(self.optimizer)
        # The penalty and weight decay are the same thing said twice.
        own = {"lr": self.lr, "weight_decay": 0.0 if self.l2_lambda else self.weight_decay}
        return self._build(kind, own, "optimizer", build=uncompiled(kind), params=list(parameters))

    def make_criterion(self, reduction: str, action: Action | None = None) -> nn.Module:
        """The loss as a module; ``reduction`` is torch's."""
        name = self.criterion_for(action) if action else self.criterion
        return self._build(torch_names.criterion_class(name), {"reduction": reduction}, "criterion")

    def make_scheduler(self, optimizer: Optimizer) -> LRScheduler:
        """A scheduler at epoch 0, to be stepped once per epoch."""
        kind = torch_names.scheduler_class(self.lr_scheduler)
        return self._build(kind, self._schedule(kind), "lr_scheduler", optimizer=optimizer)

    def _schedule(self, kind: type[LRScheduler]) -> dict[str, Any]:
        """What a scheduler is given when the run does not say."""
        if kind is lr_scheduler.LambdaLR:
            return {"lr_lambda": _decay(self.lr_decay)}
        # torch would drive SGD's momentum up and down although nobody asked for any.
        momentum = any(self.extras.get(name) for name in ("momentum", "base_momentum", "max_momentum"))
        if kind is lr_scheduler.CyclicLR:
            return {"base_lr": self.lr / 2, "max_lr": self.lr * 5, "cycle_momentum": momentum}
        if kind is lr_scheduler.OneCycleLR:
            return {"total_steps": self.rounds * self.epochs, "cycle_momentum": momentum}
        return {}

    def _why_unused(self, name: str, action: Action | None, known: Iterable[str]) -> InvalidRequest:
        if (of_another := of_another_algorithm(name, self.algorithm)) is not None:
            return of_another
        takers = {field: _takers(field, name) for field in _MAKERS}
        if not any(takers.values()):
            return unknown_key(name, known, CHECKS)
        fitting = _OF_NUMBERS if action is Action.REGRESS else torch_names.usable("criterion")
        reasons = []
        for field, names in takers.items():
            fit = [each for each in names if field != "criterion" or each in fitting]
            would = f"{' or '.join(fit[:_NAMED_AT_MOST])} would" if fit else "nor would any that fits the project"
            reasons += [f"{getattr(self, field)} does not take it, {would} ({field})"] if names else []
        return InvalidRequest("; ".join(reasons), name)

    def _build(
        self, kind: type[T], own: Mapping[str, Any], where: str, build: type[T] | None = None, **positional: Any
    ) -> T:
        parameters = parameters_of(kind)
        forwarded = {
            name: _for_torch(name, value)
            for name, value in self.extras.items()
            if name in parameters and name not in _NEVER_FORWARDED
        }
        arguments = {name: value for name, value in own.items() if name in parameters} | forwarded
        check_arguments(arguments | positional, parameters, kind.__name__, lambda name: name)
        names = {name: name for name in arguments if name not in {"lr_lambda", "reduction"}}
        otherwise = sole({name: name for name in forwarded}, where)
        return construct(lambda: (build or kind)(**positional, **arguments), kind.__name__, names, otherwise)


def check_run(run: Mapping[str, Any], action: Action | None = None) -> None:
    """Refuse a run that could not train: everything torch will build is built once, on a parameter made for it.

    Raises:
        InvalidRequest: names the field and what was expected.
    """
    found = LayersHyperparameters.from_run(run, action)
    parameter = nn.Parameter(torch.zeros(2, 2))
    parameter.grad = torch.ones(2, 2)
    optimizer = found.make_optimizer([parameter])
    names = {name: name for name in found.extras}
    scheduler = found.make_scheduler(optimizer)
    construct(optimizer.step, found.optimizer, names, "optimizer")
    construct(lambda: step_scheduler(scheduler, 1.0), found.lr_scheduler, names, "lr_scheduler")
    found.make_criterion("mean", action)
    total = found.extras.get("total_steps")
    if isinstance(scheduler, lr_scheduler.OneCycleLR) and total is not None and total < found.rounds * found.epochs:
        raise InvalidRequest(f"expected at least rounds * epochs = {found.rounds * found.epochs}", "total_steps")


def run_fields(choices: Mapping[str, Iterable[object]]) -> frozenset[str]:
    """What a run can say: its own fields, and the arguments of what it is trained with.

    Args:
        choices: the values that each key can have, of those that are known; the others have their defaults.
    """
    known = {each.name for each in fields(LayersHyperparameters)} - {"extras"} | IGNORED.keys() | {"reduction"}
    for field in _MAKERS:
        for name in choices.get(field, [getattr(LayersHyperparameters, field)]):
            known |= _arguments_of(torch_names.usable(field).get(str(name or "LambdaLR")))
    return general_fields(choices) | known


def unused(run: Mapping[str, Any], action: Action | None = None) -> dict[str, InvalidRequest]:
    """The keys of a run that its optimizer, loss and scheduler make nothing of, and why each would be refused.

    Args:
        run: one that :func:`check_run` has found nothing wrong with.
    """
    given = given_in(run)
    found = LayersHyperparameters.from_run(run, action)
    known = run_fields({name: [value] for name, value in given.items()})
    left = [name for name in left_over(given, known) if not overrides([name])]
    why = {name: found._why_unused(name, action, known) for name in left}
    if found.criterion == "HuberLoss" and found.delta:
        text = (
            "is early stopping's, and HuberLoss has its own 1 here; SmoothL1Loss with beta is the same but for a factor"
        )
        why["delta"] = InvalidRequest(text, "delta")
    return why


def _arguments_of(kind: type | None) -> frozenset[str]:
    """What a run can say to a class of torch."""
    return frozenset(parameters_of(kind)) - _NEVER_FORWARDED - _OURS if kind else frozenset()


def _takers(field: str, name: str) -> list[str]:
    """The classes that a run could name there and that take an argument of that name."""
    return [each for each, kind in torch_names.usable(field).items() if name in _arguments_of(kind)]


def step_scheduler(scheduler: LRScheduler, loss: float) -> None:
    """One epoch is over; a plateau scheduler looks at its loss."""
    if isinstance(scheduler, lr_scheduler.ReduceLROnPlateau):
        scheduler.step(loss)
    else:
        scheduler.step()


def _decay(rate: float) -> Callable[[int], float]:
    return lambda epoch: 1 / (1 + rate * epoch)


def _for_torch(name: str, value: Any) -> Any:
    if name in {"weight", "pos_weight"} and isinstance(value, list):
        if not all(isinstance(one, int | float) and not isinstance(one, bool) and math.isfinite(one) for one in value):
            raise InvalidRequest("expected a list of numbers, one per class", name)
        return torch.tensor(value, dtype=torch.float32)
    return tuples(value)
