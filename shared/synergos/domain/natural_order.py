"""The order of levels and classes: the same for a participant's table and for the whole grid."""

from __future__ import annotations

import math
from collections.abc import Iterable


def natural_order(levels: Iterable[str]) -> list[str]:
    """Levels once each: numbers first, by value, then everything else by code point.

    It is one order for all levels there can be, so that the levels of a table come in the same order as in the union.
    """
    return sorted(set(levels), key=_rank)


def _rank(level: str) -> tuple[float, str]:
    try:
        number = float(level)
    except ValueError:
        return math.inf, level
    return (number if math.isfinite(number) and "_" not in level else math.inf), level
