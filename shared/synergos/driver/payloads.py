"""What is sent: values that JSON has, or one sentence about the one that it has not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from synergos.driver.errors import UsageError


def sendable(value: Any, place: str = "") -> Any:
    """A value as JSON has it: tuples as lists, numbers and arrays of numpy as numbers and lists.

    Args:
        place: where in the request it stands, as ``model[0].structure``.

    Raises:
        UsageError: JSON has no such value; names the place.
    """
    if isinstance(value, float) and not math.isfinite(value):
        raise UsageError(f"expected a finite number, got {value}", place or None)
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Mapping):
        return {
            _name(name, place): sendable(each, f"{place}.{name}" if place else name) for name, each in value.items()
        }
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return [sendable(each, f"{place}[{index}]") for index, each in enumerate(value)]
    # numpy's numbers and arrays, and those of torch and pandas, without any of them here.
    if callable(plain := getattr(value, "tolist", None)):
        return sendable(plain(), place)
    raise UsageError(f"expected {_expected(value)}, got a {type(value).__name__}", place or None)


def _name(name: object, place: str) -> str:
    if isinstance(name, str):
        return name
    raise UsageError(f"expected names as texts, got {name!r}", place or None)


def _expected(value: object) -> str:
    return "a list" if isinstance(value, AbstractSet) else "a text, a number, a list or a dict"
