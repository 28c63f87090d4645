"""The vocabulary of a kind of model, for whoever makes forms of it: what can be said, with defaults, bounds and one sentence each."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from synergos.learning.algorithms import ALGORITHMS
from synergos.learning.algorithms.settings import settings_of
from synergos.learning.run_fields import ABOUT, Check


class Argument(Struct, frozen=True, kw_only=True):
    """Something that can be said, and what it means.

    Attributes:
        description: one sentence, or None where nobody has written one.
        schema: what it may hold, as JSON Schema; empty where that is not known.
        default: what holds where it is not said; absent where there is no such value, or it has no form in JSON.
        is_required: whether it has to be said.
        is_common: whether most people who say anything say this.
    """

    name: str
    description: str | None
    schema: Mapping[str, object]
    default: Any = UNSET
    is_required: bool = False
    is_common: bool = False


class Part(Struct, frozen=True, kw_only=True):
    """Something that can be named: an algorithm, a loss, a layer.

    Attributes:
        arguments: what can be said to it.
        actions: what projects have to do that it can be used for; absent where that is the same for all.
        paper: where it is from.
    """

    name: str
    description: str | None
    arguments: Sequence[Argument] = ()
    actions: Sequence[str] | UnsetType = UNSET
    paper: str | UnsetType = UNSET


class FamilyVocabulary(Struct, frozen=True, kw_only=True):
    """What an experiment of one family, and a run of it, can say.

    Attributes:
        hyperparameters: of a run, the common ones first.
        roles: by the hyperparameter that names one of them, what it can name: ``optimizer``, ``criterion``, ``lr_scheduler``.
        layers: what an architecture is made of, if it is made of layers.
        activations: what can be applied after one.
    """

    hyperparameters: Sequence[Argument]
    roles: Mapping[str, Sequence[Part]] = {}
    layers: Sequence[Part] = ()
    activations: Sequence[str] = ()


def arguments_of(
    checks: Mapping[str, Check],
    defaults: Mapping[str, object],
    about: Mapping[str, str],
    choices: Mapping[str, Sequence[str]],
    common: Sequence[str],
) -> list[Argument]:
    """The hyperparameters that runs have whatever they name, the common ones first, then in the order of their defaults.

    Args:
        checks: what each may hold.
        defaults: by name, of those there are.
        about: one sentence for each of them.
        choices: of those that name something, what.
        common: the names of the common ones.
    """
    names = [*common, *(name for name in defaults if name not in common)]
    return [
        Argument(
            name=name,
            description=about[name],
            schema={"type": "string", "enum": list(choices[name])} if name in choices else checks[name].json_schema,
            default=defaults[name],
            is_common=name in common,
        )
        for name in names
    ]


def algorithm_parts() -> list[Part]:
    """The federated algorithms with their settings."""
    return [_algorithm(name) for name in ALGORITHMS.names]


def _algorithm(name: str) -> Part:
    algorithm = ALGORITHMS.get(name, "algorithm")
    settings = [
        Argument(
            name=setting, description=ABOUT[setting], schema=check.json_schema, default=getattr(algorithm, setting)
        )
        for setting, check in settings_of(algorithm).items()
    ]
    # Its file says what it does, in the words of its paper; the class how it does it.
    about = first_sentence(sys.modules[algorithm.__module__].__doc__) or name
    about = about.partition(": ")[2] or about
    return Part(name=name, description=about[:1].upper() + about[1:], arguments=settings, paper=algorithm.paper)


def first_sentence(text: str | None) -> str | None:
    """The beginning of a docstring, in one line."""
    paragraph = " ".join((text or "").strip().partition("\n\n")[0].split())
    end = paragraph.find(". ")
    return (paragraph if end < 0 else paragraph[: end + 1]) or None


def plain_default(value: object) -> Any:
    """A default as JSON has it; UNSET where it has no form there."""
    if isinstance(value, tuple | list):
        items = [plain_default(each) for each in value]
        return UNSET if UNSET in items else items
    if value is None or isinstance(value, bool | int | str):
        return value
    return value if isinstance(value, float) and math.isfinite(value) else UNSET
