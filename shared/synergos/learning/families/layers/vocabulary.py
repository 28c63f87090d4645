"""What an experiment of layers and its runs can say: what torch has, as far as it can be used here, by what its signatures say."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import fields
from functools import cache

from msgspec import UNSET
from torch import nn

from synergos.learning.algorithms import ALGORITHMS
from synergos.learning.families.layers import torch_names
from synergos.learning.families.layers.constructor_arguments import Parameter, parameters_of
from synergos.learning.families.layers.hyperparameters import LayersHyperparameters, actions_of
from synergos.learning.families.layers.layer_checks import layer_parameters
from synergos.learning.families.layers.run_fields import ABOUT, CHECKS, COMMON, IGNORED
from synergos.learning.families.layers.torch_keys import MAKERS, arguments_of
from synergos.learning.vocabulary import Argument, FamilyVocabulary, Part, first_sentence, plain_default
from synergos.learning.vocabulary import arguments_of as hyperparameters_of

_MARKUP = re.compile(r":\w+:`([^`]*)`|\*\*|`+|\[\d+\]_")
_BY_CLASS: Mapping[str, object] = {"type": "array", "items": {"type": "number"}}
"""A number for each class: torch has a tensor there."""
_OUR_DEFAULTS = {("ConstantLR", "factor"): 1.0}
"""Where nothing said means something else here than it does to torch."""
_NOT_SAID = frozenset({"inplace", "sparse", "batch_first"})
"""Arguments of layers that have one right value here, whatever is asked."""


@cache
def vocabulary() -> FamilyVocabulary:
    """All of it; what torch has does not change while a program runs."""
    roles = {role: [_named(role, name, kind) for name, kind in torch_names.usable(role).items()] for role in MAKERS}
    choices = {"algorithm": ALGORITHMS.names, **{role: [part.name for part in parts] for role, parts in roles.items()}}
    defaults = {
        each.name: each.default for each in fields(LayersHyperparameters) if each.name not in {"extras", *IGNORED}
    }
    return FamilyVocabulary(
        hyperparameters=hyperparameters_of(CHECKS, defaults, ABOUT, choices, COMMON),
        roles=roles,
        layers=[_layer(name, kind) for name, kind in torch_names.layers().items()],
        activations=torch_names.activations(),
    )


def _named(role: str, name: str, kind: type) -> Part:
    """An optimizer, a loss or a schedule: what a run says of it beside its own keys."""
    own = {each.name for each in fields(LayersHyperparameters)}
    parameters = parameters_of(kind)
    said = [
        _argument(name, parameters[argument], role) for argument in parameters if argument in arguments_of(kind) - own
    ]
    actions = [action.value for action in actions_of(name)] if role == "criterion" else UNSET
    return Part(name=name, description=_about(kind), arguments=said, actions=actions)


def _layer(name: str, kind: type[nn.Module]) -> Part:
    parameters = layer_parameters(kind)
    said = [_argument(name, each) for argument, each in parameters.items() if argument not in _NOT_SAID]
    return Part(name=name, description=_about(kind), arguments=said)


def _argument(owner: str, parameter: Parameter, role: str | None = None) -> Argument:
    check = None if role is None else CHECKS.get(f"{role}.{parameter.name}")
    schema: Mapping[str, object] = parameter.json_schema if check is None else check.json_schema
    default = _OUR_DEFAULTS.get((owner, parameter.name), parameter.default)
    return Argument(
        name=parameter.name,
        description=None,
        schema=_BY_CLASS if parameter.name in {"weight", "pos_weight"} else schema,
        default=UNSET if parameter.required else plain_default(default),
        is_required=parameter.required,
    )


def _about(kind: type) -> str | None:
    """What torch says of one of its classes, as far as that is a sentence without its formulas and marks."""
    said = _MARKUP.sub(lambda found: found.group(1) or "", first_sentence(inspect.getdoc(kind)) or "")
    return said if said.endswith(".") and "\\" not in said else None
