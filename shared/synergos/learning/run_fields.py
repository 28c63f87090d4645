"""Checks of a run's keys, and the keys that every run has, whatever its model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from synergos.errors import InvalidRequest
from synergos.schema.json_schema import json_schema

_WORDS = {"integer": "an integer", "number": "a number", "boolean": "true or false", "string": "a string"}
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "string": str,
}


@dataclass(frozen=True)
class Check:
    """What a key of a run may hold.

    Attributes:
        kind: the type of it, as :mod:`synergos.schema` reads and documents it.
        several: whether it may be a list of such values as well.
    """

    kind: Any
    several: bool = False

    @cached_property
    def json_schema(self) -> Mapping[str, object]:
        """One value as JSON Schema."""
        return json_schema(self.kind)

    def __call__(self, name: str, value: object) -> None:
        """Refuse a value that it may not hold.

        Raises:
            InvalidRequest: names the key ``name``, and what was expected.
        """
        for one in value if self.several and isinstance(value, list) else [value]:
            try:
                # Of numpy's numbers the check is the same; msgspec only takes Python's.
                msgspec.convert(float(one) if isinstance(one, float) else one, self.kind)
            except msgspec.ValidationError:
                raise InvalidRequest(_expected(self.json_schema, one), name) from None


def check_field(name: str, value: object, checks: Mapping[str, Check]) -> None:
    """Refuse a value that the key ``name`` of a run cannot have; keys without a check may hold anything.

    Raises:
        InvalidRequest: names the key and what was expected.
    """
    check = checks.get(name)
    if check is not None:
        check(name, value)


def integer(smallest: int, largest: int = 2**31 - 1) -> Check:
    """Whole numbers in a range, both ends included."""
    return Check(Annotated[int, Meta(ge=smallest, le=largest)])


def number(smallest: float = 0.0, largest: float = 1e9, *, above: bool = False, below: bool = False) -> Check:
    """Finite numbers in a range, both ends included; the lower one not if ``above``, the upper one not if ``below``."""
    low = Meta(gt=smallest) if above else Meta(ge=smallest)
    return Check(Annotated[float, low, Meta(lt=largest) if below else Meta(le=largest)])


def one_of(*choices: str) -> Check:
    """One of some texts."""
    return Check(StrEnum("Choice", [(choice, choice) for choice in choices]))


boolean = Check(bool)
"""True or false."""
string = Check(str)
"""A text."""
sizes = Check(Annotated[int, Meta(ge=0, le=2**31 - 1)], several=True)
"""A size, or a list of them."""


def _expected(schema: Mapping[str, Any], value: object) -> str:
    """What a value should have been that its schema does not describe."""
    if "enum" in schema:
        return f"expected one of {', '.join(schema['enum'])}, got {_shown(value)}"
    kind = schema["type"]
    if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
        return f"expected {_WORDS[kind]}, got {_shown(value)}"
    if kind == "integer":
        return f"expected {schema['minimum']} to {schema['maximum']}, got {value!s:.80}"
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    least = f"at least {schema['minimum']:g}" if above is None else f"more than {above:g}"
    most = f"at most {schema['maximum']:g}" if below is None else f"less than {below:g}"
    return f"expected a number of {least} and {most}, got {value!s:.80}"


def _shown(value: object) -> str:
    return repr(value)[:80] if isinstance(value, bool | int | float | str) else type(value).__name__


GENERAL: Mapping[str, Check] = {
    "algorithm": string,
    "rounds": integer(1, 1_000_000),
    "epochs": integer(1, 1_000_000),
    "patience": integer(1),
    "min_participants": integer(1),
    "on_divergence": one_of("fail", "stop"),
    "seed": integer(-(2**63), 2**63 - 1),
    "mu": number(),
    "delta": number(),
    "precision_fractional": integer(0),
    "input_size": sizes,
    "output_size": sizes,
    "is_condensed": boolean,
    "is_snn": boolean,
    "use_CLR": boolean,
    "cumulative_delta": boolean,
}
"""The keys that mean the same whatever the model's family."""

