"""Checks of a run's keys, and the keys that every run has, whatever its model."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from synergos.errors import InvalidRequest

Check = Callable[[str, object], None]
"""Given a key and its value; raises :class:`InvalidRequest`, which names the key and what was expected."""


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

    def check(name: str, value: object) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            raise InvalidRequest(f"expected an integer, got {_shown(value)}", name)
        if not smallest <= value <= largest:
            raise InvalidRequest(f"expected {smallest} to {largest}, got {value}", name)

    return check


def number(smallest: float = 0.0, largest: float = 1e9, *, above: bool = False, below: bool = False) -> Check:
    """Finite numbers in a range, both ends included; the lower one not if ``above``, the upper one not if ``below``."""

    def check(name: str, value: object) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidRequest(f"expected a number, got {_shown(value)}", name)
        outside = not (math.isfinite(value) and smallest <= value <= largest)
        if outside or (above and value == smallest) or (below and value == largest):
            least = f"more than {smallest:g}" if above else f"at least {smallest:g}"
            most = f"less than {largest:g}" if below else f"at most {largest:g}"
            raise InvalidRequest(f"expected a number of {least} and {most}, got {value}", name)

    return check


def boolean(name: str, value: object) -> None:
    """True or false."""
    if not isinstance(value, bool):
        raise InvalidRequest(f"expected true or false, got {_shown(value)}", name)


def string(name: str, value: object) -> None:
    """A text."""
    if not isinstance(value, str):
        raise InvalidRequest(f"expected a string, got {_shown(value)}", name)


def one_of(*choices: str) -> Check:
    """One of some texts."""

    def check(name: str, value: object) -> None:
        if value not in choices:
            raise InvalidRequest(f"expected one of {', '.join(choices)}, got {_shown(value)}", name)

    return check


def sizes(name: str, value: object) -> None:
    """A size, or a list of them."""
    for size in value if isinstance(value, list) else [value]:
        integer(0)(name, size)


def _shown(value: object) -> str:
    return repr(value)[:80] if isinstance(value, bool | int | float | str) else type(value).__name__


GENERAL: Mapping[str, Check] = {
    "algorithm": string,
    "rounds": integer(1, 1_000_000),
    "epochs": integer(1, 1_000_000),
    "patience": integer(1),
    "min_participants": integer(1),
    "seed": integer(-(2**63), 2**63 - 1),
    "mu": number(),
    "delta": number(),
    # Stored and without effect: the original's client sends them.
    "precision_fractional": integer(0),
    "input_size": sizes,
    "output_size": sizes,
    "is_condensed": boolean,
    "is_snn": boolean,
    "use_CLR": boolean,
    "cumulative_delta": boolean,
}
"""The keys that mean the same whatever the model's family."""
