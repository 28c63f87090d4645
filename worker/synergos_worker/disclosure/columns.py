"""What may be told of one column: a range that enough rows lie on both sides of, counts of enough rows, levels that enough rows have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from synergos.domain.preparation import Sums
from synergos_worker.disclosure import rounding

Bounds = tuple[float | None, float | None]
"""The smallest and the largest value that a column can have, as its owner declares them; None where that is not said."""

NOTHING = Sums(0, 0.0, 0.0, 0.0)
"""The statistics of a column that too few rows have a cell in."""


def count_shown(count: int, minimum: int) -> int:
    """A number of rows to three digits; 0 where they are too few."""
    return int(rounding.nearest(count)) if count >= minimum else 0


def levels_shown(counts: Mapping[str, int], minimum: int, listed: Sequence[str] | None) -> tuple[str, ...]:
    """The levels of a category that may be told: those its owner lists, else those that enough rows have.

    Args:
        counts: rows by level, in order of the levels.
    """
    if listed is not None:
        return tuple(listed)
    return tuple(level for level, count in counts.items() if count >= minimum)


def is_identifier(counts: Mapping[str, int], rows: int) -> bool:
    """Whether a category tells rows apart rather than putting them together: it has more levels than half its rows."""
    return 2 * sum(1 for count in counts.values() if count) > rows


def sums_shown(cells: NDArray[np.float64], minimum: int, bounds: Bounds = (None, None)) -> Sums:
    """Count, sum and range of a numeric column as far as they may be told.

    Args:
        cells: (N,), NaN where one is missing.
    """
    present = cells[~np.isnan(cells)]
    if len(present) < minimum:
        return NOTHING
    low, high = bounds
    if low is None or high is None:
        lowest, highest = _range(present, minimum)
        low, high = (lowest if low is None else low), (highest if high is None else high)
    total = rounding.nearest(float(present.sum()))
    return Sums(count_shown(len(present), minimum), total, low, high)


def _range(present: NDArray[np.float64], minimum: int) -> tuple[float, float]:
    """The values that ``minimum`` rows lie below and above, rounded outwards.

    Where there are too few rows for both, the median is all that may be told: the range is then from 0 to twice of it.
    """
    count = len(present)
    places = (minimum, count - 1 - minimum)
    if places[0] > places[1]:
        median = float(np.median(present))
        ends = (0.0, 2 * median) if median else (-1.0, 1.0)
        return rounding.down(min(ends)), rounding.up(max(ends))
    ordered = np.partition(present, places)
    return rounding.down(float(ordered[places[0]])), rounding.up(float(ordered[places[1]]))
