"""Which keys of a run go to its optimizer, its loss and its schedule: an argument's name, or ``<which of the three>.<argument>``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from synergos.errors import InvalidRequest
from synergos.finite import is_number
from synergos.learning.families.layers import torch_names
from synergos.learning.families.layers.constructor_arguments import parameters_of, tuples

MAKERS: Mapping[str, Callable[[object], type]] = {
    "optimizer": torch_names.optimizer_class,
    "criterion": torch_names.criterion_class,
    "lr_scheduler": torch_names.scheduler_class,
}
"""The keys that name a class of torch, and how it is looked up."""

# Set elsewhere (the reduction, the schedule's position), functions, or long deprecated.
_NEVER_FORWARDED = frozenset({"reduction", "last_epoch", "lr_lambda", "scale_fn", "size_average", "reduce"})
_OURS = frozenset({"params", "optimizer"})
"""Arguments that are no values: what is optimised, and by what."""


def own_key(role: str, argument: str) -> str:
    """The key that gives an argument to one of the three alone."""
    return f"{role}.{argument}"


def role_of(key: str) -> str | None:
    """Whose argument a key says to be; None for a plain one."""
    role, dot, _ = key.partition(".")
    return role if dot and role in MAKERS else None


def argument_in(key: str) -> str:
    """The argument that a key is about, whether or not it says whose."""
    return key if role_of(key) is None else key.partition(".")[2]


def arguments_of(kind: type) -> frozenset[str]:
    """What a run can say to a class of torch."""
    return frozenset(parameters_of(kind)) - _NEVER_FORWARDED - _OURS


def keys_of(role: str, kind: type) -> frozenset[str]:
    """The keys of a run that say something to a class of torch."""
    arguments = arguments_of(kind)
    own = {own_key(role, argument) for argument in arguments}
    return arguments | own | ({"reduction", own_key(role, "reduction")} if role == "criterion" else set())


def takers(role: str, argument: str) -> list[str]:
    """The classes that a run could name there and that take an argument of that name."""
    return [name for name, kind in torch_names.usable(role).items() if argument in arguments_of(kind)]


def said_to(role: str, kind: type, extras: Mapping[str, object]) -> dict[str, tuple[str, Any]]:
    """What a run says to a class of torch: by argument the key and the value. A key that says whose it is goes before a plain one."""
    plain = {name: name for name in extras if name in arguments_of(kind)}
    own = {name: key for name in arguments_of(kind) if (key := own_key(role, name)) in extras}
    return {name: (key, _for_torch(key, extras[key])) for name, key in {**plain, **own}.items()}


def numbers_in(value: object) -> list[float]:
    """The numbers that a value of a run is, or has in its lists."""
    if isinstance(value, list | tuple):
        return [number for each in value for number in numbers_in(each)]
    return [float(value)] if isinstance(value, int | float) and not isinstance(value, bool) else []


def _for_torch(key: str, value: object) -> Any:
    if argument_in(key) in {"weight", "pos_weight"} and isinstance(value, list):
        if not all(map(is_number, value)):
            raise InvalidRequest("expected a list of numbers, one per class", key)
        return torch.tensor(value, dtype=torch.float32)
    return tuples(value)
