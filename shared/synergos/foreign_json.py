"""Fields of JSON of others as what is looked for there; nothing, or none, where they are something else."""

from __future__ import annotations

from collections.abc import Mapping


def mapping(value: object) -> Mapping[str, object]:
    """An object."""
    return value if isinstance(value, Mapping) else {}


def items(value: object) -> list[object]:
    """A list."""
    return value if isinstance(value, list) else []


def objects(value: object) -> list[Mapping[str, object]]:
    """The objects of a list."""
    return [each for each in items(value) if isinstance(each, Mapping)]


def texts(value: object) -> list[str]:
    """What a list has, as texts."""
    return [str(each) for each in items(value)]


def text(value: object) -> str | None:
    """A text."""
    return value if isinstance(value, str) else None


def number(value: object) -> float | None:
    """A number."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def whole(value: object) -> int | None:
    """A whole number."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None
