"""A run's hyperparameters for a network of layers, able to build torch's optimizer, loss and scheduler."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, ClassVar, Self, TypeVar

import torch
from torch import nn
from torch.optim import Optimizer, lr_scheduler
from torch.optim.lr_scheduler import LRScheduler

from synergos.domain.feature_space import Action
from synergos.errors import InvalidRequest
from synergos.finite import is_number
from synergos.learning.families.layers import torch_names
from synergos.learning.families.layers.architecture_overrides import check_override, overrides
from synergos.learning.families.layers.constructor_arguments import (
    check_arguments,
    construct,
    parameters_of,
    sole,
)
from synergos.learning.families.layers.optimizers import uncompiled
from synergos.learning.families.layers.run_fields import CHECKS, IGNORED
from synergos.learning.families.layers.torch_keys import (
    MAKERS,
    argument_in,
    arguments_of,
    keys_of,
    numbers_in,
    own_key,
    role_of,
    said_to,
    takers,
)
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
_NEVER_NEGATIVE = _OF_NUMBERS - {"PoissonNLLLoss"} | {"BCELoss", "BCEWithLogitsLoss", "CrossEntropyLoss", "NLLLoss"}
_NAMED_AT_MOST = 6
_CYCLES = ("base_lr", "max_lr")
"""Keys that mean ``CyclicLR`` where no schedule is named: so does the original's client."""


