"""Numbers with few significant digits: no more of them cross than are needed."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from synergos.domain.catalogue import FEW_ROWS, PublishedRows

EXTREME_DIGITS = 2
COUNT_DIGITS = 3


def down(value: float) -> float:
    """The nearest number at or below a value that has two significant digits."""
    return _rounded(value, EXTREME_DIGITS, ROUND_FLOOR)


def up(value: float) -> float:
    """The nearest number at or above a value that has two significant digits."""
    return _rounded(value, EXTREME_DIGITS, ROUND_CEILING)


def nearest(value: float) -> float:
    """A count or sum to three significant digits."""
    return _rounded(value, COUNT_DIGITS, ROUND_HALF_EVEN)


def rows_shown(count: int, minimum: int) -> PublishedRows:
    """About how many rows there are: to tens, and to two significant digits from a thousand on; few of them are said to be few."""
    if count < minimum:
        return PublishedRows(fewer_than=minimum)
    step = 10 if count < 1000 else 10 ** (len(str(count)) - EXTREME_DIGITS)
    return PublishedRows(about=max(FEW_ROWS, (count + step // 2) // step * step))


def _rounded(value: float, digits: int, rounding: str) -> float:
    if value == 0 or not math.isfinite(value):
        return value
    # The shortest decimal that means the same float: 0.29 has two digits, not the 53 bits behind it.
    exact = Decimal(repr(value))
    step = Decimal(1).scaleb(exact.adjusted() - digits + 1)
    found = float((exact / step).to_integral_value(rounding) * step)
    return found if math.isfinite(found) else value
