"""The typed keys of a run, and what each may hold."""

from __future__ import annotations

import math
from collections.abc import Callable

from synergos.errors import InvalidRequest

Check = Callable[[str, object], None]


def check_field(name: str, value: object) -> None:
    """Refuse a value that the key ``name`` of a run cannot have; keys without a type of their own may hold anything.

    Raises:
        InvalidRequest: names the key and what was expected.
    """
    check = _CHECKS.get(name)
    if check is not None:
        check(name, value)


def _integer(smallest: int, largest: int = 2**31 - 1) -> Check:
    def check(name: str, value: object) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            raise InvalidRequest(f"expected an integer, got {_shown(value)}", name)
        if not smallest <= value <= largest:
            raise InvalidRequest(f"expected {smallest} to {largest}, got {value}", name)

    return check


def _number(smallest: float = 0.0, largest: float = 1e9, *, above: bool = False) -> Check:
    def check(name: str, value: object) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidRequest(f"expected a number, got {_shown(value)}", name)
        if not (math.isfinite(value) and smallest <= value <= largest) or (above and value == smallest):
            least = f"more than {smallest:g}" if above else f"at least {smallest:g}"
            raise InvalidRequest(f"expected a number of {least} and at most {largest:g}, got {value}", name)

    return check


def _boolean(name: str, value: object) -> None:
    if not isinstance(value, bool):
        raise InvalidRequest(f"expected true or false, got {_shown(value)}", name)


def _string(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise InvalidRequest(f"expected a string, got {_shown(value)}", name)


def _one_of(*choices: str) -> Check:
    def check(name: str, value: object) -> None:
        if value not in choices:
            raise InvalidRequest(f"expected one of {', '.join(choices)}, got {_shown(value)}", name)

    return check


def _sizes(name: str, value: object) -> None:
    """``input_size`` and ``output_size`` are stored and without effect; a list of sizes is what images have."""
    for size in value if isinstance(value, list) else [value]:
        _integer(0)(name, size)


def _shown(value: object) -> str:
    return repr(value)[:80] if isinstance(value, bool | int | float | str) else type(value).__name__


_CHECKS: dict[str, Check] = {
    "algorithm": _string,
    "optimizer": _string,
    "criterion": _string,
    "lr_scheduler": _string,
    "rounds": _integer(1, 1_000_000),
    "epochs": _integer(1, 1_000_000),
    "batch_size": _integer(1),
    "patience": _integer(1),
    "min_participants": _integer(1),
    "seed": _integer(-(2**63), 2**63 - 1),
    "precision_fractional": _integer(0),
    "input_size": _sizes,
    "output_size": _sizes,
    "step_size_up": _integer(1),
    "step_size_down": _integer(1),
    "step_size": _integer(1),
    "last_epoch": _integer(-1),
    "lr": _number(above=True),
    "base_lr": _number(),
    "max_lr": _number(),
    "lr_decay": _number(),
    "weight_decay": _number(),
    "mu": _number(),
    "l1_lambda": _number(),
    "l2_lambda": _number(),
    "delta": _number(),
    "dampening": _number(),
    "gamma": _number(),
    "base_momentum": _number(),
    "max_momentum": _number(),
    "momentum": _number(),
    "is_condensed": _boolean,
    "is_snn": _boolean,
    "use_CLR": _boolean,
    "cycle_momentum": _boolean,
    "cumulative_delta": _boolean,
    "reduction": _one_of("none", "mean", "sum"),
    "mode": _one_of("triangular", "triangular2", "exp_range", "min", "max"),
    "scale_mode": _one_of("cycle", "iterations"),
}

TYPED_FIELDS = frozenset(_CHECKS)
"""The keys of a run that have a type of their own."""