@dataclass(frozen=True)
class LayersHyperparameters(Hyperparameters):
    """What a run asked for that trains a network of layers.

    Attributes:
        batch_size: rows per step; ``None`` is all rows of the participant.
        lr_decay: of ``LambdaLR``: the rate is ``lr / (1 + lr_decay * epoch)``.
        extras: every other key of the run, forwarded to the constructors of optimizer, loss and scheduler that take it;
            ``criterion.delta`` to that of the loss alone.
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
    lr_scheduler: str = "ConstantLR"

    @classmethod
    def from_run(cls, run: Mapping[str, object], action: Action | None = None) -> Self:
        """Read a run record or request; keys that are null count as absent.

        Args:
            action: what the project does, when known: the default loss of a regression is ``MSELoss``.

        Raises:
            InvalidRequest: names the field and what was expected.
        """
        found = super().from_run(run)
        for name in overrides(found.extras):
            check_override(name)
        said = {
            name: found.extras[key] for name in ("lr", "weight_decay") if (key := f"optimizer.{name}") in found.extras
        }
        found = replace(found, **said, lr_scheduler=_schedule_meant(run))
        if found.lr_scheduler == "ConstantLR" and not found._says("lr_scheduler", "factor", "total_iters"):
            # torch would begin with five epochs at a third of the rate. It is said to workers too, whatever their default is.
            found = replace(found, extras={**found.extras, "factor": 1.0})
        torch_names.optimizer_class(found.optimizer)
        torch_names.scheduler_class(found.lr_scheduler)
        torch_names.criterion_class(found.criterion)
        return replace(found, criterion=found.criterion_for(action)) if action else found

    @property
    def loss(self) -> str:
        """The criterion, how it is reduced, and what else is said to it."""
        said = said_to("criterion", torch_names.criterion_class(self.criterion), self.extras)
        arguments = [f"{name}={self.extras[key]}" for name, (key, _) in sorted(said.items())]
        return ", ".join([self.criterion, str(self._reduction), *arguments])

    @property
    def least_loss(self) -> float | None:
        """0, unless the loss or a weight of it can be negative."""
        weights = [value for key, value in self.extras.items() if key.split(".")[-1] in {"weight", "pos_weight"}]
        if weights or self.criterion not in _NEVER_NEGATIVE:
            return None
        return 0.0

    @property
    def reduction(self) -> str:
        """How a batch's losses become one number for the gradient; ``none`` is a mean too."""
        return "sum" if self._reduction == "sum" else "mean"

    @property
    def _reduction(self) -> str | None:
        found: str | None = self.extras.get("criterion.reduction", self.extras.get("reduction"))
        return found

    def steps(self, rows: int) -> int:
        """One for each batch."""
        return 1 if self.batch_size is None else max(1, math.ceil(rows / self.batch_size))

    def _says(self, role: str, *arguments: str) -> bool:
        """Whether the run says one of these arguments, to one of the three or to all of them."""
        return any(key in self.extras for name in arguments for key in (name, own_key(role, name)))

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
        return self._optimizer_of(params=list(parameters))

    @cached_property
    def _optimizer_of(self) -> Callable[..., Optimizer]:
        # Looked up once: each round has an optimizer of its own, and nothing that it is made of has changed.
        kind = torch_names.optimizer_class(self.optimizer)
        # The penalty and weight decay are the same thing said twice.
        own = {"lr": self.lr, "weight_decay": 0.0 if self.l2_lambda else self.weight_decay}
        return self._maker(kind, own, "optimizer", "params", build=uncompiled(kind))

    def make_criterion(self, reduction: str, action: Action | None = None) -> nn.Module:
        """The loss as a module; ``reduction`` is torch's."""
        name = self.criterion_for(action) if action else self.criterion
        return self._maker(torch_names.criterion_class(name), {"reduction": reduction}, "criterion")()

    def make_scheduler(self, optimizer: Optimizer) -> LRScheduler:
        """A scheduler at epoch 0, to be stepped once per epoch.

        Raises:
            InvalidRequest: torch refuses it, or it would raise a rate that it is there to lower.
        """
        kind = torch_names.scheduler_class(self.lr_scheduler)
        if kind is lr_scheduler.ReduceLROnPlateau:
            self._check_lowering(kind)
        return self._maker(kind, self._schedule(kind), "lr_scheduler", "optimizer")(optimizer=optimizer)

    def _schedule(self, kind: type[LRScheduler]) -> dict[str, object]:
        """What a scheduler is given when the run does not say."""
        if kind is lr_scheduler.LambdaLR:
            return {"lr_lambda": _decay(self.lr_decay)}
        # torch would drive SGD's momentum up and down although nobody asked for any.
        asking = {"momentum": "optimizer", "base_momentum": "lr_scheduler", "max_momentum": "lr_scheduler"}
        momentum = any(self.extras.get(key) for name, role in asking.items() for key in (name, own_key(role, name)))
        if kind is lr_scheduler.CyclicLR:
            return {"base_lr": self.lr / 2, "max_lr": self.lr * 5, "cycle_momentum": momentum}
        if kind is lr_scheduler.OneCycleLR:
            length = {} if self._says("lr_scheduler", "steps_per_epoch") else {"total_steps": self.rounds * self.epochs}
            return {**length, "cycle_momentum": momentum}
        return {}

    def _check_lowering(self, kind: type[LRScheduler]) -> None:
        """Refuse what torch would take, and by which the rate grows, or goes below zero."""
        for name, (key, value) in said_to("lr_scheduler", kind, self.extras).items():
            if name == "factor" and is_number(value) and not 0 < value < 1:
                raise InvalidRequest(f"expected a number between 0 and 1 for {kind.__name__}, got {value}", key)
            if name in {"min_lr", "eps"} and not all(each >= 0 for each in numbers_in(value)):
                raise InvalidRequest(f"expected no number below 0 for {kind.__name__}, got {value}", key)

    def _why_unused(self, name: str, action: Action | None, known: Iterable[str]) -> InvalidRequest:
        if (of_another := of_another_algorithm(name, self.algorithm)) is not None:
            return of_another
        role = role_of(name)
        taking = {each: takers(each, argument_in(name)) for each in MAKERS if role in {None, each}}
        if not any(taking.values()):
            return unknown_key(name, known, CHECKS)
        fitting = _OF_NUMBERS if action is Action.REGRESS else torch_names.usable("criterion")
        reasons = []
        for field, names in taking.items():
            fit = [each for each in names if field != "criterion" or each in fitting]
            would = f"{' or '.join(fit[:_NAMED_AT_MOST])} would" if fit else "nor would any that fits the project"
            reasons += [f"{getattr(self, field)} does not take it, {would} ({field})"] if names else []
        return InvalidRequest("; ".join(reasons), name)

    def _maker(
        self, kind: type[T], own: Mapping[str, object], role: str, *given: str, build: type[T] | None = None
    ) -> Callable[..., T]:
        """What makes a ``kind`` of arguments that are checked here; ``given`` are the names of those that come with each one."""
        parameters = {name: each for name, each in parameters_of(kind).items() if name not in given}
        said = said_to(role, kind, self.extras)
        arguments = {name: value for name, value in own.items() if name in parameters}
        arguments |= {name: value for name, (_, value) in said.items()}
        keys = {name: said[name][0] if name in said else name for name in arguments}
        check_arguments(arguments, parameters, kind.__name__, lambda name: keys.get(name, name))
        names = {name: key for name, key in keys.items() if name not in {"lr_lambda", "reduction"}}
        otherwise = sole({name: key for name, (key, _) in said.items()}, role)

        def make(**rest: Any) -> T:
            return construct(lambda: (build or kind)(**rest, **arguments), kind.__name__, names, otherwise)

        return make