IGNORED: Mapping[str, str] = {
    "is_condensed": "the original's client has it among its arguments; workers always train on all of their rows",
    "is_snn": "the original's client always sends it; networks are not split",
    "precision_fractional": "the original's client always sends it; numbers are not shared secretly",
    "input_size": "the original's records have it; sizes follow from the data",
    "output_size": "the original's records have it; sizes follow from the labels",
    "use_CLR": "the original's records have it; lr_scheduler names the schedule",
    "cumulative_delta": "the original's records have it; delta is measured against the best loss so far",
}
"""Keys that are known and without effect, and why they are taken all the same."""

ABOUT: Mapping[str, str] = {
    "algorithm": "How the participants' models become one in each round.",
    "rounds": "How often the participants' models are put together.",
    "epochs": "How often each participant goes through its own rows in a round.",
    "patience": "After how many epochs of a participant, or rounds of the grid, without improvement training stops.",
    "delta": "By how much a loss has to fall to count as an improvement.",
    "min_participants": "How many participants a round takes; it goes on without others that are lost. All of them where nothing is said.",
    "on_divergence": "Whether a training that diverges fails, or ends with the best round before it did.",
    "seed": "Of everything that is random: with the same seed and the same rows the same model comes out.",
    "mu": "FedProx: how strongly participants are held to the model they all began the round with.",
    "server_lr": "How far the server goes along what the participants have learnt.",
    "server_momentum": "How much of its last step the server keeps in the next one.",
    "beta1": "How much of the past the server's mean of steps keeps.",
    "beta2": "How much of the past the server's mean of squared steps keeps.",
    "tau": "What keeps the server's step from growing without bound where little has been learnt.",
}
"""One sentence on each key that has an effect whatever the model's family, and on each setting of an algorithm."""

ALWAYS_SENT = frozenset(
    {"batch_size", "criterion", "l1_lambda", "l2_lambda", "lr", "lr_decay", "lr_scheduler", "optimizer", "weight_decay"}
)
"""Keys that the client sends with every run, asked or not: a family that has no use for them takes them all the same."""

OTHER_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("learning_rate", "lrate", "eta", "eta0", "learning_rate_init", "step_size_init"), "lr"),
    **dict.fromkeys(("num_rounds", "n_rounds", "communication_rounds", "global_epochs", "comm_round"), "rounds"),
    **dict.fromkeys(("num_epochs", "n_epochs", "local_epochs", "max_iter", "iterations"), "epochs"),
    **dict.fromkeys(("bs", "minibatch", "minibatch_size", "train_batch_size"), "batch_size"),
    **dict.fromkeys(("loss", "loss_fn", "loss_function", "objective"), "criterion"),
    **dict.fromkeys(("scheduler", "schedule", "learning_rate_schedule", "lr_schedule"), "lr_scheduler"),
    **dict.fromkeys(("opt", "solver", "optimiser"), "optimizer"),
    **dict.fromkeys(("strategy", "aggregator", "aggregation", "fl_algorithm"), "algorithm"),
    **dict.fromkeys(("random_state", "random_seed", "manual_seed"), "seed"),
    **dict.fromkeys(("proximal_mu", "prox_mu"), "mu"),
    **dict.fromkeys(("min_delta", "tol", "tolerance"), "delta"),
    **dict.fromkeys(("early_stopping", "early_stopping_rounds", "n_iter_no_change"), "patience"),
    **dict.fromkeys(("min_clients", "min_fit_clients", "min_available_clients", "quorum"), "min_participants"),
    **dict.fromkeys(("l1", "l1_reg", "l1_ratio"), "l1_lambda"),
    **dict.fromkeys(("l2", "l2_reg", "weight_penalty"), "l2_lambda"),
    **dict.fromkeys(("decay", "lr_decay_rate", "decay_rate"), "lr_decay"),
    **dict.fromkeys(
        ("class_weight", "class_weights", "scale_pos_weight"),
        "weight with NLLLoss or CrossEntropyLoss, or pos_weight with BCEWithLogitsLoss",
    ),
}
"""What other programs call a key of a run."""
