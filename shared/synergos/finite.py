"""Numbers that others said: in JSON an integer may have any number of digits, and not all of them fit into a float."""

from __future__ import annotations

import math
from typing import TypeGuard


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether it is a number, and no truth value, that a float can hold: neither infinite nor longer than that."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