def check_run(run: Mapping[str, object], action: Action | None = None) -> None:
    """Refuse a run that could not train: everything torch will build is built once, on a parameter made for it.

    Raises:
        InvalidRequest: names the field and what was expected.
    """
    found = LayersHyperparameters.from_run(run, action)
    parameter = nn.Parameter(torch.zeros(2, 2))
    parameter.grad = torch.ones(2, 2)
    optimizer = found.make_optimizer([parameter])
    names = {argument_in(key): key for key in found.extras}
    scheduler = found.make_scheduler(optimizer)
    construct(optimizer.step, found.optimizer, names, "optimizer")
    construct(lambda: step_scheduler(scheduler, 1.0), found.lr_scheduler, names, "lr_scheduler")
    found.make_criterion("mean", action)
    if isinstance(scheduler, lr_scheduler.OneCycleLR) and scheduler.total_steps < found.rounds * found.epochs:
        reason = f"expected at least rounds * epochs = {found.rounds * found.epochs}"
        raise InvalidRequest(reason, names.get("total_steps", names.get("steps_per_epoch", "total_steps")))


def run_fields(choices: Mapping[str, Iterable[object]]) -> frozenset[str]:
    """What a run can say: its own fields, and the arguments of what it is trained with.

    Args:
        choices: the values that each key can have, of those that are known; the others have their defaults.
    """
    known = {each.name for each in fields(LayersHyperparameters)} - {"extras"} | IGNORED.keys()
    defaults = {"lr_scheduler": _schedule_meant(choices)} if "lr_scheduler" not in choices else {}
    for role in MAKERS:
        for name in choices.get(role, [defaults.get(role, getattr(LayersHyperparameters, role))]):
            kind = torch_names.usable(role).get(str(name or "LambdaLR"))
            known |= keys_of(role, kind) if kind else frozenset()
    return general_fields(choices) | known


def unused(run: Mapping[str, object], action: Action | None = None) -> dict[str, InvalidRequest]:
    """The keys of a run that its optimizer, loss and scheduler make nothing of, and why each would be refused.

    Args:
        run: one that :func:`check_run` has found nothing wrong with.
    """
    given = given_in(run)
    found = LayersHyperparameters.from_run(run, action)
    known = run_fields({name: [value] for name, value in given.items()})
    left = [name for name in left_over(given, known) if not overrides([name])]
    why = {name: found._why_unused(name, action, known) for name in left}
    for name in given.keys() - why.keys():
        instead = _said_more_closely(name, found)
        if instead and name not in {each.name for each in fields(LayersHyperparameters)}:
            why[name] = InvalidRequest(f"is said by {' and '.join(instead)}", name)
    if found.criterion == "HuberLoss" and found.delta and "criterion.delta" not in given:
        text = "is early stopping's; HuberLoss has criterion.delta, which is 1 when it is not said"
        why["delta"] = InvalidRequest(text, "delta")
    return why


def _said_more_closely(name: str, found: LayersHyperparameters) -> list[str]:
    """The keys that take the place of a plain one at each class that would take it; none while it is of use to one of them."""
    taking = [role for role, look_up in MAKERS.items() if name in arguments_of(look_up(getattr(found, role)))]
    own = [own_key(role, name) for role in taking]
    return own if all(key in found.extras for key in own) else []


def _schedule_meant(said: Mapping[str, object]) -> str:
    """The schedule that a run names, or means by what else it says."""
    name = said.get("lr_scheduler")
    if name is None:
        return "CyclicLR" if any(said.get(key) is not None for key in _CYCLES) else LayersHyperparameters.lr_scheduler
    # The original's client sends "" for the scheduler it calls LambdaLR elsewhere.
    return str(name) or "LambdaLR"


def actions_of(criterion: str) -> list[Action]:
    """What projects that can have a loss do."""
    # The client always sends BCELoss, which means another one in a regression.
    is_of_numbers = criterion in _OF_NUMBERS or criterion == LayersHyperparameters.criterion
    return [Action.CLASSIFY, Action.REGRESS] if is_of_numbers else [Action.CLASSIFY]


def step_scheduler(scheduler: LRScheduler, loss: float) -> None:
    """One epoch is over; a plateau scheduler looks at its loss."""
    if isinstance(scheduler, lr_scheduler.ReduceLROnPlateau):
        scheduler.step(loss)
    else:
        scheduler.step()


def _decay(rate: float) -> Callable[[int], float]:
    return lambda epoch: 1 / (1 + rate * epoch)
